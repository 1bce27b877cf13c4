//! Measurements in CSV: a header with the columns `ttft`, `tokens` and `total` in
//! any order, others beside them ignored.

use seam::diagnostic::{Diagnostic, Source};

use super::measurement::{Cell, FIELDS, Measurement, Unit, measurement, missing};

pub(super) fn read(
    source: &Source,
    unit: Unit,
    problems: &mut Vec<Diagnostic>,
) -> Vec<Measurement> {
    let text = source.text();
    // A byte order mark is what some spreadsheets put first.
    let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut lines = lines(text, start).filter(|(_, line)| !line.trim().is_empty());
    let Some((offset, header)) = lines.next() else { return Vec::new() };
    let names = cells(header, offset);
    let Some(places) = columns(source, &names, offset, header, problems) else {
        return Vec::new();
    };
    let mut rows = Vec::new();
    for (offset, line) in lines {
        let cells = cells(line, offset);
        let found = places.map(|at| cells.get(at).cloned());
        let [Some(ttft), Some(tokens), Some(total)] = found else {
            let span = offset..offset + line.len();
            let message = format!("{} fields instead of {}", cells.len(), names.len());
            problems.push(
                Diagnostic::error(source, span, message)
                    .label("expected as many as the header has"),
            );
            continue;
        };
        rows.extend(measurement(source, [ttft, tokens, total], unit, problems));
    }
    rows
}

/// Where the three columns are.
fn columns(
    source: &Source,
    names: &[Cell<'_>],
    offset: usize,
    header: &str,
    problems: &mut Vec<Diagnostic>,
) -> Option<[usize; 3]> {
    missing(source, offset..offset + header.len(), "column", names, problems);
    for field in FIELDS {
        let mut same = names.iter().filter(|name| name.text == field);
        if let (Some(first), Some(second)) = (same.next(), same.next()) {
            let message = format!("there are two columns `{field}`");
            let problem = Diagnostic::error(source, second.span.clone(), message);
            problems.push(problem.also(first.span.clone(), "the first"));
        }
    }
    let place = |field: &str| names.iter().position(|name| name.text == field);
    match FIELDS.map(place) {
        [Some(ttft), Some(tokens), Some(total)] if problems.is_empty() => {
            Some([ttft, tokens, total])
        }
        _ => None,
    }
}

/// Lines without their ends, and where each begins.
pub(super) fn lines(text: &str, start: usize) -> impl Iterator<Item = (usize, &str)> {
    let mut offset = start;
    text.get(start..).unwrap_or_default().split_inclusive('\n').map(move |line| {
        let at = offset;
        offset += line.len();
        (at, line.trim_end_matches(['\n', '\r']))
    })
}

/// The fields of a line, without the spaces and the quotes around them. A quoted
/// field may hold commas; line breaks and quotes in it have no place in numbers.
fn cells(line: &str, offset: usize) -> Vec<Cell<'_>> {
    let mut cells = Vec::new();
    let (mut from, mut quoted) = (0, false);
    for (at, c) in line.char_indices().chain([(line.len(), ',')]) {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted || at == line.len() => {
                let raw = line.get(from..at).unwrap_or_default();
                let text = raw.trim().trim_matches('"').trim();
                let lead = raw.find(text).unwrap_or_default();
                let begin = offset + from + lead;
                cells.push(Cell { text, span: begin..begin + text.len() });
                from = at + 1;
            }
            _ => {}
        }
    }
    cells
}
