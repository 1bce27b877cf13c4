//! Requests refused out of turn.

use super::check::{Check, Finding, Why, real};
use super::evaluate::Ask;
use super::joined::{Joined, Request, examples};
use super::result::{Observed, Unit, Verdict};
use super::words;
use crate::record::{Outcome, RunTime, World};
use crate::scenario::assertion::{Assertion, Class, Inversions, Scope};

const REFUSED: u16 = 429;

impl Ask for Inversions {
    /// So few of `high` were refused beside an admitted `low`.
    fn ask(&self, joined: &Joined<'_>, assertion: &Assertion) -> Check {
        let threshold = match self.at_most {
            0 => "none".to_owned(),
            most => format!("at most {}", words::count(most)),
        };
        let of = |class: &Class| {
            let scope = Scope {
                workload: class.workload.clone(),
                labels: class.labels.clone(),
                span: assertion.scope.span.clone(),
            };
            joined.select(&scope).map_err(|why| why.about(name(class)))
        };
        let pool: Result<Vec<usize>, Why> =
            self.pool.iter().map(|name| joined.simulator(name)).collect();
        let taken = pool.and_then(|pool| Ok((pool, of(&self.high)?, of(&self.low)?)));
        let (pool, high, mut low) = match taken {
            Ok(taken) => taken,
            Err(why) => return Check::nothing(threshold, why),
        };
        let n = (high.len() + low.len()) as u64;
        if high.iter().all(|request| request.row.outcome.status().is_none()) {
            let why = format!("{}: not one request had an answer", name(&self.high));
            return Check::nothing(threshold, why);
        }
        low.retain(|request| {
            let at = || request.answering().map(|answer| answer.simulator);
            request.succeeded() && (pool.is_empty() || at().is_some_and(|at| pool.contains(&at)))
        });
        let exact = joined.dataset.world == World::Virtual;
        let refused: Vec<Request<'_>> = high
            .iter()
            .copied()
            .filter(|request| request.row.outcome == Outcome::Answered(REFUSED))
            .collect();
        let within = RunTime::from(self.within).nanos;
        let beside = |near: &dyn Fn(&Request<'_>, &Request<'_>) -> i128| -> Vec<Request<'_>> {
            let competes = |one: &&Request<'_>| low.iter().any(|other| near(one, other) <= within);
            refused.iter().filter(competes).copied().collect()
        };
        // Each was decided between sent and first byte: they are apart by so much
        // at most, and by so much at least.
        let ends = |request: &Request<'_>| {
            let row = request.row;
            let latest = if exact { row.sent } else { row.first_byte.unwrap_or(row.done) };
            (row.sent.nanos, latest.nanos)
        };
        let surely = beside(&|one, other| {
            let ((a, b), (c, d)) = (ends(one), ends(other));
            (b - c).max(d - a)
        });
        let perhaps = beside(&|one, other| {
            let ((a, b), (c, d)) = (ends(one), ends(other));
            (a - d).max(c - b).max(0)
        });
        let (sure, most) = (surely.len() as u64, perhaps.len() as u64);
        let verdict = if self.at_most < sure {
            Verdict::Failed
        } else if self.at_most < most {
            Verdict::Inconclusive
        } else {
            Verdict::Passed
        };
        let refusals = words::counted(refused.len() as u64, "refusal", "refusals");
        let of_low = format!("{} of {}", words::count(low.len() as u64), name(&self.low));
        let first = surely.first().map(Request::place).unwrap_or_default();
        let message = match verdict {
            Verdict::Passed => format!(
                "{} of {refusals} of {} beside the {of_low} that were admitted",
                words::count(most),
                name(&self.high)
            ),
            Verdict::Failed => format!(
                "expected {threshold}, but {} of {refusals} of {} came while {} was admitted (first at {first})",
                words::count(sure),
                name(&self.high),
                name(&self.low)
            ),
            Verdict::Inconclusive | Verdict::Skipped => format!(
                "{} of {refusals} of {} surely came while {} was admitted, {} perhaps: when each was decided is not known well enough",
                words::count(sure),
                name(&self.high),
                name(&self.low),
                words::count(most)
            ),
        };
        let named = match verdict {
            Verdict::Passed => Vec::new(),
            Verdict::Failed => examples(surely),
            Verdict::Inconclusive | Verdict::Skipped => examples(perhaps),
        };
        Check::Fact(Finding {
            n,
            observed: Some(Observed {
                value: real(sure),
                unit: Unit::Count,
                text: words::count(sure),
            }),
            examples: named,
            ..Finding::new(verdict, threshold, message)
        })
    }
}

/// `high`, `chat with key "one"`.
fn name(class: &Class) -> String {
    let labels: Vec<String> =
        class.labels.iter().map(|(name, label)| format!("{name} {label}")).collect();
    match (&class.workload, labels.as_slice()) {
        (Some(workload), []) => workload.clone(),
        (Some(workload), labels) => format!("{workload} with {}", words::list(labels)),
        (None, labels) => format!("requests with {}", words::list(labels)),
    }
}
