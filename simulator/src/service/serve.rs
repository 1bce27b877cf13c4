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
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use seam::interrupt::Interruption;
use tokio::time::Instant;

use super::attempt::Addressed;
use super::authenticate::authenticate;
use super::deployment::Deployment;
use super::early::{Reached, early, told, told_while_made};
use super::exchange::{Exchange, TRACEPARENT, trace_id};
use super::fault_header::fault_of;
use super::headers::custom;
use super::inquire::inquire;
use super::record::Proxy;
use super::replay::replay;
use super::resource::Resource;
use super::route::{Address, Endpoint, Route, Surface, address, enabled, route};
use super::stored::Told;
use crate::api::{Payload, model_of};
use crate::aside::INLINE_BYTES;
use crate::catalogue::{Operation, is_retired};
use crate::config::RecordingConfig;
use crate::wire::{ApiError, Identity, Ids, Style};

/// What the service passes through (specification, section 1.5).
pub(super) const MOST_CUSTOM_HEADERS: usize = 10;

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
    let trace = request.headers().get(TRACEPARENT).filter(|value| trace_id(value).is_some());
    let trace = trace.cloned();
    let mut response = if takes_long(&request) {
        let pool = resource.settings.pool.clone();
        Box::pin(pool.run(answer(resource, request))).await
    } else {
        answer(resource, request).await
    };
    if let Some(trace) = trace {
        response.headers_mut().insert(TRACEPARENT, trace);
    }
    response
}

/// Whether reading it may take milliseconds of a processor's time: the tokens of long
/// bodies are counted. How long an answer is, is known later: [`crate::aside::Pool::make`].
fn takes_long(request: &Request<Body>) -> bool {
    let length = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    match length.map(str::parse::<usize>) {
        Some(Ok(length)) => INLINE_BYTES < length,
        Some(Err(_)) => true,
        None => request.headers().contains_key(TRANSFER_ENCODING),
    }
}

/// What is rare is boxed: every request has room for all that its future may hold.
async fn answer(resource: Arc<Resource>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let mut exchange = Exchange::begin(&resource, &parts.headers);
    let address = address(parts.uri.path()).filter(|address| served(&resource, address));
    exchange.style = style(&resource, address, parts.uri.path());
    if let Some(name) = address.and_then(|address| address.deployment) {
        exchange.addressed(name);
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
    if let Some(recording) = &resource.config.recording {
        let surface = address.map_or(Surface::V1, |address| address.surface);
        let bytes = match authenticate(&resource, surface, &parts.headers).and(bytes) {
            Ok(bytes) => bytes,
            Err(error) => return early(exchange, &identity, error, Reached::Edge),
        };
        return match recording {
            RecordingConfig::Replay { store, time_factor } => {
                Box::pin(replay(store, *time_factor, exchange, &identity, &parts, &bytes)).await
            }
            RecordingConfig::Record { store, upstream } => {
                let client = resource.client();
                let proxy = Proxy { client: &client, upstream, store };
                Box::pin(proxy.serve(exchange, &identity, &parts, bytes)).await
            }
        };
    }
    let routed = match reach(&resource, address, &parts, &mut exchange) {
        Ok(routed) => routed,
        Err(error) => {
            let error = inference_error(&resource, &parts, exchange.style).unwrap_or(error);
            return early(exchange, &identity, error, Reached::Edge);
        }
    };
    let operation = match routed.endpoint {
        Endpoint::Operation(operation) => operation,
        Endpoint::Inquiry(inquiry) => {
            return match inquire(&resource, inquiry, &routed, exchange.number, bytes) {
                Ok(Told::Document(document)) => told(exchange, &identity, document),
                Ok(Told::Stream(plan)) => {
                    Box::pin(told_while_made(exchange, &identity, plan)).await
                }
                Err(error) => early(exchange, &identity, error, Reached::Resource),
            };
        }
    };
    let body = match bytes {
        Ok(bytes) if operation.takes_form() => {
            let content_type = parts.headers.get(CONTENT_TYPE).and_then(|own| own.to_str().ok());
            Box::pin(Payload::form(content_type, bytes)).await
        }
        Ok(bytes) => Payload::json(bytes),
        Err(error) => Err(error),
    };
    let (route, deployment) = match resolve(&resource, routed, operation, &body, &mut exchange) {
        Ok(found) => found,
        Err(error) => return early(exchange, &identity, error, Reached::Resource),
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
    let request = Addressed {
        identity,
        // Only links to pictures name it.
        origin: if operation.draws() { origin(&parts.headers) } else { String::new() },
        ids,
        exchange,
        route,
        deployment,
        spillover_header: parts.headers.get("x-ms-spillover-deployment").cloned(),
        spilled_from: None,
        brought,
        struck: None,
    };
    match body {
        Ok(body) => request.answer(body).await,
        Err(error) => Box::pin(request.unread(error)).await,
    }
}

/// How the client reached us, as far as it says.
fn origin(headers: &HeaderMap) -> String {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let scheme = text(HeaderName::from_static("x-forwarded-proto")).unwrap_or("http");
    format!("{scheme}://{}", text(HOST).unwrap_or("localhost"))
}

/// Whether the resource has this surface: OpenAI's is there for deployments in its
/// dress only, since an Azure resource has none.
fn served(resource: &Resource, address: &Address<'_>) -> bool {
    address.surface != Surface::OpenAi || resource.serves_openai()
}

/// Who answers before a deployment is known.
fn style(resource: &Resource, address: Option<Address<'_>>, path: &str) -> Style {
    match address {
        Some(Address { surface: Surface::OpenAi, rest, .. }) => {
            if rest.starts_with("responses") {
                Style::OpenAiResponses
            } else {
                Style::OpenAi
            }
        }
        Some(_) => Style::Azure,
        None if resource.is_openai() && !path.trim_start_matches('/').starts_with("openai") => {
            Style::OpenAi
        }
        None => Style::Azure,
    }
}

/// Azure's surface for other models (`/models/…`) is not simulated, but it is there:
/// without a right key it says that first.
fn inference_error(resource: &Resource, parts: &Parts, style: Style) -> Option<ApiError> {
    let inference = parts.uri.path().trim_start_matches('/').starts_with("models/");
    let azure = inference && !style.is_openai();
    azure.then(|| authenticate(resource, Surface::Flat, &parts.headers).err()).flatten()
}

/// An endpoint, reached with a credential.
#[derive(Clone, Copy)]
pub(super) struct Routed<'p> {
    pub address: Address<'p>,
    pub endpoint: Endpoint,
    pub api_version: &'p str,
    pub query: Option<&'p str>,
}

/// Route → authenticate.
fn reach<'p>(
    resource: &Resource,
    address: Option<Address<'p>>,
    parts: &'p Parts,
    exchange: &mut Exchange,
) -> Result<Routed<'p>, ApiError> {
    let newest = &resource.settings.newest_api_version;
    let (address, endpoint, api_version) = route(address, parts, exchange.style, newest)?;
    let routed = Routed { address, endpoint, api_version, query: parts.uri.query() };
    exchange.called(routed.endpoint);
    let credential = authenticate(resource, routed.address.surface, &parts.headers)?;
    exchange.authenticated(credential);
    if !exchange.style.is_openai() && MOST_CUSTOM_HEADERS < custom(&parts.headers) {
        return Err(ApiError::too_many_headers(MOST_CUSTOM_HEADERS));
    }
    Ok(routed)
}

/// The deployment that a request is for.
fn resolve<'p>(
    resource: &Resource,
    Routed { address, api_version, .. }: Routed<'p>,
    operation: Operation,
    body: &Result<Payload, ApiError>,
    exchange: &mut Exchange,
) -> Result<(Route<'p>, Arc<Deployment>), ApiError> {
    let surface = address.surface;
    let name = match (address.deployment, body) {
        (Some(name), _) => name,
        (None, Ok(body)) => model_of(operation, &body.fields)?,
        (None, Err(error)) => return Err(error.clone()),
    };
    exchange.addressed(name);
    let Some(deployment) = resource.deployment(surface, name, operation) else {
        return Err(match surface {
            Surface::OpenAi if is_retired(name) => ApiError::model_deprecated(name),
            Surface::OpenAi => ApiError::model_not_found(name, exchange.style),
            _ => ApiError::deployment_not_found(resource.wire_profile()),
        });
    };
    if surface == Surface::OpenAi {
        exchange.addressed(&deployment.config.name);
    }
    exchange.style = deployment.style(operation);
    let model = &deployment.config.model;
    if !model.supports(operation) {
        return Err(match surface {
            Surface::OpenAi => ApiError::wrong_endpoint(operation, model.main_operation()),
            _ => ApiError::operation_not_supported(operation, model),
        });
    }
    if let Some(since) = model.facts.enabled_since
        && surface.is_dated()
        && !enabled(api_version, since)
    {
        return Err(ApiError::model_not_enabled(model, since));
    }
    Ok((Route { operation, surface, api_version }, Arc::clone(deployment)))
}

async fn read_body(body: Body, most: usize) -> Result<Bytes, ApiError> {
    match Limited::new(body, most).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(ApiError::body_too_large(most)),
        Err(_) => Err(ApiError::unreadable_body()),
    }
}
