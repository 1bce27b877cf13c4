//! Several runs in one report: a line each, then how often every scenario and
//! every assertion passed.

use std::fmt::Write as _;

use crate::assert::{Evaluation, ReconciliationState, Verdict, words};
use crate::exit_code::ExitCode;
use crate::record::Dataset;

/// What a run of several came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuiteRun {
    /// Scenario name.
    pub scenario: String,
    /// Its seed.
    pub seed: u64,
    /// How it would end the process.
    pub code: ExitCode,
    /// Requests sent.
    pub requests: u64,
    /// Verdicts by assertion, and of the reconciliation.
    pub verdicts: Vec<(String, Verdict)>,
    /// Why it is invalid, if it is.
    pub reason: Option<String>,
}

/// The name under which the reconciliation stands among the assertions.
const RECONCILIATION: &str = "reconciliation";

impl SuiteRun {
    /// Of a run that took place.
    #[must_use]
    pub fn new(dataset: &Dataset, evaluation: &Evaluation, code: ExitCode) -> Self {
        let reconciled = match evaluation.reconciliation.state {
            ReconciliationState::Reconciled => Some(Verdict::Passed),
            ReconciliationState::Mismatched => Some(Verdict::Failed),
            ReconciliationState::NotChecked => None,
        };
        let verdicts = evaluation.assertions.iter().map(|one| (one.id.clone(), one.verdict));
        let reconciled = reconciled.map(|verdict| (RECONCILIATION.to_owned(), verdict));
        Self {
            scenario: dataset.scenario.clone(),
            seed: dataset.seed,
            code,
            requests: dataset.clients.len() as u64,
            verdicts: verdicts.chain(reconciled).collect(),
            reason: evaluation.validity.reasons.first().cloned(),
        }
    }

    fn with(&self, wanted: Verdict) -> Vec<String> {
        let such = self.verdicts.iter().filter(|(_, verdict)| *verdict == wanted);
        such.map(|(id, _)| id.clone()).collect()
    }
}

/// One run in a line.
#[must_use]
pub fn line(run: &SuiteRun) -> String {
    let mut text = format!(
        "{} {} · seed {} · {}",
        mark(run.code),
        run.scenario,
        run.seed,
        words::counted(run.requests, "request", "requests")
    );
    let (failed, open) = (run.with(Verdict::Failed), run.with(Verdict::Inconclusive));
    // Writing to a string cannot fail.
    let _ = match (run.code, &run.reason) {
        (ExitCode::Passed, _) => {
            let own = || run.verdicts.iter().filter(|(id, _)| id != RECONCILIATION);
            let skipped = own().filter(|(_, verdict)| *verdict == Verdict::Skipped).count() as u64;
            let count = own().count() as u64 - skipped;
            let skipped = match skipped {
                0 => String::new(),
                some => format!(", {} skipped", words::count(some)),
            };
            write!(text, " · {} passed{skipped}", words::counted(count, "assertion", "assertions"))
        }
        (ExitCode::Interrupted, _) => write!(text, " · interrupted"),
        (ExitCode::Invalid | ExitCode::Usage, Some(reason)) => write!(text, " · invalid: {reason}"),
        (ExitCode::Invalid | ExitCode::Usage, None) => write!(text, " · invalid"),
        _ => Ok(()),
    };
    if matches!(run.code, ExitCode::Failed | ExitCode::Inconclusive) {
        let skipped = run.with(Verdict::Skipped);
        for (what, ids) in [("failed", failed), ("inconclusive", open), ("skipped", skipped)] {
            if !ids.is_empty() {
                let _ = write!(text, " · {what}: {}", ids.join(", "));
            }
        }
    }
    text.push('\n');
    text
}

fn mark(code: ExitCode) -> char {
    match code {
        ExitCode::Passed => '✓',
        ExitCode::Failed => '✗',
        ExitCode::Inconclusive => '?',
        ExitCode::Usage | ExitCode::Invalid | ExitCode::Interrupted => '–',
    }
}

/// All runs: a row a scenario, and where several seeds were run, a row an assertion.
#[must_use]
pub fn table(runs: &[SuiteRun]) -> String {
    let mut scenarios: Vec<&str> = Vec::new();
    for run in runs {
        if !scenarios.contains(&run.scenario.as_str()) {
            scenarios.push(&run.scenario);
        }
    }
    let ids = runs.iter().flat_map(|run| &run.verdicts).map(|(id, _)| id.chars().count() + 2);
    let names = scenarios.iter().map(|name| name.chars().count());
    let width = ids.chain(names).max().unwrap_or_default().max("scenario".len());
    let mut out = format!(
        "\n{:width$}  {:>6}  {:>6}  {:>12}  {:>7}\n",
        "scenario", "passed", "failed", "inconclusive", "invalid"
    );
    let several = scenarios.len() < runs.len();
    for name in scenarios {
        let own: Vec<&SuiteRun> = runs.iter().filter(|run| run.scenario == name).collect();
        let count = |code| own.iter().filter(|run| run.code == code).count();
        let (passed, failed, open) =
            (count(ExitCode::Passed), count(ExitCode::Failed), count(ExitCode::Inconclusive));
        let rest = own.len() - passed - failed - open;
        let _ = writeln!(out, "{name:width$}  {passed:>6}  {failed:>6}  {open:>12}  {rest:>7}");
        if several {
            assertions(&mut out, &own, width);
        }
    }
    out.push('\n');
    out.push_str(&overall(runs));
    out
}

/// A row an assertion, with the seeds at which it did not pass.
fn assertions(out: &mut String, runs: &[&SuiteRun], width: usize) {
    let Some(longest) = runs.iter().max_by_key(|run| run.verdicts.len()) else { return };
    for (id, _) in &longest.verdicts {
        let of = |run: &SuiteRun| run.verdicts.iter().find(|one| one.0 == *id).map(|one| one.1);
        let count = |wanted| runs.iter().filter(|run| of(run) == Some(wanted)).count();
        let (passed, failed, open) =
            (count(Verdict::Passed), count(Verdict::Failed), count(Verdict::Inconclusive));
        let seeds: Vec<String> = runs
            .iter()
            .filter(|run| {
                of(run).is_some_and(|one| !matches!(one, Verdict::Passed | Verdict::Skipped))
            })
            .map(|run| run.seed.to_string())
            .collect();
        let seeds = match seeds.as_slice() {
            [] => String::new(),
            [one] => format!("  seed {one}"),
            several => format!("  seeds {}", several.join(", ")),
        };
        let own = width.saturating_sub(2);
        let row = format!("  {id:own$}  {passed:>6}  {failed:>6}  {open:>12}{:>9}{seeds}", "");
        let _ = writeln!(out, "{}", row.trim_end());
    }
}

fn overall(runs: &[SuiteRun]) -> String {
    let count = |code| runs.iter().filter(|run| run.code == code).count() as u64;
    let parts: Vec<String> = [
        ("passed", ExitCode::Passed),
        ("failed", ExitCode::Failed),
        ("inconclusive", ExitCode::Inconclusive),
        ("invalid", ExitCode::Invalid),
        ("interrupted", ExitCode::Interrupted),
    ]
    .into_iter()
    .map(|(word, code)| (word, count(code)))
    .filter(|(_, count)| 0 < *count)
    .map(|(word, count)| format!("{} {word}", words::count(count)))
    .collect();
    let worst = ExitCode::worst(runs.iter().map(|run| run.code));
    let word = match worst {
        ExitCode::Passed => "PASSED",
        ExitCode::Failed => "FAILED",
        ExitCode::Inconclusive => "INCONCLUSIVE",
        ExitCode::Usage | ExitCode::Invalid => "INVALID",
        ExitCode::Interrupted => "INTERRUPTED",
    };
    let of = words::counted(runs.len() as u64, "run", "runs");
    format!("{word}  {of}: {}\n", parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(scenario: &str, seed: u64, code: ExitCode, verdicts: &[(&str, Verdict)]) -> SuiteRun {
        SuiteRun {
            scenario: scenario.into(),
            seed,
            code,
            requests: 1_234,
            verdicts: verdicts.iter().map(|(id, verdict)| ((*id).to_owned(), *verdict)).collect(),
            reason: (code == ExitCode::Invalid).then(|| "nobody there".to_owned()),
        }
    }

    #[test]
    fn shows_runs_and_how_often_each_assertion_passed() {
        use Verdict::{Failed, Inconclusive, Passed};
        let runs = [
            run("routing", 1, ExitCode::Passed, &[("share", Passed), ("reconciliation", Passed)]),
            run("routing", 2, ExitCode::Failed, &[("share", Failed), ("reconciliation", Passed)]),
            run(
                "spikes",
                1,
                ExitCode::Inconclusive,
                &[("all-on-ptu", Inconclusive), ("b", Passed)],
            ),
            run("spikes", 2, ExitCode::Invalid, &[]),
        ];
        let lines: String = runs.iter().map(line).collect();
        insta::assert_snapshot!(lines + &table(&runs));
        let one_each = [runs[0].clone(), runs[2].clone()];
        insta::assert_snapshot!(table(&one_each));
    }
}
