//! A backend that answers as a model: what a call costs stands in its body.

use std::time::Duration;

use axum::Router;
use futures_util::StreamExt as _;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use seam::http::{Body, InProcessNetwork};
use serde_json::Value;

use crate::support::{Answer, Bench, CONFIG, post};

/// Bodies it understands: `{"cost": 12}` is answered with that usage,
/// `{"status": 400}` with that status, `{"stream": true, "texts": […]}` with a
/// chunk a second.
pub(crate) fn model() -> Router {
    Router::new().fallback(|request: Request<Body>| async move {
        let body = request.into_body().collect().await.unwrap().to_bytes();
        // Calls made at the same time overlap.
        tokio::task::yield_now().await;
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        let status = u16::try_from(body["status"].as_u64().unwrap_or(200)).unwrap();
        if body["stream"] == true {
            let texts = body["texts"].as_array().cloned().unwrap_or_default();
            let usage = body["usage"].clone();
            let chunks = futures_util::stream::iter(texts).then(move |text| async move {
                tokio::time::sleep(Duration::from_secs(1)).await;
                let chunk = serde_json::json!({ "choices": [{ "index": 0, "delta": { "content": text } }] });
                Ok::<_, std::io::Error>(format!("data: {chunk}\n\n"))
            });
            let last = format!("data: {}\n\n", serde_json::json!({ "choices": [], "usage": usage }));
            let chunks = chunks.chain(futures_util::stream::iter([Ok(last)]));
            let response = Response::builder().header("content-type", "text/event-stream");
            return response.body(Body::from_stream(chunks)).unwrap();
        }
        let mut answer = serde_json::json!({ "id": "a" });
        if let Some(cost) = body["cost"].as_u64() {
            answer["usage"] = serde_json::json!({ "prompt_tokens": 1, "completion_tokens": cost - 1, "total_tokens": cost });
        }
        let response = Response::builder().status(status).header("content-type", "application/json");
        response.body(Body::from(answer.to_string())).unwrap()
    })
}

/// A gateway with these policies in inbound and outbound, in front of a model.
#[track_caller]
pub(crate) fn gateway(inbound: &str, outbound: &str, config: &str) -> Bench {
    let document = format!(
        "<policies><inbound><base />{inbound}</inbound><backend><forward-request buffer-response='false' /></backend>
         <outbound>{outbound}<base /></outbound>
         <on-error><set-header name='x-error'><value>@(context.LastError.Reason + \": \" + context.LastError.Message)</value></set-header></on-error></policies>"
    );
    let network = InProcessNetwork::new().host("b1:80", model());
    Bench::new(&format!("{CONFIG}\n{config}"), &[("api.xml", &document)], network.into_service())
}

/// Waits until so many seconds after the test's start.
pub(crate) struct Clock(tokio::time::Instant);

impl Clock {
    pub(crate) fn start() -> Self {
        Self(tokio::time::Instant::now())
    }

    pub(crate) async fn at(&self, seconds: f64) {
        tokio::time::sleep_until(self.0 + Duration::from_secs_f64(seconds)).await;
    }
}

/// Calls with a cost.
pub(crate) async fn cost(bench: &Bench, cost: u64) -> Answer {
    bench.post("/api/x", &format!("{{\"cost\": {cost}}}")).await
}

/// Calls with a header.
pub(crate) async fn with_header(
    bench: &Bench,
    name: &'static str,
    value: &str,
    body: &str,
) -> Answer {
    let mut request = post("/api/x", body);
    request.headers_mut().insert(name, value.parse().unwrap());
    bench.answer(request).await
}
