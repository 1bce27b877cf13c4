//! One measurement, and its three fields as texts with their places.

use std::ops::Range;

use seam::diagnostic::{Diagnostic, Source};

/// One streamed answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Measurement {
    /// Time to the first token, ms.
    pub ttft_ms: f64,
    /// Tokens streamed.
    pub tokens: u32,
    /// Time to the last token, ms.
    pub total_ms: f64,
}

impl Measurement {
    /// Times between tokens: one fewer than tokens.
    pub(super) fn gaps(&self) -> u32 {
        self.tokens.saturating_sub(1)
    }

    /// Mean time between tokens, where there is one.
    pub(super) fn mean_gap(&self) -> Option<f64> {
        let gap = (self.total_ms - self.ttft_ms) / f64::from(self.gaps());
        (0 < self.gaps() && 0.0 < gap).then_some(gap)
    }
}

/// What times are given in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Unit {
    /// Milliseconds.
    Ms,
    /// Seconds.
    S,
}

impl Unit {
    fn millis(self) -> f64 {
        match self {
            Self::Ms => 1.0,
            Self::S => 1_000.0,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Ms => "milliseconds, such as 412.5",
            Self::S => "seconds, such as 0.4125",
        }
    }
}

/// The fields a measurement has.
pub(super) const FIELDS: [&str; 3] = ["ttft", "tokens", "total"];

/// The longest answer, so that a fit ends.
const MOST_TOKENS: u32 = 1_000_000;

/// The longest time: an hour.
const MOST_MS: f64 = 3.6e6;

/// A field's text, and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Cell<'a> {
    pub text: &'a str,
    pub span: Range<usize>,
}

/// Makes a measurement of three fields; notes what is wrong with them.
pub(super) fn measurement(
    source: &Source,
    [ttft, tokens, total]: [Cell<'_>; 3],
    unit: Unit,
    problems: &mut Vec<Diagnostic>,
) -> Option<Measurement> {
    let before = problems.len();
    let ttft_ms = time(source, "ttft", &ttft, unit, problems);
    let count = count(source, &tokens, problems);
    let total_ms = time(source, "total", &total, unit, problems);
    if problems.len() != before {
        return None;
    }
    let (ttft_ms, tokens, total_ms) = (ttft_ms?, count?, total_ms?);
    if total_ms < ttft_ms {
        let message = "`total` is less than `ttft`";
        problems.push(
            Diagnostic::error(source, total.span, message)
                .label(format!("expected {} or more", ttft.text))
                .also(ttft.span, "the first token")
                .help("`total` is the time from the request to the last token"),
        );
        return None;
    }
    Some(Measurement { ttft_ms, tokens, total_ms })
}

fn time(
    source: &Source,
    name: &str,
    cell: &Cell<'_>,
    unit: Unit,
    problems: &mut Vec<Diagnostic>,
) -> Option<f64> {
    let parsed = cell.text.parse::<f64>().ok().map(|time| time * unit.millis());
    let time = parsed.filter(|time| 0.0 < *time && *time <= MOST_MS);
    if time.is_none() {
        let message = format!("`{name}` is `{}`", cell.text);
        let label = match parsed {
            Some(time) if MOST_MS < time => "expected an hour at most".to_owned(),
            _ => format!("expected a number of {}", unit.words()),
        };
        problems.push(Diagnostic::error(source, cell.span.clone(), message).label(label));
    }
    time
}

fn count(source: &Source, cell: &Cell<'_>, problems: &mut Vec<Diagnostic>) -> Option<u32> {
    let parsed = cell.text.parse::<u32>().ok();
    let count = parsed.filter(|count| (1..=MOST_TOKENS).contains(count));
    if count.is_none() {
        let message = format!("`tokens` is `{}`", cell.text);
        let label = format!("expected a whole number from 1 to {MOST_TOKENS}");
        problems.push(Diagnostic::error(source, cell.span.clone(), message).label(label));
    }
    count
}

/// Says that fields are missing, with the names that may be meant.
pub(super) fn missing(
    source: &Source,
    place: Range<usize>,
    kind: &str,
    names: &[Cell<'_>],
    problems: &mut Vec<Diagnostic>,
) {
    for field in FIELDS.iter().filter(|field| names.iter().all(|name| name.text != **field)) {
        let others = names.iter().filter(|name| !FIELDS.contains(&name.text));
        let near = seam::diagnostic::nearest(field, others.clone().map(|name| name.text));
        let near = others.clone().find(|name| Some(name.text) == near);
        problems.push(match near {
            Some(near) => {
                let message = format!("there is no {kind} `{field}`");
                Diagnostic::error(source, near.span.clone(), message)
                    .label(format!("unknown: `{}`", near.text))
                    .help(format!("did you mean `{field}`?"))
            }
            None => {
                Diagnostic::error(source, place.clone(), format!("there is no {kind} `{field}`"))
                    .label(format!("expected {kind}s {}", FIELDS.join(", ")))
            }
        });
    }
}
