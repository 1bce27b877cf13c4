//! `fairness`: equals get equal shares.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_spanned::Spanned;

use crate::scenario::assertion::validate::Checker;
use crate::scenario::assertion::{Counted, RawCounted, RawKind};

/// How evenly what is counted is spread over the values of a draw, by the index
/// of Jain: (Σx)² / (n·Σx²), which is 1 when all got the same and 1/n when one got
/// everything. A fact about this run; with fewer than 20 requests a value on
/// average it is inconclusive.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawFairness {
    /// The draw whose values (or labels) are compared, `key` for instance; or
    /// `workload` for the workloads.
    #[schemars(with = "String")]
    pub by: Spanned<String>,
    /// What is counted of each; every request when absent.
    #[schemars(with = "Option<RawCounted>")]
    pub count: Option<Spanned<RawCounted>>,
    /// Least index, from 0 to 1; `0.95` is usual for equals.
    #[schemars(with = "f64")]
    pub at_least: Spanned<f64>,
}

/// How even shares must be.
#[derive(Debug, Clone, PartialEq)]
pub struct Fairness {
    /// Among whom.
    pub by: Among,
    /// What is counted of each.
    pub counted: Counted,
    /// Least index.
    pub at_least: f64,
}

/// Who is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Among {
    /// The values of this draw.
    Draw(String),
    /// The workloads.
    Workloads,
}

impl RawKind for RawFairness {
    type Checked = Fairness;

    fn check(checker: &mut Checker<'_>, table: &Spanned<Self>) -> Option<Self::Checked> {
        let raw = table.get_ref();
        let before = checker.problems();
        let counted = checker.counted(raw.count.as_ref());
        let by = match raw.by.get_ref().as_str() {
            "workload" => Among::Workloads,
            name => {
                let draws = checker.names.draws.iter().flat_map(|(_, draws)| draws);
                let mut known: Vec<String> = draws.map(|draw| draw.name.clone()).collect();
                known.push("workload".to_owned());
                checker.known("draw", &raw.by, &known);
                Among::Draw(name.to_owned())
            }
        };
        let least = *raw.at_least.get_ref();
        if !(0.0 < least && least <= 1.0) {
            let text = "the index lies between 0 and 1";
            checker.error(raw.at_least.span(), text, "1 is perfectly even");
        }
        let checked = Fairness { by, counted: counted?, at_least: least };
        (before == checker.problems()).then_some(checked)
    }
}
