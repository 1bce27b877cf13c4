//! `GET /++/state`: levels, windows, requests under way; and `POST /++/reset`.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::{authorized, error, reply};
use crate::limit::Standing;
use crate::service::deployment::Deployment;
use crate::service::lock;
use crate::service::resource::Resource;

/// Shows where everything stands at this moment. Reading changes nothing.
pub(super) async fn read_state(
    State(resource): State<Arc<Resource>>,
    headers: HeaderMap,
) -> Response {
    match authorized(&resource, &headers) {
        Ok(()) => reply(StatusCode::OK, &describe(&resource)),
        Err(refused) => refused,
    }
}

fn describe(resource: &Resource) -> Value {
    let now = Instant::now();
    let deployments: Map<String, Value> = resource
        .deployments
        .iter()
        .map(|(name, deployment)| (name.clone(), deployment_state(deployment, now)))
        .collect();
    let journal = lock(&resource.journal);
    json!({
        "deployments": deployments,
        "in_flight": resource.in_flight(),
        "instance": resource.settings.instance,
        "journal": { "last_sequence": journal.last_sequence(), "records": journal.len() },
        "now_us": resource.micros(now),
        "region": resource.config.region,
        "requests": resource.requests(),
        "resource": resource.name(),
    })
}

/// `reset_*` are seconds until the window is as good as empty.
fn deployment_state(deployment: &Deployment, now: Instant) -> Value {
    let in_flight = deployment.in_flight();
    match deployment.standing(now) {
        Standing::Ptu(utilization) => json!({
            "in_flight": in_flight,
            "utilization": utilization,
        }),
        Standing::Payg(standing) => json!({
            "in_flight": in_flight,
            "limit_requests": standing.limit_requests,
            "limit_tokens": standing.limit_tokens,
            "remaining_requests": standing.remaining_requests,
            "remaining_tokens": standing.remaining_tokens,
            "reset_requests": standing.reset_requests.as_secs_f64(),
            "reset_tokens": standing.reset_tokens.as_secs_f64(),
        }),
    }
}

/// What a reset puts back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Part {
    /// Limits, latencies and all else that `PATCH /++/config` changes: as in the file.
    Config,
    /// The journal's records. Sequences go on; followers see the records as dropped.
    Journal,
    /// Windows and utilisation: as at the start.
    Limits,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    only: Option<Vec<Part>>,
}

/// Puts everything back, or only the parts that the body names
/// (`{"only": ["limits"]}`). Requests under way go on.
pub(super) async fn reset(
    State(resource): State<Arc<Resource>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Err(refused) = authorized(&resource, &headers) {
        return refused;
    }
    let wanted = match body.as_ref() {
        b"" => Wanted { only: None },
        body => match serde_json::from_slice(body) {
            Ok(wanted) => wanted,
            Err(problem) => return error(StatusCode::BAD_REQUEST, &problem.to_string()),
        },
    };
    let parts = wanted.only.unwrap_or_else(|| vec![Part::Config, Part::Journal, Part::Limits]);
    let _one_at_a_time = lock(&resource.patching);
    let now = Instant::now();
    if parts.contains(&Part::Journal) {
        lock(&resource.journal).clear();
    }
    for deployment in resource.deployments.values() {
        deployment.reset(now, parts.contains(&Part::Config), parts.contains(&Part::Limits));
    }
    tracing::info!(resource = resource.name(), ?parts, "reset");
    reply(StatusCode::OK, &describe(&resource))
}
