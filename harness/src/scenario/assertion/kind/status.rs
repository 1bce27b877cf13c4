//! `status`: how often a status was seen.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_spanned::Spanned;

use crate::scenario::assertion::RawKind;
use crate::scenario::assertion::validate::{Checker, ShareKeys, StatusKeys};
use crate::scenario::assertion::values::{Limits, SeenBy, ShareBand, Statuses};

/// How often a status was seen. `equals`, `at_least` and `at_most` are counts
/// and compared exactly; `share` is judged by a confidence interval.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawStatus {
    /// One status.
    #[schemars(with = "Option<u16>")]
    pub code: Option<Spanned<u16>>,
    /// Any of these statuses.
    #[schemars(with = "Option<Vec<u16>>")]
    pub codes: Option<Spanned<Vec<u16>>>,
    /// Any status of a class: `2xx`, `3xx`, `4xx` or `5xx`.
    #[schemars(with = "Option<String>")]
    pub class: Option<Spanned<String>>,
    /// Who saw it: `clients` (the default), or the name of a simulator, for the
    /// statuses with which it answered the attempts that belong to the span's requests.
    #[schemars(with = "Option<String>")]
    pub seen_by: Option<Spanned<String>>,
    /// The exact count.
    #[schemars(with = "Option<u64>")]
    pub equals: Option<Spanned<u64>>,
    /// Least count.
    #[schemars(with = "Option<u64>")]
    pub at_least: Option<Spanned<u64>>,
    /// Greatest count.
    #[schemars(with = "Option<u64>")]
    pub at_most: Option<Spanned<u64>>,
    /// A share of all requests (or attempts) of the span, instead of a count.
    #[schemars(with = "Option<RawShare>")]
    pub share: Option<Spanned<RawShare>>,
}

/// Bounds of a share, from 0 to 1; see `backend_share` for how they are judged.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawShare {
    /// The share.
    #[schemars(with = "Option<f64>")]
    pub equals: Option<Spanned<f64>>,
    /// Tolerance around `equals`, in points of share.
    #[schemars(with = "Option<f64>")]
    pub within: Option<Spanned<f64>>,
    /// Least share.
    #[schemars(with = "Option<f64>")]
    pub at_least: Option<Spanned<f64>>,
    /// Greatest share.
    #[schemars(with = "Option<f64>")]
    pub at_most: Option<Spanned<f64>>,
    /// Compare the counts themselves, without an interval.
    #[serde(default)]
    pub exact: bool,
}

/// How often statuses may be seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// Which statuses.
    pub statuses: Statuses,
    /// Clients or a simulator.
    pub seen_by: SeenBy,
    /// Count or share.
    pub measure: StatusMeasure,
}

/// How often a status may occur.
#[derive(Debug, Clone, PartialEq)]
pub enum StatusMeasure {
    /// So many times.
    Count(Limits<u64>),
    /// In such a share of requests or attempts.
    Share(ShareBand),
}

impl RawKind for RawStatus {
    type Checked = Status;

    fn check(checker: &mut Checker<'_>, table: &Spanned<Self>) -> Option<Self::Checked> {
        let raw = table.get_ref();
        let statuses = checker.statuses(&StatusKeys {
            code: raw.code.as_ref(),
            codes: raw.codes.as_ref(),
            class: raw.class.as_ref(),
            table: table.span(),
        });
        let seen_by = checker.seen_by(raw.seen_by.as_ref());
        let measure = measure(checker, table);
        Some(Status { statuses: statuses?, seen_by, measure: measure? })
    }
}

fn measure(checker: &mut Checker<'_>, table: &Spanned<RawStatus>) -> Option<StatusMeasure> {
    let raw = table.get_ref();
    if let Some(share) = &raw.share {
        for (key, count) in
            [("equals", &raw.equals), ("at_least", &raw.at_least), ("at_most", &raw.at_most)]
        {
            if let Some(count) = count {
                let diagnostic = checker
                    .at(count.span(), format!("`{key}` is a count and contradicts `share`"))
                    .label("a count")
                    .also(share.span(), "a share");
                checker.report(diagnostic);
            }
        }
        let keys = share.get_ref();
        return checker
            .share_band(&ShareKeys {
                equals: keys.equals.as_ref(),
                within: keys.within.as_ref(),
                at_least: keys.at_least.as_ref(),
                at_most: keys.at_most.as_ref(),
                exact: keys.exact,
                table: share.span(),
            })
            .map(StatusMeasure::Share);
    }
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
        return Some(StatusMeasure::Count(Limits { at_least: count, at_most: count }));
    }
    if let (Some(least), None) = (&raw.at_least, &raw.at_most)
        && *least.get_ref() == 0
    {
        checker.always_true(least.span(), "no count is below zero");
    }
    if raw.at_least.is_none() && raw.at_most.is_none() {
        let diagnostic = checker
            .at(table.span(), "how often may the status occur?")
            .label("give `equals`, `at_least`, `at_most` (counts) or `share`");
        checker.report(diagnostic);
        return None;
    }
    checker
        .limits(raw.at_least.as_ref(), raw.at_most.as_ref(), table.span())
        .map(StatusMeasure::Count)
}
