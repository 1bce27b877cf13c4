//! Live control under `/++/`, metrics, health, and a page for people.

mod config;
mod faults;
mod journal;
mod page;
mod picture;
mod state;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{delete, get, post};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::json;
use tokio::time::Instant;

use super::resource::Resource;
use super::serve;
use crate::limit::Standing;

/// The type of Prometheus' text format that the encoder writes.
const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub(super) fn routes() -> Router<Arc<Resource>> {
    Router::new()
        .route("/", get(page::page).fallback(serve::serve))
        .route("/++/config", get(config::read_config).patch(config::change_config))
        .route(
            "/++/faults",
            get(faults::read_faults).post(faults::add_fault).delete(faults::remove_faults),
        )
        .route("/++/faults/{name}", delete(faults::remove_fault))
        .route("/++/journal", get(journal::read_journal))
        .route("/++/journal/events", get(journal::follow_journal))
        .route("/++/images/{name}", get(picture::show))
        .route("/++/reset", post(state::reset))
        .route("/++/state", get(state::read_state))
        .route("/metrics", get(metrics))
        .route("/healthz", get(|| async { "ok\n" }))
}

async fn metrics(State(resource): State<Arc<Resource>>) -> Response {
    let now = Instant::now();
    for (name, deployment) in &resource.deployments {
        if let Standing::Ptu(utilization) = deployment.standing(now) {
            resource.metrics.set_utilization(resource.name(), name, utilization);
        }
    }
    match resource.metrics.text() {
        Ok(text) => typed(StatusCode::OK, METRICS_TYPE, text),
        Err(_) => error(StatusCode::INTERNAL_SERVER_ERROR, "cannot write the metrics"),
    }
}

/// A key of the resource opens its control as well.
fn authorized(resource: &Resource, headers: &HeaderMap) -> Result<(), Response> {
    match headers.get("api-key") {
        Some(key) if resource.accepts(key.as_bytes()) => Ok(()),
        _ => {
            let message = "send a key of this resource in the `api-key` header";
            Err(error(StatusCode::UNAUTHORIZED, message))
        }
    }
}

fn error(status: StatusCode, message: &str) -> Response {
    reply(status, &json!({ "error": { "message": message } }))
}

fn reply(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_string(body) {
        Ok(mut text) => {
            text.push('\n');
            typed(status, "application/json", text)
        }
        Err(_) => typed(StatusCode::INTERNAL_SERVER_ERROR, "text/plain", String::new()),
    }
}

fn typed(status: StatusCode, content_type: &'static str, text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
