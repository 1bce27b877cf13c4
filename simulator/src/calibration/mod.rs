//! A latency profile from measurements of a real deployment: read them
//! (`csv`, `jsonl`), fit the model of [`crate::latency`] to them (`fit`), say how
//! well it fits (`quality`).
//!
//! A measurement is one streamed answer: time to its first token, tokens, time to
//! its last token. What that cannot tell (the share of the prompt, the hour, the
//! load) stays in the fitted times, and the profile adds nothing for it.

mod csv;
mod fit;
mod jsonl;
mod measurement;
mod mixture;
mod quality;
#[cfg(test)]
mod tests;

use std::path::Path;

use seam::diagnostic::{Diagnostic, Source};

pub(crate) use fit::{Fit, Offer, fit};
pub(crate) use measurement::{Measurement, Unit};
pub(crate) use quality::{Comparison, compare};

/// Fewer measurements say too little.
const FEWEST: usize = 20;

/// Problems shown at once; a wrong unit makes one of every line.
const MOST_PROBLEMS: usize = 10;

/// The measurements of a file: JSON lines by its name or its first character, CSV
/// otherwise.
pub(crate) fn read(source: &Source, unit: Unit) -> Result<Vec<Measurement>, Vec<Diagnostic>> {
    let extension = Path::new(source.name()).extension().and_then(|name| name.to_str());
    let lines = match extension {
        Some("jsonl" | "ndjson") => true,
        Some("csv") => false,
        _ => source.text().trim_start().starts_with('{'),
    };
    let mut problems = Vec::new();
    let rows = if lines {
        jsonl::read(source, unit, &mut problems)
    } else {
        csv::read(source, unit, &mut problems)
    };
    if problems.is_empty() && rows.len() < FEWEST {
        let (name, found) = (source.name(), rows.len());
        let message = format!("a fit needs {FEWEST} measurements at least; `{name}` has {found}");
        problems.push(Diagnostic::without_source(message));
    }
    let more = problems.len().saturating_sub(MOST_PROBLEMS);
    if 0 < more {
        problems.truncate(MOST_PROBLEMS);
        problems.push(Diagnostic::without_source(format!("{more} more problems like these")));
    }
    if problems.is_empty() { Ok(rows) } else { Err(problems) }
}
