//! Limits and quotas.

use std::time::Duration;

use super::{document, each_way};
use crate::models::{Clock, cost, gateway};
use crate::support::{Backend, Bench, post};

/// A gateway in front of a model, with these policies in inbound.
fn limited(inbound: &str, setting: &str) -> Bench {
    gateway(inbound, "", &format!("[settings]\n{setting}"))
}

fn postponed(calls: u32) -> String {
    format!(
        "<rate-limit-by-key counter-key='k' calls='{calls}' renewal-period='60' increment-condition='@(context.Response.StatusCode == 200)' />"
    )
}

#[tokio::test(start_paused = true)]
async fn calls_under_way_with_a_limit_that_counts_later() {
    each_way(
        "postponed_calls",
        &[("\"free\"", "200 200 429"), ("\"reserved\"", "200 429 429")],
        async |setting| {
            let bench = limited(&postponed(1), setting);
            let (first, second) = tokio::join!(cost(&bench, 5), cost(&bench, 5));
            let third = cost(&bench, 5).await;
            format!("{} {} {}", first.status, second.status, third.status)
        },
    )
    .await;
}

const RESERVED: &str = "postponed_calls = \"reserved\"";

#[tokio::test(start_paused = true)]
async fn a_reservation_ends_with_its_call() {
    let bench = limited(&postponed(2), RESERVED);
    let mut statuses = Vec::new();
    for body in [r#"{"status": 400}"#, r#"{"status": 400}"#, "{}", "{}", "{}"] {
        statuses.push(bench.post("/api/x", body).await.status);
    }
    assert_eq!(statuses, [400, 400, 200, 200, 429]);
}

#[tokio::test(start_paused = true)]
async fn a_reservation_ends_with_its_client() {
    let document = document(&postponed(1), "<forward-request />", "", "");
    let bench = super::gateway(&document, "", RESERVED, &Backend::default());
    // The backend takes 10 ms.
    let gone = tokio::time::timeout(Duration::from_millis(5), bench.post("/api/x", "")).await;
    assert!(gone.is_err());
    assert_eq!(bench.post("/api/x", "").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_a_rate_limit_refused() {
    for policy in [
        "<rate-limit-by-key counter-key='k' calls='1' renewal-period='10' />",
        "<rate-limit calls='1' renewal-period='10' />",
    ] {
        each_way(
            "refused_calls",
            &[("\"not_counted\"", "200 429 4 200"), ("\"counted\"", "200 429 10 429")],
            async |setting| {
                let bench = limited(policy, setting);
                let clock = Clock::start();
                let first = cost(&bench, 5).await.status;
                clock.at(6.0).await;
                let refused = cost(&bench, 5).await;
                clock.at(11.0).await;
                let third = cost(&bench, 5).await.status;
                let wait = refused.header("retry-after").unwrap_or("-");
                format!("{first} {} {wait} {third}", refused.status)
            },
        )
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn calls_that_slip_past_a_limit() {
    for policy in [
        "<rate-limit-by-key counter-key='k' calls='2' renewal-period='60' remaining-calls-header-name='x-left' />",
        "<rate-limit calls='2' renewal-period='60' remaining-calls-header-name='x-left' />",
    ] {
        each_way(
            "limit_slack_calls",
            &[("0", "200:1 200:0 429:0 429:0"), ("1", "200:1 200:0 200:0 429:0")],
            async |setting| {
                let bench = limited(policy, setting);
                let mut told = Vec::new();
                for _ in 0..4 {
                    let answer = cost(&bench, 5).await;
                    told.push(format!("{}:{}", answer.status, answer.header("x-left").unwrap()));
                }
                told.join(" ")
            },
        )
        .await;
    }
}

const TOKENS: &str = "<llm-token-limit counter-key='k' estimate-prompt-tokens='false'";

#[tokio::test(start_paused = true)]
async fn the_reason_of_a_token_quota() {
    let quota = format!("{TOKENS} token-quota='10' token-quota-period='Hourly' />");
    each_way(
        "token_quota_reason",
        &[
            ("\"OpenAITokenQuotaExceeded\"", "403 OpenAITokenQuotaExceeded"),
            ("\"OpenAITokenLimitExceeded\"", "403 OpenAITokenLimitExceeded"),
            ("\"QuotaExceeded\"", "403 QuotaExceeded"),
        ],
        async |setting| {
            let bench = limited(&quota, setting);
            cost(&bench, 20).await;
            let refused = cost(&bench, 20).await;
            let error = refused.header("x-error").unwrap_or("-");
            format!("{} {}", refused.status, error.split(':').next().unwrap_or("-"))
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_estimate_of_a_call_that_failed() {
    let limit =
        "<llm-token-limit counter-key='k' estimate-prompt-tokens='true' tokens-per-minute='3' />";
    each_way(
        "failed_estimates",
        &[("\"returned\"", "400 400"), ("\"counted\"", "400 429")],
        async |setting| {
            let bench = limited(limit, setting);
            // Two tokens.
            let body = r#"{"status": 400, "prompt": "12345678"}"#;
            let first = bench.post("/api/x", body).await.status;
            format!("{first} {}", bench.post("/api/x", body).await.status)
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_week_of_a_token_quota() {
    let quota = format!("{TOKENS} token-quota='10' token-quota-period='Weekly' />");
    // Virtual time begins on a Thursday.
    each_way(
        "token_quota_week",
        &[("\"monday\"", "4 days"), ("\"sunday\"", "3 days")],
        async |setting| {
            let bench = limited(&quota, setting);
            cost(&bench, 20).await;
            let refused = cost(&bench, 20).await;
            let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
            format!("{} days", seconds.div_ceil(86_400))
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_periods_of_a_quota() {
    // Seven hours: a period that has no edge at midnight.
    let quota = "<quota calls='1' renewal-period='25200' />";
    each_way(
        "quota_start",
        &[("\"gateway_start\"", "25200"), ("\"epoch\"", "18000")],
        async |setting| {
            let bench = limited(quota, setting);
            cost(&bench, 5).await;
            cost(&bench, 5).await.header("retry-after").unwrap_or("-").to_owned()
        },
    )
    .await;
}

/// The status after a call with a body of so many bytes, answered with 19.
async fn after_bytes(bytes: usize, setting: &str) -> String {
    let quota = "<quota bandwidth='1' renewal-period='3600' />";
    let document = document(quota, "<forward-request />", "", "");
    let bench = super::gateway(&document, "", setting, &Backend::default());
    let first = bench.answer(post("/api/x", &"x".repeat(bytes))).await;
    assert_eq!((first.status, first.body.len()), (200, 19));
    bench.answer(post("/api/x", "")).await.status.to_string()
}

#[tokio::test(start_paused = true)]
async fn the_bytes_of_a_kilobyte() {
    each_way("quota_kilobyte", &[("\"1024\"", "200"), ("\"1000\"", "403")], async |setting| {
        after_bytes(990, setting).await
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn headers_and_bandwidth() {
    each_way(
        "quota_bandwidth",
        &[("\"bodies\"", "200"), ("\"messages\"", "403")],
        async |setting| after_bytes(980, setting).await,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn when_headers_of_limits_are_there() {
    let limit = "<rate-limit-by-key counter-key='k' calls='2' renewal-period='60' remaining-calls-header-name='x-left' />";
    let outbound = "<set-header name='x-left' exists-action='delete' />";
    each_way(
        "limit_headers",
        &[("\"before_outbound\"", "None"), ("\"after_outbound\"", "Some(\"1\")")],
        async |setting| {
            let bench = gateway(limit, outbound, &format!("[settings]\n{setting}"));
            format!("{:?}", cost(&bench, 5).await.header("x-left"))
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn remaining_calls_and_the_present_one() {
    let limit = postponed(3).replace("/>", "remaining-calls-header-name='x-left' />");
    each_way("remaining_after_postponed", &[("false", "3 2"), ("true", "2 1")], async |setting| {
        let bench = limited(&limit, setting);
        let first = cost(&bench, 5).await;
        let second = cost(&bench, 5).await;
        [first, second].map(|answer| answer.header("x-left").unwrap().to_owned()).join(" ")
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_pipeline_that_ends_early() {
    let early = format!("{}<return-response />", postponed(1));
    each_way("count_early_ends", &[("true", "200 429"), ("false", "200 200")], async |setting| {
        let bench = limited(&early, setting);
        let first = cost(&bench, 5).await.status;
        format!("{first} {}", cost(&bench, 5).await.status)
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn how_tokens_are_counted() {
    let limit = "<llm-token-limit counter-key='k' estimate-prompt-tokens='true' tokens-per-minute='100' remaining-tokens-variable-name='left' /><return-response><set-body>@(context.Variables[\"left\"].ToString())</set-body></return-response>";
    let body = r#"{"model": "gpt-4o", "messages": [{"role": "user", "content": "What is the capital of France?"}]}"#;
    each_way(
        "token_estimator",
        &[("\"by_model\"", "86"), ("\"characters\"", "85")],
        async |setting| limited(limit, setting).post("/api/x", body).await.body,
    )
    .await;
}
