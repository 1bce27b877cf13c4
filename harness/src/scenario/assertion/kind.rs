//! The kinds of assertions: one module each, one line each in [`for_each_kind`].

mod action_answer;
mod alternation;
mod answers;
mod attempts;
mod backend_share;
mod bins;
mod breaker;
mod converges;
mod counter;
mod fairness;
mod header;
mod inversions;
mod latency;
mod latency_ratio;
mod ledger;
mod period;
mod rate_ratio;
mod requests;
mod retry_wait;
mod starvation;
mod status;
mod window;

use std::ops::Range;

use serde_spanned::Spanned;

use super::RawAssertion;
use super::validate::Checker;

pub use action_answer::{ActionAnswer, ActionChoice, ExpectedAnswer, RawActionAnswer};
pub use alternation::{Alternation, RawAlternation};
pub use answers::{Answers, Condition, RawAnswers, Shape};
pub use attempts::{Attempts, RawAttempts};
pub use backend_share::{BackendShare, RawBackendShare};
pub use bins::{BinCondition, Bins, RawBins, RawMatching};
pub use breaker::{Breaker, RawBreaker};
pub use converges::{Converges, RawConverges};
pub use counter::{Counter, Counts, RawCounter};
pub use fairness::{Among, Fairness, RawFairness};
pub(crate) use header::is_kept_header;
pub use header::{ExpectedHeader, Header, RawHeader};
pub use inversions::{Class, Inversions, RawClass, RawInversions};
pub use latency::{Latency, RawLatency};
pub use latency_ratio::{LatencyRatio, RawLatencyRatio};
pub use ledger::{Booked, Ledger, LedgerEvent, LedgerMetric, RawLedger, Worth};
pub use period::{Period, RawPeriod};
pub use rate_ratio::{RateRatio, RawRateRatio};
pub use requests::{RawRequests, Requests};
pub use retry_wait::{RawRetryWait, RetryWait};
pub use starvation::{RawStarvation, Starvation};
pub use status::{RawStatus, Status, StatusMeasure};
pub use window::{RawWindow, Window};

/// Calls a macro with all kinds: the key in the file, which is also the field
/// of `RawAssertion`, and the checked form's type, whose name is the variant's.
macro_rules! for_each_kind {
    ($callback:ident) => {
        $callback! {
            backend_share: BackendShare,
            latency: Latency,
            latency_ratio: LatencyRatio,
            status: Status,
            action_answer: ActionAnswer,
            attempts: Attempts,
            ledger: Ledger,
            counter: Counter,
            answers: Answers,
            retry_wait: RetryWait,
            alternation: Alternation,
            header: Header,
            breaker: Breaker,
            window: Window,
            bins: Bins,
            period: Period,
            inversions: Inversions,
            starvation: Starvation,
            fairness: Fairness,
            rate_ratio: RateRatio,
            converges: Converges,
            requests: Requests,
        }
    };
}
pub(crate) use for_each_kind;

/// What a kind looks at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum LooksAt {
    /// Requests of a workload and a span.
    Requests,
    /// Requests of a span; it says itself of which classes.
    Classes,
    /// Actions, for which neither means anything.
    Actions,
}

/// A kind's table as written.
pub(super) trait RawKind: Sized {
    /// What a good table becomes.
    type Checked;

    /// What `workload`, `where` and a span mean for it.
    const LOOKS_AT: LooksAt = LooksAt::Requests;

    /// The checked form; problems are reported and give `None`.
    fn check(checker: &mut Checker<'_>, table: &Spanned<Self>) -> Option<Self::Checked>;
}

macro_rules! declare {
    ($($key:ident: $kind:ident,)*) => {
        /// What an assertion asks; one variant a key of the file.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Kind {
            $(
                #[doc = concat!("`", stringify!($key), "`")]
                $kind($kind),
            )*
        }

        impl Kind {
            /// The key of the scenario file.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self {
                    $(Kind::$kind(_) => stringify!($key),)*
                }
            }
        }

        /// All keys.
        pub(super) const KEYS: &[&str] = &[$(stringify!($key)),*];

        /// The kinds an assertion gives, with their places.
        pub(super) fn given(raw: &RawAssertion) -> Vec<(&'static str, Range<usize>)> {
            let all = [$((stringify!($key), raw.$key.as_ref().map(Spanned::span))),*];
            all.into_iter().filter_map(|(key, span)| span.map(|span| (key, span))).collect()
        }

        /// The first good one of the given kinds, and what it looks at.
        /// Each is checked, so that all of its problems show at once.
        pub(super) fn check(checker: &mut Checker<'_>, raw: &RawAssertion) -> Option<(Kind, LooksAt)> {
            let kinds = [$(
                raw.$key.as_ref().and_then(|table| about(checker, table, Kind::$kind))
            ),*];
            kinds.into_iter().flatten().next()
        }
    };
}

for_each_kind!(declare);

fn about<R: RawKind>(
    checker: &mut Checker<'_>,
    table: &Spanned<R>,
    kind: fn(R::Checked) -> Kind,
) -> Option<(Kind, LooksAt)> {
    R::check(checker, table).map(|checked| (kind(checked), R::LOOKS_AT))
}
