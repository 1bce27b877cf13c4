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
use crate::limit::{Level, Standing};
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

fn deployment_state(deployment: &Deployment, now: Instant) -> Value {
    let in_flight = deployment.in_flight();
    match deployment.standing(now) {
        Standing::Ptu(utilization) => {
            json!({ "in_flight": in_flight, "utilization": utilization })
        }
        Standing::Payg(standing) => json!({
            "in_flight": in_flight,
            "requests": standing.requests.map(level),
            "tokens": standing.tokens.map(level),
        }),
    }
}

/// A limit, what is left of it, and seconds until it is whole again.
fn level(level: Level) -> Value {
    let Level { limit, remaining, reset } = level;
    json!({ "limit": limit, "remaining": remaining, "reset": reset.as_secs_f64() })
}

/// What a reset puts back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Part {
    /// All that `PATCH /++/config` changes as in the file, faults too; windows and
    /// utilisation empty.
    Deployments,
    /// The journal's records. Sequences go on; followers see the records as dropped.
    Journal,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    only: Option<Vec<Part>>,
}

/// Puts everything back, or only the parts that the body names
/// (`{"only": ["deployments"]}`). Requests under way go on.
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
    let parts = wanted.only.unwrap_or_else(|| vec![Part::Deployments, Part::Journal]);
    let _one_at_a_time = lock(&resource.patching);
    let now = Instant::now();
    if parts.contains(&Part::Journal) {
        lock(&resource.journal).clear();
    }
    if parts.contains(&Part::Deployments) {
        resource.deployments.values().for_each(|deployment| deployment.reset(now));
        resource.faults.reset(&resource.config.faults, now);
    }
    tracing::info!(resource = resource.name(), ?parts, "reset");
    reply(StatusCode::OK, &describe(&resource))
}
