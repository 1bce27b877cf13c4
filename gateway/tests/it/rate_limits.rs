//! `rate-limit-by-key` and `rate-limit`, whole requests on paused time.

use std::time::Duration;

use seam::http::InProcessNetwork;

use crate::models::{Clock, cost, gateway, model, with_header};
use crate::support::{Answer, Bench, CONFIG, post};

const HEADERS: &str = "remaining-calls-header-name='x-remaining' total-calls-header-name='x-total'";

fn by_key(attributes: &str) -> String {
    format!("<rate-limit-by-key counter-key='k' {attributes} {HEADERS} />")
}

fn told(answer: &Answer) -> (u16, Option<&str>, Option<&str>) {
    (answer.status, answer.header("x-remaining"), answer.header("retry-after"))
}

#[tokio::test(start_paused = true)]
async fn the_call_beyond_the_limit_is_refused_until_the_window_has_room() {
    let bench = gateway(&by_key("calls='2' renewal-period='10'"), "", "");
    let clock = Clock::start();
    assert_eq!(told(&cost(&bench, 5).await), (200, Some("1"), None));
    clock.at(4.0).await;
    assert_eq!(told(&cost(&bench, 5).await), (200, Some("0"), None));
    let refused = cost(&bench, 5).await;
    insta::assert_snapshot!(refused.golden(), @r#"
    429
    content-type: application/json
    x-total: 2
    x-remaining: 0
    retry-after: 6
    x-error: RateLimitExceeded: Rate limit is exceeded
    content-length: 83

    { "statusCode": 429, "message": "Rate limit is exceeded. Try again in 6 seconds." }
    "#);
    assert_eq!(bench.record(3).error_reason.as_deref(), Some("RateLimitExceeded"));
    assert!(bench.record(3).attempts.is_empty());
    clock.at(9.5).await;
    assert_eq!(told(&cost(&bench, 5).await), (429, Some("0"), Some("1")));
    clock.at(10.0).await;
    assert_eq!(told(&cost(&bench, 5).await), (200, Some("0"), None));
}

#[tokio::test(start_paused = true)]
async fn v2_tiers_refill_steadily() {
    let bench = gateway(&by_key("calls='6' renewal-period='60'"), "", "[gateway]\ntier = \"v2\"");
    for left in (0..6).rev() {
        assert_eq!(told(&cost(&bench, 5).await), (200, Some(left.to_string().as_str()), None));
    }
    assert_eq!(told(&cost(&bench, 5).await), (429, Some("0"), Some("10")));
    tokio::time::advance(Duration::from_secs(10)).await;
    assert_eq!(told(&cost(&bench, 5).await), (200, Some("0"), None));
    assert_eq!(told(&cost(&bench, 5).await), (429, Some("0"), Some("10")));
}

#[tokio::test(start_paused = true)]
async fn names_replace_the_default_and_variables_are_ints() {
    let policy = by_key(
        "calls='1' renewal-period='10' retry-after-header-name='x-wait' retry-after-variable-name='wait' remaining-calls-variable-name='left'",
    );
    let outbound = r#"<set-header name="x-left"><value>@(context.Variables["left"] is int ? "int " + context.Variables["left"] : "no")</value></set-header>"#;
    let bench = gateway(&policy, outbound, "");
    assert_eq!(cost(&bench, 5).await.header("x-left"), Some("int 0"));
    let refused = cost(&bench, 5).await;
    assert_eq!((refused.header("x-wait"), refused.header("retry-after")), (Some("10"), None));
}

#[tokio::test(start_paused = true)]
async fn one_counter_for_a_key_over_apis_and_limits_of_its_own_for_each_policy() {
    let config = format!(
        r#"{CONFIG}
        [[apis]]
        id = "other"
        path = "other"
        policy = "other.xml"
        service_url = "http://b1/base"
        subscription_required = false
        operations = [{{ id = "post", method = "POST", url_template = "/x" }}]
        "#
    );
    let document = |calls| {
        let policy = by_key(&format!("calls='{calls}' renewal-period='60'"));
        format!("<policies><inbound>{policy}</inbound><backend><base /></backend></policies>")
    };
    let network = InProcessNetwork::new().host("b1:80", model());
    let files = [("api.xml", document(3)), ("other.xml", document(5))];
    let files = files.each_ref().map(|(name, text)| (*name, text.as_str()));
    let bench = Bench::new(&config, &files, network.into_service());
    for _ in 0..3 {
        assert_eq!(bench.post("/api/x", "").await.status, 200);
    }
    assert_eq!(bench.post("/api/x", "").await.status, 429);
    assert_eq!(told(&bench.post("/other/x", "").await), (200, Some("1"), None));
}

#[tokio::test(start_paused = true)]
async fn limits_may_be_computed_and_change() {
    let policy = r#"<rate-limit-by-key counter-key="@(context.Subscription.Id)"
        calls="@(int.Parse(context.Request.Headers.GetValueOrDefault("x-calls", "0")))" renewal-period="@(5 * 2)" />"#;
    let bench = gateway(policy, "", "");
    let status = async |calls| with_header(&bench, "x-calls", calls, "").await.status;
    assert_eq!(status("1").await, 200);
    assert_eq!(status("1").await, 429);
    assert_eq!(status("3").await, 200);
    assert_eq!(status("2").await, 429);
    assert_eq!(status("3").await, 200);
    let never = with_header(&bench, "x-calls", "0", "").await;
    assert_eq!((never.status, never.header("retry-after")), (429, Some("10")));
    assert_eq!(status("-1").await, 500);
    assert_eq!(status("none").await, 500);
}

const POSTPONED: &str = r#"<rate-limit-by-key counter-key="k" calls="10" renewal-period="60" remaining-calls-header-name="x-remaining"
    increment-condition="@(context.Response.StatusCode == 200)"
    increment-count="@((int)context.Response.Body.As<JObject>(preserveContent: true)["usage"]["total_tokens"])" />"#;

#[tokio::test(start_paused = true)]
async fn an_increment_that_is_an_expression_counts_at_the_end() {
    let bench = gateway(POSTPONED, "", "");
    assert_eq!(told(&cost(&bench, 4).await), (200, Some("10"), None));
    // A refused answer counts nothing.
    assert_eq!(bench.post("/api/x", "{\"status\": 429}").await.status, 429);
    // The limit bites one call late.
    assert_eq!(told(&cost(&bench, 100).await), (200, Some("6"), None));
    let refused = cost(&bench, 1).await;
    assert_eq!(told(&refused), (429, Some("0"), Some("60")));
    // The answer's body was not consumed by the increment.
    let bench = gateway(POSTPONED, "", "");
    assert!(cost(&bench, 4).await.body.contains("\"total_tokens\":4"));
    // Calls under way at the same time see nothing of each other.
    let bench = gateway(POSTPONED, "", "");
    let (a, b) = tokio::join!(cost(&bench, 10), cost(&bench, 10));
    assert_eq!((told(&a), told(&b)), ((200, Some("10"), None), (200, Some("10"), None)));
    assert_eq!(cost(&bench, 1).await.status, 429);
}

#[tokio::test(start_paused = true)]
async fn an_increment_that_fails_is_an_error_of_its_policy() {
    let bench = gateway(POSTPONED, "", "");
    let failed = bench.post("/api/x", "{}").await;
    assert_eq!(failed.status, 500);
    let error = failed.header("x-error").unwrap_or_default();
    assert!(
        error.starts_with("ExpressionValueEvaluationFailure: Expression evaluation failed."),
        "{error}"
    );
    assert_eq!(cost(&bench, 4).await.header("x-remaining"), Some("10"));
}

#[tokio::test(start_paused = true)]
async fn a_pipeline_that_ends_early_counts_unless_told_otherwise() {
    let limit = r#"<rate-limit-by-key counter-key="k" calls="2" renewal-period="60" remaining-calls-header-name="x-remaining"
        increment-condition="@(context.Response.StatusCode == 202)" />"#;
    let inbound = format!("{limit}<return-response><set-status code='202' /></return-response>");
    for (setting, second) in [("true", "1"), ("false", "2")] {
        let bench = gateway(&inbound, "", &format!("[settings]\ncount_early_ends = {setting}"));
        assert_eq!(told(&cost(&bench, 1).await), (202, Some("2"), None));
        assert_eq!(told(&cost(&bench, 1).await), (202, Some(second), None));
    }
    // Refused by another limit: that is the final response.
    let counted = limit.replace("== 202", "== 429");
    let other = "<rate-limit-by-key counter-key='other' calls='1' renewal-period='60' />";
    let bench = gateway(&format!("{counted}{other}"), "", "");
    let remaining = async || cost(&bench, 1).await.header("x-remaining").map(str::to_owned);
    assert_eq!(remaining().await.as_deref(), Some("2"));
    assert_eq!(remaining().await.as_deref(), Some("2"));
    assert_eq!(remaining().await.as_deref(), Some("1"));
}

#[tokio::test(start_paused = true)]
async fn an_increment_that_fails_after_an_early_end_changes_nothing() {
    let early = r#"<choose><when condition="@(context.Request.Headers.ContainsKey("x-early"))"><return-response><set-status code="202" /></return-response></when></choose>"#;
    let unconditional = POSTPONED.replace("StatusCode == 200", "StatusCode < 300");
    let bench = gateway(&format!("{unconditional}{early}"), "", "");
    // No body, no `usage`: the response has left the policies already.
    assert_eq!(told(&with_header(&bench, "x-early", "1", "").await), (202, Some("10"), None));
    assert_eq!(told(&cost(&bench, 4).await), (200, Some("10"), None));
}

/// On several threads, too, exactly so many pass.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn calls_at_the_same_time_do_not_slip_past() {
    let limits = format!(
        "{}<rate-limit calls='9' renewal-period='300' />",
        by_key("calls='20' renewal-period='300'")
    );
    let bench = std::sync::Arc::new(gateway(&limits, "", ""));
    let calls: Vec<_> = (0..60)
        .map(|_| {
            let bench = std::sync::Arc::clone(&bench);
            tokio::spawn(async move { cost(&bench, 1).await })
        })
        .collect();
    let mut served = 0;
    for call in calls {
        served += u32::from(call.await.unwrap().status == 200);
    }
    assert_eq!(served, 9);
    // The key's counter has those that the subscription's refused.
    assert_eq!(told(&cost(&bench, 1).await).0, 429);
}

#[tokio::test(start_paused = true)]
async fn remaining_calls_may_leave_room_for_the_present_one() {
    let bench = gateway(POSTPONED, "", "[settings]\nremaining_after_postponed = true");
    assert_eq!(told(&cost(&bench, 4).await), (200, Some("9"), None));
    assert_eq!(told(&cost(&bench, 4).await), (200, Some("5"), None));
}

#[tokio::test(start_paused = true)]
async fn headers_of_limits_are_there_before_outbound_or_after_it() {
    let outbound = r#"<set-header name="x-seen"><value>@(context.Response.Headers.GetValueOrDefault("x-remaining", "none"))</value></set-header>
        <set-header name="x-total" exists-action="delete" />"#;
    for (setting, seen, total) in
        [("before_outbound", "1", None), ("after_outbound", "none", Some("2"))]
    {
        let config = format!("[settings]\nlimit_headers = \"{setting}\"");
        let bench = gateway(&by_key("calls='2' renewal-period='60'"), outbound, &config);
        let answer = cost(&bench, 1).await;
        let found = ["x-remaining", "x-seen", "x-total"].map(|name| answer.header(name));
        assert_eq!(found, [Some("1"), Some(seen), total], "{setting}");
    }
}

const BY_SUBSCRIPTION: &str = "<rate-limit calls='4' renewal-period='60' remaining-calls-header-name='x-remaining' total-calls-header-name='x-total'>
    <api id='test' calls='3' renewal-period='60'><operation name='post' calls='2' renewal-period='30' /></api>
    <api id='elsewhere' calls='1' renewal-period='60' /></rate-limit>";

#[tokio::test(start_paused = true)]
async fn a_subscription_has_a_limit_for_each_level() {
    let bench = gateway(BY_SUBSCRIPTION, "", "");
    let get = async || {
        let mut request = post("/api/x", "");
        *request.method_mut() = http::Method::GET;
        bench.answer(request).await
    };
    let first = cost(&bench, 1).await;
    assert_eq!((told(&first), first.header("x-total")), ((200, Some("1"), None), Some("2")));
    assert_eq!(told(&cost(&bench, 1).await), (200, Some("0"), None));
    // The operation's; a refused call counts nowhere.
    assert_eq!(told(&cost(&bench, 1).await), (429, Some("0"), Some("30")));
    assert_eq!(told(&get().await), (200, Some("0"), None));
    // The API's, for 60 s from the first call.
    tokio::time::advance(Duration::from_secs(20)).await;
    assert_eq!(told(&get().await), (429, Some("0"), Some("40")));
    tokio::time::advance(Duration::from_secs(40)).await;
    assert_eq!(told(&get().await), (200, Some("2"), None));
}

#[tokio::test(start_paused = true)]
async fn without_a_subscription_there_is_no_subscription_limit() {
    let config = CONFIG.replace("path = \"api\"", "path = \"api\"\nsubscription_required = false");
    let document = format!(
        "<policies><inbound>{BY_SUBSCRIPTION}<quota calls='1' renewal-period='0' /></inbound><backend><base /></backend></policies>"
    );
    let network = InProcessNetwork::new().host("b1:80", model());
    let bench = Bench::new(&config, &[("api.xml", &document)], network.into_service());
    for _ in 0..5 {
        let mut request = post("/api/x", "");
        request.headers_mut().remove("api-key");
        assert_eq!(bench.answer(request).await.status, 200);
    }
}
