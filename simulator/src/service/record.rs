//! A resource that is a proxy: every request goes to a real endpoint, and the
//! exchange is written down while it streams through.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::header::{ACCEPT_ENCODING, AUTHORIZATION, HeaderName, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Request, Uri};
use http_body_util::BodyExt as _;
use seam::http::{HttpService, TransportError, call};
use tokio::time::Instant;

use super::early::{Reached, early};
use super::exchange::Exchange;
use crate::config::Upstream;
use crate::recording::{
    Frame, RecordedRequest, RecordedResponse, Recording, Store, VERSION, is_end_to_end, is_secret,
    recordable,
};
use crate::wire::{ApiError, Identity};

/// A longer body streams through and is not written down.
const MOST_RECORDED_BYTES: usize = 64 << 20;

/// What a proxying resource works with.
pub(super) struct Proxy<'a> {
    pub client: &'a HttpService,
    pub upstream: &'a Upstream,
    pub store: &'a Arc<Store>,
}

impl Proxy<'_> {
    pub(super) async fn serve(
        self,
        mut exchange: Exchange,
        identity: &Identity,
        parts: &Parts,
        body: Bytes,
    ) -> Response {
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let request = RecordedRequest::new(parts.method.as_str(), path, &body);
        let started = exchange.started;
        let answered = match self.request(parts, body) {
            Ok(request) => call(self.client, request).await,
            Err(error) => Err(error),
        };
        let response = match answered {
            Ok(response) => response,
            Err(error) => {
                let error = ApiError::upstream_failed(&error.to_string());
                return early(exchange, identity, error, Reached::Edge);
            }
        };
        exchange.first_byte();
        let (mut head, body) = response.into_parts();
        let recorded = RecordedResponse {
            status: head.status.as_u16(),
            headers: recordable(&head.headers),
            headers_ms: milliseconds(started.elapsed()),
            frames: Vec::new(),
        };
        let recording = Recording { version: VERSION, request, response: recorded };
        let store = Arc::clone(self.store);
        let status = recording.response.status;
        let tape = Tape { exchange, store, status, recording: Some(recording), recorded: 0, body };
        head.headers = passed_on(&head.headers);
        Response::from_parts(head, Body::from_stream(tape.stream()))
    }

    fn request(&self, parts: &Parts, body: Bytes) -> Result<seam::http::Request, TransportError> {
        let base = self.upstream.base.to_string();
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let uri: Uri = format!("{}{path}", base.trim_end_matches('/'))
            .parse()
            .map_err(|error: http::uri::InvalidUri| TransportError::invalid(error.to_string()))?;
        let mut request = Request::new(Body::from(body));
        *request.method_mut() = parts.method.clone();
        *request.uri_mut() = uri;
        let mut headers = passed_on(&parts.headers);
        // Compressed frames could not be read in a recording.
        headers.remove(ACCEPT_ENCODING);
        let secret: Vec<HeaderName> =
            headers.keys().filter(|name| is_secret(name.as_str())).cloned().collect();
        for name in secret {
            headers.remove(name);
        }
        if let Some(key) = &self.upstream.key {
            let bearer = parts.headers.contains_key(AUTHORIZATION);
            let (name, value) = if bearer {
                (AUTHORIZATION, format!("Bearer {key}"))
            } else {
                (HeaderName::from_static("api-key"), key.clone())
            };
            let mut value = HeaderValue::from_str(&value)
                .map_err(|_| TransportError::invalid("the upstream's key fits no header"))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        *request.headers_mut() = headers;
        Ok(request)
    }
}

fn passed_on(headers: &HeaderMap) -> HeaderMap {
    let kept = headers.iter().filter(|(name, _)| is_end_to_end(name.as_str()));
    let mut passed = HeaderMap::new();
    for (name, value) in kept {
        passed.append(name.clone(), value.clone());
    }
    passed
}

fn milliseconds(time: Duration) -> f64 {
    // Microseconds are as exact as anybody edits.
    (time.as_secs_f64() * 1e6).round() / 1e3
}

/// A response under way. Dropped before its end, nothing is written down: half a
/// recording would answer as half an answer for ever.
struct Tape {
    exchange: Exchange,
    store: Arc<Store>,
    status: u16,
    recording: Option<Recording>,
    recorded: usize,
    body: Body,
}

impl Tape {
    fn stream(self) -> impl futures_util::Stream<Item = Result<Bytes, axum::Error>> {
        stream::unfold(Some(self), |tape| async move {
            let mut tape = tape?;
            loop {
                match tape.body.frame().await {
                    Some(Ok(frame)) => {
                        let Ok(bytes) = frame.into_data() else { continue };
                        tape.keep(&bytes);
                        return Some((Ok(bytes), Some(tape)));
                    }
                    Some(Err(error)) => return Some((Err(error), None)),
                    None => {
                        tape.end();
                        return None;
                    }
                }
            }
        })
    }

    fn keep(&mut self, bytes: &Bytes) {
        self.recorded = self.recorded.saturating_add(bytes.len());
        if MOST_RECORDED_BYTES < self.recorded {
            self.recording = None;
        }
        if let Some(recording) = &mut self.recording {
            let at_ms =
                milliseconds(Instant::now().saturating_duration_since(self.exchange.started));
            recording.response.frames.push(Frame::new(at_ms, bytes));
        }
    }

    fn end(mut self) {
        let usage = self.recording.as_ref().and_then(Recording::usage);
        self.exchange.complete_elsewhere(self.status, usage);
        let Some(recording) = self.recording.take() else {
            tracing::warn!("a body was too long to be recorded");
            return;
        };
        match self.store.save(recording) {
            Ok(file) => tracing::info!(file = %file.display(), "recorded"),
            Err(error) => tracing::error!(%error, "not recorded"),
        }
    }
}
