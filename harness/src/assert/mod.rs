//! Verdicts: queries over a finished run's [`Dataset`](crate::record::Dataset),
//! with the statistics behind them.
//!
//! Knows nothing of how the rows came about, of scenario files or of reports.
//! Start reading at [`evaluate`].

mod evaluate;
mod result;

pub use evaluate::{Settings, evaluate};
pub use result::{
    AssertionResult, Evaluation, Interval, Mismatch, Observed, Outcome, Reconciliation,
    ReconciliationState, Unit, Validity, Verdict,
};
