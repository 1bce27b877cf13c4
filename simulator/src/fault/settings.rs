//! One fault as checked: nothing here can contradict itself.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::Window;
use crate::catalogue::Operation;

/// A fault.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fault {
    /// As the journal and the metrics name it.
    pub name: Arc<str>,
    pub window: Window,
    /// Which requests; an empty list means all.
    pub deployments: Vec<String>,
    pub operations: Vec<Operation>,
    pub correlation_id: Option<Pattern>,
    pub stream: Option<bool>,
    /// Share of these that are struck, 0 to 1.
    pub probability: f64,
    pub keyed_by: Key,
    /// How many of those that are left pass before the first is struck.
    pub skip: u64,
    /// How many are struck then; `None`: all.
    pub count: Option<u64>,
    pub stage: Stage,
    pub effect: Effect,
}

/// Text to compare with: exact, or the start when it was written with a `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pattern {
    Exactly(String),
    StartsWith(String),
}

impl Pattern {
    pub(crate) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Exactly(exact) => text == exact,
            Self::StartsWith(start) => text.starts_with(start.as_str()),
        }
    }
}

/// What a draw depends on, beside the seed and the fault's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    /// The request's number: in order of arrival.
    Request,
    /// Its correlation id: whatever the order. Repetitions fare alike.
    CorrelationId,
}

/// Where in the pipeline a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The limiter never hears of the request.
    BeforeAdmission,
    /// Its tokens are counted, as for a real error of the model.
    AfterAdmission,
}

/// What a fault does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Effect {
    /// Nobody listens.
    Refuse,
    /// An error instead of an answer.
    Status(StatusFault),
    /// The connection is reset: instead of an answer, or in the middle of one.
    Reset { after_tokens: Option<usize> },
    /// Nothing comes for a time, or (`None`) ever: instead of headers, or in the
    /// middle of an answer.
    Stall { after_tokens: Option<usize>, duration: Option<Duration> },
    /// The answer ends too early, and its connection with it.
    Cut { after_tokens: usize },
    /// A stream ends with an error event.
    ErrorEvent { after_tokens: usize, message: String },
    /// One event of a stream, or the whole answer, is no JSON.
    Malformed { after_tokens: usize },
    /// The answer leaves in small pieces.
    Trickle { bytes: usize, interval: Duration },
    /// The reply is what it would have been, with other headers.
    Headers(HeaderChanges),
}

impl Effect {
    /// As the configuration and the metrics call it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Status(_) => "status",
            Self::Reset { .. } => "reset",
            Self::Stall { .. } => "stall",
            Self::Cut { .. } => "cut",
            Self::ErrorEvent { .. } => "error_event",
            Self::Malformed { .. } => "malformed",
            Self::Trickle { .. } => "trickle",
            Self::Headers(_) => "headers",
        }
    }
}

/// An error instead of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StatusFault {
    pub status: StatusCode,
    /// Another text than the service's own.
    pub message: Option<String>,
    /// Which limit a 429 names; `None`: the first the deployment has.
    pub refusal: Option<RefusalKind>,
    pub headers: HeaderChanges,
}

/// Which limit a 429 names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefusalKind {
    Tokens,
    Requests,
    PeakLoad,
    Utilization,
}

/// What becomes of a reply's headers.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct HeaderChanges {
    /// Seconds; on replies that clients retry only.
    pub retry_after: Option<u64>,
    /// Milliseconds; on replies that clients retry only.
    pub retry_after_ms: Option<u64>,
    pub anomaly: Option<Anomaly>,
    pub set: Vec<(HeaderName, HeaderValue)>,
    pub omit: Vec<HeaderName>,
}

/// Headers that were really seen and that nobody documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anomaly {
    /// November 2025: limits and remainders of -1, resets of 0, no `retry-after`
    /// (specification, section 3.4; openai-dotnet issue 838).
    NegativeLimits,
    /// December 2023: no `retry-after`, but `x-rate-limit-reset-tokens`, with one
    /// more hyphen than usual (section 3.6; openai-python issue 937).
    HyphenatedReset,
    /// The one recorded 429 with both: `retry-after: 1` and `retry-after-ms: 0`
    /// (section 3.6).
    ZeroMilliseconds,
}

/// Statuses that SDKs retry (specification, section 8).
fn is_retried(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 409 | 429 | 500..)
}

const RETRY_AFTER: HeaderName = HeaderName::from_static("retry-after");
const RETRY_AFTER_MS: HeaderName = HeaderName::from_static("retry-after-ms");

impl HeaderChanges {
    /// Applies them: the anomaly, the waits, what is set, what is left out.
    pub(crate) fn apply(&self, status: StatusCode, headers: &mut HeaderMap) {
        match self.anomaly {
            None => {}
            Some(Anomaly::NegativeLimits) => negative_limits(headers),
            Some(Anomaly::HyphenatedReset) if is_retried(status) => hyphenated_reset(headers),
            Some(Anomaly::ZeroMilliseconds) if is_retried(status) => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
                headers.insert(RETRY_AFTER_MS, HeaderValue::from_static("0"));
            }
            Some(Anomaly::HyphenatedReset | Anomaly::ZeroMilliseconds) => {}
        }
        if is_retried(status) {
            let waits = [(RETRY_AFTER, self.retry_after), (RETRY_AFTER_MS, self.retry_after_ms)];
            for (name, value) in waits {
                if let Some(value) = value {
                    headers.insert(name, value.into());
                }
            }
        }
        for (name, value) in &self.set {
            headers.insert(name, value.clone());
        }
        for name in &self.omit {
            headers.remove(name);
        }
    }
}

fn negative_limits(headers: &mut HeaderMap) {
    headers.remove(RETRY_AFTER);
    headers.remove(RETRY_AFTER_MS);
    for (prefix, value) in [("limit", "-1"), ("remaining", "-1"), ("reset", "0")] {
        for what in ["requests", "tokens"] {
            let name = format!("x-ratelimit-{prefix}-{what}");
            if let Ok(name) = HeaderName::try_from(name) {
                headers.insert(name, HeaderValue::from_static(value));
            }
        }
    }
}

fn hyphenated_reset(headers: &mut HeaderMap) {
    // The value of the capture, where there is no wait to tell.
    let wait = headers.remove(RETRY_AFTER).unwrap_or(HeaderValue::from_static("55"));
    headers.remove(RETRY_AFTER_MS);
    headers.remove("x-ratelimit-reset-tokens");
    headers.insert(HeaderName::from_static("x-rate-limit-reset-tokens"), wait);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn changed(changes: &HeaderChanges, status: u16) -> String {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", HeaderValue::from_static("7"));
        headers.insert("retry-after-ms", HeaderValue::from_static("6543"));
        headers.insert("x-ratelimit-reset-tokens", HeaderValue::from_static("7"));
        changes.apply(StatusCode::from_u16(status).unwrap(), &mut headers);
        let mut lines: Vec<_> =
            headers.iter().map(|(n, v)| format!("{n}: {}", v.to_str().unwrap())).collect();
        lines.sort_unstable();
        lines.join("\n")
    }

    #[test]
    fn anomalies_are_those_that_were_seen() {
        let anomaly =
            |anomaly| HeaderChanges { anomaly: Some(anomaly), ..HeaderChanges::default() };
        insta::assert_snapshot!(changed(&anomaly(Anomaly::NegativeLimits), 200), @r"
        x-ratelimit-limit-requests: -1
        x-ratelimit-limit-tokens: -1
        x-ratelimit-remaining-requests: -1
        x-ratelimit-remaining-tokens: -1
        x-ratelimit-reset-requests: 0
        x-ratelimit-reset-tokens: 0
        ");
        insta::assert_snapshot!(
            changed(&anomaly(Anomaly::HyphenatedReset), 429), @"x-rate-limit-reset-tokens: 7"
        );
        insta::assert_snapshot!(changed(&anomaly(Anomaly::ZeroMilliseconds), 429), @r"
        retry-after-ms: 0
        retry-after: 1
        x-ratelimit-reset-tokens: 7
        ");
        let untouched = changed(&HeaderChanges::default(), 200);
        for other in [Anomaly::HyphenatedReset, Anomaly::ZeroMilliseconds] {
            assert_eq!(changed(&anomaly(other), 200), untouched, "an answer has no wait");
        }
    }

    #[test]
    fn waits_are_for_replies_that_clients_retry() {
        let changes = HeaderChanges {
            retry_after: Some(1),
            retry_after_ms: Some(20),
            omit: vec![HeaderName::from_static("x-ratelimit-reset-tokens")],
            ..HeaderChanges::default()
        };
        for status in [408, 409, 429, 500, 503] {
            assert_eq!(changed(&changes, status), "retry-after-ms: 20\nretry-after: 1");
        }
        assert_eq!(changed(&changes, 400), "retry-after-ms: 6543\nretry-after: 7");
    }
}
