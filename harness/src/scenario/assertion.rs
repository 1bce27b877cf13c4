//! `[[assertions]]` of a scenario file: the format as written ([`RawAssertion`])
//! and the checked form ([`Assertion`]) that cannot hold a contradiction.
//!
//! Each assertion has exactly one *kind*, a key whose value is a table. A kind
//! knows what is asked, never how it is answered: that is `crate::assert`.

mod validate;

use std::time::Duration;

use schemars::JsonSchema;
use seam::units::{HumanDuration, SignedDuration};
use serde::Deserialize;
use serde_spanned::Spanned;

pub use crate::stats::Statistic;
pub(crate) use validate::{Names, validate};

/// One promise of the gateway and how to check it. Give exactly one of the
/// kinds `backend_share`, `latency`, `latency_ratio`, `status`,
/// `action_answer`, `attempts`, `requests`.
///
/// A request belongs to a time span by the time it was *sent*. The span is the
/// whole run unless `from`/`to`, `stage` or `after_action` narrows it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawAssertion {
    /// Short name, unique in the file; reports and READMEs refer to it.
    #[schemars(with = "String")]
    pub id: Spanned<String>,
    /// The promise in words, as a reader of the report should see it.
    #[schemars(with = "String")]
    pub claim: Spanned<String>,
    /// Only requests of this workload.
    #[schemars(with = "Option<String>")]
    pub workload: Option<Spanned<String>>,
    /// Only requests sent at or after this time of the run.
    #[schemars(with = "Option<SignedDuration>")]
    pub from: Option<Spanned<SignedDuration>>,
    /// Only requests sent before this time of the run.
    #[schemars(with = "Option<SignedDuration>")]
    pub to: Option<Spanned<SignedDuration>>,
    /// Only requests sent in this stage; instead of `from` and `to`.
    #[schemars(with = "Option<String>")]
    pub stage: Option<Spanned<String>>,
    /// Only requests sent after this action was done; instead of `from`.
    #[schemars(with = "Option<String>")]
    pub after_action: Option<Spanned<String>>,
    /// Leaves out the requests sent within this time after an edge: the span's
    /// start, a stage's start inside it, an action inside it.
    #[schemars(with = "Option<HumanDuration>")]
    pub settle: Option<Spanned<HumanDuration>>,
    /// Share of the 2xx answers that one simulator gave, by the simulators' journals.
    #[schemars(with = "Option<RawBackendShare>")]
    pub backend_share: Option<Spanned<RawBackendShare>>,
    /// Latency from the scheduled time to the end of the answer.
    #[schemars(with = "Option<RawLatency>")]
    pub latency: Option<Spanned<RawLatency>>,
    /// Latency of this span over latency of another.
    #[schemars(with = "Option<RawLatencyRatio>")]
    pub latency_ratio: Option<Spanned<RawLatencyRatio>>,
    /// How often a status was seen, as a count or as a share.
    #[schemars(with = "Option<RawStatus>")]
    pub status: Option<Spanned<RawStatus>>,
    /// What the gateway answered to an action's call.
    #[schemars(with = "Option<RawActionAnswer>")]
    pub action_answer: Option<Spanned<RawActionAnswer>>,
    /// What came before the answers of one simulator, within the same request.
    #[schemars(with = "Option<RawAttempts>")]
    pub attempts: Option<Spanned<RawAttempts>>,
    /// How many requests were sent, so that an empty span cannot pass unseen.
    #[schemars(with = "Option<RawRequests>")]
    pub requests: Option<Spanned<RawRequests>>,
}

/// Share of the requests answered 2xx whose answer came from one simulator.
///
/// `equals = 1.0` and `equals = 0.0` are exact facts ("always", "never"). Other
/// shares are estimates: they need `within` (a tolerance), `at_least` or
/// `at_most`, and are judged by a confidence interval.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawBackendShare {
    /// Simulator the answers should come from.
    #[schemars(with = "String")]
    pub simulator: Spanned<String>,
    /// The share, from 0 to 1.
    #[schemars(with = "Option<f64>")]
    pub equals: Option<Spanned<f64>>,
    /// Tolerance around `equals`, in points of share: `0.05` is ± 5 points.
    #[schemars(with = "Option<f64>")]
    pub within: Option<Spanned<f64>>,
    /// Least share.
    #[schemars(with = "Option<f64>")]
    pub at_least: Option<Spanned<f64>>,
    /// Greatest share.
    #[schemars(with = "Option<f64>")]
    pub at_most: Option<Spanned<f64>>,
    /// Compare the counts themselves, without an interval: for routing that is
    /// deterministic. `equals = 0.5` then means half of them, give or take one request.
    #[serde(default)]
    pub exact: bool,
}

/// A limit on the latency from the scheduled time to the end of the answer.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawLatency {
    /// `mean` or a percentile: `p50`, `p95`, `p99`, `p99.9`.
    #[schemars(with = "String")]
    pub statistic: Spanned<String>,
    /// Greatest latency.
    #[schemars(with = "Option<HumanDuration>")]
    pub at_most: Option<Spanned<HumanDuration>>,
    /// Least latency.
    #[schemars(with = "Option<HumanDuration>")]
    pub at_least: Option<Spanned<HumanDuration>>,
    /// Look at requests answered 2xx only. Otherwise a request without such an
    /// answer counts as slower than any limit.
    #[serde(default)]
    pub successes_only: bool,
}

/// A limit on the latency of this span divided by the latency of a baseline span.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawLatencyRatio {
    /// `mean` or a percentile: `p50`, `p95`, `p99`, `p99.9`.
    #[schemars(with = "String")]
    pub statistic: Spanned<String>,
    /// The span to compare with.
    #[schemars(with = "RawBaseline")]
    pub baseline: Spanned<RawBaseline>,
    /// Least ratio: `5.0` is five times as slow.
    #[schemars(with = "Option<f64>")]
    pub at_least: Option<Spanned<f64>>,
    /// Greatest ratio.
    #[schemars(with = "Option<f64>")]
    pub at_most: Option<Spanned<f64>>,
    /// Look at requests answered 2xx only. Otherwise a request without such an
    /// answer fails the assertion.
    #[serde(default)]
    pub successes_only: bool,
}

/// The span a ratio compares with: `from` and `to`, or a stage.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawBaseline {
    /// Only requests sent at or after this time of the run.
    #[schemars(with = "Option<SignedDuration>")]
    pub from: Option<Spanned<SignedDuration>>,
    /// Only requests sent before this time of the run.
    #[schemars(with = "Option<SignedDuration>")]
    pub to: Option<Spanned<SignedDuration>>,
    /// Only requests sent in this stage; instead of `from` and `to`.
    #[schemars(with = "Option<String>")]
    pub stage: Option<Spanned<String>>,
}

/// How often a status was seen. `equals`, `at_least` and `at_most` are counts
/// and compared exactly; `share` is judged by a confidence interval.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawStatus {
    /// One status.
    #[schemars(with = "Option<u16>")]
    pub code: Option<Spanned<u16>>,
    /// Any of these statuses.
    #[schemars(with = "Option<Vec<u16>>")]
    pub codes: Option<Spanned<Vec<u16>>>,
    /// Any status of a class: `2xx`, `3xx`, `4xx` or `5xx`.
    #[schemars(with = "Option<String>")]
    pub class: Option<Spanned<String>>,
    /// Who saw it: `clients` (the default), or the name of a simulator, for the
    /// statuses with which it answered the attempts that belong to the span's requests.
    #[schemars(with = "Option<String>")]
    pub seen_by: Option<Spanned<String>>,
    /// The exact count.
    #[schemars(with = "Option<u64>")]
    pub equals: Option<Spanned<u64>>,
    /// Least count.
    #[schemars(with = "Option<u64>")]
    pub at_least: Option<Spanned<u64>>,
    /// Greatest count.
    #[schemars(with = "Option<u64>")]
    pub at_most: Option<Spanned<u64>>,
    /// A share of all requests (or attempts) of the span, instead of a count.
    #[schemars(with = "Option<RawShare>")]
    pub share: Option<Spanned<RawShare>>,
}

/// Bounds of a share, from 0 to 1; see `backend_share` for how they are judged.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawShare {
    /// The share.
    #[schemars(with = "Option<f64>")]
    pub equals: Option<Spanned<f64>>,
    /// Tolerance around `equals`, in points of share.
    #[schemars(with = "Option<f64>")]
    pub within: Option<Spanned<f64>>,
    /// Least share.
    #[schemars(with = "Option<f64>")]
    pub at_least: Option<Spanned<f64>>,
    /// Greatest share.
    #[schemars(with = "Option<f64>")]
    pub at_most: Option<Spanned<f64>>,
    /// Compare the counts themselves, without an interval.
    #[serde(default)]
    pub exact: bool,
}

/// What the gateway answered to calls that actions made. Give one of `action`,
/// `actions`, `all`, and at least one of `status`, `content_type`, `body`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawActionAnswer {
    /// The action.
    #[schemars(with = "Option<String>")]
    pub action: Option<Spanned<String>>,
    /// Several actions; each must have got this answer.
    #[schemars(with = "Option<Vec<String>>")]
    pub actions: Option<Spanned<Vec<Spanned<String>>>>,
    /// `true`: every action that called the gateway.
    #[schemars(with = "Option<bool>")]
    pub all: Option<Spanned<bool>>,
    /// Status.
    #[schemars(with = "Option<u16>")]
    pub status: Option<Spanned<u16>>,
    /// Media type. Parameters such as `charset` are compared only when given here.
    #[schemars(with = "Option<String>")]
    pub content_type: Option<Spanned<String>>,
    /// The body, to the letter.
    #[schemars(with = "Option<String>")]
    pub body: Option<Spanned<String>>,
}

/// Every request of the span answered 2xx by one simulator had exactly so many
/// earlier attempts of a kind before that answer.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawAttempts {
    /// Simulator that gave the answer.
    #[schemars(with = "String")]
    pub answered_by: Spanned<String>,
    /// The attempts that must come before it.
    #[schemars(with = "RawPrecededBy")]
    pub preceded_by: Spanned<RawPrecededBy>,
}

/// Attempts within the same request, before its answer.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawPrecededBy {
    /// Where.
    #[schemars(with = "String")]
    pub simulator: Spanned<String>,
    /// With which status.
    #[schemars(with = "u16")]
    pub status: Spanned<u16>,
    /// How many, no more and no fewer.
    pub exactly: u32,
}

/// How many requests were sent in the span.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawRequests {
    /// At least so many.
    #[schemars(with = "Option<u64>")]
    pub at_least: Option<Spanned<u64>>,
    /// At most so many.
    #[schemars(with = "Option<u64>")]
    pub at_most: Option<Spanned<u64>>,
}

/// A checked assertion.
#[derive(Debug, Clone, PartialEq)]
pub struct Assertion {
    /// Unique in the scenario.
    pub id: String,
    /// The promise in words.
    pub claim: String,
    /// Which requests it is about.
    pub scope: Scope,
    /// What it asks of them.
    pub kind: Kind,
}

/// Which requests an assertion is about.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scope {
    /// Only this workload's.
    pub workload: Option<String>,
    /// Only those sent in this span.
    pub span: Span,
}

/// A stretch of the run, half open: from its start up to, not including, its end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Span {
    /// Where it begins.
    pub start: Start,
    /// Where it ends; `None` is the end of the run.
    pub end: Option<Duration>,
    /// Left out after each edge inside it.
    pub settle: Duration,
}

/// Where a [`Span`] begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// At a time known before the run.
    At(Duration),
    /// When this action was done.
    AfterAction(String),
}

impl Default for Start {
    fn default() -> Self {
        Start::At(Duration::ZERO)
    }
}

/// What an assertion asks; one variant a key of the file.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// `backend_share`
    BackendShare {
        /// Simulator by name.
        simulator: String,
        /// Allowed shares.
        band: ShareBand,
    },
    /// `latency`
    Latency {
        /// Mean or percentile.
        statistic: Statistic,
        /// Which answers count.
        sample: Sample,
        /// Allowed latencies.
        limits: Limits<Duration>,
    },
    /// `latency_ratio`
    LatencyRatio {
        /// Mean or percentile.
        statistic: Statistic,
        /// Which answers count.
        sample: Sample,
        /// The span below the line.
        baseline: Span,
        /// Allowed ratios.
        limits: Limits<f64>,
    },
    /// `status`
    Status {
        /// Which statuses.
        statuses: Statuses,
        /// Clients or a simulator.
        seen_by: SeenBy,
        /// Count or share.
        measure: StatusMeasure,
    },
    /// `action_answer`
    ActionAnswer {
        /// Whose answers.
        actions: ActionChoice,
        /// What each must be.
        expected: ExpectedAnswer,
    },
    /// `attempts`
    Attempts {
        /// Simulator that gave the answer.
        answered_by: String,
        /// Simulator of the earlier attempts.
        preceded_by: String,
        /// Their status.
        status: u16,
        /// Their number.
        exactly: u32,
    },
    /// `requests`
    Requests {
        /// Allowed numbers.
        limits: Limits<u64>,
    },
}

impl Kind {
    /// The key of the scenario file.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Kind::BackendShare { .. } => "backend_share",
            Kind::Latency { .. } => "latency",
            Kind::LatencyRatio { .. } => "latency_ratio",
            Kind::Status { .. } => "status",
            Kind::ActionAnswer { .. } => "action_answer",
            Kind::Attempts { .. } => "attempts",
            Kind::Requests { .. } => "requests",
        }
    }
}

/// Allowed shares and how to compare with them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShareBand {
    /// Least.
    pub lower: f64,
    /// Greatest.
    pub upper: f64,
    /// By counts or by interval.
    pub comparison: Comparison,
}

/// How an observed share is held against its band.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// The counts themselves: a fact about this run.
    Exact,
    /// A confidence interval: a statement about the gateway.
    Interval,
}

/// Bounds of which at least one is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits<T> {
    /// Least.
    pub at_least: Option<T>,
    /// Greatest.
    pub at_most: Option<T>,
}

/// Which requests a latency is taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sample {
    /// Every request; one without a 2xx answer is slower than any limit.
    All,
    /// Requests answered 2xx.
    Successes,
}

/// A set of statuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Statuses {
    /// These.
    Codes(Vec<u16>),
    /// The first digit.
    Class(u16),
}

impl Statuses {
    /// Whether `status` is one of them.
    #[must_use]
    pub fn contains(&self, status: u16) -> bool {
        match self {
            Statuses::Codes(codes) => codes.contains(&status),
            Statuses::Class(class) => status / 100 == *class,
        }
    }
}

impl std::fmt::Display for Statuses {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Statuses::Class(class) => write!(f, "{class}xx"),
            Statuses::Codes(codes) => {
                let codes: Vec<String> = codes.iter().map(u16::to_string).collect();
                f.write_str(&codes.join(" or "))
            }
        }
    }
}

/// Whose statuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SeenBy {
    /// What clients got.
    Clients,
    /// What this simulator sent.
    Simulator(String),
}

/// How often a status may occur.
#[derive(Debug, Clone, PartialEq)]
pub enum StatusMeasure {
    /// So many times.
    Count(Limits<u64>),
    /// In such a share of requests or attempts.
    Share(ShareBand),
}

/// Which actions an answer is asked of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActionChoice {
    /// These, by name.
    Named(Vec<String>),
    /// Every one that called the gateway.
    All,
}

/// What an action's answer must be; unset parts may be anything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExpectedAnswer {
    /// Status.
    pub status: Option<u16>,
    /// Media type.
    pub content_type: Option<String>,
    /// Body to the letter.
    pub body: Option<String>,
}
