//! Pools and circuit breakers: as written, with ARM's names in snake case, and
//! checked. The ranges are those of ARM's resource `Microsoft.ApiManagement/
//! service/backends`.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use seam::diagnostic::{Diagnostic, Source};
use seam::units::parse_duration;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use super::model::{Backend, Member, Pool};
use super::settings::{OtherReasons, Settings, ZeroWeight};
use crate::backend::breaker::{BreakerRule, ErrorReason, MAX_TIME, Threshold};

const MAX_MEMBERS: usize = 30;
const PRIORITIES_AND_WEIGHTS: RangeInclusive<i64> = 0..=100;
const STATUSES: RangeInclusive<i64> = 200..=599;
/// Each failure is remembered; ARM gives no bound.
const COUNTS: RangeInclusive<i64> = 1..=10_000;
const PERCENTAGES: RangeInclusive<i64> = 1..=100;

/// A pool of backends.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Pool")]
pub(crate) struct RawPool {
    /// Its members, 1 to 30.
    #[schemars(with = "Vec<RawService>")]
    pub(crate) services: Spanned<Vec<RawService>>,
    /// Whether a client's requests stay with one member.
    pub(crate) session_affinity: Option<RawSessionAffinity>,
}

/// A member of a pool.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Service")]
pub(crate) struct RawService {
    /// The id of a backend that is no pool.
    #[schemars(with = "String")]
    pub(crate) id: Spanned<String>,
    /// 0 to 100, 1 by default. Members of a higher number are called only when
    /// the breakers of all members with lower numbers are open.
    #[schemars(with = "Option<u8>", range(max = 100))]
    pub(crate) priority: Option<Spanned<i64>>,
    /// 0 to 100, 1 by default: its share among members of its priority. A
    /// member of weight 0 gets no calls.
    #[schemars(with = "Option<u8>", range(max = 100))]
    pub(crate) weight: Option<Spanned<i64>>,
}

/// Keeps a client's requests with one member, as long as its breaker is closed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SessionAffinity")]
pub(crate) struct RawSessionAffinity {
    /// How a session is recognised.
    pub(crate) session_id: RawSessionId,
}

/// How a session is recognised.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SessionId")]
pub(crate) struct RawSessionId {
    /// Where its name is.
    #[expect(dead_code, reason = "there is one value; another is an error")]
    pub(crate) source: RawSessionSource,
    /// The cookie's name.
    #[schemars(with = "String")]
    pub(crate) name: Spanned<String>,
}

/// Where a session's name is.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "SessionSource")]
pub(crate) enum RawSessionSource {
    /// In a cookie that the pool sets with its first answer.
    #[serde(alias = "Cookie")]
    Cookie,
}

/// A circuit breaker.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CircuitBreaker")]
pub(crate) struct RawCircuitBreaker {
    /// Exactly one rule, as on the platform.
    #[schemars(with = "Vec<RawBreakerRule>")]
    pub(crate) rules: Spanned<Vec<RawBreakerRule>>,
}

/// When a circuit breaker opens, and for how long.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "BreakerRule")]
pub(crate) struct RawBreakerRule {
    /// For people; without effect.
    #[expect(dead_code, reason = "a name for people")]
    pub(crate) name: Option<String>,
    /// When it opens.
    #[schemars(with = "RawFailureCondition")]
    pub(crate) failure_condition: Spanned<RawFailureCondition>,
    /// How long it stays open.
    #[schemars(with = "BreakerDuration")]
    pub(crate) trip_duration: Spanned<BreakerDuration>,
    /// Whether the `Retry-After` of the answer that opens it replaces
    /// `trip_duration`.
    #[serde(default)]
    pub(crate) accept_retry_after: bool,
}

/// What opens a circuit breaker: `count` or `percentage`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "FailureCondition")]
pub(crate) struct RawFailureCondition {
    /// So many failures within `interval`.
    #[schemars(with = "Option<u32>", range(min = 1, max = 10_000))]
    pub(crate) count: Option<Spanned<i64>>,
    /// Such a share of the calls within `interval`, 1 to 100.
    #[schemars(with = "Option<u8>", range(min = 1, max = 100))]
    pub(crate) percentage: Option<Spanned<i64>>,
    /// The time over which calls are counted; it slides.
    #[schemars(with = "BreakerDuration")]
    pub(crate) interval: Spanned<BreakerDuration>,
    /// Statuses that are failures.
    #[serde(default)]
    #[schemars(with = "Vec<RawStatusCodeRange>")]
    pub(crate) status_code_ranges: Vec<Spanned<RawStatusCodeRange>>,
    /// Calls without an answer that are failures: `timeout` and
    /// `BackendConnectionFailure`. Other texts have no effect.
    #[serde(default)]
    pub(crate) error_reasons: Vec<String>,
}

/// A range of statuses, both ends included.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "StatusCodeRange")]
pub(crate) struct RawStatusCodeRange {
    /// From 200.
    #[schemars(with = "u16", range(min = 200, max = 599))]
    pub(crate) min: i64,
    /// Up to 599.
    #[schemars(with = "u16", range(min = 200, max = 599))]
    pub(crate) max: i64,
}

/// A duration in ARM's form, ISO 8601, or with units as everywhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BreakerDuration(pub(crate) Duration);

const DURATION_FORMS: &str = "a duration such as \"PT1M30S\" or \"1m 30s\"";

impl<'de> Deserialize<'de> for BreakerDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = BreakerDuration;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(DURATION_FORMS)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<BreakerDuration, E> {
                let text = text.trim();
                let found = match text.strip_prefix('P') {
                    Some(rest) => iso_8601(rest),
                    None => parse_duration(text).ok(),
                };
                found.map(BreakerDuration).ok_or_else(|| {
                    E::custom(format!(
                        "`{text}` is not {DURATION_FORMS}; years and months have no fixed length"
                    ))
                })
            }
        }
        deserializer.deserialize_str(Text)
    }
}

impl JsonSchema for BreakerDuration {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "BreakerDuration".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A duration in ISO 8601 (weeks, days and times) or with units.",
            "examples": ["PT10S", "PT1M", "P1DT12H", "10s", "1m 30s"]
        })
    }
}

/// What follows the `P` of an ISO 8601 duration without years and months.
fn iso_8601(text: &str) -> Option<Duration> {
    let (date, time) = match text.split_once('T') {
        Some((_, "")) => return None,
        Some((date, time)) => (date, time),
        None => (text, ""),
    };
    if date.is_empty() && time.is_empty() {
        return None;
    }
    let mut total = Duration::ZERO;
    for (mut rest, mut units) in [
        (date, [('W', 7 * 86_400), ('D', 86_400)].as_slice()),
        (time, [('H', 3_600), ('M', 60), ('S', 1)].as_slice()),
    ] {
        while !rest.is_empty() {
            let end = rest.find(|c: char| c.is_ascii_alphabetic())?;
            let (number, unit) = (rest.get(..end)?, rest.get(end..)?.chars().next()?);
            // Each unit once, in descending order.
            let at = units.iter().position(|(name, _)| *name == unit)?;
            let (_, seconds) = *units.get(at)?;
            units = units.get(at + 1..)?;
            let part = match number.split_once('.') {
                Some((_, fraction)) if unit == 'S' && !fraction.is_empty() => {
                    Duration::try_from_secs_f64(number.parse().ok()?).ok()?
                }
                Some(_) => return None,
                None => Duration::from_secs(number.parse::<u64>().ok()?.checked_mul(seconds)?),
            };
            total = total.checked_add(part)?;
            rest = rest.get(end + 1..)?;
        }
    }
    Some(total)
}

/// Finds the problems of pools and breakers.
pub(super) struct Checker<'a> {
    pub(super) source: &'a Source,
    pub(super) settings: &'a Settings,
    pub(super) out: &'a mut Vec<Diagnostic>,
}

impl Checker<'_> {
    fn error(&mut self, span: Range<usize>, message: impl Into<String>, help: &str) {
        self.out.push(Diagnostic::error(self.source, span, message).help(help));
    }

    /// A whole number within a range.
    fn number(&mut self, what: &str, given: &Spanned<i64>, range: &RangeInclusive<i64>) -> i64 {
        if !range.contains(given.get_ref()) {
            let message = format!("{what} {} is out of range", given.get_ref());
            let help = format!("expected {} to {}", range.start(), range.end());
            self.error(given.span(), message, &help);
        }
        *given.get_ref()
    }

    fn duration(&mut self, what: &str, given: &Spanned<BreakerDuration>) -> Duration {
        let duration = given.get_ref().0;
        if duration.is_zero() || MAX_TIME < duration {
            let message = format!("`{what}` is out of range");
            self.error(given.span(), message, "expected more than nothing and at most 366 days");
        }
        duration
    }

    /// The rule of a breaker; `None` after an error.
    pub(super) fn breaker(&mut self, raw: &RawCircuitBreaker) -> Option<BreakerRule> {
        let [rule] = raw.rules.get_ref().as_slice() else {
            let message = format!("a circuit breaker with {} rules", raw.rules.get_ref().len());
            self.error(raw.rules.span(), message, "the platform takes exactly one");
            return None;
        };
        let condition = rule.failure_condition.get_ref();
        let threshold = match (&condition.count, &condition.percentage) {
            (Some(count), None) => {
                let count = self.number("the count", count, &COUNTS);
                Threshold::Count(usize::try_from(count).unwrap_or(1).max(1))
            }
            (None, Some(percentage)) => {
                let percentage = self.number("the percentage", percentage, &PERCENTAGES);
                Threshold::Percentage(u8::try_from(percentage).unwrap_or(100))
            }
            (Some(count), Some(percentage)) => {
                let message = "a failure condition has a `count` or a `percentage`, not both";
                let problem = Diagnostic::error(self.source, percentage.span(), message)
                    .also(count.span(), "the count");
                self.out.push(problem);
                return None;
            }
            (None, None) => {
                let message = "a failure condition needs a `count` or a `percentage`";
                self.error(rule.failure_condition.span(), message, "an example: `count = 3`");
                return None;
            }
        };
        let status_codes = condition.status_code_ranges.iter();
        let status_codes: Vec<_> = status_codes.filter_map(|range| self.statuses(range)).collect();
        let (mut error_reasons, mut other_reasons) = (Vec::new(), Vec::new());
        for reason in &condition.error_reasons {
            match reason.trim().to_ascii_lowercase().as_str() {
                "timeout" => error_reasons.push(ErrorReason::Timeout),
                "backendconnectionfailure" => error_reasons.push(ErrorReason::ConnectionFailure),
                _ => match self.settings.breaker_other_reasons {
                    OtherReasons::Ignored => other_reasons.push(reason.clone()),
                    OtherReasons::AnyError => {
                        error_reasons.extend([ErrorReason::Timeout, ErrorReason::ConnectionFailure])
                    }
                },
            }
        }
        if condition.status_code_ranges.is_empty() && error_reasons.is_empty() {
            let message = "nothing is a failure: this circuit breaker never opens";
            let help = "give `status_code_ranges`, or `error_reasons` with `timeout` or `BackendConnectionFailure`";
            self.error(rule.failure_condition.span(), message, help);
        }
        Some(BreakerRule {
            threshold,
            interval: self.duration("interval", &condition.interval),
            status_codes,
            error_reasons,
            other_reasons,
            trip_duration: self.duration("trip_duration", &rule.trip_duration),
            accept_retry_after: rule.accept_retry_after,
        })
    }

    fn statuses(&mut self, range: &Spanned<RawStatusCodeRange>) -> Option<RangeInclusive<u16>> {
        let RawStatusCodeRange { min, max } = *range.get_ref();
        if min <= max && STATUSES.contains(&min) && STATUSES.contains(&max) {
            return Some(u16::try_from(min).ok()?..=u16::try_from(max).ok()?);
        }
        let message = format!("{min} to {max} is no range of statuses");
        self.error(range.span(), message, "expected `min` and `max` from 200 to 599, in order");
        None
    }

    /// A pool of known backends; `pools` are the ids of all pools.
    pub(super) fn pool(
        &mut self,
        id: &Spanned<String>,
        raw: &RawPool,
        backends: &BTreeMap<String, Arc<Backend>>,
        pools: &[&str],
    ) -> Pool {
        let services = raw.services.get_ref();
        if services.is_empty() || MAX_MEMBERS < services.len() {
            let message = format!("pool `{}` has {} members", id.get_ref(), services.len());
            self.error(raw.services.span(), message, "expected 1 to 30");
        }
        let zero = self.settings.pool_zero_weight;
        let mut members = Vec::new();
        let mut seen: BTreeMap<&str, Range<usize>> = BTreeMap::new();
        for service in services {
            let name = service.id.get_ref();
            if let Some(first) = seen.insert(name, service.id.span()) {
                let message = format!("`{name}` is in the pool twice");
                let problem = Diagnostic::error(self.source, service.id.span(), message)
                    .also(first, "first here")
                    .help("give it a higher `weight` instead");
                self.out.push(problem);
            }
            let mut one = |what, given: &Option<Spanned<i64>>| {
                let given = given.as_ref();
                let number = given.map_or(1, |n| self.number(what, n, &PRIORITIES_AND_WEIGHTS));
                u8::try_from(number).unwrap_or(1)
            };
            let priority = one("the priority", &service.priority);
            let weight = match (one("the weight", &service.weight), zero) {
                (0, ZeroWeight::One) => 1,
                (weight, _) => weight,
            };
            if let Some(backend) = backends.get(name) {
                members.push(Member { backend: Arc::clone(backend), priority, weight });
            } else if pools.contains(&name.as_str()) {
                let message = format!("`{name}` is a pool itself");
                self.error(service.id.span(), message, "members are single backends");
            } else {
                let problem = Diagnostic::error(
                    self.source,
                    service.id.span(),
                    format!("unknown backend `{name}`"),
                )
                .did_you_mean(name, backends.keys().map(String::as_str))
                .help("a pool's members are backends of this file, by id");
                self.out.push(problem);
            }
        }
        if !members.is_empty() && members.iter().all(|member| member.weight == 0) {
            let message = format!("all members of pool `{}` have weight 0", id.get_ref());
            self.error(raw.services.span(), message, "a member of weight 0 gets no calls");
        }
        let session = raw.session_affinity.as_ref().map(|affinity| &affinity.session_id.name);
        if let Some(name) = session
            && (name.get_ref().is_empty() || !name.get_ref().chars().all(is_token))
        {
            let message = format!("`{}` is no cookie name", name.get_ref());
            self.error(name.span(), message, "use letters, digits, `-`, `.` and `_`");
        }
        let session_cookie = session.map(|name| name.get_ref().clone());
        Pool { id: id.get_ref().clone(), members, session_cookie }
    }
}

/// A character of a token (RFC 9110, section 5.6.2).
fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, seconds: Option<f64>) {
        let found: Result<BreakerDuration, _> =
            Deserialize::deserialize(toml::Value::String(text.to_owned()));
        let found = found.ok().map(|duration| duration.0);
        assert_eq!(found, seconds.map(Duration::from_secs_f64), "{text}");
    }

    #[test]
    fn durations_have_arms_form_and_ours() {
        check("PT10S", Some(10.0));
        check("PT1M", Some(60.0));
        check("PT1M30.5S", Some(90.5));
        check("P1DT2H", Some(93_600.0));
        check("P1W", Some(604_800.0));
        check("PT90M", Some(5_400.0));
        check("1m 30s", Some(90.0));
        for text in [
            "",
            "P",
            "PT",
            "P1DT",
            "P1M",
            "P1Y",
            "PT1S1M",
            "PT1.5M",
            "PT.S",
            "PT1.S",
            "P1H",
            "10",
            "PT10",
            "-PT1S",
            "PT-1S",
            "P99999999999999999999D",
        ] {
            check(text, None);
        }
    }
}
