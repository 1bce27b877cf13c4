//! Measurements as text → rows. Every problem is a diagnostic with its place.

use std::ops::Range;

use seam::diagnostic::{Diagnostic, Source};
use serde_json::{Map, Value};

/// One measured request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Row {
    /// Request sent to first content token, ms.
    pub ttft_ms: f64,
    /// Request sent to last byte, ms.
    pub total_ms: f64,
    /// Tokens of the answer.
    pub completion_tokens: u64,
    /// Prompt tokens less cached ones; `None` where the file does not say.
    pub uncached_tokens: Option<u64>,
    /// Standard deviation of the times between the answer's tokens, ms.
    pub itl_std_dev_ms: Option<f64>,
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Measurements {
    pub rows: Vec<Row>,
    /// Columns that nothing was made of.
    pub ignored: Vec<String>,
}

const REQUIRED: [&str; 3] = ["ttft_ms", "completion_tokens", "total_ms"];
const OPTIONAL: [&str; 3] = ["prompt_tokens", "cached_tokens", "itl_std_dev_ms"];
/// More would hide the first.
const MOST_PROBLEMS: usize = 20;
/// An hour: longer times are in another unit, or no latencies.
const LONGEST_MS: f64 = 3_600_000.0;
const MOST_TOKENS: f64 = 10_000_000.0;

/// Reads CSV with a header, or JSON lines when the file begins with a brace.
pub(crate) fn read(source: &Source) -> Result<Measurements, Vec<Diagnostic>> {
    let mut reader = Reader { source, problems: Vec::new(), more: 0 };
    let measurements = if source.text().trim_start().starts_with('{') {
        reader.json_lines()
    } else {
        reader.csv()
    };
    if reader.problems.is_empty() && measurements.rows.is_empty() {
        let problem = Diagnostic::without_source(format!("`{}` has no measurements", source.name()));
        return Err(vec![problem.help(format!("it needs the columns {}", REQUIRED.join(", ")))]);
    }
    if 0 < reader.more {
        let more = format!("and {} more problems", reader.more);
        reader.problems.push(Diagnostic::without_source(more));
    }
    if reader.problems.is_empty() { Ok(measurements) } else { Err(reader.problems) }
}

/// Numbers of one row by column: the required ones, then the optional.
#[derive(Default)]
struct Cells {
    values: [Option<(f64, Range<usize>)>; 6],
}

impl Cells {
    fn slot(&mut self, name: &str) -> Option<&mut Option<(f64, Range<usize>)>> {
        let index = columns().position(|column| column == name)?;
        self.values.get_mut(index)
    }
}

fn columns() -> impl Iterator<Item = &'static str> {
    REQUIRED.into_iter().chain(OPTIONAL)
}

struct Reader<'a> {
    source: &'a Source,
    problems: Vec<Diagnostic>,
    more: usize,
}

impl Reader<'_> {
    fn problem(&mut self, span: Range<usize>, message: impl Into<String>) {
        self.report(Diagnostic::error(self.source, span, message));
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        if self.problems.len() < MOST_PROBLEMS {
            self.problems.push(diagnostic);
        } else {
            self.more += 1;
        }
    }

    fn csv(&mut self) -> Measurements {
        let text = self.source.text().to_owned();
        let mut records = Records::new(&text);
        let Some(header) = records.next() else { return Measurements::default() };
        let names: Vec<String> =
            header.iter().map(|field| field.text.trim().to_ascii_lowercase()).collect();
        let ignored: Vec<String> =
            names.iter().filter(|name| !columns().any(|known| known == *name)).cloned().collect();
        let whole = header.first().map_or(0, |field| field.span.start)
            ..header.last().map_or(0, |field| field.span.end);
        let mut complete = true;
        for required in REQUIRED {
            match names.iter().filter(|name| *name == required).count() {
                1 => {}
                0 => {
                    complete = false;
                    let problem =
                        Diagnostic::error(self.source, whole.clone(), format!("no column `{required}`"));
                    let near = seam::diagnostic::nearest(required, ignored.iter().map(String::as_str));
                    self.report(match near {
                        Some(near) => problem.help(format!("is it `{near}`? Rename that column")),
                        None => problem.help(format!(
                            "the first line names the columns: {}; optional: {}",
                            REQUIRED.join(", "),
                            OPTIONAL.join(", ")
                        )),
                    });
                }
                _ => {
                    complete = false;
                    self.problem(whole.clone(), format!("column `{required}` twice"));
                }
            }
        }
        let mut rows = Vec::new();
        if complete {
            for record in records {
                if record.len() != names.len() {
                    let span = record.first().map_or(0, |field| field.span.start)
                        ..record.last().map_or(0, |field| field.span.end);
                    let (found, wanted) = (record.len(), names.len());
                    self.problem(span, format!("{found} fields where the header has {wanted}"));
                    continue;
                }
                rows.extend(self.csv_row(&names, &record));
            }
        }
        Measurements { rows, ignored }
    }

    fn csv_row(&mut self, names: &[String], record: &[Field]) -> Option<Row> {
        let mut cells = Cells::default();
        let mut sound = true;
        for (name, field) in names.iter().zip(record) {
            let Some(slot) = cells.slot(name) else { continue };
            let text = field.text.trim();
            if text.is_empty() {
                continue;
            }
            match text.parse::<f64>() {
                Ok(value) if value.is_finite() => *slot = Some((value, field.span.clone())),
                _ => {
                    sound = false;
                    self.problem(field.span.clone(), format!("`{name}` is not a number"));
                }
            }
        }
        let whole = record.first()?.span.start..record.last()?.span.end;
        if sound { self.row(cells, whole) } else { None }
    }

    fn json_lines(&mut self) -> Measurements {
        let text = self.source.text().to_owned();
        let mut measurements = Measurements::default();
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            let span = start..start + line.trim_end().len();
            start += line.len();
            if line.trim().is_empty() {
                continue;
            }
            match serde_json::from_str::<Map<String, Value>>(line) {
                Ok(object) => {
                    for name in object.keys() {
                        if !columns().any(|known| known == name)
                            && !measurements.ignored.contains(name)
                        {
                            measurements.ignored.push(name.clone());
                        }
                    }
                    let row = self.json_row(&object, line, span);
                    measurements.rows.extend(row);
                }
                Err(error) => {
                    let at = span.start + error.column().saturating_sub(1).min(span.len());
                    let mut message = error.to_string();
                    // Its line is that of a text of one line.
                    if let Some(end) = message.find(" at line ") {
                        message.truncate(end);
                    }
                    self.problem(at..span.end.max(at), format!("not a JSON object: {message}"));
                }
            }
        }
        measurements
    }

    fn json_row(&mut self, object: &Map<String, Value>, line: &str, span: Range<usize>) -> Option<Row> {
        let mut cells = Cells::default();
        let mut sound = true;
        for (name, value) in object {
            let Some(slot) = cells.slot(name) else { continue };
            let place = place_of(line, name, span.clone());
            match value {
                Value::Null => {}
                Value::Number(number) => *slot = number.as_f64().map(|number| (number, place)),
                _ => {
                    sound = false;
                    self.problem(place, format!("`{name}` is not a number"));
                }
            }
        }
        if sound { self.row(cells, span) } else { None }
    }

    /// Numbers of one request → a row, when they make sense together.
    fn row(&mut self, cells: Cells, whole: Range<usize>) -> Option<Row> {
        let mut sound = true;
        for (name, cell) in columns().zip(&cells.values) {
            let Some((value, span)) = cell else {
                if REQUIRED.contains(&name) {
                    sound = false;
                    self.problem(whole.clone(), format!("`{name}` is missing"));
                }
                continue;
            };
            let tokens = name.ends_with("_tokens");
            let most = if tokens { MOST_TOKENS } else { LONGEST_MS };
            if !(0.0..=most).contains(value) {
                sound = false;
                self.problem(span.clone(), format!("`{name}` is outside 0 to {most}"));
            } else if tokens && value.fract() != 0.0 {
                sound = false;
                self.problem(span.clone(), format!("`{name}` is not a whole number"));
            }
        }
        let [ttft, completion, total, prompt, cached, deviation] = cells.values;
        let ((ttft, total), (completion, _)) = ((ttft?, total?), completion?);
        if total.0 < ttft.0 {
            sound = false;
            self.problem(total.1, "`total_ms` is less than `ttft_ms`");
        }
        if let (Some(prompt), Some(cached)) = (&prompt, &cached)
            && prompt.0 < cached.0
        {
            sound = false;
            self.problem(cached.1.clone(), "`cached_tokens` is more than `prompt_tokens`");
        }
        let cached = cached.map_or(0.0, |cached| cached.0);
        sound.then(|| Row {
            ttft_ms: ttft.0,
            total_ms: total.0,
            completion_tokens: tokens(completion),
            uncached_tokens: prompt.map(|prompt| tokens(prompt.0 - cached)),
            itl_std_dev_ms: deviation.map(|deviation| deviation.0),
        })
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be whole, not negative and below ten million"
)]
fn tokens(value: f64) -> u64 {
    value.max(0.0) as u64
}

/// Where a key's value stands in a line of JSON.
fn place_of(line: &str, key: &str, span: Range<usize>) -> Range<usize> {
    let quoted = format!("\"{key}\"");
    let found = line.find(&quoted).and_then(|at| {
        let after = at + quoted.len();
        let rest = line.get(after..)?;
        let value = rest.trim_start().strip_prefix(':')?.trim_start();
        let from = line.len() - value.len();
        let length = value.find([',', '}']).unwrap_or(value.len());
        Some(span.start + from..span.start + from + length)
    });
    found.unwrap_or(span)
}

/// A field and where it stands.
struct Field {
    text: String,
    span: Range<usize>,
}

/// Records of a text with separators: RFC 4180, and semicolons or tabs where the
/// header has those.
struct Records<'a> {
    text: &'a str,
    at: usize,
    separator: char,
}

impl<'a> Records<'a> {
    fn new(text: &'a str) -> Self {
        let header = text.lines().next().unwrap_or_default();
        let count = |separator: char| header.chars().filter(|c| *c == separator).count();
        // The comma first: the last of equals would win.
        let separator = [';', '\t', ','].into_iter().max_by_key(|c| count(*c)).unwrap_or(',');
        let at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        Self { text, at, separator }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn field(&mut self) -> Field {
        let start = self.at;
        let mut text = String::new();
        let mut quoted = false;
        let mut chars = self.rest().char_indices().peekable();
        let mut length = self.rest().len();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' if quoted && chars.peek().is_some_and(|(_, next)| *next == '"') => {
                    chars.next();
                    text.push('"');
                }
                '"' if quoted => quoted = false,
                '"' if text.trim().is_empty() => {
                    quoted = true;
                    text.clear();
                }
                c if !quoted && (c == self.separator || c == '\n') => {
                    length = at;
                    break;
                }
                '\r' if !quoted => {}
                c => text.push(c),
            }
        }
        self.at = start + length;
        let raw = self.text.get(start..self.at).unwrap_or_default();
        let lead = raw.len() - raw.trim_start().len();
        let span = start + lead..start + lead + raw.trim().len();
        Field { text, span }
    }
}

impl Iterator for Records<'_> {
    type Item = Vec<Field>;

    fn next(&mut self) -> Option<Vec<Field>> {
        // Empty lines separate nothing.
        while let Some(c) = self.rest().chars().next().filter(|c| matches!(c, '\n' | '\r')) {
            self.at += c.len_utf8();
        }
        if self.rest().trim().is_empty() {
            return None;
        }
        let mut record = Vec::new();
        loop {
            record.push(self.field());
            let Some(end) = self.rest().chars().next() else { break };
            self.at += end.len_utf8();
            if end == '\n' {
                break;
            }
        }
        Some(record)
    }
}
