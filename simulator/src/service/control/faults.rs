//! `GET`, `POST` and `DELETE /++/faults`.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use tokio::time::Instant;

use super::{authorized, error, reply};
use crate::fault::Armed;
use crate::service::fault_control;
use crate::service::lock;
use crate::service::resource::Resource;

pub(super) async fn read_faults(
    State(resource): State<Arc<Resource>>,
    headers: HeaderMap,
) -> Response {
    match authorized(&resource, &headers) {
        Ok(()) => reply(StatusCode::OK, &fault_control::list(&resource, Instant::now())),
        Err(refused) => refused,
    }
}

pub(super) async fn add_fault(
    State(resource): State<Arc<Resource>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    change(&resource, &headers, |now| {
        fault_control::added(&resource, &body, now)
            .map_err(|message| error(StatusCode::BAD_REQUEST, &message))
    })
}

pub(super) async fn remove_faults(
    State(resource): State<Arc<Resource>>,
    headers: HeaderMap,
) -> Response {
    change(&resource, &headers, |_| Ok(Vec::new()))
}

pub(super) async fn remove_fault(
    State(resource): State<Arc<Resource>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response {
    change(&resource, &headers, |_| {
        fault_control::without(&resource, &name).ok_or_else(|| {
            let message = format!("no fault `{name}` in resource `{}`", resource.name());
            error(StatusCode::NOT_FOUND, &message)
        })
    })
}

/// Puts other faults in force; answers with all of them.
fn change(
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
