//! Circuit breakers, alone and in pools, on paused time. Each stub answers
//! after 10 ms.

use std::time::Duration;

use http::Request;
use seam::http::{Body, InProcessNetwork};

use gateway::BreakerChange;

use crate::pools::{BACKENDS, TO_POOL, World};
use crate::support::Bench;

/// The backends, `b1` with a breaker.
fn with_breaker(condition: &str, rest: &str) -> String {
    let breaker = format!(
        "id = \"b1\"\ncircuit_breaker = {{ rules = [{{ failure_condition = {{ {condition} }}, {rest} }}] }}"
    );
    BACKENDS.replace("id = \"b1\"", &breaker)
}

/// Three 429 within 10 s open it for a minute.
const THREE: &str =
    "count = 3, interval = \"PT10S\", status_code_ranges = [{ min = 429, max = 429 }]";
const ONE_500: &str =
    "count = 1, interval = \"PT10S\", status_code_ranges = [{ min = 500, max = 599 }]";
const MINUTE: &str = "trip_duration = \"PT1M\"";
const SPILL: &str = r#"services = [{ id = "b1", priority = 1 }, { id = "b2", priority = 2 }]"#;
const ONLY: &str = r#"services = [{ id = "b1" }]"#;

fn spill(rest: &str) -> World {
    let world = World::with(TO_POOL, &with_breaker(THREE, rest), SPILL, "");
    world.backends[0].now_answers(429);
    world
}

async fn advance(milliseconds: u64) {
    tokio::time::advance(Duration::from_millis(milliseconds)).await;
}

#[tokio::test(start_paused = true)]
async fn the_third_failure_opens_and_the_next_priority_takes_over() {
    let world = spill(MINUTE);
    for _ in 0..3 {
        // The call that opens the breaker gets the backend's answer, too.
        assert_eq!(world.call().await.status, 429);
    }
    let opened = tokio::time::Instant::now();
    assert_eq!(world.call().await.status, 200);
    assert_eq!(world.order(5).await, "b2 b2 b2 b2 b2");
    let open = r#"gateway_breaker_open{backend="b1"}"#;
    assert_eq!(world.metric(open).await.as_deref(), Some("1"));
    let trips = r#"gateway_breaker_trips_total{backend="b1"}"#;
    assert_eq!(world.metric(trips).await.as_deref(), Some("1"));
    // To the millisecond.
    advance(60_000 - 1 - u64::try_from(opened.elapsed().as_millis()).unwrap()).await;
    assert_eq!(world.order(1).await, "b2");
    world.backends[0].now_answers(200);
    assert_eq!(world.order(3).await, "b1 b1 b1");
    assert_eq!(world.metric(open).await.as_deref(), Some("0"));

    let changes: Vec<_> = world
        .bench
        .gateway
        .journal(0)
        .iter()
        .filter_map(|record| Some((record.number, record.attempts[0].breaker?)))
        .collect();
    assert_eq!(changes, [(3, BreakerChange::Opened), (11, BreakerChange::Closed)]);
    let request = Request::get("/++/journal").body(Body::empty()).unwrap();
    let page = world.bench.answer(request).await.body;
    assert_eq!(page.matches("\"breaker\"").count(), 2);
    assert!(page.contains(r#""breaker":"opened""#) && page.contains(r#""breaker":"closed""#));
}

#[tokio::test(start_paused = true)]
async fn it_closes_fully_and_may_open_again_at_once() {
    let breaker = with_breaker(ONE_500, "trip_duration = \"10s\"");
    let world = World::with(TO_POOL, &breaker, SPILL, "");
    world.backends[0].now_answers(500);
    assert_eq!(world.order(2).await, "b1 b2");
    advance(10_000).await;
    // No trial phase: three calls at once, all to the first priority.
    let together = futures_util::future::join_all((0..3).map(|_| world.call())).await;
    assert!(together.iter().all(|answer| answer.status == 500));
    assert_eq!(world.counts(), [4, 1, 0]);
    assert_eq!(world.order(1).await, "b2");
    let changes: Vec<_> =
        (3..=5).filter_map(|number| world.bench.record(number).attempts[0].breaker).collect();
    // The first of them closed it, the first result opened it; the results
    // that came in later did not count. Here both were the same call.
    assert_eq!(changes, [BreakerChange::Reopened]);
}

#[tokio::test(start_paused = true)]
async fn failures_outside_the_interval_do_not_open() {
    let world = spill(MINUTE);
    // At 0, 6, 12, …: never three within 10 s.
    for _ in 0..6 {
        assert_eq!(world.call().await.status, 429);
        advance(6_000).await;
    }
    assert_eq!(world.counts(), [6, 0, 0]);
    // One more soon after the last: two of the old ones have left.
    assert_eq!(world.order(3).await, "b1 b1 b2");
}

#[tokio::test(start_paused = true)]
async fn retry_after_says_how_long() {
    for (retry_after, accept, seconds) in [
        ("20", true, 20),
        // The virtual day begins at 00:00:00; the third answer came at 0.03 s.
        ("Thu, 01 Jan 2026 00:02:00 GMT", true, 120),
        ("20", false, 60),
        ("soon", true, 60),
    ] {
        let world = spill(&format!("{MINUTE}, accept_retry_after = {accept}"));
        world.backends[0].now_asks_to_wait(retry_after);
        assert_eq!(world.order(4).await, "b1 b1 b1 b2", "{retry_after}");
        advance(seconds * 1_000 - 100).await;
        assert_eq!(world.order(1).await, "b2", "{retry_after}");
        advance(100).await;
        assert_eq!(world.order(1).await, "b1", "{retry_after}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_single_backend_answers_503_by_itself() {
    let config = with_breaker(ONE_500, "trip_duration = \"10s\"");
    let document = TO_POOL.replace("backend-id=\"p\"", "backend-id=\"b1\"");
    let world = World::with(&document, &config, EQUAL_OTHERS, "");
    world.backends[0].now_answers(502);
    assert_eq!(world.call().await.status, 502);
    advance(500).await;
    let answer = world.call().await;
    assert_eq!(world.counts(), [1, 0, 0]);
    insta::assert_snapshot!(answer.golden(), @r#"
    503
    content-type: application/json
    retry-after: 10
    x-reason: BackendUnavailable: 503 Service Unavailable
    content-length: 55

    { "statusCode": 503, "message": "Service Unavailable" }
    "#);
    let record = world.bench.record(2);
    assert_eq!(record.error_reason.as_deref(), Some("BackendUnavailable"));
    assert!(record.attempts.is_empty(), "nothing was sent");
    let refused = r#"gateway_backend_unavailable_total{backend="b1"}"#;
    assert_eq!(world.metric(refused).await.as_deref(), Some("1"));
    advance(9_480).await;
    assert_eq!(world.call().await.header("retry-after"), Some("1"));
}

const EQUAL_OTHERS: &str = r#"services = [{ id = "b2" }, { id = "b3" }]"#;

#[tokio::test(start_paused = true)]
async fn an_exhausted_pool_answers_503_until_the_first_member_closes() {
    let config = with_breaker(ONE_500, "trip_duration = \"1m\"").replace(
        "id = \"b2\"",
        "id = \"b2\"\ncircuit_breaker = { rules = [{ failure_condition = { count = 1, interval = \"1m\", status_code_ranges = [{ min = 500, max = 500 }] }, trip_duration = \"30s\" }] }",
    );
    let pool = r#"services = [{ id = "b1" }, { id = "b2", priority = 2 }]"#;
    for (settings, reason) in [
        ("", "Backend pool p is temporarily unavailable"),
        ("pool_reason = \"new\"", "Service Unavailable"),
    ] {
        let world = World::with(TO_POOL, &config, pool, settings);
        for backend in &world.backends {
            backend.now_answers(500);
        }
        assert_eq!(world.order(2).await, "b1 b2");
        advance(1_000).await;
        let answer = world.call().await;
        assert_eq!(answer.status, 503);
        // The second member opened at 0.02 s, for 30 s; now it is 1.02 s.
        assert_eq!(answer.header("retry-after"), Some("29"));
        let expected = format!("BackendUnavailable: 503 {reason}");
        assert_eq!(answer.header("x-reason"), Some(expected.as_str()));
        assert_eq!(answer.body, format!("{{ \"statusCode\": 503, \"message\": \"{reason}\" }}"));
        let refused = r#"gateway_backend_unavailable_total{backend="p"}"#;
        assert_eq!(world.metric(refused).await.as_deref(), Some("1"));
        advance(29_000).await;
        world.backends[1].now_answers(200);
        assert_eq!(world.order(1).await, "b2");
    }
}

#[tokio::test(start_paused = true)]
async fn the_reason_phrase_reaches_the_client() {
    let world = World::with(TO_POOL, &with_breaker(ONE_500, MINUTE), ONLY, "");
    world.backends[0].now_answers(500);
    world.call().await;
    let request = Request::post("/api/x").body(Body::empty()).unwrap();
    let response = world.bench.send(request).await;
    let phrase = response.extensions().get::<hyper::ext::ReasonPhrase>().unwrap();
    assert_eq!(phrase.as_bytes(), b"Backend pool p is temporarily unavailable");
}

#[tokio::test(start_paused = true)]
async fn the_tripping_call_can_be_a_503_itself() {
    let config = with_breaker(ONE_500, "trip_duration = \"30s\"");
    let world = World::with(TO_POOL, &config, SPILL, "breaker_tripping_call = \"503\"");
    world.backends[0].now_answers(500);
    let answer = world.call().await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("30")));
    let record = world.bench.record(1);
    assert_eq!(record.error_reason.as_deref(), Some("BackendUnavailable"));
    assert_eq!((record.status, record.attempts[0].status), (503, Some(500)));
    assert_eq!(world.order(1).await, "b2");
}

#[tokio::test(start_paused = true)]
async fn errors_count_only_when_they_are_named() {
    let condition = |reasons: &str| {
        format!(
            "count = 1, interval = \"10s\", status_code_ranges = [{{ min = 429, max = 429 }}], error_reasons = [{reasons}]"
        )
    };
    let pool = r#"services = [{ id = "b1" }, { id = "b2", priority = 2 }]"#;
    for (reasons, timeout, order) in [
        ("", None, "b1 b1"),
        ("\"Server errors\"", None, "b1 b1"),
        ("\"timeout\"", None, "b1 b1"),
        ("\"BackendConnectionFailure\"", None, "b1 b2"),
        ("\"BackendConnectionFailure\"", Some("5"), "b1 b1"),
        ("\"x\", \"Timeout\"", Some("5"), "b1 b2"),
    ] {
        let config = format!(
            "{}\n[[backends]]\nid = \"p\"\n[backends.pool]\n{pool}\n",
            with_breaker(&condition(reasons), MINUTE)
        );
        let slow = axum::Router::new().fallback(|| async {
            tokio::time::sleep(Duration::from_secs(60)).await;
        });
        let good = crate::support::Backend::default();
        let mut network = InProcessNetwork::new().host("b2:80", good.router());
        if timeout.is_some() {
            network = network.host("b1:80", slow);
        }
        let forward = format!("<forward-request timeout=\"{}\" />", timeout.unwrap_or("300"));
        let document = TO_POOL
            .replace("<backend><base /></backend>", &format!("<backend>{forward}</backend>"));
        let bench = Bench::new(&config, &[("api.xml", &document)], network.into_service());
        assert_eq!(bench.post("/api/x", "").await.status, 500);
        bench.post("/api/x", "").await;
        let called: Vec<_> =
            (1..=2).map(|number| bench.record(number).attempts[0].backend.clone()).collect();
        assert_eq!(called.join(" "), order, "{reasons} {timeout:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn concurrent_failures_open_it_once() {
    let world = spill(MINUTE);
    let answers = futures_util::future::join_all((0..8).map(|_| world.call())).await;
    // All eight left before the first result.
    assert!(answers.iter().all(|answer| answer.status == 429));
    assert_eq!(world.counts(), [8, 0, 0]);
    let opened = world.bench.gateway.journal(0);
    let opened = opened.iter().filter(|record| record.attempts[0].breaker.is_some()).count();
    assert_eq!(opened, 1);
    assert_eq!(world.order(1).await, "b2");
    // The five late ones did not prolong it, and are not counted afterwards.
    advance(60_000).await;
    assert_eq!(world.order(4).await, "b1 b1 b1 b2");
}

#[tokio::test(start_paused = true)]
async fn a_percentage_may_need_a_minimum_of_calls() {
    let half =
        "percentage = 50, interval = \"10s\", status_code_ranges = [{ min = 429, max = 429 }]";
    for (settings, order) in
        [("", "b1 b2 b2 b2 b2"), ("breaker_percentage_minimum_calls = 4", "b1 b1 b1 b1 b2")]
    {
        let world = World::with(TO_POOL, &with_breaker(half, MINUTE), SPILL, settings);
        world.backends[0].now_answers(429);
        assert_eq!(world.order(5).await, order, "{settings}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_finds_the_next_priority_and_stops_at_an_exhausted_pool() {
    // As public documents have it: any member, until the pool says it is empty.
    let retry = r#"<policies>
        <inbound><set-backend-service backend-id="p" /></inbound>
        <backend>
            <retry count="5" interval="0" first-fast-retry="true" condition="@(context.Response.StatusCode == 429 || (context.Response.StatusCode == 503 && !context.Response.StatusReason.Contains("Backend pool") && !context.Response.StatusReason.Contains("is temporarily unavailable")))">
                <forward-request buffer-request-body="true" />
            </retry>
        </backend>
        <on-error>
            <choose><when condition="@(context.Response.StatusCode == 503)">
                <return-response><set-status code="503" reason="Busy" /></return-response>
            </when></choose>
        </on-error>
    </policies>"#;
    let one = THREE.replace("count = 3", "count = 1");
    let world = World::with(retry, &with_breaker(&one, MINUTE), SPILL, "");
    world.backends[0].now_answers(429);
    assert_eq!(world.call().await.status, 200);
    assert_eq!(world.counts(), [1, 1, 0]);
    let alone = World::with(retry, &with_breaker(&one, MINUTE), ONLY, "");
    alone.backends[0].now_answers(429);
    assert_eq!(alone.call().await.status, 503);
    assert_eq!(alone.counts(), [1, 0, 0]);
    // With the new text such a document tries on, and is refused each time.
    let new = World::with(retry, &with_breaker(&one, MINUTE), ONLY, "pool_reason = \"new\"");
    new.backends[0].now_answers(429);
    assert_eq!(new.call().await.status, 503);
    let refused = r#"gateway_backend_unavailable_total{backend="p"}"#;
    assert_eq!(alone.metric(refused).await.as_deref(), Some("1"));
    assert_eq!(new.metric(refused).await.as_deref(), Some("5"));
}
