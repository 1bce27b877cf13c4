//! From a dataset and assertions to verdicts.

use super::result::{
    AssertionResult, Evaluation, Outcome, Reconciliation, ReconciliationState, Validity, Verdict,
};
use crate::record::Dataset;
use crate::scenario::assertion::Assertion;

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
    let assertions = assertions
        .iter()
        .map(|assertion| AssertionResult {
            id: assertion.id.clone(),
            claim: assertion.claim.clone(),
            kind: assertion.kind.name(),
            verdict: Verdict::Inconclusive,
            n: 0,
            observed: None,
            interval: None,
            threshold: String::new(),
            n_to_settle: None,
            message: "not evaluated yet".to_owned(),
            examples: Vec::new(),
        })
        .collect();
    Evaluation {
        outcome: Outcome::Inconclusive,
        alpha: settings.alpha,
        assertions,
        reconciliation: Reconciliation {
            state: ReconciliationState::NotChecked,
            requests: dataset.clients.len() as u64,
            at_backend: 0,
            by_gateway: 0,
            attempts: 0,
            action_rows: 0,
            usages_compared: 0,
            mismatches: Vec::new(),
            message: "not checked yet".to_owned(),
        },
        validity: Validity {
            valid: true,
            schedule_lag_p99: 0.0,
            schedule_lag_limit: 0.005,
            reasons: Vec::new(),
        },
    }
}
