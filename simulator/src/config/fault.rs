//! Faults as written → [`Fault`]. The file, the live control and the request
//! header share this, so that each can say whatever the others can.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue, StatusCode};
use seam::diagnostic::{Diagnostic, Source};
use seam::units::HumanDuration;
use serde_spanned::Spanned;

use super::model::{DeploymentConfig, FaultConfig};
use super::raw::{self, FaultKind};
use crate::catalogue::Operation;
use crate::fault::{
    Anomaly, Effect, Fault, HeaderChanges, Key, Owner, Pattern, RefusalKind, Stage, StatusFault,
    Window,
};

/// A problem with a key of a fault; the caller knows where that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FaultProblem {
    /// The key it is about; `kind` when it is about what is missing.
    pub key: &'static str,
    pub message: String,
    pub help: Option<String>,
}

/// Longer names fit no table of the metrics.
const NAME_LENGTH: usize = 64;
/// A year: no run is longer, and no sum of two overflows.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);
/// The live control is behind the same port: it must open again.
const LONGEST_REFUSAL: Duration = Duration::from_secs(86_400);
const MOST_TOKENS: u64 = 10_000_000;
const MOST_SECONDS: u64 = 366 * 86_400;
const TRICKLE_BYTES: u64 = 16;
const TRICKLE_INTERVAL: Duration = Duration::from_millis(50);

/// Names of all faults of a resource, given or made up.
#[derive(Debug, Default)]
pub(crate) struct FaultNames {
    taken: Vec<String>,
}

impl FaultNames {
    /// Names that are taken already.
    pub(crate) fn taken(names: impl IntoIterator<Item = String>) -> Self {
        Self { taken: names.into_iter().collect() }
    }

    /// Keeps the name a fault has for itself; whether nobody had it.
    pub(crate) fn keep(&mut self, name: &str) -> bool {
        let free = self.taken.iter().all(|taken| taken != name);
        if free {
            self.taken.push(name.to_owned());
        }
        free
    }

    /// A name for a fault that has none.
    pub(crate) fn invent(&mut self, kind: &str) -> String {
        let mut name = kind.to_owned();
        let mut number = 2_u64;
        while !self.keep(&name) {
            name = format!("{kind}-{number}");
            number += 1;
        }
        name
    }
}

/// Checks the faults of a resource and of its deployments, and names those that
/// have no name.
pub(super) fn check(
    source: &Source,
    own: &[Spanned<raw::Fault>],
    deployments: &[DeploymentConfig],
    problems: &mut Vec<Diagnostic>,
) -> Vec<FaultConfig> {
    let known: Vec<&str> = deployments.iter().map(|one| one.name.as_str()).collect();
    let of_deployments = deployments.iter().flat_map(|deployment| {
        let owner = Owner::Deployment(deployment.name.clone());
        deployment.written.faults.iter().map(move |fault| (fault, owner.clone()))
    });
    let all: Vec<(&Spanned<raw::Fault>, Owner)> =
        of_deployments.chain(own.iter().map(|fault| (fault, Owner::Resource))).collect();
    // A deployment of several resources brings the same problem to each.
    let mut report = |diagnostic: Diagnostic| {
        if !problems.contains(&diagnostic) {
            problems.push(diagnostic);
        }
    };
    let mut names = FaultNames::default();
    for (fault, _) in &all {
        if let Some(name) = &fault.get_ref().name
            && !names.keep(name)
        {
            let span = key_span(source, fault.span(), "name");
            report(
                Diagnostic::error(source, span, format!("duplicate fault name `{name}`"))
                    .help("a name is unique in its resource"),
            );
        }
    }
    let mut checked = Vec::new();
    for (fault, owner) in all {
        let written = fault.get_ref();
        let scope = match &owner {
            Owner::Deployment(_) => FaultScope::Deployment,
            Owner::Resource => FaultScope::Resource(&known),
        };
        let name = match &written.name {
            Some(name) => name.clone(),
            None => names.invent(kind_text(written.kind)),
        };
        match fault_from(written, &name, scope) {
            Ok(fault) => checked.push(FaultConfig { fault, written: written.clone(), owner }),
            Err(found) => {
                for problem in found {
                    let span = key_span(source, fault.span(), problem.key);
                    let diagnostic = Diagnostic::error(source, span, problem.message);
                    report(match problem.help {
                        Some(help) => diagnostic.help(help),
                        None => diagnostic,
                    });
                }
            }
        }
    }
    checked
}

/// Where a key stands in its table. Its value was read without its place, so that
/// live control can read the same type; the text is searched instead.
fn key_span(source: &Source, table: Range<usize>, key: &str) -> Range<usize> {
    let text = source.text();
    // The span of a table with a header is the header's; its keys follow.
    let from = table.start;
    let rest = text.get(from..).unwrap_or_default();
    let header = rest.starts_with("[[");
    let length = if header {
        rest.get(2..).and_then(|rest| rest.find("\n[")).map_or(rest.len(), |at| at + 2)
    } else {
        table.len()
    };
    let within = rest.get(..length).unwrap_or_default();
    let found = within.match_indices(key).find(|(at, _)| {
        let before = within.get(..*at).and_then(|text| text.chars().next_back());
        let after = within.get(at + key.len()..).unwrap_or_default().trim_start();
        before.is_none_or(|c| c.is_whitespace() || matches!(c, '{' | ',' | '"'))
            && after.trim_start_matches('"').trim_start().starts_with('=')
    });
    match found {
        Some((at, _)) => {
            // To the end of its value, as far as the line tells.
            let line = within.get(at..).and_then(|rest| rest.lines().next()).unwrap_or_default();
            let end = if header { line.len() } else { line.find([',', '}']).unwrap_or(line.len()) };
            from + at..from + at + line.get(..end).unwrap_or_default().trim_end().len()
        }
        None => table,
    }
}

/// For whom a fault is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FaultScope<'a> {
    /// A deployment.
    Deployment,
    /// A resource with these deployments.
    Resource(&'a [&'a str]),
    /// One request, in its header.
    Request,
}

/// Checks a fault. Its name is the caller's: given, or made up for the kind.
pub(crate) fn fault_from(
    raw: &raw::Fault,
    name: &str,
    scope: FaultScope<'_>,
) -> Result<Fault, Vec<FaultProblem>> {
    let mut reader = Reader { raw, problems: Vec::new() };
    reader.misplaced(scope);
    reader.name();
    let effect = reader.effect();
    let window = reader.window();
    let operations = reader.operations();
    let deployments = reader.deployments(scope);
    let probability = reader.probability();
    let stage = match (raw.stage, &effect) {
        (Some(raw::FaultStage::AfterAdmission), _) => Stage::AfterAdmission,
        (
            _,
            Effect::Status(_)
            | Effect::Reset { after_tokens: None }
            | Effect::Headers(_)
            | Effect::Refuse,
        ) => Stage::BeforeAdmission,
        _ => Stage::AfterAdmission,
    };
    // Nothing to see in an answer that is no stream.
    let stream = match effect {
        Effect::ErrorEvent { .. } => Some(true),
        _ => raw.stream,
    };
    let correlation_id = raw.correlation_id.as_ref().map(|text| match text.strip_suffix('*') {
        Some(start) => Pattern::StartsWith(start.to_owned()),
        None => Pattern::Exactly(text.clone()),
    });
    let keyed_by = match raw.keyed_by {
        Some(raw::FaultKey::CorrelationId) => Key::CorrelationId,
        Some(raw::FaultKey::Request) | None => Key::Request,
    };
    let fault = Fault {
        name: Arc::from(name),
        window,
        deployments,
        operations,
        correlation_id,
        stream,
        probability,
        keyed_by,
        skip: raw.skip.unwrap_or(0),
        count: raw.count,
        stage,
        effect,
    };
    if reader.problems.is_empty() { Ok(fault) } else { Err(reader.problems) }
}

/// A kind as the file spells it.
pub(crate) fn kind_text(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::Status => "status",
        FaultKind::Refuse => "refuse",
        FaultKind::Reset => "reset",
        FaultKind::Stall => "stall",
        FaultKind::Cut => "cut",
        FaultKind::ErrorEvent => "error_event",
        FaultKind::Malformed => "malformed",
        FaultKind::Trickle => "trickle",
        FaultKind::Headers => "headers",
    }
}

struct Reader<'a> {
    raw: &'a raw::Fault,
    problems: Vec<FaultProblem>,
}

impl Reader<'_> {
    fn problem(&mut self, key: &'static str, message: impl Into<String>) {
        self.problems.push(FaultProblem { key, message: message.into(), help: None });
    }

    fn helped(&mut self, key: &'static str, message: impl Into<String>, help: impl Into<String>) {
        let help = Some(help.into());
        self.problems.push(FaultProblem { key, message: message.into(), help });
    }

    /// Keys that the kind, or the place, does not have.
    fn misplaced(&mut self, scope: FaultScope<'_>) {
        let raw = self.raw;
        let kind = raw.kind;
        let replies = [FaultKind::Status, FaultKind::Headers].contains(&kind);
        let breaks = [
            FaultKind::Reset,
            FaultKind::Stall,
            FaultKind::Cut,
            FaultKind::ErrorEvent,
            FaultKind::Malformed,
        ]
        .contains(&kind);
        let staged =
            kind == FaultKind::Status || (kind == FaultKind::Reset && raw.after_tokens.is_none());
        let status = kind == FaultKind::Status;
        let requests = kind != FaultKind::Refuse;
        let refusal = status && raw.status == Some(429);
        let keys = [
            ("status", raw.status.is_some(), status),
            ("message", raw.message.is_some(), status || kind == FaultKind::ErrorEvent),
            ("limit", raw.limit.is_some(), refusal),
            ("retry_after", raw.retry_after.is_some(), replies),
            ("retry_after_ms", raw.retry_after_ms.is_some(), replies),
            ("anomaly", raw.anomaly.is_some(), replies),
            ("set_headers", raw.set_headers.is_some(), replies),
            ("omit_headers", raw.omit_headers.is_some(), replies),
            ("after_tokens", raw.after_tokens.is_some(), breaks),
            ("duration", raw.duration.is_some(), kind == FaultKind::Stall),
            ("bytes", raw.bytes.is_some(), kind == FaultKind::Trickle),
            ("interval", raw.interval.is_some(), kind == FaultKind::Trickle),
            ("stage", raw.stage.is_some(), staged),
            ("count", raw.count.is_some(), requests),
            ("skip", raw.skip.is_some(), requests),
            ("probability", raw.probability.is_some(), requests),
            ("keyed_by", raw.keyed_by.is_some(), requests),
            ("deployments", raw.deployments.is_some(), requests),
            ("operations", raw.operations.is_some(), requests),
            ("correlation_id", raw.correlation_id.is_some(), requests),
            ("stream", raw.stream.is_some(), requests),
        ];
        for (key, given, known) in keys {
            if given && !known {
                let what = match key {
                    "limit" => "only `status = 429` has a `limit`".to_owned(),
                    "stage" if kind == FaultKind::Reset => {
                        "a `reset` with `after_tokens` has no `stage`".to_owned()
                    }
                    _ => format!("a fault of kind `{}` has no `{key}`", kind_text(kind)),
                };
                self.problem(key, what);
            }
        }
        if scope == FaultScope::Request {
            let elsewhere = [
                ("name", raw.name.is_some()),
                ("from", raw.from.is_some()),
                ("until", raw.until.is_some()),
                ("every", raw.every.is_some()),
                ("count", raw.count.is_some()),
                ("skip", raw.skip.is_some()),
                ("keyed_by", raw.keyed_by.is_some()),
                ("deployments", raw.deployments.is_some()),
                ("operations", raw.operations.is_some()),
                ("correlation_id", raw.correlation_id.is_some()),
                ("stream", raw.stream.is_some()),
            ];
            for (key, given) in elsewhere {
                if given {
                    self.problem(key, format!("a fault in a header has no `{key}`"));
                }
            }
        }
        if kind == FaultKind::Refuse && !matches!(scope, FaultScope::Resource(_)) {
            self.helped(
                "kind",
                "only a resource can refuse connections",
                "move it to `faults` of the resource, or use kind `reset`",
            );
        }
    }

    fn name(&mut self) {
        let Some(name) = &self.raw.name else { return };
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || NAME_LENGTH < name.len() || !name.chars().all(allowed) {
            self.helped(
                "name",
                format!("`{name}` is not a fault's name"),
                "use 1 to 64 of the letters a-z, A-Z, digits, `-`, `_` and `.`",
            );
        }
    }

    fn effect(&mut self) -> Effect {
        let raw = self.raw;
        let after_tokens = raw.after_tokens.map(|tokens| {
            self.at_most("after_tokens", tokens, 0, MOST_TOKENS);
            usize::try_from(tokens).unwrap_or(usize::MAX)
        });
        let or_none = after_tokens.unwrap_or(0);
        match raw.kind {
            FaultKind::Status => self.status(),
            FaultKind::Refuse => Effect::Refuse,
            FaultKind::Reset => Effect::Reset { after_tokens },
            FaultKind::Stall => {
                let duration = raw.duration.map(|time| self.time("duration", time));
                Effect::Stall { after_tokens, duration }
            }
            FaultKind::Cut => Effect::Cut { after_tokens: or_none },
            FaultKind::ErrorEvent => {
                let message =
                    raw.message.clone().unwrap_or_else(|| crate::wire::STREAM_ERROR.to_owned());
                Effect::ErrorEvent { after_tokens: or_none, message }
            }
            FaultKind::Malformed => Effect::Malformed { after_tokens: or_none },
            FaultKind::Trickle => {
                let bytes = raw.bytes.unwrap_or(TRICKLE_BYTES);
                self.at_most("bytes", bytes, 1, 1 << 20);
                let interval =
                    raw.interval.map_or(TRICKLE_INTERVAL, |time| self.time("interval", time));
                Effect::Trickle { bytes: usize::try_from(bytes).unwrap_or(usize::MAX), interval }
            }
            FaultKind::Headers => {
                let headers = self.headers();
                if headers == HeaderChanges::default() {
                    self.helped(
                        "kind",
                        "a fault of kind `headers` that changes none",
                        "write `omit_headers = [\"retry-after\"]`, `retry_after`, `retry_after_ms`, `set_headers` or `anomaly`",
                    );
                }
                Effect::Headers(headers)
            }
        }
    }

    fn status(&mut self) -> Effect {
        let raw = self.raw;
        let status = raw.status.and_then(|status| {
            let known = StatusCode::from_u16(status).ok();
            known.filter(|status| status.is_client_error() || status.is_server_error())
        });
        let status = match (raw.status, status) {
            (_, Some(status)) => status,
            (None, None) => {
                self.helped(
                    "kind",
                    "a fault of kind `status` has no `status`",
                    "write `status = 503`",
                );
                StatusCode::SERVICE_UNAVAILABLE
            }
            (Some(given), None) => {
                self.problem("status", format!("`status` is outside 400 to 599: found {given}"));
                StatusCode::SERVICE_UNAVAILABLE
            }
        };
        let refusal = raw.limit.map(|limit| match limit {
            raw::FaultLimit::Tokens => RefusalKind::Tokens,
            raw::FaultLimit::Requests => RefusalKind::Requests,
            raw::FaultLimit::PeakLoad => RefusalKind::PeakLoad,
            raw::FaultLimit::Utilization => RefusalKind::Utilization,
        });
        let headers = self.headers();
        Effect::Status(StatusFault { status, message: raw.message.clone(), refusal, headers })
    }

    fn headers(&mut self) -> HeaderChanges {
        let raw = self.raw;
        for (key, value, most) in [
            ("retry_after", raw.retry_after, MOST_SECONDS),
            ("retry_after_ms", raw.retry_after_ms, MOST_SECONDS * 1000),
        ] {
            if let Some(value) = value {
                self.at_most(key, value, 0, most);
            }
        }
        let anomaly = raw.anomaly.map(|anomaly| match anomaly {
            raw::FaultAnomaly::NegativeLimits => Anomaly::NegativeLimits,
            raw::FaultAnomaly::HyphenatedReset => Anomaly::HyphenatedReset,
            raw::FaultAnomaly::ZeroMilliseconds => Anomaly::ZeroMilliseconds,
        });
        let mut set = Vec::new();
        for (name, value) in raw.set_headers.iter().flatten() {
            match (HeaderName::try_from(name.as_str()), HeaderValue::from_str(value)) {
                (Ok(name), Ok(value)) => set.push((name, value)),
                (Err(_), _) => {
                    self.problem("set_headers", format!("`{name}` is not a header's name"));
                }
                (_, Err(_)) => {
                    let what = format!("`{name}` cannot have this value in a header");
                    self.problem("set_headers", what);
                }
            }
        }
        let mut omit = Vec::new();
        for name in raw.omit_headers.iter().flatten() {
            match HeaderName::try_from(name.as_str()) {
                Ok(name) => omit.push(name),
                Err(_) => self.problem("omit_headers", format!("`{name}` is not a header's name")),
            }
        }
        HeaderChanges {
            retry_after: raw.retry_after,
            retry_after_ms: raw.retry_after_ms,
            anomaly,
            set,
            omit,
        }
    }

    fn window(&mut self) -> Window {
        let raw = self.raw;
        let from = raw.from.map_or(Duration::ZERO, |time| self.time("from", time));
        let until = raw.until.map(|time| self.time("until", time));
        let every = raw.every.map(|time| self.time("every", time));
        if let Some(until) = until
            && until <= from
        {
            self.problem("until", "`until` is not after `from`");
        }
        if let Some(every) = every {
            if every.is_zero() {
                self.problem("every", "`every` must be longer than nothing");
            }
            match until {
                None => self.helped(
                    "every",
                    "`every` without `until` never ends",
                    "write how long it lasts in each period: `until = \"10s\"`",
                ),
                Some(until) if every < until => {
                    self.problem("until", "`until` is after the end of its period, `every`");
                }
                Some(_) => {}
            }
        }
        if raw.kind == FaultKind::Refuse {
            match until {
                None => self.helped(
                    "kind",
                    "a fault of kind `refuse` needs an end",
                    "write `until = \"60s\"`: the live control is behind the same port",
                ),
                Some(until) if LONGEST_REFUSAL < until.saturating_sub(from) => {
                    self.problem("until", "a resource refuses connections for a day at most");
                }
                Some(until) if every == Some(until) && from.is_zero() => {
                    self.problem("every", "it would refuse connections for ever");
                }
                Some(_) => {}
            }
        }
        Window { from, until, every }
    }

    fn probability(&mut self) -> f64 {
        let Some(probability) = self.raw.probability else { return 1.0 };
        if !(0.0..=1.0).contains(&probability) {
            let what = format!("`probability` is outside 0 to 1: found {probability}");
            self.problem("probability", what);
        }
        probability
    }

    fn operations(&mut self) -> Vec<Operation> {
        let mut found = Vec::new();
        for word in self.raw.operations.iter().flatten() {
            match Operation::from_key(word) {
                Some(operation) => found.push(operation),
                None => {
                    let known = || Operation::ALL.iter().map(|operation| operation.key());
                    let near = seam::diagnostic::nearest(word, known());
                    let help = match near {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("known: {}", known().collect::<Vec<_>>().join(", ")),
                    };
                    self.helped("operations", format!("unknown operation `{word}`"), help);
                }
            }
        }
        found
    }

    fn deployments(&mut self, scope: FaultScope<'_>) -> Vec<String> {
        let names = self.raw.deployments.clone().unwrap_or_default();
        match scope {
            FaultScope::Resource(known) => {
                for name in &names {
                    if !known.contains(&name.as_str()) {
                        let near = seam::diagnostic::nearest(name, known.iter().copied());
                        let help = match near {
                            Some(near) => format!("did you mean `{near}`?"),
                            None => format!("it has: {}", known.join(", ")),
                        };
                        let what = format!("the resource has no deployment `{name}`");
                        self.helped("deployments", what, help);
                    }
                }
            }
            FaultScope::Deployment if self.raw.deployments.is_some() => self.helped(
                "deployments",
                "a deployment's own fault has no `deployments`",
                "it strikes this deployment only; move it to `faults` of the resource",
            ),
            FaultScope::Deployment | FaultScope::Request => {}
        }
        names
    }

    fn at_most(&mut self, key: &'static str, value: u64, least: u64, most: u64) {
        if !(least..=most).contains(&value) {
            self.problem(key, format!("`{key}` is outside {least} to {most}: found {value}"));
        }
    }

    fn time(&mut self, key: &'static str, time: HumanDuration) -> Duration {
        if LONGEST < time.0 {
            self.problem(key, format!("`{key}` is longer than a year: found {time}"));
        }
        time.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_up_around_those_that_are_taken() {
        let mut names = FaultNames::taken(["cut".to_owned(), "cut-3".to_owned()]);
        assert!(!names.keep("cut") && names.keep("mine"));
        assert_eq!([names.invent("cut"), names.invent("cut")], ["cut-2", "cut-4"]);
        assert_eq!(names.invent("reset"), "reset");
    }

    #[track_caller]
    fn found(text: &str, table: Range<usize>, key: &str) -> String {
        let span = key_span(&Source::new("x", text), table, key);
        text[span].to_owned()
    }

    #[test]
    fn a_keys_place_is_found_in_either_form_of_table() {
        let text = "[[faults]]\nname = \"status\"\nstatus = 3 \n[[faults]]\nstatus = 4\n";
        assert_eq!(found(text, 0..10, "status"), "status = 3");
        assert_eq!(found(text, 0..10, "until"), "[[faults]]");
        let text = "x = [{ kind = \"cut\", \"until\" = \"1s\" }, { until = 2 }]";
        assert_eq!(found(text, 5..38, "until"), "until\" = \"1s\"");
        assert_eq!(found(text, 40..53, "until"), "until = 2");
    }

    proptest::proptest! {
        #[test]
        fn no_place_is_outside_the_text(text in "\\PC{0,60}", from in 0_usize..70, to in 0_usize..70) {
            let span = key_span(&Source::new("x", text), from..to.max(from), "until");
            proptest::prop_assert!(span.start <= span.end);
        }
    }
}
