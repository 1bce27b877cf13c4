//! What came of a check: for people and for programs.

use std::path::PathBuf;
use std::time::Duration;

use seam::diagnostic::Diagnostic;
use serde::Serialize;

use super::examine::Mode;
use crate::assert::{Outcome, words};

/// Columns of the text.
const WIDTH: usize = 80;

/// A check of any number of READMEs.
#[derive(Debug)]
pub struct Checked {
    /// Whether anything was written.
    pub mode: Mode,
    /// In order of their paths.
    pub readmes: Vec<ReadmeResult>,
    /// How long all of it took.
    pub took: Duration,
}

/// One README.
#[derive(Debug)]
pub struct ReadmeResult {
    /// The file.
    pub file: PathBuf,
    /// Its scenarios in order.
    pub scenarios: Vec<ScenarioResult>,
    /// Commands of the harness in it.
    pub commands: usize,
    /// Commands of other programs: nobody looked at them.
    pub commands_not_checked: usize,
    /// What is wrong; after writing: what still is.
    pub problems: Vec<Diagnostic>,
    /// Files that were written.
    pub written: Vec<PathBuf>,
}

/// One scenario of a README.
#[derive(Debug)]
pub struct ScenarioResult {
    /// The file.
    pub file: PathBuf,
    /// Rows about it.
    pub claims: usize,
    /// How the run ended; `None` when there was none.
    pub outcome: Option<Outcome>,
    /// How long it took, by the machine's clock.
    pub took: Option<Duration>,
}

impl Checked {
    /// Whether every README is true.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.readmes.iter().all(|readme| readme.problems.is_empty())
    }

    /// Every problem in order.
    pub fn problems(&self) -> impl Iterator<Item = &Diagnostic> {
        self.readmes.iter().flat_map(|readme| &readme.problems)
    }
}

/// A line for each README and each scenario, and one for the whole.
#[must_use]
pub fn text(checked: &Checked) -> String {
    let mut out = String::new();
    let (mut claims, mut scenarios, mut others) = (0, 0, 0);
    for readme in &checked.readmes {
        let problems = readme.problems.len() as u64;
        let end = match problems {
            0 => "true".to_owned(),
            n => words::counted(n, "problem", "problems"),
        };
        out.push_str(&line(&readme.file.display().to_string(), &end));
        for one in &readme.scenarios {
            let outcome = match one.outcome {
                None => "did not run",
                Some(Outcome::Passed) => "passed",
                Some(Outcome::Failed) => "FAILED",
                Some(Outcome::Inconclusive) => "INCONCLUSIVE",
                Some(Outcome::Invalid) => "INVALID",
            };
            let took = one.took.map_or("–".to_owned(), seconds);
            let rows = words::counted(one.claims as u64, "claim", "claims");
            let name = format!("  {}", one.file.display());
            out.push_str(&line(&name, &format!("{rows:>9}  {outcome:<6} {took:>8}")));
            claims += one.claims;
            scenarios += 1;
        }
        for file in &readme.written {
            out.push_str(&line(&format!("  {}", file.display()), "written"));
        }
        others += readme.commands_not_checked;
    }
    let plural = |n: usize, one, many| words::counted(n as u64, one, many);
    let commands = checked.readmes.iter().map(|readme| readme.commands).sum();
    let checks = format!(
        "{}, {}, {}, {}",
        plural(checked.readmes.len(), "README", "READMEs"),
        plural(scenarios, "scenario", "scenarios"),
        plural(claims, "claim", "claims"),
        plural(commands, "command", "commands"),
    );
    out.push_str(&line(&checks, &format!("in {}", seconds(checked.took))));
    if 0 < others {
        let what = plural(others, "command of another program", "commands of other programs");
        out.push_str(&format!("not checked: {what}\n"));
    }
    out
}

fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}

/// A line with something at its end; what does not fit is cut at its start.
fn line(start: &str, end: &str) -> String {
    let room = WIDTH.saturating_sub(end.chars().count() + 2);
    let letters: Vec<char> = start.chars().collect();
    let start: String = match letters.len().checked_sub(room) {
        None | Some(0) => letters.into_iter().collect(),
        Some(over) => std::iter::once('…').chain(letters.into_iter().skip(over + 1)).collect(),
    };
    format!("{start:<room$}  {end}\n")
}

/// The format's version: raised when a reader of the old form would misread the new.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Report<'a> {
    version: u32,
    outcome: Outcome,
    seconds: f64,
    readmes: Vec<Readme<'a>>,
}

#[derive(Serialize)]
struct Readme<'a> {
    file: String,
    scenarios: Vec<Scenario>,
    commands: usize,
    commands_not_checked: usize,
    problems: &'a [Diagnostic],
    written: Vec<String>,
}

#[derive(Serialize)]
struct Scenario {
    file: String,
    claims: usize,
    outcome: Option<Outcome>,
    seconds: Option<f64>,
}

impl<'a> Readme<'a> {
    fn new(one: &'a ReadmeResult) -> Self {
        let scenario = |one: &ScenarioResult| Scenario {
            file: one.file.display().to_string(),
            claims: one.claims,
            outcome: one.outcome,
            seconds: one.took.map(|took| took.as_secs_f64()),
        };
        Self {
            file: one.file.display().to_string(),
            scenarios: one.scenarios.iter().map(scenario).collect(),
            commands: one.commands,
            commands_not_checked: one.commands_not_checked,
            problems: &one.problems,
            written: one.written.iter().map(|file| file.display().to_string()).collect(),
        }
    }
}

/// The same for programs, ending with a newline.
#[must_use]
pub fn json(checked: &Checked) -> String {
    let report = Report {
        version: VERSION,
        outcome: if checked.passed() { Outcome::Passed } else { Outcome::Failed },
        seconds: checked.took.as_secs_f64(),
        readmes: checked.readmes.iter().map(Readme::new).collect(),
    };
    // Strings and numbers only: JSON holds them all.
    let mut text = serde_json::to_string_pretty(&report).unwrap_or_default();
    text.push('\n');
    text
}
