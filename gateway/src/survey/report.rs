//! The summary as text, no line wider than a terminal.

use std::fmt::{self, Write as _};

use super::{Kind, Missing, Survey};

/// Columns of the whole table.
const WIDTH: usize = 80;

/// Columns left for the message.
const MESSAGE: usize = WIDTH - "documents  alone  times  ".len();

/// The summary for people; `rows` bounds the list of what is missing.
pub(crate) fn table(survey: &Survey, rows: usize) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write(survey, rows, &mut text);
    text
}

fn write(survey: &Survey, rows: usize, out: &mut String) -> fmt::Result {
    let Survey { files, others, load, warned, kinds, missing, .. } = survey;
    let documents = survey.documents.len();
    writeln!(out, "{files} files: {documents} policy documents and fragments, {others} other")?;
    writeln!(out, "{load:>9} load{}, {warned} of them with warnings", share(*load, documents))?;
    writeln!(out, "{:>9} do not", documents - load)?;
    if missing.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nWhat keeps them from loading, by kind:\n\ndocuments  times  kind")?;
    for Kind { kind, documents, times } in kinds {
        writeln!(out, "{documents:>9} {times:>6}  {kind}")?;
    }
    writeln!(out, "\nOne by one (alone: documents that have no other problem):\n")?;
    writeln!(out, "documents  alone  times  what")?;
    for Missing { documents, alone, times, what, .. } in missing.iter().take(rows) {
        writeln!(out, "{documents:>9} {alone:>6} {times:>6}  {}", cut(what))?;
    }
    if rows < missing.len() {
        writeln!(out, "… and {} more: `--format json` has them all", missing.len() - rows)?;
    }
    Ok(())
}

fn share(part: usize, whole: usize) -> String {
    match (part * 1000).checked_div(whole) {
        Some(share) => format!(" ({}.{} %)", share / 10, share % 10),
        None => String::new(),
    }
}

/// One line of a bounded width.
fn cut(message: &str) -> String {
    let line: String = message.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if line.chars().count() <= MESSAGE {
        return line;
    }
    line.chars().take(MESSAGE - 1).chain(['…']).collect()
}
