//! `quota-by-key` and `quota`, whole requests on paused time. Virtual time
//! starts at midnight, so windows of a day end at the next.

use std::time::Duration;

use crate::models::{Clock, cost, gateway};
use crate::support::Answer;

fn told(answer: &Answer) -> (u16, Option<&str>) {
    (answer.status, answer.header("retry-after"))
}

#[tokio::test(start_paused = true)]
async fn a_quota_of_calls_is_renewed_with_its_window() {
    let bench = gateway(
        "<quota-by-key calls='2' renewal-period='3600' counter-key='k' first-period-start='2026-01-01T00:30:00Z' />",
        "",
        "",
    );
    let clock = Clock::start();
    assert_eq!(told(&cost(&bench, 1).await), (200, None));
    clock.at(100.0).await;
    assert_eq!(told(&cost(&bench, 1).await), (200, None));
    let refused = cost(&bench, 1).await;
    insta::assert_snapshot!(refused.golden(), @r#"
    403
    content-type: application/json
    retry-after: 1700
    x-error: QuotaExceeded: Out of call volume quota. Quota will be replenished in 00:28:20.
    content-length: 100

    { "statusCode": 403, "message": "Out of call volume quota. Quota will be replenished in 00:28:20." }
    "#);
    clock.at(1_799.5).await;
    assert_eq!(told(&cost(&bench, 1).await), (403, Some("1")));
    clock.at(1_800.0).await;
    assert_eq!(told(&cost(&bench, 1).await), (200, None));
}

#[tokio::test(start_paused = true)]
async fn a_quota_of_kilobytes_counts_both_bodies_at_the_end() {
    let bench =
        gateway("<quota-by-key bandwidth='2' renewal-period='300' counter-key='k' />", "", "");
    let large = format!("{{\"text\": \"{}\"}}", "x".repeat(1_000));
    for _ in 0..3 {
        assert_eq!(bench.post("/api/x", &large).await.status, 200);
    }
    let refused = bench.post("/api/x", "").await;
    assert_eq!(told(&refused), (403, Some("300")));
    assert_eq!(
        refused.body,
        r#"{ "statusCode": 403, "message": "Out of bandwidth quota. Quota will be replenished in 00:05:00." }"#
    );
}

#[tokio::test(start_paused = true)]
async fn a_quota_without_end_stays_used_up() {
    let bench = gateway("<quota-by-key calls='1' renewal-period='0' counter-key='k' />", "", "");
    assert_eq!(cost(&bench, 1).await.status, 200);
    tokio::time::advance(Duration::from_secs(1_000_000)).await;
    let refused = cost(&bench, 1).await;
    assert_eq!(told(&refused), (403, None));
    assert_eq!(refused.body, r#"{ "statusCode": 403, "message": "Out of call volume quota." }"#);
}

#[tokio::test(start_paused = true)]
async fn increments_may_depend_on_the_response() {
    let quota = r#"<quota-by-key calls="10" bandwidth="1000" renewal-period="300" counter-key="k"
        increment-condition="@(context.Response.StatusCode < 400)" increment-count="@(4)" />"#;
    let bench = gateway(quota, "", "");
    for _ in 0..5 {
        assert_eq!(bench.post("/api/x", "{\"status\": 500}").await.status, 500);
    }
    for _ in 0..3 {
        assert_eq!(cost(&bench, 1).await.status, 200);
    }
    assert_eq!(cost(&bench, 1).await.status, 403);
}

#[tokio::test(start_paused = true)]
async fn two_policies_with_one_key_count_a_request_once() {
    let quota = "<quota-by-key calls='2' renewal-period='300' counter-key='k' />";
    let bench = gateway(&format!("{quota}{quota}"), "", "");
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(cost(&bench, 1).await.status);
    }
    assert_eq!(statuses, [200, 200, 403]);
}

#[tokio::test(start_paused = true)]
async fn a_subscriptions_quota_has_levels() {
    let quota = "<quota calls='3' renewal-period='86400'><api id='test' bandwidth='1000' calls='9'><operation id='post' calls='2' renewal-period='300' /></api></quota>";
    let bench = gateway(quota, "", "");
    let clock = Clock::start();
    clock.at(100.0).await;
    assert_eq!(cost(&bench, 1).await.status, 200);
    assert_eq!(cost(&bench, 1).await.status, 200);
    // The operation's, whose periods start with the gateway.
    assert_eq!(told(&cost(&bench, 1).await), (403, Some("200")));
    clock.at(300.0).await;
    assert_eq!(cost(&bench, 1).await.status, 200);
    let refused = cost(&bench, 1).await;
    assert_eq!(told(&refused), (403, Some("86100")));
    assert!(refused.body.contains("replenished in 23:55:00."), "{}", refused.body);
}
