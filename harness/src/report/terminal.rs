//! The report for people: what ran, how it went over time, which promises held.
//! Plain text that fits the width it is given; colour only adds to what the
//! words and symbols already say.

mod chart;
mod paint;
mod table;
mod verdicts;

pub(crate) use verdicts::seen;

use crate::assert::{Evaluation, words};
use crate::record::{Dataset, World};

use paint::{Ink, Painter};

use super::summary;

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TerminalOptions {
    /// Columns at hand.
    pub width: usize,
    /// Whether to use ANSI colours.
    pub colour: bool,
}

impl Default for TerminalOptions {
    fn default() -> Self {
        Self { width: 80, colour: false }
    }
}

/// Narrower than this, tables and charts cannot be read; they are then cut off.
const LEAST_WIDTH: usize = 50;

/// The report as text, ending with a newline.
#[must_use]
pub fn render(dataset: &Dataset, evaluation: &Evaluation, options: &TerminalOptions) -> String {
    let painter = Painter { colour: options.colour };
    let width = options.width.clamp(LEAST_WIDTH, 160);
    let mut out = String::new();
    header(&mut out, dataset, width, painter);
    if !dataset.clients.is_empty() {
        out.push('\n');
        table::stages(&mut out, dataset, width, painter);
        out.push('\n');
        chart::over_time(&mut out, dataset, width, painter);
    }
    out.push('\n');
    verdicts::invalid(&mut out, evaluation, width, painter);
    verdicts::left_out(&mut out, dataset, width, painter);
    verdicts::assertions(&mut out, evaluation, width, painter);
    verdicts::checks(&mut out, evaluation, width, painter);
    verdicts::account(&mut out, dataset, evaluation, width, painter);
    verdicts::notes(&mut out, dataset, width, painter);
    out.push('\n');
    verdicts::overall(&mut out, dataset, evaluation, width, painter);
    out
}

fn header(out: &mut String, dataset: &Dataset, width: usize, painter: Painter) {
    let world = match dataset.world {
        World::Virtual => "virtual time",
        World::Real => "real time",
    };
    let requests = dataset.clients.len() as u64;
    let facts = format!(
        "seed {} · {} of {world} · {}",
        dataset.seed,
        clock(summary::length(dataset).as_secs_f64()),
        words::counted(requests, "request", "requests")
    );
    let room = width.saturating_sub(dataset.scenario.chars().count() + 3);
    let gap = if facts.chars().count() <= room { " · " } else { "\n" };
    out.push_str(&painter.paint(Ink::Bold, &cut(&dataset.scenario, width)));
    out.push_str(gap);
    out.push_str(&cut(&facts, width));
    out.push('\n');
}

/// A time of the run in a few characters: `0s`, `90s`, `2m`, `2m30s`, `1h5m`.
pub(super) fn clock(seconds: f64) -> String {
    if seconds.abs() < 120.0 {
        let text = format!("{seconds:.1}");
        return format!("{}s", text.strip_suffix(".0").unwrap_or(&text));
    }
    let whole = seconds.round();
    let (sign, whole) = if whole < 0.0 { ("-", -whole) } else { ("", whole) };
    let (hours, minutes, rest) = (whole / 3600.0, whole / 60.0, whole % 60.0);
    if whole < 3600.0 && rest == 0.0 {
        format!("{sign}{minutes:.0}m")
    } else if whole < 3600.0 {
        format!("{sign}{:.0}m{rest:.0}s", minutes.floor())
    } else {
        let minutes = minutes % 60.0;
        let minutes =
            if minutes < 1.0 { String::new() } else { format!("{:.0}m", minutes.floor()) };
        format!("{sign}{:.0}h{minutes}", hours.floor())
    }
}

/// Breaks text into lines of at most `width` characters at spaces; a longer word
/// gets cut.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(8);
    let mut lines = vec![String::new()];
    let mut length = 0;
    for word in text.split_whitespace() {
        let letters: Vec<char> = word.chars().collect();
        let fits = length + usize::from(0 < length) + letters.len() <= width;
        if 0 < length && !fits {
            lines.push(String::new());
            length = 0;
        }
        for (index, piece) in letters.chunks(width).enumerate() {
            if 0 < index {
                lines.push(String::new());
                length = 0;
            }
            if let Some(line) = lines.last_mut() {
                if 0 < length {
                    line.push(' ');
                    length += 1;
                }
                line.extend(piece);
                length += piece.len();
            }
        }
    }
    lines
}

/// At most `width` characters, with an ellipsis where something is missing.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(width.saturating_sub(1)).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        let cases = [(0.0, "0s"), (-0.999_8, "-1s"), (12.5, "12.5s"), (90.0, "90s"), (120.0, "2m")];
        for (seconds, text) in cases {
            assert_eq!(clock(seconds), text);
        }
        assert_eq!(clock(150.0), "2m30s");
        assert_eq!(clock(3_900.0), "1h5m");
        assert_eq!(clock(7_200.0), "2h");
    }

    #[test]
    fn wraps_at_spaces() {
        assert_eq!(wrap("one two three four", 9), ["one two", "three", "four"]);
        assert_eq!(wrap("abcdefghijkl", 8), ["abcdefgh", "ijkl"]);
        assert_eq!(wrap("", 8), [""]);
    }
}
