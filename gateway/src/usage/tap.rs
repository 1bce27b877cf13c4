//! A listener on a response's bytes: they pass through unchanged.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body::{Frame, SizeHint};
use seam::http::Body;

use super::events::Events;
use super::json::JsonUsage;
use super::{ModelRequest, TokenReport};

/// Measures one response. Clones share what is measured.
#[derive(Clone, Debug)]
pub(crate) struct Meter {
    status: u16,
    request: ModelRequest,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    form: Form,
    whole: bool,
}

#[derive(Debug)]
enum Form {
    Json(JsonUsage),
    Events(Events),
}

/// Whether these headers announce server-sent events.
fn is_event_stream(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("text/event-stream")
}

impl Meter {
    /// For a response with this status and these headers.
    pub(crate) fn new(status: u16, headers: &HeaderMap, request: ModelRequest) -> Self {
        let form = if is_event_stream(headers) {
            Form::Events(Events::new(request.counter()))
        } else {
            Form::Json(JsonUsage::default())
        };
        Self { status, request, state: Arc::new(Mutex::new(State { form, whole: false })) }
    }

    /// A body that this meter listens to.
    pub(crate) fn wrap(&self, body: Body) -> Body {
        if http_body::Body::is_end_stream(&body) {
            self.end();
            return body;
        }
        Body::new(Tapped { inner: body, meter: self.clone() })
    }

    /// There is no body, or it came to its end.
    pub(crate) fn end(&self) {
        self.lock().whole = true;
    }

    /// What is known so far.
    pub(crate) fn report(&self) -> TokenReport {
        let state = self.lock();
        let (usage, streamed, completion_estimate) = match &state.form {
            Form::Json(found) => (found.usage(), false, 0),
            Form::Events(events) => (events.usage(), true, events.tokens()),
        };
        TokenReport {
            status: self.status,
            streamed,
            whole: state.whole,
            usage,
            completion_estimate,
            request: self.request.clone(),
        }
    }

    fn listen(&self, bytes: &[u8]) {
        match &mut self.lock().form {
            Form::Json(found) => found.push(bytes),
            Form::Events(events) => events.push(bytes),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Tapped {
    inner: Body,
    meter: Meter,
}

impl http_body::Body for Tapped {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(bytes) = frame.data_ref() {
                    self.meter.listen(bytes);
                }
                if self.inner.is_end_stream() {
                    self.meter.end();
                }
            }
            Some(Err(_)) => {}
            None => self.meter.end(),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
