//! Measurements in JSON lines: an object a line with the fields `ttft`, `tokens`
//! and `total`, others beside them ignored.

use std::ops::Range;

use seam::diagnostic::{Diagnostic, Source};
use serde_json::{Map, Value};

use super::csv::lines;
use super::measurement::{Cell, FIELDS, Measurement, Unit, measurement, missing};

pub(super) fn read(
    source: &Source,
    unit: Unit,
    problems: &mut Vec<Diagnostic>,
) -> Vec<Measurement> {
    let lines = lines(source.text(), 0).filter(|(_, line)| !line.trim().is_empty());
    lines.filter_map(|(offset, line)| row(source, offset, line, unit, problems)).collect()
}

fn row(
    source: &Source,
    offset: usize,
    line: &str,
    unit: Unit,
    problems: &mut Vec<Diagnostic>,
) -> Option<Measurement> {
    let whole = offset..offset + line.len();
    let object: Map<String, Value> = match serde_json::from_str(line) {
        Ok(object) => object,
        Err(error) => {
            let at = (offset + error.column().saturating_sub(1)).min(whole.end);
            let message = "this line is not a JSON object";
            let problem = Diagnostic::error(source, at..at, message);
            problems.push(problem.label(reason(&error)).help(EXAMPLE));
            return None;
        }
    };
    let cell = |name: &str| {
        let place = place(line, name, object.get(name)?);
        let text = line.get(place.clone()).unwrap_or_default();
        Some(Cell { text, span: offset + place.start..offset + place.end })
    };
    match FIELDS.map(cell) {
        [Some(ttft), Some(tokens), Some(total)] => {
            measurement(source, [ttft, tokens, total], unit, problems)
        }
        _ => {
            let names: Vec<Cell<'_>> = object
                .keys()
                .map(|name| {
                    let at = line.find(&format!("\"{name}\"")).unwrap_or_default();
                    let begin = offset + at + 1;
                    Cell { text: name, span: begin..begin + name.len() }
                })
                .collect();
            missing(source, whole, "field", &names, problems);
            None
        }
    }
}

const EXAMPLE: &str = "a line looks like {\"ttft\": 412.5, \"tokens\": 120, \"total\": 1930}";

/// An error's reason without its place, which the diagnostic shows.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_owned()
}

/// Where the value of a key stands in a line of JSON that has it.
fn place(line: &str, key: &str, value: &Value) -> Range<usize> {
    let quoted = format!("\"{key}\"");
    let mut places = line.match_indices(&quoted).filter_map(|(at, _)| {
        let rest = line.get(at + quoted.len()..)?;
        let text = rest.trim_start().strip_prefix(':')?.trim_start();
        let begin = line.len() - text.len();
        // The same name may stand in another object of the line, or in a text.
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
        let found = values.next()?.ok()?;
        (found == *value).then(|| begin..begin + values.byte_offset())
    });
    places.next().unwrap_or(0..line.len())
}
