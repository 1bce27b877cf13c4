//! `rate_ratio`: how much more of something there is in one span than in another.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_spanned::Spanned;

use crate::scenario::assertion::validate::Checker;
use crate::scenario::assertion::values::Limits;
use crate::scenario::assertion::{Counted, RawBaseline, RawCounted, RawKind, Span};

/// What is counted in this span per second, divided by the same in another span,
/// of the same `workload` and `where`. An estimate, judged by a confidence
/// interval over equal bins of both spans (20 to 240 of them, a second or longer).
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawRateRatio {
    /// What is counted; every request when absent.
    #[schemars(with = "Option<RawCounted>")]
    pub count: Option<Spanned<RawCounted>>,
    /// The span to compare with.
    #[schemars(with = "RawBaseline")]
    pub baseline: Spanned<RawBaseline>,
    /// Least ratio: `1.2` is a fifth more.
    #[schemars(with = "Option<f64>")]
    pub at_least: Option<Spanned<f64>>,
    /// Greatest ratio.
    #[schemars(with = "Option<f64>")]
    pub at_most: Option<Spanned<f64>>,
}

/// A limit on a ratio of rates.
#[derive(Debug, Clone, PartialEq)]
pub struct RateRatio {
    /// What is counted.
    pub counted: Counted,
    /// The span below the line.
    pub baseline: Span,
    /// Allowed ratios.
    pub limits: Limits<f64>,
}

impl RawKind for RawRateRatio {
    type Checked = RateRatio;

    fn check(checker: &mut Checker<'_>, table: &Spanned<Self>) -> Option<Self::Checked> {
        let raw = table.get_ref();
        let before = checker.problems();
        let counted = checker.counted(raw.count.as_ref());
        let baseline = checker.baseline(&raw.baseline);
        for limit in [&raw.at_least, &raw.at_most].into_iter().flatten() {
            if !(0.0 < *limit.get_ref() && limit.get_ref().is_finite()) {
                checker.error(limit.span(), "a ratio is above zero", "`2.0` is twice as much");
            }
        }
        let limits = checker.limits(raw.at_least.as_ref(), raw.at_most.as_ref(), table.span())?;
        let checked = RateRatio { counted: counted?, baseline, limits };
        (before == checker.problems()).then_some(checked)
    }
}
