//! `attempts`: what came before an answer within the same request.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_spanned::Spanned;

use crate::scenario::assertion::RawKind;
use crate::scenario::assertion::validate::Checker;

/// Every request of the span answered 2xx by one simulator had exactly so many
/// earlier attempts of a kind before that answer.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawAttempts {
    /// Simulator that gave the answer.
    #[schemars(with = "String")]
    pub answered_by: Spanned<String>,
    /// The attempts that must come before it.
    #[schemars(with = "RawPrecededBy")]
    pub preceded_by: Spanned<RawPrecededBy>,
}

/// Attempts within the same request, before its answer.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawPrecededBy {
    /// Where.
    #[schemars(with = "String")]
    pub simulator: Spanned<String>,
    /// With which status.
    #[schemars(with = "u16")]
    pub status: Spanned<u16>,
    /// How many, no more and no fewer.
    pub exactly: u32,
}

/// Attempts that must come before an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempts {
    /// Simulator that gave the answer.
    pub answered_by: String,
    /// Simulator of the earlier attempts.
    pub preceded_by: String,
    /// Their status.
    pub status: u16,
    /// Their number.
    pub exactly: u32,
}

impl RawKind for RawAttempts {
    type Checked = Attempts;

    fn check(checker: &mut Checker<'_>, table: &Spanned<Self>) -> Option<Self::Checked> {
        let raw = table.get_ref();
        let answered_by = checker.simulator(&raw.answered_by);
        let before = raw.preceded_by.get_ref();
        let preceded_by = checker.simulator(&before.simulator);
        checker.status_code(*before.status.get_ref(), before.status.span());
        Some(Attempts {
            answered_by,
            preceded_by,
            status: *before.status.get_ref(),
            exactly: before.exactly,
        })
    }
}
