//! The trace of one request: what ran, what it read, what it changed.
//!
//! Off unless somebody asks: the recorder holds an `Option`. The executor and
//! the place where expressions are evaluated report to it; policies do not
//! know of it. What a policy changed is found by comparing the request's state
//! before and after. A wait is time that passed before a policy began without
//! any policy running (`retry`).

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderMap, HeaderName};
use serde::Serialize;
use tokio::time::Instant;

use super::records::{EventRecord, MessageRecord, MetricRecord, cut};
use super::redact::Secrets;
use crate::expr::{Exception, Value};
use crate::pipeline::context::{Context, MessageBody};
use crate::pipeline::exchange::{Flow, Outcome};
use crate::pipeline::url;
use crate::policy::document::StepInfo;

/// Entries of one trace.
const MAX_ENTRIES: usize = 10_000;
/// Text in one trace.
const MAX_BYTES: usize = 4 << 20;
/// One value in a trace.
const MAX_VALUE: usize = 2_048;
/// Time below this is computing, not waiting.
const MIN_WAIT: Duration = Duration::from_millis(1);
/// Traces a running gateway keeps for `/++/traces/`.
const KEPT: usize = 100;

/// A finished trace.
#[derive(Debug, Clone, Serialize)]
pub struct Trace {
    /// The request's id, a GUID.
    pub id: String,
    /// The request's method.
    pub method: String,
    /// The path and query the client called, without secrets.
    pub path: String,
    /// Status sent; 499 when the client went away first.
    pub status: u16,
    /// Microseconds from arrival to the last byte.
    pub duration_us: u64,
    /// What happened, in order.
    pub entries: Vec<TraceEntry>,
    /// Entries left out: a trace is bounded.
    pub dropped: u64,
}

/// One thing that happened.
#[derive(Debug, Clone, Serialize)]
pub struct TraceEntry {
    /// Microseconds since the request's arrival.
    pub at_us: u64,
    /// How deep policies nest here.
    pub depth: u16,
    /// What it was.
    #[serde(flatten)]
    pub what: TraceEvent,
}

/// What happened.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TraceEvent {
    /// A section of the effective document began.
    Section {
        /// `inbound`, `backend`, `outbound` or `on-error`.
        section: &'static str,
    },
    /// A policy ran.
    Policy {
        /// Its element's name.
        policy: &'static str,
        /// Where it stands in its document.
        path: String,
        /// `global`, `product`, `api` or `operation`.
        scope: &'static str,
        /// Its `id`, if it has one.
        #[serde(skip_serializing_if = "String::is_empty")]
        id: String,
        /// Microseconds it took, the policies inside it included.
        duration_us: u64,
        /// `next`, `respond` (the pipeline ended) or `error`.
        outcome: &'static str,
    },
    /// An expression was evaluated.
    Expression {
        /// Its text.
        text: String,
        /// What it gave, as text; the exception's message when it failed.
        value: String,
        /// The .NET type of the value or of the exception.
        #[serde(rename = "type")]
        kind: String,
        /// Whether it failed.
        failed: bool,
    },
    /// A variable was set.
    Variable {
        /// Its name.
        name: String,
        /// Its value as text; `None` when it was removed.
        value: Option<String>,
        /// The .NET type of the value.
        #[serde(rename = "type")]
        kind: String,
    },
    /// A header of the request or response changed.
    Header {
        /// `request` or `response`.
        of: &'static str,
        /// Its name.
        name: String,
        /// Its values; empty when it was removed.
        values: Vec<String>,
    },
    /// The request's method or URL changed.
    Target {
        /// The method.
        method: String,
        /// The URL.
        url: String,
    },
    /// The response's status changed.
    Status {
        /// The code.
        status: u16,
        /// The reason.
        reason: String,
    },
    /// A body changed.
    Body {
        /// `request` or `response`.
        of: &'static str,
        /// Its length; `None` while it streams, or when there is none.
        bytes: Option<usize>,
        /// `complete`, `stream`, `none` or `consumed`.
        state: &'static str,
    },
    /// A backend call, or one of `send-request`.
    Call {
        /// The backend's id, or the URL.
        backend: String,
        /// The pool that chose it.
        #[serde(skip_serializing_if = "Option::is_none")]
        pool: Option<String>,
        /// The answer's status; `None` when none came.
        status: Option<u16>,
        /// Microseconds until its headers.
        duration_us: u64,
    },
    /// Nothing ran: a `retry` waited.
    Wait {
        /// Microseconds.
        duration_us: u64,
    },
    /// A message of `trace` or `context.Trace`.
    Message(MessageRecord),
    /// A custom metric.
    Metric(MetricRecord),
    /// An event for a logger.
    Event(EventRecord),
    /// A step failed.
    Error {
        /// `LastError.Source`.
        source: String,
        /// `LastError.Reason`.
        reason: String,
        /// `LastError.Message`.
        message: String,
    },
}

/// A trace under way.
pub(crate) struct Tracer {
    id: String,
    method: String,
    path: String,
    started: Instant,
    /// When something was last reported.
    last: Instant,
    secrets: Secrets,
    entries: Vec<TraceEntry>,
    bytes: usize,
    dropped: u64,
    depth: u16,
    seen: Seen,
}

/// The state as last reported.
#[derive(Default)]
struct Seen {
    variables: BTreeMap<String, (String, String)>,
    target: (String, String),
    status: (u16, String),
    headers: [HeaderMap; 2],
    bodies: [(&'static str, Option<usize>, usize); 2],
}

/// A policy under way: its entry and when it began.
#[derive(Clone, Copy)]
pub(crate) struct Open {
    entry: Option<usize>,
    began: Instant,
}

impl Tracer {
    /// Begins a trace; `context` is the request as it arrived.
    pub(crate) fn new(id: String, context: &Context, secrets: Secrets) -> Self {
        let called = &context.request.original_url;
        let path = format!("{}{}", called.path, called.query_string());
        let mut tracer = Self {
            id,
            method: context.request.method.clone(),
            path: secrets.redact(&path),
            started: context.started,
            last: Instant::now(),
            secrets,
            entries: Vec::new(),
            bytes: 0,
            dropped: 0,
            depth: 0,
            seen: Seen::default(),
        };
        tracer.seen = tracer.state(context);
        tracer
    }

    /// One more secret: a token a policy just got.
    pub(crate) fn hide(&mut self, secret: &str) {
        self.secrets.add(secret);
    }

    /// Secrets of the request's own headers, once its API's key header is known.
    pub(crate) fn hide_headers(&mut self, headers: &HeaderMap, key_header: &HeaderName) {
        self.secrets.add_headers(headers, &[key_header]);
        self.path = self.secrets.redact(&self.path);
    }

    /// A section begins.
    pub(crate) fn section(&mut self, section: &'static str, context: &Context) {
        self.depth = 0;
        self.observe(context);
        self.last = Instant::now();
        self.push(TraceEvent::Section { section });
        self.depth = 1;
    }

    /// A policy begins.
    pub(crate) fn begin(&mut self, info: &StepInfo, scope: &'static str) -> Open {
        let began = Instant::now();
        let waited = began.saturating_duration_since(self.last);
        if MIN_WAIT <= waited {
            self.push(TraceEvent::Wait { duration_us: micros(waited) });
        }
        let event = TraceEvent::Policy {
            policy: info.policy,
            path: info.path.clone(),
            scope,
            id: info.id.clone(),
            duration_us: 0,
            outcome: "next",
        };
        let entry = self.push(event);
        self.depth = self.depth.saturating_add(1);
        Open { entry, began }
    }

    /// It ended.
    pub(crate) fn end(&mut self, open: Open, result: &Outcome, context: &Context) {
        self.observe(context);
        if let Err(failure) = result {
            let error = &failure.0;
            // Reported by the innermost policy only.
            if !self.failed_inside(open) {
                let message = self.text(&error.message);
                self.push(TraceEvent::Error {
                    source: error.source.clone(),
                    reason: error.reason.clone(),
                    message,
                });
            }
        }
        self.depth = self.depth.saturating_sub(1);
        let now = Instant::now();
        self.last = now;
        let entry = open.entry.and_then(|at| self.entries.get_mut(at));
        if let Some(TraceEntry { what: TraceEvent::Policy { duration_us, outcome, .. }, .. }) =
            entry
        {
            *duration_us = micros(now.saturating_duration_since(open.began));
            *outcome = match result {
                Ok(Flow::Next) => "next",
                Ok(Flow::Respond) => "respond",
                Err(_) => "error",
            };
        }
    }

    /// Whether the last thing inside an open policy is an error.
    fn failed_inside(&self, open: Open) -> bool {
        let from = open.entry.map_or(self.entries.len(), |at| at + 1);
        let inside = self.entries.get(from..).unwrap_or_default();
        matches!(inside.last(), Some(TraceEntry { what: TraceEvent::Error { .. }, .. }))
    }

    /// A built-in step failed.
    pub(crate) fn failed(&mut self, source: &str, reason: &str, message: &str) {
        let last = self.entries.last().map(|entry| &entry.what);
        if matches!(last, Some(TraceEvent::Error { reason: known, .. }) if known == reason) {
            return;
        }
        let message = self.text(message);
        let (source, reason) = (source.to_owned(), reason.to_owned());
        self.push(TraceEvent::Error { source, reason, message });
    }

    /// An expression was evaluated.
    pub(crate) fn expression(&mut self, text: &str, result: &Result<Value, Exception>) {
        let (value, kind, failed) = match result {
            Ok(value) => (value.to_text(), type_of(value), false),
            Err(exception) => (exception.message.clone(), exception.type_name.clone(), true),
        };
        let (text, value) = (self.text(text), self.text(&value));
        self.push(TraceEvent::Expression { text, value, kind, failed });
    }

    /// A call that ended, or was given up.
    pub(crate) fn call(
        &mut self,
        backend: &str,
        pool: Option<&str>,
        status: Option<u16>,
        took: Duration,
    ) {
        let (backend, pool) = (self.text(backend), pool.map(str::to_owned));
        self.push(TraceEvent::Call { backend, pool, status, duration_us: micros(took) });
    }

    /// A message.
    pub(crate) fn message(&mut self, message: &MessageRecord) {
        let mut message = message.clone();
        message.message = self.text(&message.message);
        for value in message.metadata.values_mut() {
            *value = self.secrets.redact(value);
        }
        self.push(TraceEvent::Message(message));
    }

    /// A metric.
    pub(crate) fn metric(&mut self, metric: &MetricRecord) {
        let mut metric = metric.clone();
        for value in metric.dimensions.values_mut() {
            *value = self.secrets.redact(value);
        }
        self.push(TraceEvent::Metric(metric));
    }

    /// An event.
    pub(crate) fn event(&mut self, event: &EventRecord) {
        let mut event = event.clone();
        event.body = self.text(&event.body);
        self.push(TraceEvent::Event(event));
    }

    /// Reports what changed since it last looked.
    pub(crate) fn observe(&mut self, context: &Context) {
        let state = self.state(context);
        let before = std::mem::replace(&mut self.seen, state);
        let mut changes = Vec::new();
        for (name, (value, kind)) in &self.seen.variables {
            if before.variables.get(name).map(|(value, _)| value) != Some(value) {
                let (value, kind) = (Some(value.clone()), kind.clone());
                changes.push(TraceEvent::Variable { name: name.clone(), value, kind });
            }
        }
        for name in before.variables.keys() {
            if !self.seen.variables.contains_key(name) {
                let kind = String::new();
                changes.push(TraceEvent::Variable { name: name.clone(), value: None, kind });
            }
        }
        if before.target != self.seen.target {
            let (method, url) = self.seen.target.clone();
            changes.push(TraceEvent::Target { method, url: self.secrets.redact(&url) });
        }
        if before.status != self.seen.status {
            let (status, reason) = self.seen.status.clone();
            changes.push(TraceEvent::Status { status, reason });
        }
        for (at, of) in ["request", "response"].into_iter().enumerate() {
            let (Some(old), Some(new)) = (before.headers.get(at), self.seen.headers.get(at)) else {
                continue;
            };
            self.header_changes(of, old, new, &mut changes);
            let (Some(old), Some(new)) = (before.bodies.get(at), self.seen.bodies.get(at)) else {
                continue;
            };
            if old != new {
                changes.push(TraceEvent::Body { of, bytes: new.1, state: new.0 });
            }
        }
        for change in changes {
            self.push(change);
        }
    }

    fn header_changes(
        &self,
        of: &'static str,
        old: &HeaderMap,
        new: &HeaderMap,
        out: &mut Vec<TraceEvent>,
    ) {
        let names: std::collections::BTreeSet<&str> =
            old.keys().chain(new.keys()).map(HeaderName::as_str).collect();
        for name in names {
            if old.get_all(name).iter().eq(new.get_all(name).iter()) {
                continue;
            }
            let Ok(known) = HeaderName::from_bytes(name.as_bytes()) else { continue };
            let values = new.get_all(name).iter();
            let values = values.map(|value| self.secrets.header(&known, value)).collect();
            out.push(TraceEvent::Header { of, name: name.to_owned(), values });
        }
    }

    fn state(&self, context: &Context) -> Seen {
        let request = &context.request;
        let response = &context.response;
        let variables = context.variables.iter();
        let address = url::to_uri(&request.url).map(|uri| uri.to_string());
        Seen {
            variables: variables
                .map(|(name, value)| (name.clone(), (self.text(&value.to_text()), type_of(value))))
                .collect(),
            target: (request.method.clone(), address.unwrap_or_default()),
            status: (response.status, response.reason.clone()),
            headers: [request.headers.clone(), response.headers.clone()],
            bodies: [body(&request.body), body(&response.body)],
        }
    }

    /// A text without secrets, of bounded length.
    fn text(&self, text: &str) -> String {
        let text = self.secrets.redact(text);
        if text.len() <= MAX_VALUE {
            return text;
        }
        let length = text.len();
        format!("{}… ({length} bytes)", cut(text, MAX_VALUE))
    }

    fn push(&mut self, what: TraceEvent) -> Option<usize> {
        let now = Instant::now();
        self.last = now;
        self.bytes += what.bytes();
        if MAX_ENTRIES <= self.entries.len() || MAX_BYTES < self.bytes {
            self.dropped += 1;
            return None;
        }
        let at_us = micros(now.saturating_duration_since(self.started));
        self.entries.push(TraceEntry { at_us, depth: self.depth, what });
        Some(self.entries.len() - 1)
    }

    /// Moves another tracer's entries in: those of a branch that ran beside.
    pub(crate) fn absorb(&mut self, branch: Tracer, context: &Context) {
        self.dropped += branch.dropped;
        for entry in branch.entries {
            self.bytes += entry.what.bytes();
            if MAX_ENTRIES <= self.entries.len() || MAX_BYTES < self.bytes {
                self.dropped += 1;
            } else {
                self.entries.push(entry);
            }
        }
        self.seen = self.state(context);
        self.last = Instant::now();
    }

    /// A tracer for a branch that runs beside others.
    pub(crate) fn branch(&self, context: &Context) -> Self {
        let mut branch = Self {
            id: String::new(),
            method: String::new(),
            path: String::new(),
            started: self.started,
            last: Instant::now(),
            secrets: self.secrets.clone(),
            entries: Vec::new(),
            bytes: 0,
            dropped: 0,
            depth: self.depth,
            seen: Seen::default(),
        };
        branch.seen = branch.state(context);
        branch
    }

    /// The trace, complete.
    pub(crate) fn finish(self, status: u16) -> Trace {
        Trace {
            id: self.id,
            method: self.method,
            path: self.path,
            status,
            duration_us: micros(Instant::now().saturating_duration_since(self.started)),
            entries: self.entries,
            dropped: self.dropped,
        }
    }
}

impl TraceEvent {
    /// Roughly what it takes in memory.
    fn bytes(&self) -> usize {
        64 + match self {
            Self::Expression { text, value, kind, .. } => text.len() + value.len() + kind.len(),
            Self::Variable { name, value, kind } => {
                name.len() + kind.len() + value.as_ref().map_or(0, String::len)
            }
            Self::Header { name, values, .. } => {
                name.len() + values.iter().map(String::len).sum::<usize>()
            }
            Self::Target { url, .. } => url.len(),
            Self::Policy { path, .. } => path.len(),
            Self::Message(message) => message.bytes(),
            Self::Metric(metric) => metric.bytes(),
            Self::Event(event) => event.bytes(),
            Self::Error { message, .. } => message.len(),
            Self::Call { backend, .. } => backend.len(),
            Self::Section { .. } | Self::Status { .. } | Self::Body { .. } | Self::Wait { .. } => 0,
        }
    }
}

fn type_of(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        value => value.type_name(),
    }
}

/// A body's state, length, and place in memory: another one with the same
/// length is a change.
fn body(body: &MessageBody) -> (&'static str, Option<usize>, usize) {
    match body {
        MessageBody::Absent => ("none", None, 0),
        MessageBody::Consumed => ("consumed", None, 0),
        MessageBody::Bytes(bytes) => ("complete", Some(bytes.len()), bytes.as_ptr() as usize),
        MessageBody::Stream(_) => ("stream", None, 0),
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// The newest traces, by id.
#[derive(Default)]
pub(crate) struct TraceStore(Mutex<VecDeque<Arc<Trace>>>);

impl TraceStore {
    /// Keeps one; the oldest makes room.
    pub(crate) fn keep(&self, trace: Trace) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if KEPT <= kept.len() {
            kept.pop_front();
        }
        kept.push_back(Arc::new(trace));
    }

    /// One by its request's id.
    pub(crate) fn find(&self, id: &str) -> Option<Arc<Trace>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|trace| trace.id == id).cloned()
    }
}
