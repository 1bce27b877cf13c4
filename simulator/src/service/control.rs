//! Live control under `/++/`, metrics and health.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::{delete, get};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::Instant;

use super::fault_control;
use super::lock;
use super::patch::{describe, plan};
use super::resource::Resource;
use crate::fault::Armed;

/// How many journal records a page has when the request does not say.
const DEFAULT_PAGE: usize = 1_000;
/// Most records of one page.
const MOST_PER_PAGE: usize = 100_000;
/// The type of Prometheus' text format that the encoder writes.
const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub(super) fn routes() -> Router<Arc<Resource>> {
    Router::new()
        .route("/++/config", get(read_config).patch(change_config))
        .route("/++/journal", get(read_journal))
        .route("/++/faults", get(read_faults).post(add_fault).delete(remove_faults))
        .route("/++/faults/{name}", delete(remove_fault))
        .route("/metrics", get(metrics))
        .route("/healthz", get(|| async { "ok\n" }))
}

async fn read_config(State(resource): State<Arc<Resource>>, headers: HeaderMap) -> Response {
    match authorized(&resource, &headers) {
        Ok(()) => reply(StatusCode::OK, &describe(&resource)),
        Err(refused) => refused,
    }
}

/// Changes settings, all or none.
async fn change_config(
    State(resource): State<Arc<Resource>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Err(refused) = authorized(&resource, &headers) {
        return refused;
    }
    let _one_at_a_time = lock(&resource.patching);
    let now = Instant::now();
    match plan(&resource, &body, now) {
        Ok(changes) => {
            for (deployment, change) in changes.deployments {
                deployment.apply(now, change);
            }
            if let Some(faults) = changes.faults {
                resource.faults.replace(faults);
            }
            tracing::info!(resource = resource.name(), "configuration changed");
            reply(StatusCode::OK, &describe(&resource))
        }
        Err(message) => error(StatusCode::BAD_REQUEST, &message),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cursor {
    #[serde(default)]
    after: u64,
    limit: Option<usize>,
}

async fn read_faults(State(resource): State<Arc<Resource>>, headers: HeaderMap) -> Response {
    match authorized(&resource, &headers) {
        Ok(()) => reply(StatusCode::OK, &fault_control::list(&resource, Instant::now())),
        Err(refused) => refused,
    }
}

async fn add_fault(
    State(resource): State<Arc<Resource>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    change_faults(&resource, &headers, |now| {
        fault_control::added(&resource, &body, now)
            .map_err(|message| error(StatusCode::BAD_REQUEST, &message))
    })
}

async fn remove_faults(State(resource): State<Arc<Resource>>, headers: HeaderMap) -> Response {
    change_faults(&resource, &headers, |_| Ok(Vec::new()))
}

async fn remove_fault(
    State(resource): State<Arc<Resource>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response {
    change_faults(&resource, &headers, |_| {
        fault_control::without(&resource, &name).ok_or_else(|| {
            let message = format!("no fault `{name}` in resource `{}`", resource.name());
            error(StatusCode::NOT_FOUND, &message)
        })
    })
}

/// Puts other faults in force; answers with all of them.
fn change_faults(
    resource: &Resource,
    headers: &HeaderMap,
    change: impl FnOnce(Instant) -> Result<Vec<Arc<Armed>>, Response>,
) -> Response {
    if let Err(refused) = authorized(resource, headers) {
        return refused;
    }
    let _one_at_a_time = lock(&resource.patching);
    let now = Instant::now();
    match change(now) {
        Ok(faults) => {
            resource.faults.replace(faults);
            tracing::info!(resource = resource.name(), "faults changed");
            reply(StatusCode::OK, &fault_control::list(resource, now))
        }
        Err(refused) => refused,
    }
}

async fn read_journal(
    State(resource): State<Arc<Resource>>,
    headers: HeaderMap,
    cursor: Result<Query<Cursor>, axum::extract::rejection::QueryRejection>,
) -> Response {
    if let Err(refused) = authorized(&resource, &headers) {
        return refused;
    }
    let cursor = match cursor {
        Ok(Query(cursor)) => cursor,
        Err(rejection) => return error(StatusCode::BAD_REQUEST, &rejection.body_text()),
    };
    let limit = cursor.limit.unwrap_or(DEFAULT_PAGE).min(MOST_PER_PAGE);
    let page = lock(&resource.journal).page(cursor.after, limit);
    reply(StatusCode::OK, &page)
}

async fn metrics(State(resource): State<Arc<Resource>>) -> Response {
    let now = Instant::now();
    for (name, deployment) in &resource.deployments {
        if let Some(utilization) = deployment.utilization(now) {
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
