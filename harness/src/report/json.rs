//! The report for programs: versioned, pretty, the same bytes for the same run.

use serde::Serialize;

use crate::assert::Evaluation;
use crate::record::{Dataset, World};

#[derive(Serialize)]
struct Report<'a> {
    version: u32,
    scenario: &'a str,
    seed: u64,
    world: World,
    #[serde(flatten)]
    evaluation: &'a Evaluation,
}

/// The report as JSON text, ending with a newline.
#[must_use]
pub fn render(dataset: &Dataset, evaluation: &Evaluation) -> String {
    let report = Report {
        version: 1,
        scenario: &dataset.scenario,
        seed: dataset.seed,
        world: dataset.world,
        evaluation,
    };
    let mut text = serde_json::to_string_pretty(&report).unwrap_or_default();
    text.push('\n');
    text
}
