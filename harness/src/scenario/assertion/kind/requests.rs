//! `requests`: how many were sent.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_spanned::Spanned;

use crate::scenario::assertion::RawKind;
use crate::scenario::assertion::validate::Checker;
use crate::scenario::assertion::values::Limits;

/// How many requests were sent in the span.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawRequests {
    /// At least so many.
    #[schemars(with = "Option<u64>")]
    pub at_least: Option<Spanned<u64>>,
    /// At most so many.
    #[schemars(with = "Option<u64>")]
    pub at_most: Option<Spanned<u64>>,
}

/// How many requests may be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requests {
    /// Allowed numbers.
    pub limits: Limits<u64>,
}

impl RawKind for RawRequests {
    type Checked = Requests;

    fn check(checker: &mut Checker<'_>, table: &Spanned<Self>) -> Option<Self::Checked> {
        let raw = table.get_ref();
        if let (Some(least), None) = (&raw.at_least, &raw.at_most)
            && *least.get_ref() == 0
        {
            checker.always_true(least.span(), "no count is below zero");
        }
        let limits = checker.limits(raw.at_least.as_ref(), raw.at_most.as_ref(), table.span())?;
        Some(Requests { limits })
    }
}
