//! Rates in scenario files: strings such as `"10/s"`.

use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer};

/// Something per time, written as `"10/s"`, `"600/min"`, `"0.5/s"` or `"1/h"`.
/// Finite and not negative.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Rate {
    per_second: f64,
}

impl Rate {
    /// A rate by its value per second; `None` unless finite and not negative.
    #[must_use]
    pub fn per_second(value: f64) -> Option<Self> {
        (value.is_finite() && 0.0 <= value).then_some(Self { per_second: value })
    }

    /// How many per second.
    #[must_use]
    pub fn as_per_second(self) -> f64 {
        self.per_second
    }

    /// The time between two at this rate; `None` at rate zero.
    #[must_use]
    pub fn interval(self) -> Option<Duration> {
        Duration::try_from_secs_f64(1.0 / self.per_second).ok()
    }

    fn parse(text: &str) -> Option<Self> {
        let (count, unit) = text.split_once('/')?;
        let seconds = match unit.trim() {
            "s" => 1.0,
            "min" | "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        Self::per_second(count.trim().parse::<f64>().ok()? / seconds)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.per_second)
    }
}

const FORMS: &str = "a rate with a unit of time, such as \"10/s\", \"600/min\" or \"0.5/s\"";

struct RateVisitor;

impl Visitor<'_> for RateVisitor {
    type Value = Rate;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(FORMS)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Rate, E> {
        Rate::parse(text).ok_or_else(|| E::custom(format!("`{text}` is not {FORMS}")))
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(RateVisitor)
    }
}

impl JsonSchema for Rate {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Rate".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "How many per second (s), minute (min) or hour (h).",
            "examples": ["10/s", "600/min", "0.5/s"]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_counts_per_unit() {
        let read = |text: &str| Rate::parse(text).map(Rate::as_per_second);
        assert_eq!(read("10/s"), Some(10.0));
        assert_eq!(read("600/min"), Some(10.0));
        assert_eq!(read(" 0.5 / s"), Some(0.5));
        for bad in ["10", "10/d", "-1/s", "inf/s", "NaN/s", "/s", ""] {
            assert_eq!(read(bad), None, "{bad}");
        }
        assert_eq!(Rate::parse("4/s").and_then(Rate::interval), Some(Duration::from_millis(250)));
        assert_eq!(Rate::parse("0/s").and_then(Rate::interval), None);
    }
}
