//! `inversions`: the important refused while the unimportant is let through.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use seam::units::HumanDuration;
use serde::Deserialize;
use serde_json::Value;
use serde_spanned::Spanned;

use crate::scenario::assertion::validate::Checker;
use crate::scenario::assertion::{LooksAt, RawKind};

/// How often a request of the class `high` was refused with 429 although one of
/// the class `low`, sent within `within` of it, was answered 2xx. Counts are facts
/// and compared exactly. Without any refused `high` or admitted `low` request the
/// verdict is inconclusive when `high` had no answer at all, else passed.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawInversions {
    /// The class that goes first.
    #[schemars(with = "RawClass")]
    pub high: Spanned<RawClass>,
    /// The class that waits.
    #[schemars(with = "RawClass")]
    pub low: Spanned<RawClass>,
    /// How near in time two requests compete.
    #[schemars(with = "HumanDuration")]
    pub within: Spanned<HumanDuration>,
    /// Only `low` requests that one of these simulators answered: the pool that
    /// both classes compete for. Any when absent.
    #[schemars(with = "Option<Vec<String>>")]
    pub pool: Option<Spanned<Vec<Spanned<String>>>>,
    /// At most so many refused `high` requests.
    pub at_most: u64,
}

/// Some requests of the span: a workload, or what was drawn, or both.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawClass {
    /// Only requests of this workload.
    #[schemars(with = "Option<String>")]
    pub workload: Option<Spanned<String>>,
    /// Only requests for which these draws gave these values (or labels).
    #[serde(default, rename = "where")]
    #[schemars(with = "BTreeMap<String, Value>")]
    pub labels: BTreeMap<String, Spanned<Value>>,
}

/// Refusals out of turn.
#[derive(Debug, Clone, PartialEq)]
pub struct Inversions {
    /// The class that goes first.
    pub high: Class,
    /// The class that waits.
    pub low: Class,
    /// How near two requests compete.
    pub within: Duration,
    /// Simulators they compete for; empty is any.
    pub pool: Vec<String>,
    /// Most of them.
    pub at_most: u64,
}

/// Some requests.
#[derive(Debug, Clone, PartialEq)]
pub struct Class {
    /// Of this workload.
    pub workload: Option<String>,
    /// With these labels.
    pub labels: Vec<(String, Value)>,
}

impl RawKind for RawInversions {
    type Checked = Inversions;
    const LOOKS_AT: LooksAt = LooksAt::Classes;

    fn check(checker: &mut Checker<'_>, table: &Spanned<Self>) -> Option<Self::Checked> {
        let raw = table.get_ref();
        let before = checker.problems();
        let (high, low) = (class(checker, &raw.high), class(checker, &raw.low));
        if high == low {
            let diagnostic = checker
                .at(raw.low.span(), "`low` is the same class as `high`")
                .label("nothing could go first")
                .also(raw.high.span(), "the same requests");
            checker.report(diagnostic);
        }
        let within = checker.length("a distance in time", &raw.within);
        let pool = raw.pool.iter().flat_map(|pool| pool.get_ref());
        let pool = pool.map(|name| checker.simulator(name)).collect();
        if let Some(empty) = raw.pool.as_ref().filter(|pool| pool.get_ref().is_empty()) {
            checker.error(empty.span(), "`pool` is empty", "no answer would count");
        }
        let checked = Inversions { high, low, within: within?, pool, at_most: raw.at_most };
        (before == checker.problems()).then_some(checked)
    }
}

fn class(checker: &mut Checker<'_>, table: &Spanned<RawClass>) -> Class {
    let raw = table.get_ref();
    if raw.workload.is_none() && raw.labels.is_empty() {
        let text = "a class of every request";
        checker.error(table.span(), text, "give `workload` or `where`");
    }
    let workload = raw.workload.as_ref().map(|name| {
        let known = checker.names.workloads.clone();
        checker.known("workload", name, &known);
        name.get_ref().clone()
    });
    for (name, label) in &raw.labels {
        checker.label(raw.workload.as_ref(), name, label);
    }
    let labels = raw.labels.iter();
    let labels = labels.map(|(name, label)| (name.clone(), label.get_ref().clone())).collect();
    Class { workload, labels }
}
