//! The report for people.

use crate::assert::Evaluation;
use crate::record::Dataset;

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TerminalOptions {
    /// Columns at hand.
    pub width: usize,
    /// Whether to use ANSI colours.
    pub colour: bool,
}

impl Default for TerminalOptions {
    fn default() -> Self {
        Self { width: 80, colour: false }
    }
}

/// The report as text, ending with a newline.
#[must_use]
pub fn render(dataset: &Dataset, evaluation: &Evaluation, _options: &TerminalOptions) -> String {
    format!("{} · seed {} · {:?}\n", dataset.scenario, dataset.seed, evaluation.outcome)
}
