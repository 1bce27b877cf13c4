//! `latency`: how long answers took.

use std::time::Duration;

use schemars::JsonSchema;
use seam::units::HumanDuration;
use serde::Deserialize;
use serde_spanned::Spanned;

use crate::scenario::assertion::RawKind;
use crate::scenario::assertion::validate::Checker;
use crate::scenario::assertion::values::{Limits, Sample};
use crate::stats::Statistic;

/// A limit on the latency from the scheduled time to the end of the answer.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawLatency {
    /// `mean` or a percentile: `p50`, `p95`, `p99`, `p99.9`.
    #[schemars(with = "String")]
    pub statistic: Spanned<String>,
    /// Greatest latency.
    #[schemars(with = "Option<HumanDuration>")]
    pub at_most: Option<Spanned<HumanDuration>>,
    /// Least latency.
    #[schemars(with = "Option<HumanDuration>")]
    pub at_least: Option<Spanned<HumanDuration>>,
    /// Look at requests answered 2xx only. Otherwise a request without such an
    /// answer counts as slower than any limit.
    #[serde(default)]
    pub successes_only: bool,
}

/// A limit on a latency.
#[derive(Debug, Clone, PartialEq)]
pub struct Latency {
    /// Mean or percentile.
    pub statistic: Statistic,
    /// Which answers count.
    pub sample: Sample,
    /// Allowed latencies.
    pub limits: Limits<Duration>,
}

impl RawKind for RawLatency {
    type Checked = Latency;

    fn check(checker: &mut Checker<'_>, table: &Spanned<Self>) -> Option<Self::Checked> {
        let raw = table.get_ref();
        let statistic = checker.statistic(&raw.statistic);
        if let (Some(least), None) = (&raw.at_least, &raw.at_most)
            && least.get_ref().0.is_zero()
        {
            checker.always_true(least.span(), "no latency is below zero");
        }
        let limits = checker.limits(raw.at_least.as_ref(), raw.at_most.as_ref(), table.span())?;
        Some(Latency {
            statistic: statistic?,
            sample: Sample::of(raw.successes_only),
            limits: Limits {
                at_least: limits.at_least.map(|limit| limit.0),
                at_most: limits.at_most.map(|limit| limit.0),
            },
        })
    }
}
