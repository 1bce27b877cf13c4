//! The public table of exit codes. Nothing else in the harness names a number.

use crate::assert::{Evaluation, Outcome};

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// Every assertion that was judged passed, one at least, and the rows reconcile.
    /// Against real endpoints some may be skipped: the report names them.
    Passed = 0,
    /// An assertion failed, or the rows do not reconcile.
    Failed = 1,
    /// Usage, configuration or scenario error: nothing ran.
    Usage = 2,
    /// Nothing failed, but an assertion could not be decided, or all were skipped.
    Inconclusive = 3,
    /// The bench itself was at fault: target unreachable, schedule not held, an action failed.
    Invalid = 4,
    /// Ended by Ctrl-C.
    Interrupted = 130,
}

impl ExitCode {
    /// The code of several runs: interrupted before usage, then invalid, failed,
    /// inconclusive, passed. Nothing at all has passed.
    #[must_use]
    pub fn worst(codes: impl IntoIterator<Item = ExitCode>) -> ExitCode {
        let badness = |code: &ExitCode| match code {
            ExitCode::Passed => 0,
            ExitCode::Inconclusive => 1,
            ExitCode::Failed => 2,
            ExitCode::Invalid => 3,
            ExitCode::Usage => 4,
            ExitCode::Interrupted => 5,
        };
        codes.into_iter().max_by_key(badness).unwrap_or(ExitCode::Passed)
    }
}

impl From<&Evaluation> for ExitCode {
    fn from(evaluation: &Evaluation) -> Self {
        match evaluation.outcome {
            Outcome::Passed => ExitCode::Passed,
            Outcome::Failed => ExitCode::Failed,
            Outcome::Inconclusive => ExitCode::Inconclusive,
            Outcome::Invalid => ExitCode::Invalid,
        }
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        std::process::ExitCode::from(code as u8)
    }
}
