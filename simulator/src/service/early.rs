//! Replies that no deployment makes: errors on the way to one, and what the
//! resource answers by itself.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, StatusCode};
use tokio::time::Instant;

use super::exchange::Exchange;
use super::reply::{fail, respond};
use super::stream::{StreamPlan, stream_body};
use crate::api::Document;
use crate::wire::{Account, ApiError, EVENT_STREAM, Identity, error_headers, openai_error_headers};

/// How far a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reached {
    /// Not to the resource: no path, or no key.
    Edge,
    Resource,
}

/// Ends a request with an error that no deployment makes.
pub(super) fn early(
    exchange: Exchange,
    identity: &Identity,
    error: ApiError,
    reached: Reached,
) -> Response {
    let headers = headers(&exchange, identity, error.status, error.chunked, reached);
    fail(exchange, error, headers)
}

/// Ends a request with what the resource says by itself.
pub(super) fn told(mut exchange: Exchange, identity: &Identity, document: Document) -> Response {
    let mut headers = headers(&exchange, identity, StatusCode::OK, false, Reached::Resource);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(document.content_type));
    exchange.complete(200, None);
    respond(StatusCode::OK, headers, Body::from(document.body))
}

/// Ends a request with events that are written as what they tell of is made.
pub(super) async fn told_while_made(
    mut exchange: Exchange,
    identity: &Identity,
    mut plan: Box<StreamPlan>,
) -> Response {
    let mut headers = headers(&exchange, identity, StatusCode::OK, false, Reached::Resource);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(EVENT_STREAM));
    exchange.resource.pacer.until(plan.opening()).await;
    exchange.first_byte();
    plan.exchange = Some(exchange);
    respond(StatusCode::OK, headers, stream_body(*plan))
}

/// Headers of a reply that no deployment makes.
pub(super) fn headers(
    exchange: &Exchange,
    identity: &Identity,
    status: StatusCode,
    chunked: bool,
    reached: Reached,
) -> HeaderMap {
    let resource = Arc::clone(&exchange.resource);
    let reached = reached == Reached::Resource;
    if exchange.style.is_openai() {
        let account = Account {
            organization: resource.organization(),
            elapsed: Instant::now().saturating_duration_since(exchange.started),
        };
        return openai_error_headers(identity, status, exchange.style, reached.then_some(&account));
    }
    let region = reached.then_some(resource.config.region.as_str());
    error_headers(identity, status, chunked, region)
}
