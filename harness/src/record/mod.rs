//! A run as a dataset: one row per client request, per backend attempt, per
//! gateway request and per action, joined by correlation id.
//!
//! Data only. The driver writes it, `assert` and `report` read it.

mod clock;
pub(crate) mod journal;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

pub use clock::RunClock;

/// A moment of the run: time after the start of the first stage; actions
/// before the start have negative times.
pub type RunTime = seam::units::SignedDuration;

/// In which world a run took place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum World {
    /// In process, on tokio's paused clock.
    Virtual,
    /// Over sockets, in real time.
    Real,
}

/// What answers behind the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoints {
    /// Simulators, which keep journals and can be changed while they run.
    #[default]
    Simulators,
    /// Real deployments: nothing is known of them but what clients and the gateway see.
    Real,
}

/// Everything observed in one run.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// Scenario name.
    pub scenario: String,
    /// The run's seed.
    pub seed: u64,
    /// What every correlation id of this run begins with: `<id_prefix>-<number>`
    /// for requests, `<id_prefix>-action-<number>` for the calls of actions.
    pub id_prefix: String,
    /// Virtual or real.
    pub world: World,
    /// What answers behind the gateway.
    pub endpoints: Endpoints,
    /// Stages in order.
    pub stages: Vec<StageSpan>,
    /// Workload names; rows refer to them by index.
    pub workloads: Vec<String>,
    /// Names of the simulators, or of the real endpoints in their place, in the
    /// topology's order.
    pub simulators: Vec<String>,
    /// One row per client request, by number.
    pub clients: Vec<ClientRow>,
    /// The simulators' journals, merged in order of (received, simulator, number).
    pub backends: Vec<BackendRow>,
    /// The gateway's own records.
    pub gateway: Vec<GatewayRow>,
    /// Whether the gateway has a journal that was read; without one `gateway` is
    /// empty and says nothing.
    pub gateway_journal: bool,
    /// Actions in order of execution.
    pub actions: Vec<ActionRow>,
    /// Whether journals were readable for every simulator (not so for real endpoints).
    pub journals_complete: bool,
    /// Journal rows a simulator's ring had overwritten before they were read;
    /// any makes the run invalid.
    pub journal_rows_dropped: u64,
    /// Journals that ended in mid-run, simulators' first; any makes the run invalid.
    pub journal_breaks: Vec<JournalBreak>,
}

/// A stretch of time whose records a service lost, or may have lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalBreak {
    /// Index into [`Dataset::simulators`]; the gateway when `None`.
    pub simulator: Option<usize>,
    /// What ended before this was read.
    pub last_read: RunTime,
    /// When it was noticed.
    pub noticed: RunTime,
    /// What happened.
    pub cause: BreakCause,
}

/// Why records are missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BreakCause {
    /// Another process answered at `noticed`, with a new journal.
    Restarted,
    /// The journal could not be read, for this reason, until `noticed`, and does
    /// not say whether the same process answers.
    Interrupted(String),
    /// From `noticed` on the journal could not be read any more.
    Unreadable(String),
}

impl JournalBreak {
    /// Whether a record of this moment may be missing.
    #[must_use]
    pub fn covers(&self, time: RunTime) -> bool {
        let over = match self.cause {
            BreakCause::Restarted | BreakCause::Interrupted(_) => self.noticed <= time,
            BreakCause::Unreadable(_) => false,
        };
        self.last_read <= time && !over
    }
}

/// A stage's place in the run.
#[derive(Debug, Clone)]
pub struct StageSpan {
    /// Name, unique in the scenario.
    pub name: String,
    /// Start.
    pub start: Duration,
    /// End of its load; answers may come later.
    pub end: Duration,
}

/// How a client request ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// An HTTP response came, complete.
    Answered(u16),
    /// A response began but broke off: its status and why.
    BrokenOff(u16, String),
    /// No response: refused, reset.
    TransportFailed(String),
    /// The workload's timeout ran out.
    TimedOut,
    /// The run ended (interrupted) before the request did.
    Abandoned,
}

impl Outcome {
    /// The status, when there was one.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Outcome::Answered(status) | Outcome::BrokenOff(status, _) => Some(*status),
            Outcome::TransportFailed(_) | Outcome::TimedOut | Outcome::Abandoned => None,
        }
    }
}

/// Token usage as an answer stated it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Usage {
    /// `prompt_tokens`.
    pub prompt: u64,
    /// `completion_tokens`.
    pub completion: u64,
    /// `total_tokens`.
    pub total: u64,
}

/// What one client saw.
#[derive(Debug, Clone)]
pub struct ClientRow {
    /// Number from 1, in order of scheduling.
    pub number: u64,
    /// Sent as `x-ms-client-request-id`.
    pub correlation_id: String,
    /// Index into [`Dataset::stages`].
    pub stage: usize,
    /// Index into [`Dataset::workloads`].
    pub workload: usize,
    /// What was drawn for it, by the draws' names.
    pub labels: BTreeMap<String, serde_json::Value>,
    /// When it should have left (open loop) or its user was ready (closed loop).
    pub scheduled: RunTime,
    /// When it left.
    pub sent: RunTime,
    /// When the response's headers arrived.
    pub first_byte: Option<RunTime>,
    /// When the first content event of a stream arrived.
    pub first_token: Option<RunTime>,
    /// When it was over, however it ended.
    pub done: RunTime,
    /// How it ended.
    pub outcome: Outcome,
    /// `usage` of the answer, when it stated one.
    pub usage: Option<Usage>,
    /// Response headers a report or assertion may want, by lower-case name.
    pub headers: BTreeMap<String, String>,
    /// Beginning of the body of an answer of 400 or above, as text.
    pub error_body: Option<String>,
    /// Problems with the answer's form: malformed SSE frames, missing `[DONE]`, bad JSON.
    pub findings: Vec<String>,
}

/// What one simulator recorded of one request.
#[derive(Debug, Clone)]
pub struct BackendRow {
    /// Index into [`Dataset::simulators`].
    pub simulator: usize,
    /// Which process of the simulator recorded it: 0, and more after restarts.
    pub life: u32,
    /// The journal's own number, unique in a life.
    pub number: u64,
    /// The `x-ms-client-request-id` that arrived.
    pub correlation_id: Option<String>,
    /// Deployment name.
    pub deployment: Option<String>,
    /// Arrived.
    pub received: RunTime,
    /// First byte of the answer left.
    pub first_byte: Option<RunTime>,
    /// Over.
    pub done: RunTime,
    /// Status sent; 499 for a client that went away, 444 where a fault let nothing
    /// be sent.
    pub status: u16,
    /// Why it was refused, when it was.
    pub reason: Option<String>,
    /// Tokens, when admitted.
    pub usage: Option<Usage>,
}

/// What the gateway recorded of one client request.
#[derive(Debug, Clone)]
pub struct GatewayRow {
    /// The `x-ms-client-request-id` that arrived.
    pub correlation_id: Option<String>,
    /// Arrived.
    pub received: RunTime,
    /// Last byte handed on.
    pub done: RunTime,
    /// Status sent to the client.
    pub status: u16,
    /// `LastError.Reason` when the pipeline failed.
    pub error_reason: Option<String>,
    /// (backend id, status) of each attempt in order.
    pub attempts: Vec<(String, Option<u16>)>,
    /// What its policies emitted, in order.
    pub metrics: Vec<GatewayMetric>,
    /// What its policies logged, in order.
    pub events: Vec<GatewayEvent>,
}

/// A custom metric of the gateway.
#[derive(Debug, Clone, PartialEq)]
pub struct GatewayMetric {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Value.
    pub value: f64,
    /// Dimensions by name.
    pub dimensions: BTreeMap<String, String>,
}

/// An event of the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayEvent {
    /// The logger's id.
    pub logger: String,
    /// Its text.
    pub body: String,
}

/// What an action did.
#[derive(Debug, Clone)]
pub struct ActionRow {
    /// Name, unique in the scenario.
    pub name: String,
    /// When it was due.
    pub due: RunTime,
    /// When it began.
    pub started: RunTime,
    /// When it was over.
    pub done: RunTime,
    /// What it did, in words: `payg1 patched`, `order payg1, payg2`.
    pub summary: String,
    /// The last HTTP answer it got, when it made a call to the gateway.
    pub answer: Option<ActionAnswer>,
    /// Why it failed, when it did; a failed action makes the run invalid.
    pub error: Option<String>,
    /// Why it was left out, when it was: it needs a simulator.
    pub skipped: Option<String>,
}

/// An HTTP answer an assertion may check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionAnswer {
    /// Status.
    pub status: u16,
    /// Headers by lower-case name.
    pub headers: BTreeMap<String, String>,
    /// Body as text.
    pub body: String,
}
