//! `latency_ratio`: latency of this span over latency of another.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_spanned::Spanned;

use crate::scenario::assertion::validate::Checker;
use crate::scenario::assertion::values::{Limits, Sample};
use crate::scenario::assertion::{RawBaseline, RawKind, Span};
use crate::stats::Statistic;

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

/// A limit on a ratio of latencies.
#[derive(Debug, Clone, PartialEq)]
pub struct LatencyRatio {
    /// Mean or percentile.
    pub statistic: Statistic,
    /// Which answers count.
    pub sample: Sample,
    /// The span below the line.
    pub baseline: Span,
    /// Allowed ratios.
    pub limits: Limits<f64>,
}

impl RawKind for RawLatencyRatio {
    type Checked = LatencyRatio;

    fn check(checker: &mut Checker<'_>, table: &Spanned<Self>) -> Option<Self::Checked> {
        let raw = table.get_ref();
        let statistic = checker.statistic(&raw.statistic);
        let baseline = checker.baseline(&raw.baseline);
        for limit in [&raw.at_least, &raw.at_most].into_iter().flatten() {
            if !(0.0 < *limit.get_ref() && limit.get_ref().is_finite()) {
                checker.error(limit.span(), "a ratio is above zero", "`5.0` is five times as slow");
            }
        }
        let limits = checker.limits(raw.at_least.as_ref(), raw.at_most.as_ref(), table.span())?;
        let sample = Sample::of(raw.successes_only);
        Some(LatencyRatio { statistic: statistic?, sample, baseline, limits })
    }
}
