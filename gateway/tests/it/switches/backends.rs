//! Backends, pools and circuit breakers.

use std::time::Duration;

use super::{call, document, each_way};
use crate::pools::{BACKENDS, EQUAL, TO_POOL, World};

/// The backends, `b1` with a breaker that opens for 30 s.
fn with_breaker(condition: &str) -> String {
    let breaker = format!(
        "id = \"b1\"\ncircuit_breaker = {{ rules = [{{ failure_condition = {{ {condition} }}, trip_duration = \"30s\" }}] }}"
    );
    BACKENDS.replace("id = \"b1\"", &breaker)
}

const FAILS: &str = "status_code_ranges = [{ min = 500, max = 599 }]";
const ONLY: &str = r#"services = [{ id = "b1" }]"#;

#[tokio::test(start_paused = true)]
async fn a_backend_that_an_expression_makes_up() {
    let computed = r#"<set-backend-service backend-id="@("no" + "body")" />"#;
    each_way(
        "unknown_backend_status",
        &[("\"500\"", "500"), ("\"503\"", "503")],
        async |setting| call(&document(computed, "", "", ""), setting).await.status.to_string(),
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_member_of_weight_0() {
    let weighted = r#"services = [{ id = "b1", weight = 0 }, { id = "b2" }]"#;
    each_way(
        "pool_zero_weight",
        &[("\"no_calls\"", "b2 b2 b2"), ("\"one\"", "b1 b2 b1")],
        async |setting| World::new(weighted, setting).order(3).await,
    )
    .await;
}

const SESSION: &str =
    "session_affinity = { session_id = { source = \"cookie\", name = \"Affinity\" } }";

#[tokio::test(start_paused = true)]
async fn a_session_whose_member_is_open() {
    let pool = format!("{EQUAL}\n{SESSION}");
    let backends = with_breaker(&format!("count = 1, interval = \"1m\", {FAILS}"));
    each_way("pool_session_lost", &[("\"moved\"", "200"), ("\"503\"", "503")], async |setting| {
        let world = World::with(TO_POOL, &backends, &pool, setting);
        let first = world.call().await;
        let cookie = first.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        world.backends[0].now_answers(500);
        let again = || {
            let mut request = crate::support::post("/api/x", "");
            request.headers_mut().insert("cookie", cookie.parse().unwrap());
            world.bench.answer(request)
        };
        assert_eq!(again().await.status, 500);
        again().await.status.to_string()
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_session_cookies_attributes() {
    let pool = format!("{EQUAL}\n{SESSION}");
    each_way(
        "pool_session_cookie",
        &[("\"path\"", "; Path=/"), ("\"path_http_only\"", "; Path=/; HttpOnly")],
        async |setting| {
            let answer = World::new(&pool, setting).call().await;
            let cookie = answer.header("set-cookie").unwrap();
            cookie[cookie.find(';').unwrap()..].to_owned()
        },
    )
    .await;
}

/// Failures at so many seconds; the status a call gets right after.
async fn after_failures(condition: &str, at: &[u64], setting: &str) -> String {
    let backends = with_breaker(&format!("{condition}, interval = \"10s\", {FAILS}"));
    let world = World::with(TO_POOL, &backends, ONLY, setting);
    world.backends[0].now_answers(500);
    let start = tokio::time::Instant::now();
    for second in at {
        tokio::time::sleep_until(start + Duration::from_secs(*second)).await;
        world.call().await;
    }
    world.call().await.status.to_string()
}

#[tokio::test(start_paused = true)]
async fn the_interval_of_a_breaker() {
    // At 12 s the last 10 s have three failures; the 10 s from 11 s on have two.
    each_way(
        "breaker_interval",
        &[("\"sliding\"", "503"), ("\"fixed\"", "500")],
        async |setting| after_failures("count = 3", &[0, 8, 11, 12], setting).await,
    )
    .await;
    // The same for a share of the calls.
    each_way(
        "breaker_interval",
        &[("\"sliding\"", "503"), ("\"fixed\"", "500")],
        async |setting| {
            let setting = format!("{setting}\nbreaker_percentage_minimum_calls = 3");
            after_failures("percentage = 100", &[0, 8, 11, 12], &setting).await
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn results_that_come_late() {
    let backends = with_breaker(&format!("count = 1, interval = \"1m\", {FAILS}"));
    // Two calls leave together; the second answer comes when the breaker is open.
    each_way(
        "breaker_late_results",
        &[("\"ignored\"", "1"), ("\"counted\"", "2")],
        async |setting| {
            let world = World::with(TO_POOL, &backends, ONLY, setting);
            world.backends[0].now_answers(500);
            let calls = tokio::join!(world.call(), world.call());
            assert_eq!((calls.0.status, calls.1.status), (500, 500));
            let trips = r#"gateway_breaker_trips_total{backend="b1"}"#;
            world.metric(trips).await.unwrap_or_default()
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn error_reasons_in_words_of_ones_own() {
    let backends = with_breaker(&format!(
        "count = 1, interval = \"1m\", error_reasons = [\"Server errors\"], {FAILS}"
    ));
    let backends = backends.replace("http://b1/base", "http://nobody/base");
    each_way(
        "breaker_other_reasons",
        &[("\"ignored\"", "500"), ("\"any_error\"", "503")],
        async |setting| {
            let world = World::with(TO_POOL, &backends, ONLY, setting);
            assert_eq!(world.call().await.status, 500);
            world.call().await.status.to_string()
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_reason_of_an_open_breaker() {
    let backends = with_breaker(&format!("count = 1, interval = \"1m\", {FAILS}"));
    each_way(
        "breaker_reason",
        &[
            ("\"BackendUnavailable\"", "BackendUnavailable"),
            ("\"BackendConnectionFailure\"", "BackendConnectionFailure"),
        ],
        async |setting| {
            let world = World::with(TO_POOL, &backends, ONLY, setting);
            world.backends[0].now_answers(500);
            world.call().await;
            let refused = world.call().await;
            assert_eq!(refused.status, 503);
            refused.header("x-reason").unwrap().split(':').next().unwrap().to_owned()
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn how_a_pool_takes_turns() {
    each_way(
        "pool_selection",
        &[("\"smooth\"", "alternates"), ("\"random_weighted\"", "repeats")],
        async |setting| {
            let order = World::new(EQUAL, setting).order(40).await;
            if order.contains("b1 b1") { "repeats".to_owned() } else { "alternates".to_owned() }
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_backend_after_a_pools_call() {
    each_way(
        "pool_backend_context",
        &[("\"pool\"", "p Pool sweden"), ("\"member\"", "b1 Single sweden")],
        async |setting| {
            let answer = World::new(EQUAL, setting).call().await;
            answer.header("x-after").unwrap().to_owned()
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_phrase_of_an_exhausted_pool() {
    let backends = with_breaker(&format!("count = 1, interval = \"1m\", {FAILS}"));
    each_way(
        "pool_reason",
        &[
            ("\"old\"", "BackendUnavailable: 503 Backend pool p is temporarily unavailable"),
            ("\"new\"", "BackendUnavailable: 503 Service Unavailable"),
        ],
        async |setting| {
            let world = World::with(TO_POOL, &backends, ONLY, setting);
            world.backends[0].now_answers(500);
            world.call().await;
            world.call().await.header("x-reason").unwrap().to_owned()
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_calls_a_percentage_needs() {
    each_way("breaker_percentage_minimum_calls", &[("1", "503"), ("2", "500")], async |setting| {
        after_failures("percentage = 50", &[0], setting).await
    })
    .await;
}
