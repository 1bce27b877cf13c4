//! `window`: how much there is in any stretch of a given length.

use std::time::Duration;

use schemars::JsonSchema;
use seam::units::HumanDuration;
use serde::Deserialize;
use serde_spanned::Spanned;

use crate::scenario::assertion::validate::Checker;
use crate::scenario::assertion::values::Limits;
use crate::scenario::assertion::{Counted, RawCounted, RawKind};

/// How much is counted in every window of a length, wherever it begins (a
/// sliding window). Counts are facts and compared exactly.
///
/// On virtual time a request counts at the moment it was sent. In real time it
/// was decided somewhere between sent and first byte: `at_most` fails when a
/// window holds too much that lies wholly inside it, and is inconclusive when
/// only the edges would make it too much; `at_least` likewise.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawWindow {
    /// How long the window is.
    #[schemars(with = "HumanDuration")]
    pub length: Spanned<HumanDuration>,
    /// What is counted; every request when absent.
    #[schemars(with = "Option<RawCounted>")]
    pub count: Option<Spanned<RawCounted>>,
    /// At most so much in every window.
    #[schemars(with = "Option<u64>")]
    pub at_most: Option<Spanned<u64>>,
    /// At least so much in every window that lies inside the span and in which
    /// the clients had work, see `while_offered`.
    #[schemars(with = "Option<u64>")]
    pub at_least: Option<Spanned<u64>>,
    /// Beside `at_least`: windows count in which at least so many requests of the
    /// span, `workload` and `where` were sent; 1 when absent.
    #[schemars(with = "Option<u64>")]
    pub while_offered: Option<Spanned<u64>>,
}

/// How much there may be in any window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// Its length.
    pub length: Duration,
    /// What is counted.
    pub counted: Counted,
    /// How much of it.
    pub limits: Limits<u64>,
    /// Windows with fewer requests need not hold `at_least`.
    pub while_offered: u64,
}

impl RawKind for RawWindow {
    type Checked = Window;

    fn check(checker: &mut Checker<'_>, table: &Spanned<Self>) -> Option<Self::Checked> {
        let raw = table.get_ref();
        let length = checker.length("a window", &raw.length);
        let counted = checker.counted(raw.count.as_ref());
        if let Some(least) = &raw.at_least
            && *least.get_ref() == 0
        {
            checker.always_true(least.span(), "no count is below zero");
        }
        if let (Some(offered), None) = (&raw.while_offered, &raw.at_least) {
            checker.error(
                offered.span(),
                "`while_offered` belongs to `at_least`",
                "`at_most` holds in every window",
            );
        }
        let limits = checker.limits(raw.at_least.as_ref(), raw.at_most.as_ref(), table.span())?;
        let while_offered = raw.while_offered.as_ref().map_or(1, |offered| *offered.get_ref());
        Some(Window { length: length?, counted: counted?, limits, while_offered })
    }
}
