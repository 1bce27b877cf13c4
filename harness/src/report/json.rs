//! The report for programs: versioned, pretty, the same bytes for the same run.
//! Nothing here depends on the machine or on how long the run really took.

use serde::Serialize;

use super::summary::{self, GatewayErrors, Series, StageSummary};
use crate::assert::{AssertionResult, Evaluation, Outcome, Reconciliation, Validity};
use crate::exit_code::ExitCode;
use crate::record::{ActionRow, Dataset, World};

/// The format's version: raised when a reader of the old form would misread the new.
const VERSION: u32 = 1;

/// How many bins the series have at most.
const BINS: usize = 120;

#[derive(Serialize)]
struct Report<'a> {
    version: u32,
    scenario: &'a str,
    seed: u64,
    world: World,
    outcome: Outcome,
    exit_code: u8,
    alpha: f64,
    assertions: &'a [AssertionResult],
    reconciliation: &'a Reconciliation,
    validity: &'a Validity,
    stages: Vec<StageSummary>,
    total: StageSummary,
    series: Series,
    actions: Vec<Action<'a>>,
    gateway_errors: Vec<GatewayErrors>,
    findings: Vec<Finding<'a>>,
}

#[derive(Serialize)]
struct Action<'a> {
    name: &'a str,
    due_seconds: f64,
    started_seconds: f64,
    done_seconds: f64,
    summary: &'a str,
    status: Option<u16>,
    error: Option<&'a str>,
}

/// A problem with an answer's form.
#[derive(Serialize)]
struct Finding<'a> {
    correlation_id: &'a str,
    problems: &'a [String],
}

/// The report as JSON text, ending with a newline.
#[must_use]
pub fn render(dataset: &Dataset, evaluation: &Evaluation) -> String {
    let report = Report {
        version: VERSION,
        scenario: &dataset.scenario,
        seed: dataset.seed,
        world: dataset.world,
        outcome: evaluation.outcome,
        exit_code: ExitCode::from(evaluation) as u8,
        alpha: evaluation.alpha,
        assertions: &evaluation.assertions,
        reconciliation: &evaluation.reconciliation,
        validity: &evaluation.validity,
        stages: summary::stages(dataset),
        total: summary::whole(dataset),
        series: summary::series(dataset, BINS),
        actions: dataset.actions.iter().map(action).collect(),
        gateway_errors: summary::gateway_errors(dataset),
        findings: dataset
            .clients
            .iter()
            .filter(|row| !row.findings.is_empty())
            .map(|row| Finding { correlation_id: &row.correlation_id, problems: &row.findings })
            .collect(),
    };
    // Strings, numbers and lists of them: there is nothing that JSON cannot hold
    // (a number that is not finite becomes null).
    let mut text = serde_json::to_string_pretty(&report).unwrap_or_default();
    text.push('\n');
    text
}

fn action(row: &ActionRow) -> Action<'_> {
    Action {
        name: &row.name,
        due_seconds: row.due.as_secs_f64(),
        started_seconds: row.started.as_secs_f64(),
        done_seconds: row.done.as_secs_f64(),
        summary: &row.summary,
        status: row.answer.as_ref().map(|answer| answer.status),
        error: row.error.as_deref(),
    }
}
