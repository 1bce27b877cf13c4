//! Work that a policy leaves for later in its request: when the backend's answer
//! is there, when the response is about to leave, and when its last byte went.
//!
//! A policy registers it with [`Exchange::complete_later`]. Each piece of work
//! is called at most once for each moment, in the order of registration, and
//! [`Completion::ended`] is called exactly once whatever becomes of the request.

use std::future::ready;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http_body::{Frame, SizeHint};

use super::context::MessageBody;
use super::exchange::{Exchange, Failure, Place};
use crate::journal::Recorder;
use crate::usage::{Meter, ModelRequest, TokenReport};

/// Work for later moments of one request. Every part has a default: nothing.
pub(crate) trait Completion: Send {
    /// A backend answered, and outbound is about to begin: `context.Response`
    /// is that answer. Not called when the pipeline ended before outbound.
    fn received<'a>(&'a mut self, exchange: &'a mut Exchange) -> Later<'a> {
        let _ = exchange;
        Box::pin(ready(Ok(())))
    }

    /// The last section is through, and the response is about to leave: headers
    /// can still be changed, expressions see the final response. An error after
    /// outbound goes to on-error; any other is logged and changes nothing.
    fn leaving<'a>(&'a mut self, exchange: &'a mut Exchange) -> Later<'a> {
        let _ = exchange;
        Box::pin(ready(Ok(())))
    }

    /// The response's last byte was handed on, or the client went away. Called
    /// from a body's poll or drop: it must not wait.
    fn ended(self: Box<Self>, ended: &mut Ended<'_>) {
        let _ = ended;
    }
}

/// What the first two moments give.
pub(crate) type Later<'a> = BoxFuture<'a, Result<(), Failure>>;

/// How a request came to its end.
#[allow(dead_code, reason = "limits need a part of it; records and metrics need the rest")]
pub(crate) struct Ended<'r> {
    /// The status sent; 499 when the client went away before.
    pub(crate) status: u16,
    /// Whether the client got all of the body.
    pub(crate) end: End,
    /// Length of the client's body.
    pub(crate) request_bytes: u64,
    /// Bytes of the response's body that were handed on.
    pub(crate) response_bytes: u64,
    /// What the last backend answer cost; `None` when none was metered.
    pub(crate) tokens: Option<TokenReport>,
    /// The request's record, still open; `None` when the client went away before
    /// there was a response.
    pub(crate) recorder: Option<&'r mut Recorder>,
}

/// See [`Ended::end`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It did.
    Whole,
    /// The backend's body broke off.
    Broken,
    /// The client went away.
    ClientGone,
}

/// The work of one request.
#[derive(Default)]
pub(crate) struct Completions {
    entries: Vec<Entry>,
    request_bytes: u64,
    meter: Option<Meter>,
    /// Whether some policy wants to know what backend answers cost.
    metering: bool,
}

struct Entry {
    place: Place,
    work: Box<dyn Completion>,
    left: bool,
}

impl Completions {
    /// The last byte went, or none will.
    fn finish(
        &mut self,
        status: u16,
        end: End,
        response_bytes: u64,
        recorder: Option<&mut Recorder>,
    ) {
        let entries = std::mem::take(&mut self.entries);
        if entries.is_empty() {
            return;
        }
        let mut ended = Ended {
            status,
            end,
            request_bytes: self.request_bytes,
            response_bytes,
            tokens: self.meter.as_ref().map(Meter::report),
            recorder,
        };
        for entry in entries {
            entry.work.ended(&mut ended);
        }
    }
}

/// Dropped with the request's future: the client went away before its response.
impl Drop for Completions {
    fn drop(&mut self) {
        self.finish(499, End::ClientGone, 0, None);
    }
}

impl Exchange {
    /// Leaves work for later, in the name of the present policy.
    pub(crate) fn complete_later(&mut self, work: Box<dyn Completion>) {
        let place = self.place();
        self.completions.request_bytes = self.client_body.len() as u64;
        self.completions.entries.push(Entry { place, work, left: false });
    }

    /// Takes over the work a branch of this request left.
    pub(crate) fn take_completions(&mut self, branch: &mut Exchange) {
        self.completions.entries.append(&mut branch.completions.entries);
        self.completions.metering |= branch.completions.metering;
    }

    /// From now on, what backend answers cost is measured: see [`Ended::tokens`]
    /// and [`Exchange::token_report`].
    pub(crate) fn meter_tokens(&mut self) {
        self.completions.metering = true;
    }

    /// The request as a call to a model.
    pub(crate) fn model_request(&self) -> ModelRequest {
        ModelRequest::of(&self.context, &self.client_body, &self.shared.model.settings)
    }

    /// What the last metered answer cost, as far as its body was read: all of it
    /// when [`TokenReport::whole`].
    pub(crate) fn token_report(&self) -> Option<TokenReport> {
        self.completions.meter.as_ref().map(Meter::report)
    }

    /// Puts a meter on a backend's answer, if some policy asked for one.
    pub(crate) fn meter_response(&mut self) {
        if !self.completions.metering {
            return;
        }
        let request = self.model_request();
        let response = &mut self.context.response;
        let meter = Meter::new(response.status, &response.headers, request);
        match std::mem::replace(&mut response.body, MessageBody::Absent) {
            MessageBody::Stream(body) => response.body = MessageBody::Stream(meter.wrap(body)),
            other => {
                meter.end();
                response.body = other;
            }
        }
        self.completions.meter = Some(meter);
    }

    /// Calls [`Completion::received`].
    pub(crate) async fn complete_received(&mut self) -> Result<(), Failure> {
        let mut taken = Taken::from(self);
        let mut outcome = Ok(());
        for entry in &mut taken.0.entries {
            let before = self.move_to(entry.place.clone());
            outcome = entry.work.received(self).await;
            self.move_to(before);
            if outcome.is_err() {
                break;
            }
        }
        taken.put_back(self);
        outcome
    }

    /// Calls [`Completion::leaving`] where it was not called yet, up to the
    /// first failure.
    pub(crate) async fn complete_leaving(&mut self) -> Result<(), Failure> {
        let mut taken = Taken::from(self);
        let mut outcome = Ok(());
        for entry in taken.0.entries.iter_mut().filter(|entry| !entry.left) {
            entry.left = true;
            let before = self.move_to(entry.place.clone());
            outcome = entry.work.leaving(self).await;
            self.move_to(before);
            if outcome.is_err() {
                break;
            }
        }
        taken.put_back(self);
        outcome
    }
}

/// The work while it runs with the exchange in hand. Dropped in the middle (the
/// client went away), it still ends.
struct Taken(Completions);

impl Taken {
    fn from(exchange: &mut Exchange) -> Self {
        let there = &mut exchange.completions;
        Self(Completions {
            entries: std::mem::take(&mut there.entries),
            request_bytes: there.request_bytes,
            meter: there.meter.clone(),
            metering: there.metering,
        })
    }

    /// Back to the exchange, before what was registered meanwhile.
    fn put_back(mut self, exchange: &mut Exchange) {
        let mut entries = std::mem::take(&mut self.0.entries);
        entries.append(&mut exchange.completions.entries);
        exchange.completions.entries = entries;
    }
}

/// A response body that ends its request with its last byte: completions first,
/// then the record.
pub(super) struct LastByte {
    inner: Body,
    status: u16,
    bytes: u64,
    completions: Completions,
    recorder: Recorder,
}

impl LastByte {
    /// Wraps a body; nothing to send is ended at once.
    pub(super) fn wrap(
        inner: Body,
        status: u16,
        completions: Completions,
        recorder: Recorder,
    ) -> Body {
        let done = http_body::Body::is_end_stream(&inner);
        let mut body = Self { inner, status, bytes: 0, completions, recorder };
        if done {
            body.end(End::Whole);
            return std::mem::take(&mut body.inner);
        }
        Body::new(body)
    }

    fn end(&mut self, end: End) {
        self.completions.finish(self.status, end, self.bytes, Some(&mut self.recorder));
        if end != End::ClientGone {
            self.recorder.finish();
        }
    }
}

/// The recorder's own drop notes the 499.
impl Drop for LastByte {
    fn drop(&mut self) {
        self.end(End::ClientGone);
    }
}

impl http_body::Body for LastByte {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        if let Some(Ok(frame)) = &frame {
            self.bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
        }
        match &frame {
            Some(Ok(_)) if !self.inner.is_end_stream() => {}
            Some(Err(_)) => {
                self.recorder.note(|record| {
                    record
                        .error_reason
                        .get_or_insert_with(|| "BackendConnectionFailure".to_owned());
                });
                self.end(End::Broken);
            }
            Some(Ok(_)) | None => self.end(End::Whole),
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

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use http::header::CONTENT_TYPE;
    use http::{HeaderMap, HeaderValue};
    use http_body_util::BodyExt as _;
    use seam::clock::{VIRTUAL_EPOCH, WallClock};

    use super::*;
    use crate::journal::Journal;
    use crate::metrics::Metrics;

    /// Notes how it ended.
    struct Probe(Arc<Mutex<Vec<String>>>);

    impl Completion for Probe {
        fn ended(self: Box<Self>, ended: &mut Ended<'_>) {
            let usage = ended.tokens.as_ref().and_then(|tokens| tokens.usage);
            let total = usage.map(|usage| usage.total);
            let open = ended.recorder.is_some();
            self.0.lock().unwrap().push(format!(
                "{} {:?} {} of {} {total:?} {open}",
                ended.status, ended.end, ended.response_bytes, ended.request_bytes
            ));
        }
    }

    struct World {
        notes: Arc<Mutex<Vec<String>>>,
        journal: Arc<Journal>,
    }

    fn world() -> World {
        let clock = WallClock::fixed(VIRTUAL_EPOCH);
        let journal = Arc::new(Journal::new(
            "test".to_owned(),
            8,
            usize::MAX,
            clock,
            Arc::new(Metrics::new(8)),
        ));
        World { notes: Arc::default(), journal }
    }

    impl World {
        fn completions(&self, meter: Option<Meter>) -> Completions {
            let entry = || Entry {
                place: Place::default(),
                work: Box::new(Probe(Arc::clone(&self.notes))),
                left: false,
            };
            let entries = vec![entry(), entry()];
            Completions { entries, request_bytes: 5, meter, metering: true }
        }

        fn body(&self, inner: Body, meter: Option<Meter>) -> Body {
            let mut recorder = self.journal.begin(None);
            recorder.note(|record| record.status = 200);
            LastByte::wrap(inner, 200, self.completions(meter), recorder)
        }

        #[track_caller]
        fn check(&self, expected: &str, status: u16) {
            // Each of the two probes once.
            assert_eq!(*self.notes.lock().unwrap(), [expected, expected]);
            let statuses: Vec<u16> = self.journal.finished(0).iter().map(|r| r.status).collect();
            assert_eq!(statuses, [status]);
        }
    }

    fn chunks(chunks: Vec<Result<&'static str, std::io::Error>>) -> Body {
        Body::from_stream(futures_util::stream::iter(chunks))
    }

    fn meter(kind: &'static str) -> Meter {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(kind))]);
        Meter::new(200, &headers, ModelRequest::default())
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_read_to_its_end_ends_the_request_once() {
        let world = world();
        let meter = meter("text/event-stream; charset=utf-8");
        let events = chunks(vec![
            Ok("data: {\"choices\":[{\"delta\":{\"content\":\"12345678\"}}]}\n\nda"),
            Ok("ta: {\"choices\":[],\"usage\":{\"total_tokens\":9}}\n\n"),
        ]);
        let body = world.body(meter.wrap(events), Some(meter.clone()));
        assert!(world.notes.lock().unwrap().is_empty());
        let length = body.collect().await.unwrap().to_bytes().len();
        world.check(&format!("200 Whole {length} of 5 Some(9) true"), 200);
        let report = meter.report();
        assert!(report.streamed && report.whole);
        assert_eq!(report.completion_estimate, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn no_body_ends_the_request_at_once() {
        let world = world();
        let _body = world.body(Body::empty(), None);
        world.check("200 Whole 0 of 5 None true", 200);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_dropped_in_the_middle_is_a_client_that_went_away() {
        let world = world();
        let meter = meter("application/json");
        let inner =
            meter.wrap(chunks(vec![Ok("{\"usage\":{\"total_tokens\":3},"), Ok("\"a\":1}")]));
        let mut body = world.body(inner, Some(meter.clone()));
        body.frame().await.unwrap().unwrap();
        drop(body);
        world.check("200 ClientGone 28 of 5 Some(3) true", 499);
        assert!(!meter.report().whole && !meter.report().streamed);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_breaks_off_says_so() {
        let world = world();
        let body = world.body(chunks(vec![Ok("ab"), Err(std::io::Error::other("gone"))]), None);
        assert!(body.collect().await.is_err());
        world.check("200 Broken 2 of 5 None true", 200);
        let reason = world.journal.finished(0).remove(0).error_reason;
        assert_eq!(reason.as_deref(), Some("BackendConnectionFailure"));
    }

    #[tokio::test(start_paused = true)]
    async fn work_of_a_request_without_response_ends_too() {
        let world = world();
        drop(world.completions(None));
        let gone = "499 ClientGone 0 of 5 None false";
        assert_eq!(*world.notes.lock().unwrap(), [gone, gone]);
    }
}
