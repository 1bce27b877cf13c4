//! `alternation`: no two consecutive requests go to the same simulator.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_spanned::Spanned;

use crate::scenario::assertion::RawKind;
use crate::scenario::assertion::validate::Checker;

/// Requests answered 2xx, in the order in which they were sent, never have their
/// answers from the same simulator twice in a row. A fact, to the request: only
/// for requests that do not overlap, such as those of a single user.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawAlternation {
    /// The simulators that may answer; two or more.
    #[schemars(with = "Vec<String>")]
    pub among: Spanned<Vec<Spanned<String>>>,
    /// The one that answers the first request of the span.
    #[schemars(with = "Option<String>")]
    pub first: Option<Spanned<String>>,
}

/// Simulators that take turns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alternation {
    /// Those that may answer.
    pub among: Vec<String>,
    /// The first to answer.
    pub first: Option<String>,
}

impl RawKind for RawAlternation {
    type Checked = Alternation;

    fn check(checker: &mut Checker<'_>, table: &Spanned<Self>) -> Option<Self::Checked> {
        let raw = table.get_ref();
        let before = checker.problems();
        let names = raw.among.get_ref();
        let among: Vec<String> = names.iter().map(|name| checker.simulator(name)).collect();
        let mut distinct = among.clone();
        distinct.sort_unstable();
        distinct.dedup();
        if distinct.len() < 2 {
            checker.error(
                raw.among.span(),
                "it takes two to alternate",
                "name two simulators or more",
            );
        }
        let first = raw.first.as_ref().map(|first| {
            if !among.contains(first.get_ref()) {
                let diagnostic = checker
                    .at(first.span(), format!("`{}` is not in `among`", first.get_ref()))
                    .label("may not answer at all")
                    .also(raw.among.span(), "these may");
                checker.report(diagnostic);
            }
            first.get_ref().clone()
        });
        (before == checker.problems()).then_some(Alternation { among, first })
    }
}
