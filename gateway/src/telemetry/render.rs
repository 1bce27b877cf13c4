//! A trace as text for people: one line per thing that happened, indented as
//! policies nest, at most 80 columns. What is cut is whole in the JSON.

use std::fmt::Write as _;

use super::tracer::{Trace, TraceEntry, TraceEvent};

const WIDTH: usize = 80;

/// The whole trace.
pub(crate) fn text(trace: &Trace) -> String {
    let mut out = String::new();
    let title = format!(
        "{} {} -> {} after {}",
        trace.method,
        trace.path,
        trace.status,
        duration(trace.duration_us)
    );
    push(&mut out, &title);
    push(&mut out, "seconds");
    let mut open = Open::default();
    for entry in &trace.entries {
        entry_lines(&mut out, entry, &mut open);
    }
    if 0 < trace.dropped {
        push(&mut out, &format!("{} more entries were left out", trace.dropped));
    }
    out
}

/// The paths of the policies around the present entry, by depth.
#[derive(Default)]
struct Open(Vec<(u16, String)>);

impl Open {
    /// A policy's path as seen from the policy around it: `when[1]/retry[1]`.
    fn enter(&mut self, depth: u16, path: &str) -> String {
        while self.0.pop_if(|(outer, _)| depth <= *outer).is_some() {}
        let inside = self.0.last().and_then(|(_, outer)| path.strip_prefix(outer.as_str()));
        let shown = inside.and_then(|rest| rest.strip_prefix('/')).unwrap_or(path).to_owned();
        self.0.push((depth, path.to_owned()));
        shown
    }
}

fn entry_lines(out: &mut String, entry: &TraceEntry, open: &mut Open) {
    #[expect(clippy::cast_precision_loss, reason = "microseconds of a request fit a double")]
    let seconds = entry.at_us as f64 / 1e6;
    let indent = "  ".repeat(usize::from(entry.depth.min(15)));
    let place = match &entry.what {
        TraceEvent::Policy { path, .. } => open.enter(entry.depth, path),
        _ => String::new(),
    };
    for (at, line) in lines(&entry.what, &place).into_iter().enumerate() {
        let time = if at == 0 { format!("{seconds:>8.3}") } else { " ".repeat(8) };
        push(out, &format!("{time} {indent}{}", one_line(&line)));
    }
}

fn lines(what: &TraceEvent, place: &str) -> Vec<String> {
    match what {
        TraceEvent::Section { section } => vec![format!("[{section}]")],
        TraceEvent::Policy { policy, scope, id, duration_us, outcome, path: _ } => {
            let mut line = (*policy).to_owned();
            // The first of its name needs no number.
            if place.strip_suffix("[1]") != Some(*policy) {
                let _ = write!(line, " at {place}");
            }
            let _ = write!(line, " ({scope}");
            if !id.is_empty() {
                let _ = write!(line, ", id {id}");
            }
            line.push(')');
            if 1_000 <= *duration_us {
                let _ = write!(line, " {}", duration(*duration_us));
            }
            match *outcome {
                "respond" => line += ": ends the pipeline",
                "error" => line += ": failed",
                _ => {}
            }
            vec![line]
        }
        TraceEvent::Expression { text, value, kind, failed } => {
            let result = match failed {
                false if kind == "null" => "= null".to_owned(),
                false => format!("= {value} ({})", short(kind)),
                true => format!("! {}: {value}", short(kind)),
            };
            vec![text.clone(), result]
        }
        TraceEvent::Variable { name, value: Some(value), kind } => match kind.as_str() {
            "null" => vec![format!("variable {name} = null")],
            kind => vec![format!("variable {name} = {value} ({})", short(kind))],
        },
        TraceEvent::Variable { name, value: None, .. } => {
            vec![format!("variable {name} is removed")]
        }
        TraceEvent::Header { of, name, values } if values.is_empty() => {
            vec![format!("{of} header {name} is removed")]
        }
        TraceEvent::Header { of, name, values } => {
            vec![format!("{of} header {name}: {}", values.join(" | "))]
        }
        TraceEvent::Target { method, url } => vec![format!("request {method} {url}")],
        TraceEvent::Status { status, reason } => vec![format!("response {status} {reason}")],
        TraceEvent::Body { of, bytes, state } => match bytes {
            Some(bytes) => vec![format!("{of} body {bytes} bytes")],
            None => vec![format!("{of} body {state}")],
        },
        TraceEvent::Call { backend, pool, status, duration_us } => {
            let pool = pool.as_ref().map(|pool| format!(" of {pool}")).unwrap_or_default();
            let answer = status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
            vec![format!("call {backend}{pool} -> {answer} after {}", duration(*duration_us))]
        }
        TraceEvent::Wait { duration_us } => vec![format!("waited {}", duration(*duration_us))],
        TraceEvent::Message(message) => {
            let mut lines =
                vec![format!("{} {}: {}", message.severity, message.source, message.message)];
            lines.extend(message.metadata.iter().map(|(name, value)| format!("  {name}: {value}")));
            lines
        }
        TraceEvent::Metric(metric) => {
            let mut lines =
                vec![format!("metric {}/{} = {}", metric.namespace, metric.name, metric.value)];
            lines
                .extend(metric.dimensions.iter().map(|(name, value)| format!("  {name}: {value}")));
            lines
        }
        TraceEvent::Event(event) => vec![format!("event for {}: {}", event.logger, event.body)],
        TraceEvent::Error { source, reason, message } => {
            let source = if source.is_empty() { "" } else { source.as_str() };
            vec![format!("error {reason} in {source}: {message}")]
        }
    }
}

/// `System.String` is `String` here.
fn short(kind: &str) -> &str {
    if kind.contains('`') {
        return kind;
    }
    kind.rsplit('.').next().unwrap_or(kind)
}

/// White space of any length is one space.
fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let leading = text.len() - text.trim_start_matches(' ').len();
    format!("{}{}", " ".repeat(leading.min(8)), words.join(" "))
}

fn push(out: &mut String, line: &str) {
    let line = line.trim_end();
    if line.chars().count() <= WIDTH {
        out.push_str(line);
    } else {
        out.extend(line.chars().take(WIDTH - 1));
        out.push('…');
    }
    out.push('\n');
}

/// `2 s`, `10 ms`, `350 us`.
fn duration(us: u64) -> String {
    let trimmed = |whole: u64, fraction: u64| {
        let text = format!("{whole}.{fraction:03}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    match us {
        0 => "0 s".to_owned(),
        us if us < 1_000 => format!("{us} us"),
        us if us < 1_000_000 => format!("{} ms", trimmed(us / 1_000, us % 1_000)),
        us => format!("{} s", trimmed(us / 1_000_000, us % 1_000_000 / 1_000)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        let shown = [0, 350, 10_000, 1_250, 2_000_000, 61_500_000].map(duration);
        assert_eq!(shown, ["0 s", "350 us", "10 ms", "1.25 ms", "2 s", "61.5 s"]);
    }

    #[test]
    fn no_line_is_longer_than_a_terminal() {
        let entry = TraceEntry {
            at_us: 1,
            depth: 40,
            what: TraceEvent::Expression {
                text: "@(\n    é".repeat(100),
                value: "x".to_owned(),
                kind: "System.String".to_owned(),
                failed: false,
            },
        };
        let mut out = String::new();
        entry_lines(&mut out, &entry, &mut Open::default());
        assert!(out.lines().all(|line| line.chars().count() <= WIDTH), "{out}");
        assert!(out.lines().next().is_some_and(|line| line.ends_with('…')), "{out}");
    }
}
