//! `retry_wait`: how long the gateway waits between two attempts of a request.

use std::time::Duration;

use schemars::JsonSchema;
use seam::units::HumanDuration;
use serde::Deserialize;
use serde_spanned::Spanned;

use crate::scenario::assertion::RawKind;
use crate::scenario::assertion::validate::Checker;
use crate::scenario::assertion::values::Limits;

/// Time from the end of each attempt to the arrival of the next one of the same
/// request, by the simulators' journals. A fact: every wait lies within the limits.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawRetryWait {
    /// Only requests answered 2xx by this simulator.
    #[schemars(with = "Option<String>")]
    pub answered_by: Option<Spanned<String>>,
    /// Least wait.
    #[schemars(with = "Option<HumanDuration>")]
    pub at_least: Option<Spanned<HumanDuration>>,
    /// Greatest wait.
    #[schemars(with = "Option<HumanDuration>")]
    pub at_most: Option<Spanned<HumanDuration>>,
}

/// Waits between attempts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryWait {
    /// Only requests answered by this simulator.
    pub answered_by: Option<String>,
    /// Allowed waits.
    pub limits: Limits<Duration>,
}

impl RawKind for RawRetryWait {
    type Checked = RetryWait;

    fn check(checker: &mut Checker<'_>, table: &Spanned<Self>) -> Option<Self::Checked> {
        let raw = table.get_ref();
        let before = checker.problems();
        let answered_by = raw.answered_by.as_ref().map(|name| checker.simulator(name));
        if let (Some(least), None) = (&raw.at_least, &raw.at_most)
            && least.get_ref().0.is_zero()
        {
            checker.always_true(least.span(), "no wait is below zero");
        }
        let limits = checker.limits(raw.at_least.as_ref(), raw.at_most.as_ref(), table.span())?;
        (before == checker.problems()).then(|| RetryWait {
            answered_by,
            limits: Limits {
                at_least: limits.at_least.map(|limit| limit.0),
                at_most: limits.at_most.map(|limit| limit.0),
            },
        })
    }
}
