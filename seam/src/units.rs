//! Quantities in configuration files: strings with units.

use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A duration written as `"250ms"`, `"90s"`, `"5m"`, `"1m 30s"` or, before a
/// run's start, `"-1s"` (see [`SignedDuration`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct HumanDuration(pub Duration);

/// A point in time relative to a run's start; may be negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct SignedDuration {
    /// Nanoseconds from the run's start.
    pub nanos: i128,
}

impl SignedDuration {
    /// Time after the run's start, or `None` when before.
    #[must_use]
    pub fn after_start(self) -> Option<Duration> {
        u64::try_from(self.nanos).ok().map(Duration::from_nanos)
    }
    /// Time before the run's start, or `None` when at or after it.
    #[must_use]
    pub fn before_start(self) -> Option<Duration> {
        if self.nanos < 0 {
            u64::try_from(-self.nanos).ok().map(Duration::from_nanos)
        } else {
            None
        }
    }
    /// Seconds from the run's start.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "seconds of a run fit a double's precision")]
    pub fn as_secs_f64(self) -> f64 {
        self.nanos as f64 / 1e9
    }
}

impl From<Duration> for SignedDuration {
    fn from(duration: Duration) -> Self {
        Self { nanos: i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX) }
    }
}

impl From<HumanDuration> for Duration {
    fn from(value: HumanDuration) -> Self {
        value.0
    }
}

impl fmt::Display for HumanDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_duration(self.0).fmt(f)
    }
}

impl fmt::Display for SignedDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.before_start() {
            Some(before) => write!(f, "-{}", humantime::format_duration(before)),
            None => humantime::format_duration(self.after_start().unwrap_or_default()).fmt(f),
        }
    }
}

const FORMS: &str = "a duration with a unit, such as \"250ms\", \"90s\", \"5m\" or \"1m 30s\"";

/// Parses [`HumanDuration`]'s text form.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text.trim()).map_err(|_| format!("`{text}` is not {FORMS}"))
}

struct DurationVisitor;

impl Visitor<'_> for DurationVisitor {
    type Value = HumanDuration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(FORMS)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<HumanDuration, E> {
        parse_duration(text).map(HumanDuration).map_err(E::custom)
    }
}

impl<'de> Deserialize<'de> for HumanDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(DurationVisitor)
    }
}

impl Serialize for HumanDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

struct SignedVisitor;

impl Visitor<'_> for SignedVisitor {
    type Value = SignedDuration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{FORMS}, or \"-1s\" for a time before the start")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<SignedDuration, E> {
        let (negative, magnitude) = match text.trim().strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let magnitude = SignedDuration::from(parse_duration(magnitude).map_err(E::custom)?);
        Ok(if negative { SignedDuration { nanos: -magnitude.nanos } } else { magnitude })
    }
}

impl<'de> Deserialize<'de> for SignedDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(SignedVisitor)
    }
}

impl Serialize for SignedDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for HumanDuration {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Duration".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A duration with a unit.",
            "examples": ["250ms", "90s", "5m", "1m 30s"]
        })
    }
}

impl JsonSchema for SignedDuration {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "TimeInRun".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A time from the start of the run; negative is before it.",
            "examples": ["-1s", "0s", "90s", "5m"]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Holder {
        at: SignedDuration,
    }

    #[test]
    fn reads_times_before_and_after_the_start() {
        let read = |text: &str| {
            toml::from_str::<Holder>(&format!("at = {text:?}")).map(|h| h.at.to_string())
        };
        assert_eq!(read("-1s").unwrap(), "-1s");
        assert_eq!(read("1m 30s").unwrap(), "1m 30s");
        let error = read("ten").unwrap_err();
        assert!(error.message().contains("`ten` is not a duration with a unit"), "{error}");
    }
}
