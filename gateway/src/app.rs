//! The HTTP service: reserved paths, then everything else is an API's.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Query, Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get};
use axum::{Json, Router};
use futures_util::FutureExt as _;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use seam::clock::WallClock;
use seam::http::HttpService;
use seam::rng::Seed;
use serde::Deserialize;

use crate::backend::Routes;
use crate::config::model::Model;
use crate::identity::Identity;
use crate::journal::Journal;
use crate::metrics::Metrics;
use crate::pipeline::{errors, handle};
use crate::store::counter::CounterStore;
use crate::store::{CacheStore, Gate};
use crate::telemetry::sinks::Sinks;

/// First path segments no API may have.
pub(crate) const RESERVED_PATHS: [&str; 3] = ["++", "healthz", "metrics"];

/// What all requests share.
pub(crate) struct Shared {
    pub(crate) model: Arc<Model>,
    pub(crate) routes: Routes,
    pub(crate) seed: Seed,
    pub(crate) clock: WallClock,
    pub(crate) cache: Box<dyn CacheStore>,
    pub(crate) counters: Arc<dyn CounterStore>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) journal: Arc<Journal>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) sinks: Sinks,
    pub(crate) identity: Identity,
    /// Requests of `send-one-way-request` that may be under way.
    pub(crate) one_way: Arc<tokio::sync::Semaphore>,
}

/// The gateway, and the connections to backends that its requests use here.
pub(crate) struct Worker {
    pub(crate) shared: Arc<Shared>,
    pub(crate) client: HttpService,
}

/// The whole service.
pub(crate) fn router(worker: Arc<Worker>) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/metrics", get(metrics))
        .route("/++/journal", get(journal))
        .route("/++/traces/{id}", get(trace))
        .route("/++", any(nothing_there))
        .route("/++/{*rest}", any(nothing_there))
        .fallback(api)
        .with_state(worker)
}

/// A panic is a defect of ours; the client gets a 500, other requests go on.
async fn api(State(worker): State<Arc<Worker>>, request: Request) -> Response {
    let work = AssertUnwindSafe(handle::handle(worker, request));
    match work.catch_unwind().await {
        Ok(response) => response,
        Err(_) => {
            tracing::error!("a request panicked; please report this");
            let mut response = Response::new(Body::from(
                "{ \"statusCode\": 500, \"message\": \"Internal server error\" }",
            ));
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            let json = http::HeaderValue::from_static("application/json");
            response.headers_mut().insert(CONTENT_TYPE, json);
            response
        }
    }
}

async fn metrics(State(worker): State<Arc<Worker>>) -> Response {
    let shared = &worker.shared;
    shared.metrics.breakers(shared.routes.breakers());
    let format = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(CONTENT_TYPE, format)], shared.metrics.encode()).into_response()
}

async fn nothing_there() -> Response {
    refusal(StatusCode::NOT_FOUND, errors::NOT_FOUND)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cursor {
    #[serde(default)]
    after: u64,
}

async fn journal(
    State(worker): State<Arc<Worker>>,
    headers: HeaderMap,
    cursor: Result<Query<Cursor>, axum::extract::rejection::QueryRejection>,
) -> Response {
    let shared = &worker.shared;
    if let Some(refusal) = without_control_key(shared, &headers) {
        return refusal;
    }
    match cursor {
        Ok(Query(cursor)) => Json(shared.journal.page(cursor.after)).into_response(),
        Err(error) => refusal(StatusCode::BAD_REQUEST, &error.body_text()),
    }
}

async fn trace(
    State(worker): State<Arc<Worker>>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Response {
    let shared = &worker.shared;
    if let Some(refusal) = without_control_key(shared, &headers) {
        return refusal;
    }
    match shared.journal.traces().find(&id) {
        Some(trace) => Json(trace.as_ref()).into_response(),
        None => refusal(
            StatusCode::NOT_FOUND,
            "No such trace: the request is under way, or newer traces took its place.",
        ),
    }
}

/// The refusal of a request to the control API without its key.
fn without_control_key(shared: &Shared, headers: &HeaderMap) -> Option<Response> {
    let expected = shared.model.control_key.as_deref()?;
    let sent = headers.get("api-key").and_then(|key| key.to_str().ok());
    (sent != Some(expected)).then(|| {
        refusal(StatusCode::UNAUTHORIZED, "The control API needs its key in header api-key.")
    })
}

fn refusal(status: StatusCode, message: &str) -> Response {
    let body = serde_json::json!({ "statusCode": status.as_u16(), "message": message });
    (status, Json(body)).into_response()
}
