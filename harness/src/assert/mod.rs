//! Verdicts: queries over a finished run's [`Dataset`](crate::record::Dataset),
//! with the statistics behind them.
//!
//! Knows nothing of how the rows came about, of scenario files or of reports.
//! Start reading at [`evaluate`]. A new kind of assertion is one module here that
//! implements `Ask` for it, see `scenario::assertion`.

mod account;
mod action;
mod alternation;
mod answers;
mod bins;
#[cfg(test)]
mod books_tests;
mod breaker;
mod bursts;
mod check;
#[cfg(test)]
mod classes_tests;
mod converges;
mod counter;
mod evaluate;
mod events;
mod fairness;
#[cfg(test)]
pub(crate) mod fixture;
mod header;
mod inversions;
mod joined;
mod latency;
mod ledger;
mod period;
mod rate_ratio;
mod reconcile;
mod result;
mod retry_wait;
mod routing;
mod starvation;
mod status;
#[cfg(test)]
mod tests;
mod validity;
mod window;
pub(crate) mod words;

pub use evaluate::{Settings, evaluate};
pub(crate) use joined::{answering_simulator, refused_attempts};
pub use result::{
    Account, Answered, AssertionResult, BackendAttempts, Evaluation, Failed, Interval, Mismatch,
    Observed, Outcome, Reconciliation, ReconciliationState, Unit, Validity, Verdict,
};
