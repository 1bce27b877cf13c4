//! Tables of claims against the assertions of their scenarios, both ways.

use std::ops::Range;
use std::path::{Path, PathBuf};

use seam::diagnostic::{Diagnostic, Source};

use super::document::{Document, Item, Row, Table};
use super::fix::{Fix, Problem};
use super::markdown;
use super::observe::Ran;
use crate::assert::{AssertionResult, Outcome, ReconciliationState, Verdict};
use crate::report::terminal::seen;
use crate::scenario::join;

/// The columns of a table of claims.
const COLUMNS: [&str; 3] = ["Assertion", "Claim", "Observed"];

/// A scenario the README links, with the tables that follow the link.
#[derive(Debug)]
pub(super) struct Section<'a> {
    /// As to be printed.
    pub file: PathBuf,
    /// The link.
    pub span: Range<usize>,
    pub tables: Vec<&'a Table>,
}

impl Section<'_> {
    /// The file's name without `.toml`; the chart's, too.
    pub(super) fn stem(&self) -> String {
        self.file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// How many claims it makes.
    pub(super) fn claims(&self) -> usize {
        self.tables.iter().map(|table| table.rows.len()).sum()
    }
}

/// The scenarios in order of their first link; several links to one are one.
pub(super) fn sections<'a>(
    document: &'a Document,
    folder: &Path,
) -> (Vec<Section<'a>>, Vec<Problem>) {
    let mut sections: Vec<Section<'a>> = Vec::new();
    let mut problems = Vec::new();
    let mut current: Option<usize> = None;
    for item in &document.items {
        match item {
            Item::Link { target, span } if is_scenario(target) => {
                let file = join(folder, target);
                let known = sections.iter().position(|one| one.file == file);
                current = Some(known.unwrap_or_else(|| {
                    sections.push(Section { file, span: span.clone(), tables: Vec::new() });
                    sections.len() - 1
                }));
            }
            Item::Table(table) if is_claims(table) => {
                problems.extend(header_problem(&document.source, table));
                match current.take().and_then(|index| sections.get_mut(index)) {
                    Some(section) => section.tables.push(table),
                    None => problems.push(
                        Diagnostic::error(
                            &document.source,
                            table.header.span.clone(),
                            "this table of claims has no scenario",
                        )
                        .help(
                            "link the scenario file before each table: `../../scenarios/NAME.toml`",
                        )
                        .into(),
                    ),
                }
            }
            _ => {}
        }
    }
    (sections, problems)
}

/// A relative link to a TOML file in a folder called `scenarios`.
fn is_scenario(target: &str) -> bool {
    let path = Path::new(target);
    let folder = path.parent().and_then(Path::file_name);
    !target.contains("://")
        && path.extension().is_some_and(|extension| extension == "toml")
        && folder.is_some_and(|folder| folder == "scenarios")
}

fn is_claims(table: &Table) -> bool {
    let [first, ..] = COLUMNS;
    table.header.cells.first().is_some_and(|cell| cell.text.eq_ignore_ascii_case(first))
}

fn header_problem(source: &Source, table: &Table) -> Option<Problem> {
    let columns: Vec<&str> = table.header.cells.iter().map(|cell| cell.text.as_str()).collect();
    let problem = Diagnostic::error(
        source,
        table.header.span.clone(),
        "a table of claims has other columns than expected",
    )
    .label(format!("expected {}", markdown::row(&COLUMNS)));
    (columns != COLUMNS).then(|| problem.into())
}

/// Holds the rows of a section against its run.
pub(super) fn examine(source: &Source, section: &Section<'_>, ran: &Ran) -> Vec<Problem> {
    let mut problems = Vec::new();
    let file = section.file.display().to_string();
    problems.extend(outcome_problem(source, section, ran));
    let Some(last) = section.tables.last() else {
        let columns = markdown::row(&COLUMNS);
        let problem = Diagnostic::error(
            source,
            section.span.clone(),
            format!("no table of claims follows the link to `{file}`"),
        );
        problems.push(problem.help(format!("put a table {columns} after the link")).into());
        return problems;
    };
    let assertions = &ran.evaluation.assertions;
    let mut claimed: Vec<(&str, Range<usize>)> = Vec::new();
    for row in section.tables.iter().flat_map(|table| &table.rows) {
        let place = row.cells.first().map_or_else(|| row.span.clone(), |cell| cell.span.clone());
        let place = if place.is_empty() { row.span.clone() } else { place };
        let Some(id) = id(row) else {
            let problem = Diagnostic::error(source, place, "the row names no assertion");
            problems.push(problem.label("expected an id in backticks, such as `all-200`").into());
            continue;
        };
        if let Some((_, first)) = claimed.iter().find(|(one, _)| *one == id) {
            let problem = Diagnostic::error(source, place, format!("`{id}` is claimed twice"));
            problems.push(problem.also(first.clone(), "first here").into());
            continue;
        }
        claimed.push((id, place.clone()));
        match assertions.iter().find(|one| one.id == id) {
            Some(result) => examine_row(source, row, place, result, &mut problems),
            None => problems.push(unknown(source, place, id, &file, assertions)),
        }
    }
    for result in assertions {
        if claimed.iter().all(|(id, _)| *id != result.id) {
            problems.push(unclaimed(source, last, result, &file));
        }
    }
    problems
}

/// What the run says of itself beside its assertions.
fn outcome_problem(source: &Source, section: &Section<'_>, ran: &Ran) -> Option<Problem> {
    let evaluation = &ran.evaluation;
    let file = section.file.display();
    let problem = |message: String| Diagnostic::error(source, section.span.clone(), message);
    if evaluation.outcome == Outcome::Invalid {
        let reasons = evaluation.validity.reasons.iter();
        let problem = problem(format!("the run of `{file}` is invalid: it proves nothing"));
        Some(reasons.fold(problem, |problem, reason| problem.help(reason.clone())).into())
    } else if evaluation.reconciliation.state == ReconciliationState::Mismatched {
        let problem = problem(format!("the records of the run of `{file}` do not agree"));
        Some(problem.help(evaluation.reconciliation.message.clone()).into())
    } else {
        None
    }
}

/// The id in the first cell: one piece of code and nothing else.
fn id(row: &Row) -> Option<&str> {
    let inner = row.cells.first()?.text.strip_prefix('`')?.strip_suffix('`')?;
    (!inner.is_empty() && !inner.contains('`')).then_some(inner)
}

fn examine_row(
    source: &Source,
    row: &Row,
    place: Range<usize>,
    result: &AssertionResult,
    problems: &mut Vec<Problem>,
) {
    if result.verdict != Verdict::Passed {
        let problem =
            Diagnostic::error(source, place, format!("`{}` {}", result.id, verdict(result)));
        problems.push(problem.help(seen(result)).help(result.message.clone()).into());
        return;
    }
    let [claim, observed] = wanted_cells(result);
    let whole = wanted_row(result);
    for (index, new, what) in [
        (1, claim, "the claim is not the scenario's"),
        (2, observed, "the figures are not what the run gives"),
    ] {
        let cell = row.cells.get(index);
        let shown = cell.map_or("", |cell| cell.text.as_str());
        if shown == new {
            continue;
        }
        let span = cell.map(|cell| cell.span.clone()).filter(|span| !span.is_empty());
        let diagnostic = Diagnostic::error(
            source,
            span.unwrap_or_else(|| place.clone()),
            format!("`{}`: {what}", result.id),
        )
        .help(difference(shown, &new));
        problems.push(Problem::with_fix(diagnostic, Fix::Text(row.span.clone(), whole.clone())));
    }
}

/// Claim and observation.
fn wanted_cells(result: &AssertionResult) -> [String; 2] {
    [markdown::cell(&result.claim), markdown::cell(&seen(result))]
}

fn wanted_row(result: &AssertionResult) -> String {
    let [claim, observed] = wanted_cells(result);
    markdown::row(&[&format!("`{}`", result.id), &claim, &observed])
}

fn verdict(result: &AssertionResult) -> &'static str {
    match result.verdict {
        Verdict::Passed => "passed",
        Verdict::Failed => "failed",
        Verdict::Inconclusive => "is inconclusive",
        Verdict::Skipped => "is skipped",
    }
}

/// Both texts below one another; of long ones that begin alike what differs.
fn difference(shown: &str, wanted: &str) -> String {
    const ALIKE: usize = 30;
    let (old, new): (Vec<char>, Vec<char>) = (shown.chars().collect(), wanted.chars().collect());
    let same = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let near = same.saturating_sub(ALIKE / 2);
    let from = old.iter().take(near).rposition(|letter| *letter == ' ').map_or(0, |at| at + 1);
    let from = if same <= ALIKE { 0 } else { from };
    let tail = |letters: &[char]| {
        let lead = if from == 0 { "" } else { "…" };
        let rest: String = letters.get(from..).unwrap_or_default().iter().collect();
        if rest.is_empty() { "nothing".to_owned() } else { format!("{lead}{rest}") }
    };
    format!("was    {}\nwanted {}", tail(&old), tail(&new))
}

fn unknown(
    source: &Source,
    place: Range<usize>,
    id: &str,
    file: &str,
    assertions: &[AssertionResult],
) -> Problem {
    let ids = || assertions.iter().map(|one| one.id.as_str());
    let problem = Diagnostic::error(source, place, format!("`{file}` has no assertion `{id}`"));
    let problem = match seam::diagnostic::nearest(id, ids()) {
        Some(_) => problem.did_you_mean(id, ids()),
        None => problem.help(format!("it has {}", ids().collect::<Vec<_>>().join(", "))),
    };
    problem.into()
}

fn unclaimed(source: &Source, table: &Table, result: &AssertionResult, file: &str) -> Problem {
    let diagnostic = Diagnostic::error(
        source,
        table.header.span.clone(),
        format!("assertion `{}` of `{file}` has no row", result.id),
    )
    .label("expected in this table");
    if result.verdict != Verdict::Passed {
        return diagnostic.help(format!("it {}: {}", verdict(result), result.message)).into();
    }
    let row = wanted_row(result);
    let end = table.span.end;
    Problem::with_fix(diagnostic, Fix::Text(end..end, format!("\n{row}")))
}
