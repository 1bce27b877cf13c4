//! `GET` and `PATCH /++/config`.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use tokio::time::Instant;

use super::{authorized, error, reply};
use crate::service::lock;
use crate::service::patch::{describe, plan};
use crate::service::resource::Resource;

pub(super) async fn read_config(
    State(resource): State<Arc<Resource>>,
    headers: HeaderMap,
) -> Response {
    match authorized(&resource, &headers) {
        Ok(()) => reply(StatusCode::OK, &describe(&resource)),
        Err(refused) => refused,
    }
}

/// Changes settings, all or none.
pub(super) async fn change_config(
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
            if let Some(answers) = changes.answers {
                resource.give(answers);
            }
            tracing::info!(resource = resource.name(), "configuration changed");
            reply(StatusCode::OK, &describe(&resource))
        }
        Err(message) => error(StatusCode::BAD_REQUEST, &message),
    }
}
