//! `period`: bursts come at regular times.

use std::time::Duration;

use schemars::JsonSchema;
use seam::units::HumanDuration;
use serde::Deserialize;
use serde_spanned::Spanned;

use crate::scenario::assertion::validate::Checker;
use crate::scenario::assertion::{Counted, Limits, RawCounted, RawKind};

/// Bursts of what is counted follow each other at a period: from the start of
/// each to the start of the next it takes `equals`, give or take `within`, and
/// after the last burst the span ends before another is overdue.
///
/// The span is cut into bins as by `bins`. A burst starts with the first bin that
/// holds more than `over`, and ends before the first that then holds no more than
/// half of it: a short dip does not make two bursts of one. A burst that is under
/// way at the span's start has no start to be seen. Three bursts are needed: with
/// fewer the verdict is inconclusive, or failed where the span had time for more.
/// With `lasting`, each burst also goes on for so long and no longer.
/// The verdict is a fact about this run.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawPeriod {
    /// What is counted; every request when absent.
    #[schemars(with = "Option<RawCounted>")]
    pub count: Option<Spanned<RawCounted>>,
    /// How long a bin is; starts of bursts are known to one bin.
    #[schemars(with = "HumanDuration")]
    pub bin: Spanned<HumanDuration>,
    /// What a bin holds at least, and one more, where a burst starts; half of the
    /// fullest bin when absent.
    #[schemars(with = "Option<u64>")]
    pub over: Option<Spanned<u64>>,
    /// The period.
    #[schemars(with = "HumanDuration")]
    pub equals: Spanned<HumanDuration>,
    /// How much shorter or longer a single period may be; at least one bin.
    #[schemars(with = "HumanDuration")]
    pub within: Spanned<HumanDuration>,
    /// How long each burst lasts, from the start of its first bin to the end of its
    /// last; any time when absent. Of a burst that the span's end cuts off only
    /// `at_most` is asked.
    #[schemars(with = "Option<RawLasting>")]
    pub lasting: Option<Spanned<RawLasting>>,
}

/// How long a burst lasts; start and end are known to one bin each.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawLasting {
    /// At least so long.
    #[schemars(with = "Option<HumanDuration>")]
    pub at_least: Option<Spanned<HumanDuration>>,
    /// At most so long.
    #[schemars(with = "Option<HumanDuration>")]
    pub at_most: Option<Spanned<HumanDuration>>,
}

/// When bursts must come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    /// What is counted.
    pub counted: Counted,
    /// Length of a bin.
    pub bin: Duration,
    /// More than so much in a bin starts a burst; `None` is half of the fullest.
    pub over: Option<u64>,
    /// Least time from start to start.
    pub shortest: Duration,
    /// Greatest time from start to start.
    pub longest: Duration,
    /// Time from a burst's start to its end; `None` is any.
    pub lasting: Option<Limits<Duration>>,
}

impl RawKind for RawPeriod {
    type Checked = Period;

    fn check(checker: &mut Checker<'_>, table: &Spanned<Self>) -> Option<Self::Checked> {
        let raw = table.get_ref();
        let before = checker.problems();
        let bin = checker.length("a bin", &raw.bin);
        let counted = checker.counted(raw.count.as_ref());
        let (period, within) = (raw.equals.get_ref().0, raw.within.get_ref().0);
        if within < raw.bin.get_ref().0 {
            let diagnostic = checker
                .at(raw.within.span(), "`within` is shorter than a bin")
                .label("starts of bursts are not known better than that")
                .also(raw.bin.span(), "a bin");
            checker.report(diagnostic);
        }
        if period < raw.bin.get_ref().0.saturating_mul(2).saturating_add(within) {
            let diagnostic = checker
                .at(raw.equals.span(), "the period is too short for its bins")
                .label("less than two bins would be left of it")
                .also(raw.within.span(), "so much shorter it may be");
            checker.report(diagnostic);
        }
        let lasting = raw.lasting.as_ref().map(|lasting| lasting_limits(checker, raw, lasting));
        let lasting = match lasting {
            None => None,
            Some(limits) => Some(limits?),
        };
        let checked = Period {
            counted: counted?,
            bin: bin?,
            over: raw.over.as_ref().map(|over| *over.get_ref()),
            shortest: period.saturating_sub(within),
            longest: period.saturating_add(within),
            lasting,
        };
        (before == checker.problems()).then_some(checked)
    }
}

/// A burst holds one bin or more, and ends before the next one starts.
fn lasting_limits(
    checker: &mut Checker<'_>,
    raw: &RawPeriod,
    table: &Spanned<RawLasting>,
) -> Option<Limits<Duration>> {
    let RawLasting { at_least, at_most } = table.get_ref();
    let bin = raw.bin.get_ref().0;
    if let (Some(least), None) = (at_least, at_most)
        && least.get_ref().0 <= bin
    {
        checker.always_true(least.span(), "every burst lasts one bin or longer");
    }
    if let Some(most) = at_most
        && most.get_ref().0 < bin
    {
        let diagnostic = checker
            .at(most.span(), "a burst cannot be shorter than a bin")
            .label("no burst lasts so short a time")
            .also(raw.bin.span(), "a bin");
        checker.report(diagnostic);
    }
    let longest = raw.equals.get_ref().0.saturating_add(raw.within.get_ref().0);
    if let Some(least) = at_least
        && longest <= least.get_ref().0
    {
        let diagnostic = checker
            .at(least.span(), "a burst cannot last longer than the period")
            .label("the next one would have started")
            .also(raw.equals.span(), "the period");
        checker.report(diagnostic);
    }
    let limits = checker.limits(at_least.as_ref(), at_most.as_ref(), table.span())?;
    Some(Limits {
        at_least: limits.at_least.map(|limit| limit.0),
        at_most: limits.at_most.map(|limit| limit.0),
    })
}
