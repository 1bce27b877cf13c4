//! Limits by era over the API: what recordings show, and every switch.

use serde_json::json;

use crate::support::{Answer, Bench, CHAT, ms};

fn deployment(more: &str) -> String {
    format!(r#"{{ name = "chat", {more}, latency = {{ profile = "zero" }} }}"#)
}

fn limits(answer: &Answer) -> String {
    let mut lines: Vec<String> = answer
        .headers
        .iter()
        .filter(|(name, _)| name.as_str().starts_with("x-ratelimit"))
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    lines.sort();
    lines.join("\n")
}

fn chat(text: &str) -> String {
    json!({"messages": [{"role": "user", "content": text}], "max_tokens": 300}).to_string()
}

/// az-chat-stream-2025: 2,500 RPM and 250,000 TPM; 11 tokens taken, whatever the maximum.
#[tokio::test(start_paused = true)]
async fn azure_2025_is_as_recorded() {
    let bench = Bench::new(&deployment(
        r#"model = "gpt-4o-mini", tpm = 250000, rpm_per_1k_tpm = 10, wire_profile = "azure_2025""#,
    ));
    let answer = bench.post(CHAT, &chat("What's the weather like in NYC right now?")).await;
    insta::assert_snapshot!(limits(&answer), @r"
    x-ratelimit-limit-requests: 2500
    x-ratelimit-limit-tokens: 250000
    x-ratelimit-remaining-requests: 2499
    x-ratelimit-remaining-tokens: 249989
    ");
    assert!(answer.header("cmp-upstream-response-duration").is_some());
    assert_eq!(answer.header("x-ms-is-spilled-over"), None);
}

/// Recorded in March 2026, in milliseconds, and again after any pause.
#[tokio::test(start_paused = true)]
async fn azure_2026_refills() {
    let bench = Bench::new(&deployment(
        r#"model = "gpt-4.1-mini", tpm = 120000, wire_profile = "azure_2026", headers = { reset_unit = "milliseconds" }"#,
    ));
    let mut shown = Vec::new();
    for _ in 0..3 {
        let answer = bench.post(CHAT, &chat("one two three four five six seven eight")).await;
        shown.push(limits(&answer));
        tokio::time::advance(ms(1_000)).await;
    }
    assert!(shown.iter().all(|one| *one == shown[0]), "{shown:?}");
    insta::assert_snapshot!(shown[0], @r"
        x-ratelimit-abusepenalty-active: False
        x-ratelimit-key: chat
        x-ratelimit-limit-requests: 120
        x-ratelimit-limit-tokens: 120000
        x-ratelimit-remaining-requests: 119
        x-ratelimit-remaining-tokens: 119986
        x-ratelimit-renewalperiod-requests: 60
        x-ratelimit-renewalperiod-tokens: 60
        x-ratelimit-reset-requests: 500
        x-ratelimit-reset-tokens: 7
        ");
}

/// oa-chat-stream-length: 8 tokens of 800,000, a request of 5,000.
#[tokio::test(start_paused = true)]
async fn openai_is_as_recorded() {
    let bench = Bench::new(&deployment(
        r#"model = "gpt-4o", tpm = 800000, rpm = 5000, wire_profile = "openai""#,
    ));
    let answer = bench.post(CHAT, &chat("List all U.S. states.")).await;
    insta::assert_snapshot!(limits(&answer), @r"
    x-ratelimit-limit-requests: 5000
    x-ratelimit-limit-tokens: 800000
    x-ratelimit-remaining-requests: 4999
    x-ratelimit-remaining-tokens: 799992
    x-ratelimit-reset-requests: 12ms
    x-ratelimit-reset-tokens: 0s
    ");
    for name in ["openai-organization", "openai-project", "openai-version", "openai-processing-ms"]
    {
        assert!(answer.header(name).is_some(), "{name}");
    }
    assert_eq!(answer.header("apim-request-id"), None);
}

/// Waiting as told lets the same request through, and not much earlier.
#[tokio::test(start_paused = true)]
async fn openai_refusals_tell_the_wait_exactly() {
    let bench = Bench::new(&deployment(
        r#"model = "gpt-4o", tpm = 600, rpm = 500, wire_profile = "openai", token_estimate = "openai_2024""#,
    ));
    assert_eq!(bench.post(CHAT, &chat("hi")).await.status, 200);
    let refused = bench.post(CHAT, &chat("hi")).await;
    insta::assert_snapshot!(refused.json()["error"]["message"].as_str().unwrap().split_once(" on ").unwrap().1, @"tokens per min (TPM): Limit 600, Used 303, Requested 303. Please try again in 600ms. Visit https://platform.openai.com/account/rate-limits to learn more.");
    assert_eq!(refused.header("retry-after-ms"), Some("600"));
    assert_eq!(refused.header("retry-after"), Some("1"));
    tokio::time::advance(ms(400)).await;
    assert_eq!(bench.post(CHAT, &chat("hi")).await.status, 429);
    tokio::time::advance(ms(200)).await;
    assert_eq!(bench.post(CHAT, &chat("hi")).await.status, 200);
    let large = bench.post(CHAT, &chat(&"x".repeat(2_000))).await;
    assert!(large.body.contains("Request too large for gpt-4o"), "{}", large.body);
    let patch = r#"{"deployments":{"chat":{"insufficient_quota":true}}}"#;
    assert_eq!(bench.patch(patch).await.status, 200);
    let broke = bench.post(CHAT, &chat("hi")).await;
    assert_eq!(
        (broke.status.as_u16(), &broke.json()["error"]["code"]),
        (429, &json!("insufficient_quota"))
    );
}

/// Refused requests count, those without a key or a deployment do not.
#[tokio::test(start_paused = true)]
async fn what_counts_toward_the_request_limit() {
    let bench = Bench::new(&deployment(r#"model = "gpt-4o", tpm = 1000000, rpm = 12"#));
    for _ in 0..5 {
        let mut request = Bench::request(CHAT, chat("hi"));
        request.headers_mut().insert("api-key", "wrong".parse().unwrap());
        assert_eq!(bench.send(request).await.status, 401);
        assert_eq!(
            bench.post(&CHAT.replace("/chat/chat", "/nope/chat"), &chat("hi")).await.status,
            404
        );
    }
    assert_eq!(bench.post(CHAT, r#"{"messages":[]}"#).await.status, 400, "counts: admitted before");
    assert_eq!(bench.post(CHAT, &chat("hi")).await.status, 200);
    assert_eq!(bench.post(CHAT, &chat("hi")).await.status, 429, "two in 10 s");
}

#[tokio::test(start_paused = true)]
async fn live_changes_of_other_settings_keep_what_was_counted() {
    for profile in ["documented", "azure_2024", "azure_2026"] {
        let bench = Bench::new(&deployment(&format!(
            r#"model = "gpt-4o", tpm = 1000, rpm = 6000, wire_profile = "{profile}", token_estimate = "documented""#
        )));
        let body = chat("hi").replace("300", "999");
        assert_eq!(bench.post(CHAT, &body).await.status, 200, "{profile}");
        for patch in [
            r#"{"latency":{"profile":"zero"}}"#,
            r#"{"header_anomaly":"negative_limits"}"#,
            r#"{"peak_load":{"max_request_tokens":100000}}"#,
            r#"{"temporary_adjustment":{"factor":0.9,"duration_seconds":60}}"#,
            r#"{"tpm":1000}"#,
            r#"{"temporary_adjustment":null,"header_anomaly":"none"}"#,
        ] {
            let patched = bench.patch(&format!(r#"{{"deployments":{{"chat":{patch}}}}}"#)).await;
            assert_eq!(patched.status, 200, "{}", patched.body);
        }
        let refused = bench.post(CHAT, &body).await;
        assert_eq!(refused.status, 429, "{profile}");
    }
}

#[tokio::test(start_paused = true)]
async fn switches_show_in_headers() {
    let bench = Bench::new(&deployment(
        r#"model = "gpt-4o", tpm = 100000, temporary_adjustment = { factor = 0.5, duration = "1m" }"#,
    ));
    let answer = bench.post(CHAT, &chat("hi")).await;
    assert_eq!(answer.header("x-ratelimit-abusepenalty-active"), Some("True"));
    assert_eq!(answer.header("x-ratelimit-limit-tokens"), Some("50000"));
    let patch = r#"{"deployments":{"chat":{"header_anomaly":"negative_limits"}}}"#;
    assert_eq!(bench.patch(patch).await.status, 200);
    let answer = bench.post(CHAT, &chat("hi")).await;
    assert_eq!(answer.header("x-ratelimit-remaining-tokens"), Some("-1"));
    assert_eq!(answer.header("x-ratelimit-reset-tokens"), Some("0"));
    let wrong = r#"{"deployments":{"chat":{"header_anomaly":"strange"}}}"#;
    let wrong = bench.patch(wrong).await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.body.contains("negative_limits"), "{}", wrong.body);
    let peak = r#"{"deployments":{"chat":{"peak_load":{"max_request_tokens":10}}}}"#;
    assert_eq!(bench.patch(peak).await.status, 200);
    let refused = bench.post(CHAT, &chat("hi")).await;
    assert!(refused.body.contains("high demand"), "{}", refused.body);
}
