//! Subscription keys: who is let in, and the exact refusals.

use http::Request;
use seam::http::{Body, InProcessNetwork};

use crate::support::{Backend, Bench, CONFIG, PLAIN};

fn bench(config: &str) -> Bench {
    let network = InProcessNetwork::new().host("b1:80", Backend::default().router());
    Bench::new(config, &[("api.xml", PLAIN)], network.into_service())
}

async fn status(bench: &Bench, path: &str, key: Option<&str>) -> u16 {
    let mut request = Request::post(path).header("host", "gateway.test");
    if let Some(key) = key {
        request = request.header("api-key", key);
    }
    bench.answer(request.body(Body::empty()).unwrap()).await.status
}

#[tokio::test(start_paused = true)]
async fn refusals_are_the_platforms() {
    let bench = bench(CONFIG);
    let request = |key: Option<&str>| {
        let builder = Request::post("/api/x?q=1").header("host", "gateway.test:8000");
        let builder = match key {
            Some(key) => builder.header("api-key", key),
            None => builder,
        };
        builder.body(Body::empty()).unwrap()
    };
    insta::assert_snapshot!(bench.answer(request(None)).await.golden());
    insta::assert_snapshot!(bench.answer(request(Some("wrong"))).await.golden());
    assert_eq!(bench.record(1).error_reason.as_deref(), Some("SubscriptionKeyNotFound"));
    assert_eq!(bench.record(2).error_reason.as_deref(), Some("SubscriptionKeyInvalid"));
}

#[tokio::test(start_paused = true)]
async fn the_key_may_stand_in_the_query() {
    let bench = bench(CONFIG);
    assert_eq!(status(&bench, "/api/x?subscription-key=key-one", None).await, 200);
    // The header comes first.
    assert_eq!(status(&bench, "/api/x?subscription-key=key-one", Some("wrong")).await, 401);
}

#[tokio::test(start_paused = true)]
async fn a_key_is_for_its_scope() {
    let config = format!(
        r#"{CONFIG}
        secondary_key = "key-two"

        [[products]]
        id = "empty"

        [[subscriptions]]
        id = "elsewhere"
        product = "empty"
        primary_key = "elsewhere"

        [[subscriptions]]
        id = "all"
        primary_key = "all"

        [[subscriptions]]
        id = "api"
        api = "test"
        primary_key = "api"

        [[subscriptions]]
        id = "late"
        product = "product"
        primary_key = "late"
        state = "suspended"
        "#
    );
    let bench = bench(&config);
    for (key, expected) in [
        ("key-one", 200),
        ("key-two", 200),
        ("elsewhere", 401),
        ("all", 200),
        ("api", 200),
        ("late", 401),
    ] {
        assert_eq!(status(&bench, "/api/x", Some(key)).await, expected, "{key}");
    }
    assert_eq!(bench.record(4).subscription.as_deref(), Some("all"));
}

#[tokio::test(start_paused = true)]
async fn an_api_or_a_product_may_need_no_key() {
    let free = CONFIG.replace("path = \"api\"", "path = \"api\"\nsubscription_required = false");
    let free = bench(&free);
    assert_eq!(status(&free, "/api/x", None).await, 200);
    assert_eq!(status(&free, "/api/x", Some("wrong")).await, 200);
    assert_eq!(status(&free, "/api/x", Some("key-one")).await, 200);
    let subscriptions: Vec<_> =
        free.gateway.journal(0).into_iter().map(|record| record.subscription).collect();
    assert_eq!(subscriptions, [None, None, Some("one".to_owned())]);

    let open =
        CONFIG.replace("apis = [\"test\"]", "apis = [\"test\"]\nsubscription_required = false");
    let open = bench(&open);
    assert_eq!(status(&open, "/api/x", None).await, 200);
    assert_eq!(status(&open, "/api/x", Some("wrong")).await, 401);
}

#[tokio::test(start_paused = true)]
async fn a_missing_key_runs_on_error_of_the_matched_api() {
    let document = "<policies><on-error><set-header name='x-reason'><value>@(context.LastError.Reason)</value></set-header></on-error></policies>";
    let network = InProcessNetwork::new().into_service();
    let bench = Bench::new(CONFIG, &[("api.xml", document)], network);
    let refused = bench.answer(Request::post("/api/x").body(Body::empty()).unwrap()).await;
    assert_eq!(
        (refused.status, refused.header("x-reason")),
        (401, Some("SubscriptionKeyNotFound"))
    );
    // Nothing was matched: the global document's on-error, which is empty.
    let nothing = bench.answer(Request::post("/api/y").body(Body::empty()).unwrap()).await;
    assert_eq!((nothing.status, nothing.header("x-reason")), (404, None));
}

#[tokio::test(start_paused = true)]
async fn an_empty_key_in_the_header_leaves_the_query() {
    let bench = bench(CONFIG);
    assert_eq!(status(&bench, "/api/x?subscription-key=key-one", Some("")).await, 200);
    assert_eq!(status(&bench, "/api/x", Some("")).await, 401);
}
