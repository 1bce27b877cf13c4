//! From a dataset and assertions to verdicts.

use super::check::{Check, Finding};
use super::joined::Joined;
use super::result::{
    AssertionResult, Evaluation, Outcome, Reconciliation, ReconciliationState, Validity, Verdict,
};
use super::{account, reconcile, validity};
use crate::record::{Dataset, Endpoints};
use crate::scenario::assertion::{Assertion, Kind, Start, for_each_kind};
use crate::stats;

/// What the verdicts are computed with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Probability of any wrong statistical verdict, over all assertions together.
    pub alpha: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { alpha: 1e-3 }
    }
}

/// Holds the assertions against the dataset.
#[must_use]
pub fn evaluate(dataset: &Dataset, assertions: &[Assertion], settings: &Settings) -> Evaluation {
    let joined = Joined::new(dataset);
    let checks: Vec<Check> = assertions.iter().map(|one| check(&joined, one)).collect();
    let results = decide(assertions, checks, settings.alpha);
    let reconciliation = reconcile::reconcile(&joined);
    let validity = validity::validity(dataset, assertions);
    let outcome = outcome(&results, &reconciliation, &validity);
    Evaluation {
        outcome,
        alpha: settings.alpha,
        assertions: results,
        reconciliation,
        account: account::account(&joined),
        validity,
    }
}

/// A kind of assertion, answered from a run.
pub(super) trait Ask {
    /// What the run says to it; `assertion` is the one it belongs to.
    fn ask(&self, joined: &Joined<'_>, assertion: &Assertion) -> Check;
}

macro_rules! dispatch {
    ($($key:ident: $kind:ident,)*) => {
        fn ask(joined: &Joined<'_>, assertion: &Assertion) -> Check {
            match &assertion.kind {
                $(Kind::$kind(kind) => kind.ask(joined, assertion),)*
            }
        }
    };
}

for_each_kind!(dispatch);

/// What the run says. With real endpoints, a claim that rests on simulators, or on
/// an action that was skipped, is skipped too.
fn check(joined: &Joined<'_>, assertion: &Assertion) -> Check {
    let asked = ask(joined, assertion);
    if joined.dataset.endpoints == Endpoints::Real && assertion.simulators_only {
        return asked.skipped("it rests on what the simulators are set to");
    }
    let Start::AfterAction(name) = &assertion.scope.span.start else { return asked };
    let mut actions = joined.dataset.actions.iter();
    match actions.any(|action| action.name == *name && action.skipped.is_some()) {
        true => asked.skipped(format!("it begins with the action `{name}`, which was skipped")),
        false => asked,
    }
}

/// Facts stand; estimates share `alpha` as Holm divides it.
fn decide(assertions: &[Assertion], checks: Vec<Check>, alpha: f64) -> Vec<AssertionResult> {
    let estimates: Vec<usize> = (0..checks.len())
        .filter(|&index| matches!(checks.get(index), Some(Check::Estimate(_))))
        .collect();
    let levels = stats::step_down(alpha, estimates.len(), |number, level| {
        let check = estimates.get(number).and_then(|&index| checks.get(index));
        match check {
            Some(Check::Estimate(judge)) => judge(level).verdict != Verdict::Inconclusive,
            _ => true,
        }
    });
    let mut levels = levels.into_iter();
    assertions
        .iter()
        .zip(checks)
        .map(|(assertion, check)| {
            let finding = match check {
                Check::Fact(finding) => finding,
                Check::Estimate(judge) => judge(levels.next().unwrap_or(alpha)),
            };
            result(assertion, finding)
        })
        .collect()
}

fn result(assertion: &Assertion, finding: Finding) -> AssertionResult {
    AssertionResult {
        id: assertion.id.clone(),
        claim: assertion.claim.clone(),
        kind: assertion.kind.name(),
        verdict: finding.verdict,
        n: finding.n,
        observed: finding.observed,
        interval: finding.interval,
        threshold: finding.threshold,
        n_to_settle: finding.n_to_settle,
        message: finding.message,
        examples: finding.examples,
    }
}

fn outcome(
    results: &[AssertionResult],
    reconciliation: &Reconciliation,
    validity: &Validity,
) -> Outcome {
    let any = |verdict| results.iter().any(|result| result.verdict == verdict);
    if !validity.valid {
        Outcome::Invalid
    } else if any(Verdict::Failed) || reconciliation.state == ReconciliationState::Mismatched {
        Outcome::Failed
    } else if any(Verdict::Inconclusive) || (any(Verdict::Skipped) && !any(Verdict::Passed)) {
        Outcome::Inconclusive
    } else {
        Outcome::Passed
    }
}
