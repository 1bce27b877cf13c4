//! `backend_share`: which part of the answers came from a simulator.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_spanned::Spanned;

use crate::scenario::assertion::RawKind;
use crate::scenario::assertion::validate::{Checker, ShareKeys};
use crate::scenario::assertion::values::ShareBand;

/// Share of the requests answered 2xx whose answer came from one simulator.
///
/// `equals = 1.0` and `equals = 0.0` are exact facts ("always", "never"). Other
/// shares are estimates: they need `within` (a tolerance), `at_least` or
/// `at_most`, and are judged by a confidence interval.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawBackendShare {
    /// Simulator the answers should come from.
    #[schemars(with = "String")]
    pub simulator: Spanned<String>,
    /// The share, from 0 to 1.
    #[schemars(with = "Option<f64>")]
    pub equals: Option<Spanned<f64>>,
    /// Tolerance around `equals`, in points of share: `0.05` is ± 5 points.
    #[schemars(with = "Option<f64>")]
    pub within: Option<Spanned<f64>>,
    /// Least share.
    #[schemars(with = "Option<f64>")]
    pub at_least: Option<Spanned<f64>>,
    /// Greatest share.
    #[schemars(with = "Option<f64>")]
    pub at_most: Option<Spanned<f64>>,
    /// Compare the counts themselves, without an interval: for routing that is
    /// deterministic. `equals = 0.5` then means half of them, give or take one request.
    #[serde(default)]
    pub exact: bool,
}

/// Share of the 2xx answers from one simulator.
#[derive(Debug, Clone, PartialEq)]
pub struct BackendShare {
    /// Simulator by name.
    pub simulator: String,
    /// Allowed shares.
    pub band: ShareBand,
}

impl RawKind for RawBackendShare {
    type Checked = BackendShare;

    fn check(checker: &mut Checker<'_>, table: &Spanned<Self>) -> Option<Self::Checked> {
        let raw = table.get_ref();
        let simulator = checker.simulator(&raw.simulator);
        let band = checker.share_band(&ShareKeys {
            equals: raw.equals.as_ref(),
            within: raw.within.as_ref(),
            at_least: raw.at_least.as_ref(),
            at_most: raw.at_most.as_ref(),
            exact: raw.exact,
            table: table.span(),
        })?;
        Some(BackendShare { simulator, band })
    }
}
