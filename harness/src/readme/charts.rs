//! The chart of each scenario: a file beside the README, shown in it, as the run
//! draws it.

use std::path::{Path, PathBuf};

use seam::diagnostic::Diagnostic;

use super::claims::Section;
use super::document::{Document, Item};
use super::fix::{Fix, Problem};
use super::observe::Ran;
use crate::scenario::join;

/// The chart's file name.
fn name(section: &Section<'_>) -> String {
    format!("{}.svg", section.stem())
}

/// The chart of one scenario.
pub(super) fn examine(
    document: &Document,
    folder: &Path,
    section: &Section<'_>,
    ran: &Ran,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    let name = name(section);
    let path = join(folder, &name);
    let shown = document.items.iter().find_map(|item| match item {
        Item::Image { target, span } if join(folder, target) == path => Some(span.clone()),
        _ => None,
    });
    let place = shown.clone().unwrap_or_else(|| section.span.clone());
    let source = &document.source;
    if shown.is_none() {
        let diagnostic = Diagnostic::error(
            source,
            section.span.clone(),
            format!("the README does not show the chart of `{}`", section.file.display()),
        )
        .help(format!("put the image `![…]({name})` after its table"));
        problems.push(match section.tables.last() {
            Some(table) => {
                let alt = format!("{}: answers by backend and latency over time", section.stem());
                let end = table.span.end;
                Problem::with_fix(diagnostic, Fix::Text(end..end, format!("\n\n![{alt}]({name})")))
            }
            None => diagnostic.into(),
        });
    }
    let message = match std::fs::read(&path) {
        Ok(bytes) if bytes == ran.chart.as_bytes() => return problems,
        Ok(_) => format!("`{name}` is not the chart that the run gives"),
        Err(error) => format!("cannot read the chart `{}`: {error}", path.display()),
    };
    let diagnostic = Diagnostic::error(source, place, message);
    problems.push(Problem::with_fix(diagnostic, Fix::File(path, ran.chart.clone())));
    problems
}

/// Images of other files must exist, too.
pub(super) fn other_images(
    document: &Document,
    folder: &Path,
    sections: &[Section<'_>],
) -> Vec<Problem> {
    let charts: Vec<PathBuf> = sections.iter().map(|one| join(folder, &name(one))).collect();
    let missing = |item: &Item| match item {
        Item::Image { target, span } if !target.contains("://") && !target.starts_with('/') => {
            let path = join(folder, target);
            let here = charts.contains(&path) || path.exists();
            let message = format!("there is no image `{}`", path.display());
            (!here).then(|| Diagnostic::error(&document.source, span.clone(), message).into())
        }
        _ => None,
    };
    document.items.iter().filter_map(missing).collect()
}
