//! The report for programs: versioned, pretty, the same bytes for the same run.
//! Nothing here depends on the machine or on how long the run really took.

use serde::Serialize;

use super::summary::{self, GatewayErrors, Series, StageSummary};
use crate::assert::{Account, AssertionResult, Evaluation, Outcome, Reconciliation, Validity};
use crate::exit_code::ExitCode;
use crate::record::{ActionRow, BreakCause, Dataset, Endpoints, JournalBreak, World};

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
    endpoints: Endpoints,
    outcome: Outcome,
    exit_code: u8,
    alpha: f64,
    assertions: &'a [AssertionResult],
    reconciliation: &'a Reconciliation,
    account: &'a Account,
    validity: &'a Validity,
    journal_breaks: Vec<Break<'a>>,
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
    /// Why it was left out, when it was.
    skipped: Option<&'a str>,
}

/// A journal that ended in mid-run.
#[derive(Serialize)]
struct Break<'a> {
    /// The simulator; the gateway when null.
    simulator: Option<&'a str>,
    cause: &'static str,
    last_read_seconds: f64,
    noticed_seconds: f64,
    reason: Option<&'a str>,
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
        endpoints: dataset.endpoints,
        outcome: evaluation.outcome,
        exit_code: ExitCode::from(evaluation) as u8,
        alpha: evaluation.alpha,
        assertions: &evaluation.assertions,
        reconciliation: &evaluation.reconciliation,
        account: &evaluation.account,
        validity: &evaluation.validity,
        journal_breaks: dataset
            .journal_breaks
            .iter()
            .map(|one| journal_break(dataset, one))
            .collect(),
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

fn journal_break<'a>(dataset: &'a Dataset, one: &'a JournalBreak) -> Break<'a> {
    let simulator = one.simulator.and_then(|index| dataset.simulators.get(index));
    let (cause, reason) = match &one.cause {
        BreakCause::Restarted => ("restarted", None),
        BreakCause::Interrupted(reason) => ("interrupted", Some(reason.as_str())),
        BreakCause::Unreadable(reason) => ("unreadable", Some(reason.as_str())),
    };
    Break {
        simulator: simulator.map(String::as_str),
        cause,
        last_read_seconds: one.last_read.as_secs_f64(),
        noticed_seconds: one.noticed.as_secs_f64(),
        reason,
    }
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
        skipped: row.skipped.as_deref(),
    }
}
