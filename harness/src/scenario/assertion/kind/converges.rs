//! `converges`: how soon a share stays where it should be.

use std::time::Duration;

use schemars::JsonSchema;
use seam::units::HumanDuration;
use serde::Deserialize;
use serde_spanned::Spanned;

use crate::scenario::assertion::validate::{Checker, ShareKeys};
use crate::scenario::assertion::values::SeenBy;
use crate::scenario::assertion::{Counted, RawCounted, RawKind};

/// The time from the span's start (or from `after_action`) until a share stays
/// within its bounds: the first request from which on each run of `requests`
/// consecutive requests holds at least, or at most, the share of what is counted.
/// A fact about this run, by the times at which requests were sent.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawConverges {
    /// What is counted: such as `{ answered_by = "payg2" }` or `{ code = 200 }`.
    #[schemars(with = "RawCounted")]
    pub count: Spanned<RawCounted>,
    /// Least share of the requests.
    #[schemars(with = "Option<f64>")]
    pub share_at_least: Option<Spanned<f64>>,
    /// Greatest share of the requests.
    #[schemars(with = "Option<f64>")]
    pub share_at_most: Option<Spanned<f64>>,
    /// How many consecutive requests a share is taken over; 100 when absent.
    #[schemars(with = "Option<u64>")]
    pub requests: Option<Spanned<u64>>,
    /// At most so long after the start.
    #[schemars(with = "HumanDuration")]
    pub within: Spanned<HumanDuration>,
}

/// How soon a share must stay.
#[derive(Debug, Clone, PartialEq)]
pub struct Converges {
    /// What is counted.
    pub counted: Counted,
    /// Least share.
    pub lower: f64,
    /// Greatest share.
    pub upper: f64,
    /// Requests a share is taken over.
    pub requests: usize,
    /// At most so long after the start.
    pub within: Duration,
}

impl RawKind for RawConverges {
    type Checked = Converges;

    fn check(checker: &mut Checker<'_>, table: &Spanned<Self>) -> Option<Self::Checked> {
        let raw = table.get_ref();
        let before = checker.problems();
        let counted = checker.counted(Some(&raw.count))?;
        if counted.seen_by != SeenBy::Clients {
            let text = "`seen_by` has no meaning beside `converges`";
            checker.error(raw.count.span(), text, "the share is one of requests");
        }
        // Bounds of a share and no estimate: a point would need no tolerance here.
        let band = checker.share_band(&ShareKeys {
            equals: None,
            within: None,
            at_least: raw.share_at_least.as_ref(),
            at_most: raw.share_at_most.as_ref(),
            exact: true,
            table: table.span(),
        })?;
        let requests = match &raw.requests {
            None => 100,
            Some(count) => {
                if *count.get_ref() == 0 {
                    checker.error(count.span(), "a share of no requests", "100 when absent");
                }
                usize::try_from(*count.get_ref()).unwrap_or(usize::MAX)
            }
        };
        let within = checker.length("a time", &raw.within)?;
        let checked = Converges { counted, lower: band.lower, upper: band.upper, requests, within };
        (before == checker.problems()).then_some(checked)
    }
}
