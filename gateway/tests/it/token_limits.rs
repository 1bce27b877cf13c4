//! `llm-token-limit` and `azure-openai-token-limit`, whole requests on paused
//! time; the published runs of specification 4.3 among them.

use std::time::Duration;

use http_body_util::BodyExt as _;

use crate::models::{Clock, cost, gateway};
use crate::support::{Answer, Bench, post};

const NAMES: &str = "remaining-tokens-header-name='x-remaining' tokens-consumed-header-name='x-consumed' remaining-quota-tokens-header-name='x-quota'";

fn limit(attributes: &str) -> String {
    format!("<azure-openai-token-limit counter-key='k' {attributes} {NAMES} />")
}

fn reported(attributes: &str) -> String {
    limit(&format!("estimate-prompt-tokens='false' {attributes}"))
}

fn told(answer: &Answer) -> (u16, Option<&str>, Option<&str>) {
    (answer.status, answer.header("x-remaining"), answer.header("retry-after"))
}

#[tokio::test(start_paused = true)]
async fn the_published_run_of_a_classic_gateway() {
    let bench = gateway(&reported("tokens-per-minute='100'"), "", "");
    let clock = Clock::start();
    clock.at(2.0).await;
    let first = cost(&bench, 59).await;
    assert_eq!((told(&first), first.header("x-consumed")), ((200, Some("41"), None), Some("59")));
    clock.at(18.0).await;
    assert_eq!(told(&cost(&bench, 55).await), (200, Some("0"), None));
    clock.at(33.0).await;
    insta::assert_snapshot!(cost(&bench, 50).await.golden(), @r#"
    429
    content-type: application/json
    x-remaining: 0
    retry-after: 29
    x-error: OpenAITokenLimitExceeded: Token limit is exceeded. Try again in 29 seconds.
    content-length: 85

    { "statusCode": 429, "message": "Token limit is exceeded. Try again in 29 seconds." }
    "#);
    clock.at(48.0).await;
    assert_eq!(told(&cost(&bench, 50).await), (429, Some("0"), Some("14")));
    clock.at(63.0).await;
    assert_eq!(told(&cost(&bench, 50).await), (200, Some("0"), None));
}

#[tokio::test(start_paused = true)]
async fn the_published_runs_of_v2_gateways() {
    let v2 = "[gateway]\ntier = \"v2\"";
    let bench = gateway(&reported("tokens-per-minute='300'"), "", v2);
    let clock = Clock::start();
    assert_eq!(told(&cost(&bench, 262).await), (200, Some("38"), None));
    clock.at(2.0).await;
    assert_eq!(told(&cost(&bench, 255).await), (200, Some("0"), None));
    clock.at(2.5).await;
    assert_eq!(told(&cost(&bench, 10).await), (429, Some("0"), Some("41")));
    let bench = gateway(&reported("tokens-per-minute='10'"), "", v2);
    let clock = Clock::start();
    assert_eq!(told(&cost(&bench, 40).await), (200, Some("0"), None));
    clock.at(0.1).await;
    assert_eq!(told(&cost(&bench, 40).await), (429, Some("0"), Some("180")));
    clock.at(180.2).await;
    assert_eq!(told(&cost(&bench, 1).await), (200, Some("0"), None));
}

/// A prompt of 14 tokens, by recordings.
const QUESTION: &str = r#""model": "gpt-4o", "messages": [{"role": "user", "content": "What is the capital of France?"}]"#;

async fn ask(bench: &Bench, more: &str) -> Answer {
    bench.post("/api/x", &format!("{{{QUESTION}{more}}}")).await
}

#[tokio::test(start_paused = true)]
async fn an_estimated_prompt_must_fit() {
    let policy = limit(
        "estimate-prompt-tokens='true' tokens-per-minute='40' tokens-consumed-variable-name='spent' retry-after-variable-name='wait'",
    );
    let inbound = format!(
        "{policy}<set-variable name='before' value='@(context.Variables[\"spent\"].ToString())' />"
    );
    let outbound = r#"<set-header name="x-spent"><value>@(context.Variables["before"] + " " + context.Variables["spent"])</value></set-header>"#;
    let bench = gateway(&inbound, outbound, "");
    let clock = Clock::start();
    let first = ask(&bench, ", \"cost\": 30").await;
    assert_eq!((told(&first), first.header("x-spent")), ((200, Some("10"), None), Some("14 30")));
    // 14 do not fit into 10.
    clock.at(20.0).await;
    assert_eq!(told(&ask(&bench, "").await), (429, Some("10"), Some("40")));
    // A call that cost less than its estimate gives back the rest; one the
    // backend refused gives back all.
    clock.at(60.0).await;
    assert_eq!(told(&ask(&bench, ", \"cost\": 5").await), (200, Some("35"), None));
    assert_eq!(told(&ask(&bench, ", \"status\": 429").await), (429, Some("35"), None));
    // Without usage the estimate stays.
    assert_eq!(told(&ask(&bench, "").await), (200, Some("21"), None));
    let never = gateway(&limit("estimate-prompt-tokens='true' tokens-per-minute='13'"), "", "");
    assert_eq!(told(&ask(&never, "").await), (429, Some("13"), Some("60")));
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_estimated_to_its_end_and_not_held_back() {
    let bench = gateway(&reported("tokens-per-minute='100'"), "", "");
    let body = format!(
        r#"{{{QUESTION}, "stream": true, "texts": ["Paris is", " the capital", " of France."], "usage": {{"total_tokens": 1000}}}}"#
    );
    let answer = bench.send(post("/api/x", &body)).await;
    assert_eq!(answer.headers()["x-remaining"], "86");
    assert_eq!(answer.headers()["x-consumed"], "14");
    let started = tokio::time::Instant::now();
    let mut body_ = answer.into_body();
    body_.frame().await.unwrap().unwrap();
    assert_eq!(started.elapsed(), Duration::from_secs(1));
    body_.collect().await.unwrap();
    // 14 + 7 ("Paris is the capital of France."), whatever `usage` says.
    assert_eq!(told(&cost(&bench, 1).await), (200, Some("78"), None));
    // A client that goes away pays for what was streamed.
    let answer = bench.send(post("/api/x", &body)).await;
    let mut body = answer.into_body();
    body.frame().await.unwrap().unwrap();
    drop(body);
    assert_eq!(told(&cost(&bench, 1).await), (200, Some("61"), None));
}

#[tokio::test(start_paused = true)]
async fn what_nobody_reports_on_is_not_held_in_memory_but_counted() {
    let policy =
        "<llm-token-limit counter-key='k' tokens-per-minute='50' estimate-prompt-tokens='false' />";
    let bench = gateway(policy, "", "");
    assert_eq!(cost(&bench, 49).await.status, 200);
    assert_eq!(cost(&bench, 49).await.status, 200);
    let refused = cost(&bench, 1).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("60")));
}

#[tokio::test(start_paused = true)]
async fn a_quota_has_the_calendars_periods() {
    let bench = gateway(&reported("token-quota='100' token-quota-period='Hourly'"), "", "");
    let clock = Clock::start();
    clock.at(2_307.0).await;
    let first = cost(&bench, 70).await;
    assert_eq!((first.status, first.header("x-quota")), (200, Some("30")));
    assert_eq!(cost(&bench, 70).await.header("x-quota"), Some("0"));
    insta::assert_snapshot!(cost(&bench, 1).await.golden(), @r#"
    403
    content-type: application/json
    x-quota: 0
    retry-after: 1293
    x-error: OpenAITokenQuotaExceeded: Token quota is exceeded. Try again in 21 minutes and 33 seconds.
    content-length: 100

    { "statusCode": 403, "message": "Token quota is exceeded. Try again in 21 minutes and 33 seconds." }
    "#);
    clock.at(3_600.0).await;
    assert_eq!(cost(&bench, 1).await.header("x-quota"), Some("99"));
}

#[tokio::test(start_paused = true)]
async fn a_call_refused_by_its_quota_leaves_the_rate_alone() {
    let policy = limit(
        "estimate-prompt-tokens='true' tokens-per-minute='1000' token-quota='20' token-quota-period='Daily'",
    );
    let bench = gateway(&policy, "", "");
    let first = ask(&bench, ", \"cost\": 14").await;
    assert_eq!((told(&first), first.header("x-quota")), ((200, Some("986"), None), Some("6")));
    assert_eq!(ask(&bench, "").await.status, 403);
    let other = bench.post("/api/x", "{\"cost\": 2}").await;
    assert_eq!((told(&other), other.header("x-quota")), ((200, Some("984"), None), Some("4")));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_never_reached_a_model_costs_nothing() {
    let policy = limit("estimate-prompt-tokens='true' tokens-per-minute='100'");
    let early = r#"<choose><when condition="@(context.Request.Headers.ContainsKey("x-early"))"><return-response /></when></choose>"#;
    let bench = gateway(&format!("{policy}{early}"), "", "");
    let body = format!("{{{QUESTION}}}");
    let answer = crate::models::with_header(&bench, "x-early", "1", &body).await;
    assert_eq!(told(&answer), (200, Some("86"), None));
    assert_eq!(told(&cost(&bench, 1).await), (200, Some("99"), None));
}
