//! How evenly something is spread.

use std::collections::BTreeMap;

use super::check::{Check, Finding, real};
use super::evaluate::Ask;
use super::events::{Events, thing};
use super::joined::{Joined, Request, examples};
use super::result::{Observed, Unit, Verdict};
use super::words;
use crate::scenario::assertion::{Among, Assertion, Fairness};

/// Fewer requests each, and chance alone makes shares uneven.
const LEAST_EACH: u64 = 20;

impl Ask for Fairness {
    /// Jain's index is high enough (Jain, Chiu, Hawe 1984).
    fn ask(&self, joined: &Joined<'_>, assertion: &Assertion) -> Check {
        let threshold = format!("an index of at least {}", words::ratio(self.at_least));
        let events = match Events::take(joined, &assertion.scope, &self.counted) {
            Ok(events) => events,
            Err(why) => return Check::nothing(threshold, why),
        };
        let whose = |request: &Request<'_>| match &self.by {
            Among::Draw(name) => request.row.labels.get(name).map(|label| match label.as_str() {
                Some(text) => text.to_owned(),
                None => label.to_string(),
            }),
            Among::Workloads => joined.dataset.workloads.get(request.row.workload).cloned(),
        };
        let mut sums: BTreeMap<String, u64> = BTreeMap::new();
        let mut asked = 0_u64;
        // Who asked and got nothing counts too.
        for request in &events.requests {
            if let Some(label) = whose(request) {
                asked += 1;
                sums.entry(label).or_default();
            }
        }
        for event in &events.counted {
            if let Some(sum) = whose(&event.request).and_then(|label| sums.get_mut(&label)) {
                *sum += event.weight;
            }
        }
        let parties = sums.len() as u64;
        let total: u64 = sums.values().sum();
        if parties < 2 || total == 0 {
            let why =
                if parties < 2 { "there is nobody to compare" } else { "nobody got anything" };
            return Check::nothing(threshold, why);
        }
        let squares: f64 = sums.values().map(|sum| real(*sum).powi(2)).sum();
        let index = real(total).powi(2) / (real(parties) * squares);
        let mut by_sum: Vec<(&String, &u64)> = sums.iter().collect();
        by_sum.sort_by(|a, b| b.1.cmp(a.1).then_with(|| a.0.cmp(b.0)));
        let extreme = |one: Option<&(&String, &u64)>| {
            one.map(|(label, sum)| format!("{label} {}", words::count(**sum))).unwrap_or_default()
        };
        let spread = format!("{} … {}", extreme(by_sum.first()), extreme(by_sum.last()));
        let what = thing(&self.counted);
        let few = asked < LEAST_EACH * parties;
        let verdict = match (few, self.at_least <= index) {
            (true, _) => Verdict::Inconclusive,
            (false, true) => Verdict::Passed,
            (false, false) => Verdict::Failed,
        };
        let text = words::ratio(index);
        let message = match verdict {
            Verdict::Passed => format!("{what} by {parties} values: {spread}"),
            Verdict::Failed => {
                format!(
                    "expected {threshold}, but it is {text}: {what} by {parties} values: {spread}"
                )
            }
            Verdict::Inconclusive | Verdict::Skipped => {
                format!(
                    "{} are too few for {parties} values",
                    words::counted(asked, "request", "requests")
                )
            }
        };
        let least = by_sum.last().map(|(label, _)| (*label).clone());
        let poorest = events.requests.iter().filter(|request| whose(request) == least).copied();
        let named = if verdict == Verdict::Failed { examples(poorest) } else { Vec::new() };
        Check::Fact(Finding {
            n: events.n(),
            observed: Some(Observed { value: index, unit: Unit::Ratio, text }),
            n_to_settle: few.then_some(LEAST_EACH * parties),
            examples: named,
            ..Finding::new(verdict, threshold, message)
        })
    }
}
