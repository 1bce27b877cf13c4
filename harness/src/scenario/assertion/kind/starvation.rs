//! `starvation`: how long a class that has work goes without.

use std::time::Duration;

use schemars::JsonSchema;
use seam::units::HumanDuration;
use serde::Deserialize;
use serde_spanned::Spanned;

use crate::scenario::assertion::validate::Checker;
use crate::scenario::assertion::{Counted, RawCounted, RawKind};

/// The longest time for which the clients of the span, `workload` and `where`
/// asked in vain: from the first request that does not count after one that did,
/// to the next request that counts (or the last that was sent). A time without
/// requests before the first in vain is not part of it. A fact about this run,
/// by the times at which requests were sent.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawStarvation {
    /// What counts as let through: such as `{ class = "2xx" }`.
    #[schemars(with = "RawCounted")]
    pub count: Spanned<RawCounted>,
    /// At most so long.
    #[schemars(with = "HumanDuration")]
    pub at_most: Spanned<HumanDuration>,
}

/// How long clients may ask in vain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Starvation {
    /// What counts as let through.
    pub counted: Counted,
    /// At most so long.
    pub at_most: Duration,
}

impl RawKind for RawStarvation {
    type Checked = Starvation;

    fn check(checker: &mut Checker<'_>, table: &Spanned<Self>) -> Option<Self::Checked> {
        let raw = table.get_ref();
        let before = checker.problems();
        let counted = checker.counted(Some(&raw.count))?;
        if counted.statuses.is_none() && counted.answered_by.is_none() {
            let text = "every request counts as let through";
            checker.error(raw.count.span(), text, "name a status, such as `class = \"2xx\"`");
        }
        let at_most = checker.length("a time", &raw.at_most)?;
        (before == checker.problems()).then_some(Starvation { counted, at_most })
    }
}
