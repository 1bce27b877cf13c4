//! What an evaluation says: data for reports, in words and in numbers.

use serde::Serialize;

/// Everything said about one run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evaluation {
    /// The whole in one word.
    pub outcome: Outcome,
    /// Probability of any wrong statistical verdict, over all assertions together.
    pub alpha: f64,
    /// One result an assertion, in the file's order.
    pub assertions: Vec<AssertionResult>,
    /// Whether the rows of clients, gateway and simulators tell one story.
    pub reconciliation: Reconciliation,
    /// What became of every client request.
    pub account: Account,
    /// Whether the bench itself did its part.
    pub validity: Validity,
}

/// How a run ended; the worst of its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Every assertion that was not skipped passed, and the rows reconcile.
    Passed,
    /// An assertion failed or the rows do not reconcile.
    Failed,
    /// Nothing failed, but something could not be decided, or all was skipped.
    Inconclusive,
    /// The bench was at fault; the verdicts mean nothing.
    Invalid,
}

/// How one assertion ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The interval lies inside the allowed band.
    Passed,
    /// The interval lies outside it.
    Failed,
    /// The interval straddles an edge, or there was nothing to look at.
    Inconclusive,
    /// It needs simulators, and real endpoints were used: nothing is said of it.
    Skipped,
}

/// What an observed value, its interval and its bounds are measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A fraction from 0 to 1.
    Share,
    /// Seconds.
    Seconds,
    /// A ratio of two like quantities.
    Ratio,
    /// A number of things.
    Count,
}

/// A measured value.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Observed {
    /// The number.
    pub value: f64,
    /// What it counts.
    pub unit: Unit,
    /// For people: `341 of 398 (85.7 %)`.
    pub text: String,
}

/// A confidence interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// Lower bound; `None` is unbounded.
    pub lower: Option<f64>,
    /// Upper bound; `None` is unbounded.
    pub upper: Option<f64>,
    /// Probability that a bound is wrong, as Holm's division left it.
    pub alpha: f64,
}

/// One assertion's result.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AssertionResult {
    /// The assertion's id.
    pub id: String,
    /// The promise in words.
    pub claim: String,
    /// The kind, as in the scenario file.
    pub kind: &'static str,
    /// Whether it held.
    pub verdict: Verdict,
    /// How many requests (attempts, actions) it looked at.
    pub n: u64,
    /// What was seen; `None` when there was nothing to see.
    pub observed: Option<Observed>,
    /// Confidence interval of the observed value; `None` for an exact fact.
    pub interval: Option<Interval>,
    /// What was asked, in words: `at least 95 %`.
    pub threshold: String,
    /// How many requests would settle it, when it is inconclusive and more would.
    pub n_to_settle: Option<u64>,
    /// What happened, in words.
    pub message: String,
    /// Up to three correlation ids to look at.
    pub examples: Vec<String>,
}

/// Whether the rows of clients, gateway and simulators tell one story.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reconciliation {
    /// The verdict.
    pub state: ReconciliationState,
    /// Whether the gateway has a journal that was compared, too.
    pub gateway_compared: bool,
    /// Whether the simulators' journals were; real endpoints have none.
    pub simulators_compared: bool,
    /// Client requests looked at.
    pub requests: u64,
    /// Those found at a simulator.
    pub at_backend: u64,
    /// Those the gateway answered by itself: refusals, mocked answers.
    pub by_gateway: u64,
    /// Journal rows that belong to client requests.
    pub attempts: u64,
    /// Journal rows that belong to actions (probes).
    pub action_rows: u64,
    /// Answers whose usage was compared with the journal's.
    pub usages_compared: u64,
    /// What does not fit; empty when all does.
    pub mismatches: Vec<Mismatch>,
    /// In words.
    pub message: String,
}

/// Verdict of the reconciliation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReconciliationState {
    /// Everything fits.
    Reconciled,
    /// Something does not.
    Mismatched,
    /// There are no complete journals to compare with.
    NotChecked,
}

/// One way in which the rows contradict each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mismatch {
    /// In words.
    pub message: String,
    /// How many rows.
    pub count: u64,
    /// Up to three correlation ids (or journal rows) to look at.
    pub examples: Vec<String>,
}

/// What became of every client request: the classes exclude each other and add
/// up to the requests sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Account {
    /// Client requests.
    pub requests: u64,
    /// Complete answers, of any status, that a simulator's journal has, in the
    /// topology's order.
    pub answered: Vec<Answered>,
    /// Complete answers that the gateway gave by itself.
    pub answered_by_gateway: u64,
    /// Complete answers of which no journal shows by whom: there is none, or its
    /// records were lost.
    pub answered_by_unknown: u64,
    /// Requests without a complete answer, the most frequent first.
    pub failed: Vec<Failed>,
    /// The gateway's calls of its backends for these requests; empty without its
    /// journal.
    pub gateway_attempts: Vec<BackendAttempts>,
}

impl Account {
    /// Requests without a complete answer.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failed.iter().map(|one| one.count).sum()
    }
}

/// How many answers one simulator gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answered {
    /// Its name.
    pub simulator: String,
    /// Complete answers.
    pub count: u64,
}

/// How many requests failed in one way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failed {
    /// In words.
    pub how: String,
    /// How many.
    pub count: u64,
}

/// The gateway's calls of one backend, by its own journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BackendAttempts {
    /// The gateway's name for it.
    pub backend: String,
    /// The simulator behind it, where the journals show which.
    pub simulator: Option<String>,
    /// Calls.
    pub attempts: u64,
    /// Of them without an answer.
    pub unanswered: u64,
    /// Of them made when the simulator's records were being lost.
    pub unrecorded: u64,
}

/// Whether the bench itself did its part.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Validity {
    /// Whether verdicts may be believed.
    pub valid: bool,
    /// 99th percentile of sent minus scheduled, in seconds.
    pub schedule_lag_p99: f64,
    /// What the percentile may be at most, in seconds.
    pub schedule_lag_limit: f64,
    /// Why not valid; empty when it is.
    pub reasons: Vec<String>,
}
