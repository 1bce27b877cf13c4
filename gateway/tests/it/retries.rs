//! `retry` around `forward-request`, on paused time.

use seam::http::InProcessNetwork;

use crate::support::{Backend, Bench, CONFIG};

fn document(attributes: &str, forward: &str) -> String {
    format!(
        r#"<policies><inbound /><backend>
            <retry condition="@(context.Response.StatusCode == 429 || context.Response.StatusCode >= 500)" {attributes}>
                <forward-request {forward} />
            </retry></backend><outbound><set-header name="x-outbound"><value>ran</value></set-header></outbound></policies>"#
    )
}

fn bench(document: &str, statuses: &[u16], settings: &str) -> (Bench, Backend) {
    let backend = Backend::answering(statuses);
    let network = InProcessNetwork::new().host("b1:80", backend.router());
    let config = format!("{CONFIG}\n[settings]\n{settings}");
    (Bench::new(&config, &[("api.xml", document)], network.into_service()), backend)
}

/// Seconds between the attempts, answers of 10 ms taken out.
fn waits(backend: &Backend) -> Vec<f64> {
    let seen = backend.requests();
    let gap = |pair: &[crate::support::Seen]| (pair[1].at - pair[0].at).as_secs_f64() - 0.010;
    seen.windows(2).map(gap).map(|wait| (wait * 100.0).round() / 100.0).collect()
}

#[tokio::test(start_paused = true)]
async fn waits_and_sends_the_body_again() {
    let document = document("count='3' interval='2' delta='3'", "");
    let (bench, backend) = bench(&document, &[429, 503, 200], "");
    let answer = bench.post("/api/x", "hello").await;
    assert_eq!((answer.status, answer.header("x-outbound")), (200, Some("ran")));
    assert_eq!(waits(&backend), [2.0, 5.0]);
    assert!(backend.requests().iter().all(|seen| seen.body == "hello"));
    let statuses: Vec<_> = bench.record(1).attempts.iter().map(|a| a.status).collect();
    assert_eq!(statuses, [Some(429), Some(503), Some(200)]);
}

#[tokio::test(start_paused = true)]
async fn the_first_of_exponential_waits_is_the_interval() {
    let document = document("count='2' interval='1' max-interval='10' delta='2'", "");
    let (bench, backend) = bench(&document, &[429], "");
    assert_eq!(bench.post("/api/x", "").await.status, 429);
    let waits = waits(&backend);
    assert_eq!(waits[0], 1.0);
    assert!((2.6..=3.4).contains(&waits[1]), "{waits:?}");
}

#[tokio::test(start_paused = true)]
async fn the_other_reading_is_a_setting() {
    let document = document("count='1' interval='1' max-interval='10' delta='2'", "");
    let (bench, backend) = bench(&document, &[429], "retry_backoff = \"formula\"");
    bench.post("/api/x", "").await;
    assert!((2.6..=3.4).contains(&waits(&backend)[0]), "{:?}", waits(&backend));
}

#[tokio::test(start_paused = true)]
async fn the_first_retry_may_be_fast() {
    let document = document("count='3' interval='2' first-fast-retry='true'", "");
    let (bench, backend) = bench(&document, &[500], "");
    bench.post("/api/x", "").await;
    assert_eq!(waits(&backend), [0.0, 2.0, 2.0]);
}

#[tokio::test(start_paused = true)]
async fn an_error_inside_does_not_leave_the_retry() {
    let document = document("count='3' interval='1'", "fail-on-error-status-code='true'");
    let (good, backend) = bench(&document, &[429, 200], "");
    let answer = good.post("/api/x", "").await;
    assert_eq!((answer.status, answer.header("x-outbound")), (200, Some("ran")));
    assert_eq!(good.record(1).error_reason, None);
    assert_eq!(backend.requests().len(), 2);
    // Retries used up: the last error goes on.
    let (bad, backend) = bench(&document, &[429], "");
    let answer = bad.post("/api/x", "").await;
    assert_eq!((answer.status, answer.header("x-outbound")), (429, None));
    assert_eq!(answer.header("retry-after"), Some("7"));
    assert_eq!(bad.record(1).error_reason.as_deref(), Some("BackendErrorStatusCode"));
    assert_eq!(backend.requests().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_connection_failure_is_retried_as_a_500() {
    let document = document("count='2' interval='1'", "");
    let bench =
        Bench::new(CONFIG, &[("api.xml", &document)], InProcessNetwork::new().into_service());
    let started = tokio::time::Instant::now();
    assert_eq!(bench.post("/api/x", "").await.status, 500);
    assert_eq!(started.elapsed().as_secs(), 2);
    assert_eq!(bench.record(1).attempts.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn return_response_inside_leaves_the_pipeline() {
    let document = r#"<policies><inbound /><backend>
        <retry condition="true" count="3" interval="1"><return-response><set-status code="204" /></return-response></retry>
        </backend></policies>"#;
    let (bench, backend) = bench(document, &[200], "");
    assert_eq!(bench.post("/api/x", "").await.status, 204);
    assert!(backend.requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_strict_retry_loses_an_unbuffered_body() {
    let strict = "strict_retry_body = true";
    let plain = document("count='1' interval='1'", "");
    let (bench_, backend) = bench(&plain, &[429, 200], strict);
    bench_.post("/api/x", "hello").await;
    let bodies: Vec<_> = backend.requests().into_iter().map(|seen| seen.body).collect();
    assert_eq!(bodies, ["hello", ""]);
    let buffered = document("count='1' interval='1'", "buffer-request-body='true'");
    let (bench, backend) = bench(&buffered, &[429, 200], strict);
    bench.post("/api/x", "hello").await;
    assert_eq!(backend.requests()[1].body, "hello");
}
