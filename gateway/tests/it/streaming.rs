//! Streams pass through chunk by chunk; a client that goes away is noticed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use bytes::Bytes;
use futures_util::StreamExt as _;
use http_body_util::BodyExt as _;
use seam::http::{Body, InProcessNetwork};
use tokio::time::Instant;

use crate::support::{Bench, CONFIG, post};

/// A backend that sends four chunks, one a second; and counts how many bodies
/// came to their end, and how many were dropped before.
fn ticking(finished: &Arc<AtomicUsize>, dropped: &Arc<AtomicUsize>) -> Router {
    struct OnDrop(Arc<AtomicUsize>, Arc<AtomicUsize>, usize);
    impl Drop for OnDrop {
        fn drop(&mut self) {
            let counter = if self.2 == 4 { &self.0 } else { &self.1 };
            counter.fetch_add(1, Ordering::SeqCst);
        }
    }
    let (finished, dropped) = (Arc::clone(finished), Arc::clone(dropped));
    Router::new().fallback(move || {
        let guard = OnDrop(Arc::clone(&finished), Arc::clone(&dropped), 0);
        async move {
            let chunks = futures_util::stream::unfold(guard, |mut guard| async move {
                if guard.2 == 4 {
                    return None;
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
                let chunk = Bytes::from(format!("data: {}\n\n", guard.2));
                guard.2 += 1;
                Some((Ok::<_, std::io::Error>(chunk), guard))
            });
            ([("content-type", "text/event-stream")], Body::from_stream(chunks))
        }
    })
}

struct World {
    bench: Bench,
    finished: Arc<AtomicUsize>,
    dropped: Arc<AtomicUsize>,
}

fn world(forward: &str) -> World {
    world_of(CONFIG, forward)
}

fn world_of(config: &str, backend: &str) -> World {
    let (finished, dropped) = (Arc::default(), Arc::default());
    let network = InProcessNetwork::new().host("b1:80", ticking(&finished, &dropped));
    let document = format!("<policies><inbound /><backend>{backend}</backend></policies>");
    let bench = Bench::new(config, &[("api.xml", &document)], network.into_service());
    World { bench, finished, dropped }
}

async fn arrivals(world: &World) -> Vec<(u64, usize)> {
    let started = Instant::now();
    let response = world.bench.send(post("/api/x", "")).await;
    let mut times = Vec::new();
    let mut body = response.into_body().into_data_stream();
    while let Some(chunk) = body.next().await {
        times.push((started.elapsed().as_secs(), chunk.unwrap().len()));
    }
    times
}

#[tokio::test(start_paused = true)]
async fn chunks_pass_as_they_come() {
    let streamed = world("<forward-request buffer-response='false' />");
    assert_eq!(arrivals(&streamed).await, [(1, 9), (2, 9), (3, 9), (4, 9)]);
    let record = streamed.bench.record(1);
    assert_eq!(record.status, 200);
    assert_eq!((record.done_us - record.received_us) / 1_000_000, 4);
    assert_eq!((record.attempts[0].headers_us - record.attempts[0].sent_us) / 1_000_000, 0);
    assert_eq!(streamed.finished.load(Ordering::SeqCst), 1);

    let buffered = world("<forward-request />");
    assert_eq!(arrivals(&buffered).await, [(4, 36)]);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_mid_stream_cancels_the_backend_call() {
    let world = world("<forward-request buffer-response='false' />");
    let mut body = world.bench.send(post("/api/x", "")).await.into_body();
    let first = body.frame().await.unwrap().unwrap();
    assert_eq!(first.into_data().unwrap(), "data: 0\n\n");
    assert!(world.bench.gateway.journal(0).is_empty());
    drop(body);
    assert_eq!(world.dropped.load(Ordering::SeqCst), 1);
    let record = world.bench.record(1);
    assert_eq!((record.status, record.attempts[0].status), (499, Some(200)));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_before_the_answer_cancels_the_backend_call() {
    let world = world("<forward-request />");
    let call = world.bench.send(post("/api/x", ""));
    let gone = tokio::time::timeout(Duration::from_millis(2_500), call).await;
    assert!(gone.is_err());
    assert_eq!(world.dropped.load(Ordering::SeqCst), 1);
    let record = world.bench.record(1);
    assert_eq!(record.status, 499);
    assert_eq!(record.attempts.len(), 1);
    assert_eq!((record.done_us - record.received_us) / 100_000, 25);
}

#[tokio::test(start_paused = true)]
async fn the_cursor_waits_for_requests_under_way() {
    let world = world("<forward-request buffer-response='false' />");
    let slow = world.bench.send(post("/api/x", "")).await;
    world.bench.post("/api/nothing", "").await;
    let page = || async {
        let request = http::Request::get("/++/journal").body(Body::empty()).unwrap();
        let text = world.bench.answer(request).await.body;
        serde_json::from_str::<serde_json::Value>(&text).unwrap()
    };
    assert_eq!(page().await["next"], 0);
    slow.into_body().collect().await.unwrap();
    assert_eq!(page().await["next"], 2);
}

#[tokio::test(start_paused = true)]
async fn a_pools_answers_stream_with_their_session_cookie() {
    let pool = r#"
        [[backends]]
        id = "pool"
        [backends.pool]
        services = [{ id = "b1" }]
        session_affinity = { session_id = { source = "cookie", name = "session" } }
    "#;
    let backend =
        "<set-backend-service backend-id='pool' /><forward-request buffer-response='false' />";
    let world = world_of(&format!("{CONFIG}{pool}"), backend);
    assert_eq!(arrivals(&world).await, [(1, 9), (2, 9), (3, 9), (4, 9)]);
    let response = world.bench.send(post("/api/x", "")).await;
    assert!(response.headers().contains_key("set-cookie"));
    // A client that goes away ends the member's stream, too.
    drop(response);
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(world.dropped.load(Ordering::SeqCst), 1);
}
