//! Replies as HTTP.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, StatusCode};

use super::exchange::Exchange;
use crate::wire::ApiError;

/// Ends a request with an error.
pub(super) fn fail(mut exchange: Exchange, error: ApiError, headers: HeaderMap) -> Response {
    exchange.complete(error.status.as_u16(), Some(error.reason));
    let body = error.body(exchange.style);
    let body = if error.chunked {
        let chunk: Result<Bytes, std::convert::Infallible> = Ok(Bytes::from(body));
        Body::from_stream(stream::iter([chunk]))
    } else {
        Body::from(body)
    };
    respond(error.status, headers, body)
}

pub(super) fn respond(status: StatusCode, headers: HeaderMap, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    let length = http_body::Body::size_hint(response.body()).exact();
    if let Some(length) = length {
        // Stated here so that in process, too, an answer shows its length.
        response.headers_mut().insert(CONTENT_LENGTH, length.into());
    }
    response
}
