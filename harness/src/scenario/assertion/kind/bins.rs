//! `bins`: how many equal stretches of the span are as they should be.

use std::time::Duration;

use schemars::JsonSchema;
use seam::units::HumanDuration;
use serde::Deserialize;
use serde_spanned::Spanned;

use crate::scenario::assertion::validate::Checker;
use crate::scenario::assertion::values::Limits;
use crate::scenario::assertion::{Counted, RawCounted, RawKind};

/// The span is cut into bins of equal length from its start on; a rest at its end
/// and bins touched by `settle` are left out. A bin *matches* when its count (or
/// its share) is within the limits. Every bin must match, unless `matching` says
/// how many. Counts are facts and compared exactly.
///
/// In real time a request that was sent in one bin and answered in another may
/// belong to either; where that decides, the verdict is inconclusive.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawBins {
    /// How long a bin is.
    #[schemars(with = "HumanDuration")]
    pub length: Spanned<HumanDuration>,
    /// What is counted; every request when absent.
    #[schemars(with = "Option<RawCounted>")]
    pub count: Option<Spanned<RawCounted>>,
    /// A bin matches with at least so much in it.
    #[schemars(with = "Option<u64>")]
    pub at_least: Option<Spanned<u64>>,
    /// A bin matches with at most so much in it.
    #[schemars(with = "Option<u64>")]
    pub at_most: Option<Spanned<u64>>,
    /// Instead: a bin matches when at least this share of the requests sent in it
    /// is counted, from 0 to 1. A bin without requests has no share and does not match.
    #[schemars(with = "Option<f64>")]
    pub share_at_least: Option<Spanned<f64>>,
    /// How many bins match; all of them when absent.
    #[schemars(with = "Option<RawMatching>")]
    pub matching: Option<Spanned<RawMatching>>,
    /// Beside `matching`: so many in each stretch of this length instead of the
    /// whole span; a multiple of `length`.
    #[schemars(with = "Option<HumanDuration>")]
    pub per: Option<Spanned<HumanDuration>>,
}

/// A number of bins.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawMatching {
    /// Exactly so many.
    #[schemars(with = "Option<u64>")]
    pub equals: Option<Spanned<u64>>,
    /// At least so many; `1` is "any".
    #[schemars(with = "Option<u64>")]
    pub at_least: Option<Spanned<u64>>,
    /// At most so many; `0` is "none".
    #[schemars(with = "Option<u64>")]
    pub at_most: Option<Spanned<u64>>,
}

/// How many bins must be how.
#[derive(Debug, Clone, PartialEq)]
pub struct Bins {
    /// Length of a bin.
    pub length: Duration,
    /// What is counted.
    pub counted: Counted,
    /// When a bin matches.
    pub condition: BinCondition,
    /// How many do; `None` is all.
    pub matching: Option<Limits<u64>>,
    /// In each group of so many bins; `None` is the whole span.
    pub per: Option<usize>,
}

/// When a bin matches.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum BinCondition {
    /// By what is counted in it.
    Count(Limits<u64>),
    /// By the least share of its requests that is counted.
    Share(f64),
}

impl RawKind for RawBins {
    type Checked = Bins;

    fn check(checker: &mut Checker<'_>, table: &Spanned<Self>) -> Option<Self::Checked> {
        let raw = table.get_ref();
        let before = checker.problems();
        let length = checker.length("a bin", &raw.length);
        let counted = checker.counted(raw.count.as_ref());
        let condition = condition(checker, table);
        let matching = raw.matching.as_ref().map(|matching| matching_limits(checker, matching));
        let per = raw.per.as_ref().and_then(|per| {
            if raw.matching.is_none() {
                let why = "how many bins in each?";
                checker.error(per.span(), "`per` belongs to `matching`", why);
            }
            let (whole, part) = (per.get_ref().0.as_nanos(), raw.length.get_ref().0.as_nanos());
            match whole.checked_rem(part) {
                Some(0) if 0 < whole => usize::try_from(whole / part).ok(),
                _ => {
                    let text = "`per` is not a multiple of `length`";
                    checker.error(per.span(), text, "whole bins make a stretch");
                    None
                }
            }
        });
        let matching = match matching {
            None => None,
            Some(limits) => Some(limits?),
        };
        let checked =
            Bins { length: length?, counted: counted?, condition: condition?, matching, per };
        (before == checker.problems()).then_some(checked)
    }
}

fn condition(checker: &mut Checker<'_>, table: &Spanned<RawBins>) -> Option<BinCondition> {
    let raw = table.get_ref();
    if let Some(share) = &raw.share_at_least {
        for (key, count) in [("at_least", &raw.at_least), ("at_most", &raw.at_most)] {
            if let Some(count) = count {
                let diagnostic = checker
                    .at(count.span(), format!("`{key}` contradicts `share_at_least`"))
                    .label("a count")
                    .also(share.span(), "a share");
                checker.report(diagnostic);
            }
        }
        let value = *share.get_ref();
        if !(0.0 < value && value <= 1.0) {
            let text = "`share_at_least` is not a share";
            checker.error(share.span(), text, "above 0 and up to 1");
        }
        let count = raw.count.as_ref().map(Spanned::get_ref);
        for (key, place) in [
            ("seen_by", count.and_then(|count| count.seen_by.as_ref()).map(Spanned::span)),
            ("weight", count.and_then(|count| count.weight.as_ref()).map(Spanned::span)),
            ("tokens", count.and_then(|count| count.tokens.as_ref()).map(Spanned::span)),
        ] {
            if let Some(place) = place {
                let diagnostic = checker
                    .at(place, format!("`{key}` has no meaning beside `share_at_least`"))
                    .label("the share is one of requests")
                    .also(share.span(), "a share");
                checker.report(diagnostic);
            }
        }
        return Some(BinCondition::Share(value));
    }
    if let (Some(least), None) = (&raw.at_least, &raw.at_most)
        && *least.get_ref() == 0
    {
        checker.always_true(least.span(), "no count is below zero");
    }
    let limits = checker.limits(raw.at_least.as_ref(), raw.at_most.as_ref(), table.span());
    limits.map(BinCondition::Count)
}

fn matching_limits(checker: &mut Checker<'_>, table: &Spanned<RawMatching>) -> Option<Limits<u64>> {
    let raw = table.get_ref();
    if let Some(equals) = &raw.equals {
        for (key, rival) in [("at_least", &raw.at_least), ("at_most", &raw.at_most)] {
            if let Some(rival) = rival {
                let diagnostic = checker
                    .at(rival.span(), format!("`{key}` contradicts `equals`"))
                    .label("a count is either equal or bounded")
                    .also(equals.span(), "equal to this");
                checker.report(diagnostic);
            }
        }
        let count = Some(*equals.get_ref());
        return Some(Limits { at_least: count, at_most: count });
    }
    if let (Some(least), None) = (&raw.at_least, &raw.at_most)
        && *least.get_ref() == 0
    {
        checker.always_true(least.span(), "no count is below zero");
    }
    checker.limits(raw.at_least.as_ref(), raw.at_most.as_ref(), table.span())
}
