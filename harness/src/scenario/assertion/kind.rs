//! The kinds of assertions: one module each, one line each in [`for_each_kind`].

mod action_answer;
mod alternation;
mod attempts;
mod backend_share;
mod bins;
mod breaker;
mod header;
mod latency;
mod latency_ratio;
mod period;
mod requests;
mod retry_wait;
mod status;
mod window;

use std::ops::Range;

use serde_spanned::Spanned;

use super::RawAssertion;
use super::validate::Checker;

pub use action_answer::{ActionAnswer, ActionChoice, ExpectedAnswer, RawActionAnswer};
pub use alternation::{Alternation, RawAlternation};
pub use attempts::{Attempts, RawAttempts};
pub use backend_share::{BackendShare, RawBackendShare};
pub use bins::{BinCondition, Bins, RawBins, RawMatching};
pub use breaker::{Breaker, RawBreaker};
pub(crate) use header::is_kept_header;
pub use header::{ExpectedHeader, Header, RawHeader};
pub use latency::{Latency, RawLatency};
pub use latency_ratio::{LatencyRatio, RawLatencyRatio};
pub use period::{Period, RawPeriod};
pub use requests::{RawRequests, Requests};
pub use retry_wait::{RawRetryWait, RetryWait};
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
            retry_wait: RetryWait,
            alternation: Alternation,
            header: Header,
            breaker: Breaker,
            window: Window,
            bins: Bins,
            period: Period,
            requests: Requests,
        }
    };
}
pub(crate) use for_each_kind;

/// A kind's table as written.
pub(super) trait RawKind: Sized {
    /// What a good table becomes.
    type Checked;

    /// Whether it looks at requests, so that `workload` and a span mean something.
    const ABOUT_REQUESTS: bool = true;

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

        /// The first good one of the given kinds, and whether it is about requests.
        /// Each is checked, so that all of its problems show at once.
        pub(super) fn check(checker: &mut Checker<'_>, raw: &RawAssertion) -> Option<(Kind, bool)> {
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
) -> Option<(Kind, bool)> {
    R::check(checker, table).map(|checked| (kind(checked), R::ABOUT_REQUESTS))
}
