//! What the gateway did with each request: a bounded ring of records.
//!
//! Records are numbered in order of arrival and written when the last byte was
//! handed on, so they finish out of order. The cursor of `/++/journal` never
//! passes a request still under way: a reader that follows `next` sees every
//! record exactly once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use seam::clock::WallClock;
use serde::Serialize;
use tokio::time::Instant;

use crate::metrics::Metrics;
use crate::telemetry::records::{EventRecord, MAX_RECORDS, MessageRecord, MetricRecord};
use crate::telemetry::tracer::{TraceStore, Tracer};

/// The most records one answer of the cursor API holds.
const PAGE: usize = 10_000;

/// The longest correlation id a record keeps: clients choose them, and the ring
/// holds many.
const CORRELATION_ID_BYTES: usize = 1024;

/// One backend call of one client request, as the gateway saw it.
#[derive(Debug, Clone, Serialize)]
pub struct AttemptRecord {
    /// Backend id (of a pool, the member's), or the base URL when none was
    /// selected.
    pub backend: String,
    /// Pool id, when a pool chose the backend.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// The URL called, without its query: that may hold secrets.
    pub url: String,
    /// What this call did to the backend's circuit breaker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breaker: Option<BreakerChange>,
    /// Answer's status; `None` for a transport failure, a timeout, or a call
    /// that was cancelled.
    pub status: Option<u16>,
    /// Microseconds since the Unix epoch at which the call left.
    pub sent_us: u64,
    /// Microseconds since the Unix epoch at which its headers arrived, or it failed.
    pub headers_us: u64,
}

/// One call of `send-request`.
#[derive(Debug, Clone, Serialize)]
pub struct CallRecord {
    /// The URL called, without its query: that may hold secrets.
    pub url: String,
    /// Answer's status; `None` for a transport failure or a timeout.
    pub status: Option<u16>,
    /// Microseconds since the Unix epoch at which the call left.
    pub sent_us: u64,
    /// Microseconds since the Unix epoch at which all of the answer was there,
    /// or the call failed.
    pub done_us: u64,
}

/// What a call did to a circuit breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerChange {
    /// Its failure opened the breaker.
    Opened,
    /// It was the first call since the breaker was open.
    Closed,
    /// Both: the first call since, and it failed.
    Reopened,
}

/// What the gateway did with one client request.
#[derive(Debug, Clone, Serialize)]
pub struct RequestRecord {
    /// Number from 1 in order of arrival.
    pub number: u64,
    /// The client's `x-ms-client-request-id`.
    pub correlation_id: Option<String>,
    /// Matched API's id.
    pub api: Option<String>,
    /// Matched operation's id.
    pub operation: Option<String>,
    /// Subscription's id.
    pub subscription: Option<String>,
    /// Microseconds since the Unix epoch at arrival.
    pub received_us: u64,
    /// Microseconds since the Unix epoch when the last byte was handed on.
    pub done_us: u64,
    /// Status sent; 499 when the client went away first.
    pub status: u16,
    /// `LastError.Reason` when the pipeline failed.
    pub error_reason: Option<String>,
    /// Backend calls in order.
    pub attempts: Vec<AttemptRecord>,
    /// Calls of `send-request`, in order of their answers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<CallRecord>,
    /// What `emit-metric` and the token metrics emitted, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<MetricRecord>,
    /// What `log-to-eventhub` sent, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<EventRecord>,
    /// What `trace` and `context.Trace` said, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<MessageRecord>,
    /// Metrics, events and messages beyond 1,000 of each.
    #[serde(skip_serializing_if = "is_zero")]
    pub telemetry_dropped: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl RequestRecord {
    /// Roughly what the parts of unbounded length take in memory.
    fn bytes(&self) -> usize {
        let metrics = self.metrics.iter().map(MetricRecord::bytes).sum::<usize>();
        let events = self.events.iter().map(EventRecord::bytes).sum::<usize>();
        metrics + events + self.messages.iter().map(MessageRecord::bytes).sum::<usize>()
    }
}

/// A page of the cursor API.
#[derive(Debug, Serialize)]
pub(crate) struct Page {
    /// Another one than before: restarted, and numbers began anew.
    instance: String,
    records: Vec<RequestRecord>,
    next: u64,
    dropped: u64,
}

/// The ring.
pub(crate) struct Journal {
    /// Which start of the process writes it.
    instance: String,
    capacity: usize,
    max_bytes: usize,
    clock: WallClock,
    metrics: Arc<Metrics>,
    traces: TraceStore,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    last_number: u64,
    under_way: BTreeSet<u64>,
    records: BTreeMap<u64, RequestRecord>,
    /// What the records' metrics, events and messages take.
    bytes: usize,
    dropped: u64,
}

impl Journal {
    /// A ring of at most `capacity` records, whose metrics, events and messages
    /// take at most `max_bytes`, of the start of the process named `instance`.
    pub(crate) fn new(
        instance: String,
        capacity: usize,
        max_bytes: usize,
        clock: WallClock,
        metrics: Arc<Metrics>,
    ) -> Self {
        let traces = TraceStore::default();
        Self { instance, capacity, max_bytes, clock, metrics, traces, state: Mutex::default() }
    }

    /// The traces of requests that asked for one.
    pub(crate) fn traces(&self) -> &TraceStore {
        &self.traces
    }

    /// Begins a record.
    pub(crate) fn begin(self: &Arc<Self>, correlation_id: Option<&str>) -> Recorder {
        let correlation_id = correlation_id.map(|id| {
            let end = id.floor_char_boundary(CORRELATION_ID_BYTES.min(id.len()));
            id.get(..end).unwrap_or_default().to_owned()
        });
        let mut state = self.lock();
        state.last_number += 1;
        let number = state.last_number;
        state.under_way.insert(number);
        drop(state);
        let started = Instant::now();
        let received_us = self.microseconds(started);
        Recorder {
            journal: Arc::clone(self),
            started,
            open_attempt: None,
            tracer: None,
            detached: false,
            record: Some(RequestRecord {
                number,
                correlation_id,
                api: None,
                operation: None,
                subscription: None,
                received_us,
                done_us: received_us,
                status: 0,
                error_reason: None,
                attempts: Vec::new(),
                calls: Vec::new(),
                metrics: Vec::new(),
                events: Vec::new(),
                messages: Vec::new(),
                telemetry_dropped: 0,
            }),
        }
    }

    /// All finished records above `after`, in order of number.
    pub(crate) fn finished(&self, after: u64) -> Vec<RequestRecord> {
        self.lock().records.range(after.saturating_add(1)..).map(|(_, r)| r.clone()).collect()
    }

    /// The next page for a reader that has seen everything up to `after`.
    pub(crate) fn page(&self, after: u64) -> Page {
        let state = self.lock();
        let end = state.under_way.first().copied().unwrap_or(u64::MAX);
        let from = after.saturating_add(1);
        let records: Vec<_> = if from < end {
            state.records.range(from..end).take(PAGE).map(|(_, record)| record.clone()).collect()
        } else {
            Vec::new()
        };
        let next = records.last().map_or(after, |record| record.number);
        let instance = self.instance.clone();
        Page { instance, records, next, dropped: state.dropped }
    }

    fn write(&self, record: RequestRecord, started: Instant) {
        let duration = Instant::now().saturating_duration_since(started);
        self.metrics.request(record.api.as_deref(), record.status, duration);
        let mut state = self.lock();
        state.under_way.remove(&record.number);
        state.bytes += record.bytes();
        state.records.insert(record.number, record);
        while self.capacity < state.records.len() || self.max_bytes < state.bytes {
            let Some((_, oldest)) = state.records.pop_first() else { break };
            state.bytes = state.bytes.saturating_sub(oldest.bytes());
            state.dropped += 1;
        }
    }

    fn microseconds(&self, at: Instant) -> u64 {
        u64::try_from(self.clock.at(at).since_epoch().as_micros()).unwrap_or(u64::MAX)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes one request's record, whatever becomes of the request: dropped
/// before [`Recorder::finish`], the client went away (499) or a policy
/// panicked (500).
pub(crate) struct Recorder {
    journal: Arc<Journal>,
    started: Instant,
    /// What metrics call the backend of the call under way.
    open_attempt: Option<String>,
    /// Set when somebody asked for this request's trace.
    pub(crate) tracer: Option<Box<Tracer>>,
    /// A branch's: its record is not written, but merged.
    detached: bool,
    record: Option<RequestRecord>,
}

impl Recorder {
    /// The record's number.
    pub(crate) fn number(&self) -> u64 {
        self.record.as_ref().map_or(0, |record| record.number)
    }

    /// When the request arrived.
    pub(crate) fn started(&self) -> Instant {
        self.started
    }

    /// Notes something about the request.
    pub(crate) fn note(&mut self, change: impl FnOnce(&mut RequestRecord)) {
        if let Some(record) = &mut self.record {
            change(record);
        }
    }

    /// A backend call leaves.
    /// `label` is its name in metrics, of which there must be few.
    pub(crate) fn attempt_sent(&mut self, backend: &str, label: &str) {
        let now = self.journal.microseconds(Instant::now());
        let backend = backend.to_owned();
        self.open_attempt = Some(label.to_owned());
        self.note(|record| {
            record.attempts.push(AttemptRecord {
                backend,
                pool: None,
                url: String::new(),
                breaker: None,
                status: None,
                sent_us: now,
                headers_us: now,
            });
        });
    }

    /// Notes something about the last backend call.
    pub(crate) fn note_attempt(&mut self, change: impl FnOnce(&mut AttemptRecord)) {
        self.note(|record| {
            if let Some(attempt) = record.attempts.last_mut() {
                change(attempt);
            }
        });
    }

    /// Its headers arrived, or (`None`) it failed.
    pub(crate) fn attempt_answered(&mut self, status: Option<u16>) {
        let now = self.journal.microseconds(Instant::now());
        let label = self.open_attempt.take();
        let Some(attempt) = self.record.as_mut().and_then(|record| record.attempts.last_mut())
        else {
            return;
        };
        attempt.status = status;
        attempt.headers_us = now;
        if let Some(tracer) = &mut self.tracer {
            let took = Duration::from_micros(now.saturating_sub(attempt.sent_us));
            tracer.call(&attempt.backend, attempt.pool.as_deref(), status, took);
        }
        self.journal.metrics.attempt(label.as_deref().unwrap_or_default(), status);
    }

    /// A call of `send-request` ended: `None` when no answer came.
    pub(crate) fn called(&mut self, url: &str, sent: Instant, status: Option<u16>) {
        let now = Instant::now();
        let call = CallRecord {
            url: url.to_owned(),
            status,
            sent_us: self.journal.microseconds(sent),
            done_us: self.journal.microseconds(now),
        };
        if let Some(tracer) = &mut self.tracer {
            tracer.call(url, None, status, now.saturating_duration_since(sent));
        }
        self.keep(|record| &mut record.calls, call);
    }

    /// A policy emitted a metric.
    pub(crate) fn metric(&mut self, metric: MetricRecord) {
        self.journal.metrics.emitted(&metric);
        if let Some(tracer) = &mut self.tracer {
            tracer.metric(&metric);
        }
        self.keep(|record| &mut record.metrics, metric);
    }

    /// A policy sent an event.
    pub(crate) fn event(&mut self, event: EventRecord) {
        if let Some(tracer) = &mut self.tracer {
            tracer.event(&event);
        }
        self.keep(|record| &mut record.events, event);
    }

    /// A policy or an expression left a message.
    pub(crate) fn message(&mut self, message: MessageRecord) {
        if let Some(tracer) = &mut self.tracer {
            tracer.message(&message);
        }
        self.keep(|record| &mut record.messages, message);
    }

    /// A recorder for a branch of the request; its record is only merged.
    pub(crate) fn branch(&self, context: &crate::pipeline::context::Context) -> Self {
        let mut record = self.record.clone();
        if let Some(record) = &mut record {
            record.attempts.clear();
            record.calls.clear();
            record.metrics.clear();
            record.events.clear();
            record.messages.clear();
            record.telemetry_dropped = 0;
        }
        Self {
            journal: Arc::clone(&self.journal),
            started: self.started,
            open_attempt: None,
            tracer: self.tracer.as_ref().map(|tracer| Box::new(tracer.branch(context))),
            detached: true,
            record,
        }
    }

    /// Takes over what a branch recorded.
    pub(crate) fn merge(
        &mut self,
        mut branch: Recorder,
        context: &crate::pipeline::context::Context,
    ) {
        if let (Some(own), Some(tracer)) = (&mut self.tracer, branch.tracer.take()) {
            own.absorb(*tracer, context);
        }
        let Some(record) = branch.record.take() else { return };
        for attempt in record.attempts {
            self.note(|own| own.attempts.push(attempt));
        }
        for call in record.calls {
            self.keep(|own| &mut own.calls, call);
        }
        for metric in record.metrics {
            self.keep(|own| &mut own.metrics, metric);
        }
        for event in record.events {
            self.keep(|own| &mut own.events, event);
        }
        for message in record.messages {
            self.keep(|own| &mut own.messages, message);
        }
        self.note(|own| own.telemetry_dropped += record.telemetry_dropped);
    }

    fn keep<T>(&mut self, list: impl FnOnce(&mut RequestRecord) -> &mut Vec<T>, item: T) {
        let Some(record) = &mut self.record else { return };
        let list = list(record);
        if list.len() < MAX_RECORDS {
            list.push(item);
        } else {
            record.telemetry_dropped += 1;
        }
    }

    /// The last byte was handed on.
    pub(crate) fn finish(&mut self) {
        if self.detached {
            return;
        }
        let Some(mut record) = self.record.take() else { return };
        if let Some(tracer) = self.tracer.take() {
            self.journal.traces.keep(tracer.finish(record.status));
        }
        record.done_us = self.journal.microseconds(Instant::now());
        self.journal.write(record, self.started);
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        if self.record.is_none() || self.detached {
            return;
        }
        if self.open_attempt.is_some() {
            self.attempt_answered(None);
        }
        let status = if std::thread::panicking() { 500 } else { 499 };
        self.note(|record| record.status = status);
        self.finish();
    }
}
