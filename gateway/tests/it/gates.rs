//! `limit-concurrency`, `check-header`, `ip-filter` and `cache-remove-value`.

use http_body_util::BodyExt as _;
use seam::http::InProcessNetwork;

use crate::models::{cost, gateway, model, with_header};
use crate::support::{Bench, CONFIG, post};

const STREAM: &str = r#"{"stream": true, "texts": ["a", "b", "c"]}"#;

fn concurrent(forward: &str, config: &str) -> Bench {
    let document = format!(
        "<policies><inbound /><backend><limit-concurrency key='@(context.Api.Id)' max-count='2'><forward-request {forward} /></limit-concurrency></backend></policies>"
    );
    let network = InProcessNetwork::new().host("b1:80", model());
    Bench::new(&format!("{CONFIG}\n{config}"), &[("api.xml", &document)], network.into_service())
}

#[tokio::test(start_paused = true)]
async fn one_more_than_the_limit_is_refused_at_once() {
    let bench = concurrent("", "");
    let started = tokio::time::Instant::now();
    let call = || bench.post("/api/x", STREAM);
    let (a, b, c) = tokio::join!(call(), call(), async {
        let answer = call().await;
        (answer, started.elapsed())
    });
    assert_eq!((a.status, b.status), (200, 200));
    insta::assert_snapshot!(c.0.golden(), @r#"
    429
    content-type: application/json
    content-length: 83

    { "statusCode": 429, "message": "Concurrency limit is exceeded. Try again later." }
    "#);
    assert!(c.1.is_zero());
    assert_eq!(call().await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_stream_counts_until_its_end_or_until_the_client_goes() {
    for (setting, third) in [("stream_end", 429), ("policies_end", 200)] {
        let config = format!("[settings]\nconcurrency_until = \"{setting}\"");
        let bench = concurrent("buffer-response='false'", &config);
        let first = bench.send(post("/api/x", STREAM)).await;
        let second = bench.send(post("/api/x", STREAM)).await;
        assert_eq!(cost(&bench, 1).await.status, third, "{setting}");
        first.into_body().collect().await.unwrap();
        assert_eq!(cost(&bench, 1).await.status, 200);
        let again = bench.send(post("/api/x", STREAM)).await;
        assert_eq!(cost(&bench, 1).await.status, third, "{setting}");
        drop(second);
        assert_eq!(cost(&bench, 1).await.status, 200);
        drop(again);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_wait_leaves_its_place() {
    let bench = concurrent("", "");
    for _ in 0..3 {
        let gone = tokio::time::timeout(
            std::time::Duration::from_millis(500),
            bench.post("/api/x", STREAM),
        );
        assert!(gone.await.is_err());
    }
    assert_eq!(cost(&bench, 1).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn headers_are_checked() {
    let policy = "<check-header name='X-Kind' failed-check-httpcode='401' failed-check-error-message='Not \"authorized\"' ignore-case='IGNORE'><value>Alpha</value><value>@(\"be\" + \"ta\")</value></check-header>";
    let strict = gateway(&policy.replace("IGNORE", "false"), "", "");
    insta::assert_snapshot!(cost(&strict, 1).await.golden(), @r#"
    401
    content-type: application/json
    x-error: HeaderNotFound: Header X-Kind was not found in the request. Access denied.
    content-length: 54

    { "statusCode": 401, "message": "Not \"authorized\"" }
    "#);
    let refused = with_header(&strict, "x-kind", "alpha", "").await;
    assert_eq!(
        (refused.status, refused.header("x-error")),
        (
            401,
            Some(
                "HeaderValueNotAllowed: Header X-Kind value of alpha is not allowed. Access denied."
            )
        )
    );
    assert_eq!(with_header(&strict, "x-kind", "Alpha", "").await.status, 200);
    assert_eq!(with_header(&strict, "x-kind", "beta", "").await.status, 200);
    let lax = gateway(&policy.replace("IGNORE", "true"), "", "");
    assert_eq!(with_header(&lax, "x-kind", "ALPHA", "").await.status, 200);
    let any = "<check-header name='x-kind' failed-check-httpcode='400' failed-check-error-message='no' ignore-case='true' />";
    let any = gateway(any, "", "");
    assert_eq!(with_header(&any, "x-kind", "whatever", "").await.status, 200);
    assert_eq!(cost(&any, 1).await.status, 400);
}

#[tokio::test(start_paused = true)]
async fn callers_are_filtered_by_address() {
    let filter = |action: &str, inside: &str| {
        gateway(&format!("<ip-filter action='{action}'>{inside}</ip-filter>"), "", "")
    };
    // In process, the caller is 127.0.0.1.
    let here = "<address>10.0.0.1</address><address-range from='127.0.0.0' to='127.0.0.9' />";
    let elsewhere = "<address>::1</address><address>@(\"127.0.0.\" + \"2\")</address>";
    assert_eq!(cost(&filter("allow", here), 1).await.status, 200);
    assert_eq!(cost(&filter("forbid", elsewhere), 1).await.status, 200);
    insta::assert_snapshot!(cost(&filter("allow", elsewhere), 1).await.golden(), @r#"
    403
    content-type: application/json
    x-error: CallerIpNotAllowed: Caller IP address 127.0.0.1 is not allowed. Access denied.
    content-length: 94

    { "statusCode": 403, "message": "Caller IP address 127.0.0.1 is not allowed. Access denied." }
    "#);
    let blocked =
        cost(&filter("@(\"for\" + \"bid\")", "<address>::ffff:127.0.0.1</address>"), 1).await;
    assert_eq!(
        (blocked.status, blocked.header("x-error")),
        (403, Some("CallerIpBlocked: Caller IP address is blocked. Access denied."))
    );
    assert_eq!(cost(&filter("allow", "<address>@(\"nowhere\")</address>"), 1).await.status, 500);
}

#[tokio::test(start_paused = true)]
async fn a_cached_value_can_be_removed() {
    let inbound = r#"<cache-lookup-value key="k" variable-name="found" default-value="none" />
        <choose><when condition="@(context.Request.Headers.ContainsKey("x-remove"))"><cache-remove-value key="@("k")" /></when>
        <otherwise><cache-store-value key="k" value="there" duration="60" /></otherwise></choose>"#;
    let outbound = r#"<set-header name="x-found"><value>@((string)context.Variables["found"])</value></set-header>"#;
    let bench = gateway(inbound, outbound, "");
    let found = async |remove: bool| {
        let name = if remove { "x-remove" } else { "x-keep" };
        with_header(&bench, name, "1", "").await.header("x-found").map(str::to_owned)
    };
    let seen = [found(false).await, found(true).await, found(false).await];
    assert_eq!(
        seen.each_ref().map(|text| text.as_deref()),
        [Some("none"), Some("there"), Some("none")]
    );
}
