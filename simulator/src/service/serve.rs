//! The pipeline of the data plane:
//! route → authenticate → resolve deployment → read JSON → admit → validate →
//! generate → pace → settle (specification, section 7). On the v1 surface the
//! JSON is read to resolve the deployment; all after that is the same.
//!
//! The limiter runs before the model layer's validation, as recorded replies
//! show: a 400 for an unsupported parameter has its tokens deducted.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::Request;
use http::request::Parts;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use seam::interrupt::Interruption;
use tokio::time::Instant;

use super::attempt::{Addressed, Json};
use super::authenticate::authenticate;
use super::deployment::Deployment;
use super::exchange::Exchange;
use super::fault_header::fault_of;
use super::reply::fail;
use super::resource::Resource;
use super::route::{Route, Surface, address, route};
use crate::api::{model_of, parse_json};
use crate::wire::{ApiError, Identity, Ids, error_headers};

/// Serves whatever is not control.
pub(super) async fn serve(
    State(resource): State<Arc<Resource>>,
    request: Request<Body>,
) -> Response {
    if let Some(armed) = resource.faults.refuses(Instant::now()) {
        let name = &armed.fault.name;
        resource.metrics.count_fault(resource.name(), "", name, armed.fault.effect.name());
        return Interruption::Refused.response();
    }
    let (parts, body) = request.into_parts();
    let mut exchange = Exchange::begin(&resource, &parts.headers);
    if let Some((operation, surface)) = address(parts.uri.path()) {
        exchange.called(operation);
        if let Surface::Deployment(name) = surface {
            exchange.addressed(name);
        }
    }
    let mut ids = Ids(resource.rng("ids", exchange.number));
    let identity = Identity {
        apim_request_id: ids.uuid(),
        request_id: ids.uuid(),
        client_request_id: parts.headers.get("x-ms-client-request-id").cloned(),
    };
    // Read in any case: a connection lives on only when its request was read.
    let bytes = read_body(body, resource.settings.max_body_bytes).await;
    exchange.read();
    let body = bytes.and_then(|bytes| parse_json(&bytes).map(|json| Json { bytes, json }));
    let (route, deployment) = match resolve(&resource, &parts, &body, &mut exchange) {
        Ok(found) => found,
        Err((error, region)) => {
            let headers = error_headers(&identity, error.status, error.chunked, region);
            return fail(exchange, error, headers);
        }
    };
    let brought = if resource.config.fault_header {
        fault_of(&parts.headers, exchange.started)
    } else {
        Ok(None)
    };
    let (brought, body) = match brought {
        Ok(brought) => (brought, body),
        Err(message) => (None, Err(ApiError::bad_fault(&message))),
    };
    let request = Addressed { identity, ids, exchange, route, deployment, brought, struck: None };
    match body {
        Ok(body) => request.answer(body).await,
        Err(error) => request.unread(error).await,
    }
}

/// What the path asks, and of which deployment.
type Found<'p> = (Route<'p>, Arc<Deployment>);

/// The steps up to the deployment. With an error comes the region, once the
/// resource itself has been reached.
fn resolve<'a, 'p>(
    resource: &'a Resource,
    parts: &'p Parts,
    body: &Result<Json, ApiError>,
    exchange: &mut Exchange,
) -> Result<Found<'p>, (ApiError, Option<&'a str>)> {
    let route =
        route(parts, &resource.settings.newest_api_version).map_err(|error| (error, None))?;
    let credential =
        authenticate(resource, route.surface, &parts.headers).map_err(|error| (error, None))?;
    exchange.authenticated(credential);
    let region = Some(resource.config.region.as_str());
    let name = match (route.surface, body) {
        (Surface::Deployment(name), _) => name,
        (Surface::V1, Ok(body)) => model_of(&body.json).map_err(|error| (error, region))?,
        (Surface::V1, Err(error)) => return Err((error.clone(), region)),
    };
    exchange.addressed(name);
    let Some(deployment) = resource.deployment(name, route.operation) else {
        return Err((ApiError::deployment_not_found(resource.wire_profile()), region));
    };
    let model = &deployment.config.model;
    if !model.supports(route.operation) {
        return Err((ApiError::operation_not_supported(route.operation, model), region));
    }
    Ok((route, Arc::clone(deployment)))
}

async fn read_body(body: Body, most: usize) -> Result<Bytes, ApiError> {
    match Limited::new(body, most).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(ApiError::body_too_large(most)),
        Err(_) => Err(ApiError::unreadable_body()),
    }
}
