//! `[[assertions]]` of a scenario file: the format as written ([`RawAssertion`])
//! and the checked form ([`Assertion`]) that cannot hold a contradiction.
//!
//! Each assertion has exactly one *kind*, a key whose value is a table. A kind
//! knows what is asked, never how it is answered: that is `crate::assert`.
//!
//! A new kind is one module in `kind/` (the table as written, the checked form,
//! the check between them), one module in `crate::assert` (the answer), one field
//! of [`RawAssertion`] and one line in `for_each_kind`.

mod counted;
mod kind;
mod validate;
mod values;

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use seam::units::{HumanDuration, SignedDuration};
use serde::Deserialize;
use serde_json::Value;
use serde_spanned::Spanned;

pub use crate::stats::Statistic;
pub use counted::{Counted, RawCounted, Weight};
pub use kind::{
    ActionAnswer, ActionChoice, Alternation, Among, Answers, Attempts, BackendShare, BinCondition,
    Bins, Booked, Breaker, Class, Condition, Converges, Counter, Counts, ExpectedAnswer,
    ExpectedHeader, Fairness, Header, Inversions, Kind, Latency, LatencyRatio, Ledger, LedgerEvent,
    LedgerMetric, Period, RateRatio, RawActionAnswer, RawAlternation, RawAnswers, RawAttempts,
    RawBackendShare, RawBins, RawBreaker, RawClass, RawConverges, RawCounter, RawFairness,
    RawHeader, RawInversions, RawLatency, RawLatencyRatio, RawLedger, RawMatching, RawPeriod,
    RawRateRatio, RawRequests, RawRetryWait, RawStarvation, RawStatus, RawWindow, Requests,
    RetryWait, Shape, Starvation, Status, StatusMeasure, Window, Worth,
};
use kind::{LooksAt, RawKind};
pub(crate) use kind::{for_each_kind, is_kept_header};
pub(crate) use validate::{Names, validate};
pub use values::{Comparison, Limits, Sample, SeenBy, ShareBand, Statuses};

/// One promise of the gateway and how to check it. Give exactly one kind, which
/// is a key whose value is a table, such as `status` or `latency`.
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
    /// Only requests for which these draws gave these values (or labels):
    /// `where = { key = "one" }`.
    #[serde(default, rename = "where")]
    #[schemars(with = "BTreeMap<String, Value>")]
    pub labels: BTreeMap<String, Spanned<Value>>,
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
    /// `true`: the claim rests on what the simulators are set to, a latency, a limit,
    /// what a patch changes. With real endpoints in their place it is skipped.
    #[serde(default)]
    pub simulators_only: bool,
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
    /// What the gateway's metrics and events say of each request is what clients say.
    #[schemars(with = "Option<RawLedger>")]
    pub ledger: Option<Spanned<RawLedger>>,
    /// A header tells what a limiter's counter has left.
    #[schemars(with = "Option<RawCounter>")]
    pub counter: Option<Spanned<RawCounter>>,
    /// Answers of a status come in known shapes, told by their headers.
    #[schemars(with = "Option<RawAnswers>")]
    pub answers: Option<Spanned<RawAnswers>>,
    /// How long the gateway waited between two attempts of one request.
    #[schemars(with = "Option<RawRetryWait>")]
    pub retry_wait: Option<Spanned<RawRetryWait>>,
    /// No two consecutive requests are answered by the same simulator.
    #[schemars(with = "Option<RawAlternation>")]
    pub alternation: Option<Spanned<RawAlternation>>,
    /// A response header as clients saw it.
    #[schemars(with = "Option<RawHeader>")]
    pub header: Option<Spanned<RawHeader>>,
    /// A circuit breaker opens, stays open, and closes again.
    #[schemars(with = "Option<RawBreaker>")]
    pub breaker: Option<Spanned<RawBreaker>>,
    /// How much there is in any stretch of a given length (a sliding window).
    #[schemars(with = "Option<RawWindow>")]
    pub window: Option<Spanned<RawWindow>>,
    /// How many bins of the span are as they should be.
    #[schemars(with = "Option<RawBins>")]
    pub bins: Option<Spanned<RawBins>>,
    /// Whether bursts come at regular times.
    #[schemars(with = "Option<RawPeriod>")]
    pub period: Option<Spanned<RawPeriod>>,
    /// How often the important was refused while the unimportant was let through.
    #[schemars(with = "Option<RawInversions>")]
    pub inversions: Option<Spanned<RawInversions>>,
    /// How long clients asked in vain.
    #[schemars(with = "Option<RawStarvation>")]
    pub starvation: Option<Spanned<RawStarvation>>,
    /// How evenly something is spread over the values of a draw.
    #[schemars(with = "Option<RawFairness>")]
    pub fairness: Option<Spanned<RawFairness>>,
    /// How much more of something there is in this span than in another.
    #[schemars(with = "Option<RawRateRatio>")]
    pub rate_ratio: Option<Spanned<RawRateRatio>>,
    /// How soon a share stays where it should be.
    #[schemars(with = "Option<RawConverges>")]
    pub converges: Option<Spanned<RawConverges>>,
    /// How many requests were sent, so that an empty span cannot pass unseen.
    #[schemars(with = "Option<RawRequests>")]
    pub requests: Option<Spanned<RawRequests>>,
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

/// A checked assertion.
#[derive(Debug, Clone, PartialEq)]
pub struct Assertion {
    /// Unique in the scenario.
    pub id: String,
    /// The promise in words.
    pub claim: String,
    /// Which requests it is about.
    pub scope: Scope,
    /// Whether it rests on what the simulators are set to.
    pub simulators_only: bool,
    /// What it asks of them.
    pub kind: Kind,
}

/// Which requests an assertion is about.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scope {
    /// Only this workload's.
    pub workload: Option<String>,
    /// Only those for which these draws gave these labels.
    pub labels: Vec<(String, Value)>,
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
