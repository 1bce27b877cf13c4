//! A resource that plays recordings back, at the recorded times or others.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::header::{HeaderName, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, StatusCode};

use super::early::{Reached, early};
use super::exchange::Exchange;
use super::reply::respond;
use crate::recording::{Miss, RecordedRequest, Recording, Store};
use crate::wire::{ApiError, Identity};

/// Answers a request from the recordings.
pub(super) async fn replay(
    store: &Store,
    time_factor: f64,
    mut exchange: Exchange,
    identity: &Identity,
    parts: &Parts,
    body: &[u8],
) -> Response {
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let request = RecordedRequest::new(parts.method.as_str(), path, body);
    let recording = match store.find(&request) {
        Ok(recording) => recording,
        Err(Miss(why)) => {
            let error = ApiError::not_recorded(&why);
            return early(exchange, identity, error, Reached::Edge);
        }
    };
    let response = &recording.response;
    let status = StatusCode::from_u16(response.status).unwrap_or(StatusCode::OK);
    let headers = headers(&recording);
    exchange
        .resource
        .pacer
        .until(exchange.started + scaled(response.headers_ms, time_factor))
        .await;
    exchange.first_byte();
    // Pieces that are due with the headers are one body: no need to stream it.
    if let [] | [_] = response.frames.as_slice() {
        let (at_ms, bytes) = match response.frames.first() {
            Some(frame) => (frame.at_ms, frame.bytes().unwrap_or_default()),
            None => (0.0, Bytes::new()),
        };
        exchange.resource.pacer.until(exchange.started + scaled(at_ms, time_factor)).await;
        exchange.complete_elsewhere(status.as_u16(), recording.usage());
        return respond(status, headers, Body::from(bytes));
    }
    let player = Player { exchange, recording: Arc::clone(&recording), time_factor, next: 0 };
    let body = Body::from_stream(stream::unfold(player, |mut player| async move {
        let bytes = player.next().await?;
        Some((Ok::<_, Infallible>(bytes), player))
    }));
    respond(status, headers, body)
}

/// A recorded time, as played back.
fn scaled(milliseconds: f64, factor: f64) -> Duration {
    Duration::try_from_secs_f64(milliseconds * factor / 1_000.0).unwrap_or_default()
}

fn headers(recording: &Recording) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, values) in &recording.response.headers {
        for value in values {
            // What somebody has edited into no header is left out.
            if let (Ok(name), Ok(value)) =
                (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value))
            {
                headers.append(name, value);
            }
        }
    }
    headers
}

struct Player {
    exchange: Exchange,
    recording: Arc<Recording>,
    time_factor: f64,
    next: usize,
}

impl Player {
    async fn next(&mut self) -> Option<Bytes> {
        let frames = &self.recording.response.frames;
        let frame = frames.get(self.next)?;
        self.exchange
            .resource
            .pacer
            .until(self.exchange.started + scaled(frame.at_ms, self.time_factor))
            .await;
        self.next += 1;
        if self.next == frames.len() {
            let usage = self.recording.usage();
            self.exchange.complete_elsewhere(self.recording.response.status, usage);
        }
        Some(frame.bytes().unwrap_or_default())
    }
}
