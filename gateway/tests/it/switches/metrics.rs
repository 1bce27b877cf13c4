//! What metrics say.

use http_body_util::BodyExt as _;

use super::each_way;
use crate::models::{cost, gateway};
use crate::support::post;

const EMIT: &str = "<llm-emit-token-metric><dimension name='API ID' /></llm-emit-token-metric>";

#[tokio::test(start_paused = true)]
async fn token_metrics_without_usage() {
    each_way(
        "token_metrics_without_usage",
        &[("\"estimated\"", "2 -"), ("\"none\"", "- -"), ("\"zero\"", "0 0")],
        async |setting| {
            let bench = gateway(EMIT, "", &format!("[settings]\n{setting}"));
            let stream = r#"{"stream": true, "texts": ["12345678"]}"#;
            bench.post("/api/x", stream).await;
            bench.post("/api/x", "{}").await;
            let total = |number| {
                let metrics = bench.record(number).metrics;
                let total = metrics.iter().find(|metric| metric.name == "Total Tokens");
                total.map_or("-".to_owned(), |metric| metric.value.to_string())
            };
            format!("{} {}", total(1), total(2))
        },
    )
    .await;
    // A usage that is there is told, whatever the setting.
    let bench = gateway(EMIT, "", "[settings]\ntoken_metrics_without_usage = \"zero\"");
    cost(&bench, 12).await;
    assert_eq!(bench.record(1).metrics[0].value.to_string(), "12");
}

#[tokio::test(start_paused = true)]
async fn when_dimensions_are_evaluated() {
    let emit = "<llm-emit-token-metric><dimension name='Backend ID' /><dimension name='status' value='@(context.Response.StatusCode.ToString())' /></llm-emit-token-metric><set-backend-service backend-id='b1' />";
    each_way(
        "token_metric_dimensions",
        &[("\"split\"", "b1 200"), ("\"at_policy\"", " 200"), ("\"at_emission\"", "b1 201")],
        async |setting| {
            let bench = gateway(emit, "", &format!("[settings]\n{setting}"));
            bench.post("/api/x", r#"{"cost": 5, "status": 201}"#).await;
            let dimensions = bench.record(1).metrics[0].dimensions.clone();
            format!("{} {}", dimensions["Backend ID"], dimensions["status"])
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_dimension_that_does_not_apply() {
    let emit = "<emit-metric name='m'><dimension name='User ID' /><dimension name='API ID' /></emit-metric>";
    each_way(
        "absent_dimension",
        &[("\"empty\"", "User ID=, API ID=test"), ("\"omitted\"", "API ID=test")],
        async |setting| {
            let bench = gateway(emit, "", &format!("[settings]\n{setting}"));
            cost(&bench, 5).await;
            let all = bench.record(1).metrics[0].dimensions.clone();
            let all: Vec<_> = all.iter().map(|(name, value)| format!("{name}={value}")).collect();
            all.join(", ")
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn token_metrics_of_a_client_that_went_away() {
    each_way(
        "token_metrics_client_gone",
        &[("\"so_far\"", "2"), ("\"none\"", "-")],
        async |setting| {
            let bench = gateway(EMIT, "", &format!("[settings]\n{setting}"));
            let stream = r#"{"stream": true, "texts": ["12345678", "never sent"]}"#;
            let mut response = bench.send(post("/api/x", stream)).await;
            response.body_mut().frame().await.unwrap().unwrap();
            drop(response);
            let metrics = bench.record(1).metrics;
            let total = metrics.iter().find(|metric| metric.name == "Total Tokens");
            total.map_or("-".to_owned(), |metric| metric.value.to_string())
        },
    )
    .await;
}
