//! `cors`: preflight requests, and the headers of others.

use http::Request;
use seam::http::{Body, InProcessNetwork};

use crate::support::{Answer, Backend, Bench, CONFIG};

const RULES: &str = r#"<cors allow-credentials="true" terminate-unmatched-request="TERMINATE"><allowed-origins><origin>https://page.example</origin></allowed-origins><allowed-methods preflight-result-max-age="300"><method>POST</method></allowed-methods><allowed-headers><header>api-key</header><header>content-type</header></allowed-headers><expose-headers><header>x-left</header></expose-headers></cors>"#;

fn bench(rules: &str) -> (Bench, Backend) {
    let document = format!(
        "<policies><inbound>{rules}</inbound><backend><forward-request /></backend><outbound /><on-error /></policies>"
    );
    let backend = Backend::default();
    let network = InProcessNetwork::new().host("b1:80", backend.router()).into_service();
    (Bench::new(CONFIG, &[("api.xml", &document)], network), backend)
}

fn preflight(origin: &str, method: &str, headers: &str) -> Request<Body> {
    Request::options("/api/x")
        .header("origin", origin)
        .header("access-control-request-method", method)
        .header("access-control-request-headers", headers)
        .body(Body::empty())
        .unwrap()
}

fn allowed(answer: &Answer) -> Vec<(&str, &str)> {
    let all = answer.headers.iter().filter(|(name, _)| name.as_str().starts_with("access-"));
    let mut all: Vec<_> =
        all.map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    all.sort_unstable();
    all
}

#[tokio::test(start_paused = true)]
async fn a_preflight_needs_no_key_and_no_operation() {
    let (bench, backend) = bench(&RULES.replace("TERMINATE", "false"));
    let good =
        bench.answer(preflight("https://page.example", "POST", "api-key, Content-Type")).await;
    assert_eq!((good.status, good.body.as_str()), (200, ""));
    assert_eq!(
        allowed(&good),
        [
            ("access-control-allow-credentials", "true"),
            ("access-control-allow-headers", "api-key,content-type"),
            ("access-control-allow-methods", "POST"),
            ("access-control-allow-origin", "https://page.example"),
            ("access-control-max-age", "300"),
        ]
    );
    for request in [
        preflight("https://other.example", "POST", ""),
        preflight("https://page.example", "DELETE", ""),
        preflight("https://page.example", "POST", "x-more"),
    ] {
        let refused = bench.answer(request).await;
        assert_eq!((refused.status, allowed(&refused)), (200, Vec::new()));
    }
    assert!(backend.seen.lock().unwrap().is_empty());
    // Without the question it is a request like any: there is no such operation.
    let plain = Request::options("/api/x").header("origin", "https://page.example");
    assert_eq!(bench.answer(plain.body(Body::empty()).unwrap()).await.status, 404);
}

#[tokio::test(start_paused = true)]
async fn answers_may_be_read_by_the_allowed_page_only() {
    let get = |origin: &str| {
        let request = Request::get("/api/x").header("api-key", "key-one");
        request.header("origin", origin).body(Body::empty()).unwrap()
    };
    let (open, backend) = bench(&RULES.replace("TERMINATE", "false"));
    let good = open.answer(get("https://page.example")).await;
    assert_eq!(
        allowed(&good),
        [
            ("access-control-allow-credentials", "true"),
            ("access-control-allow-origin", "https://page.example"),
            ("access-control-expose-headers", "x-left"),
        ]
    );
    let other = open.answer(get("https://other.example")).await;
    assert_eq!((other.status, allowed(&other)), (200, Vec::new()));
    assert_eq!(backend.seen.lock().unwrap().len(), 2);

    let (closed, backend) = bench(&RULES.replace("TERMINATE", "true"));
    let other = closed.answer(get("https://other.example")).await;
    assert_eq!((other.status, other.body.as_str()), (200, ""));
    assert!(backend.seen.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn everybody_may_where_a_star_says_so() {
    let (bench, _) = bench(
        "<cors><allowed-origins><origin>*</origin></allowed-origins><allowed-methods><method>*</method></allowed-methods><allowed-headers><header>*</header></allowed-headers></cors>",
    );
    let good = bench.answer(preflight("https://any.example", "PATCH", "x-a")).await;
    assert_eq!(
        allowed(&good),
        [
            ("access-control-allow-headers", "x-a"),
            ("access-control-allow-methods", "PATCH"),
            ("access-control-allow-origin", "*"),
        ]
    );
}
