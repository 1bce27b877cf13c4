//! Headers that tell limits, by era (specification, sections 3.4 to 3.6 and 4.3).

use http::{HeaderMap, HeaderName};

use super::duration::go_duration;
use super::headers::{ceil_seconds, count, name, set, state};
use crate::config::{HeaderAnomaly, HeaderSettings, ResetUnit, WireProfile};
use crate::limit::{Level, PaygStanding, Standing};

/// Requests and tokens, as the names spell them.
const KINDS: [&str; 2] = ["requests", "tokens"];

/// How a deployment tells its limits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LimitHeaders<'a> {
    pub profile: WireProfile,
    pub settings: &'a HeaderSettings,
    pub anomaly: HeaderAnomaly,
    pub deployment: &'a str,
    /// OpenAI's name for who asks.
    pub organization: &'a str,
}

impl LimitHeaders<'_> {
    /// Beside an answer.
    pub(super) fn answer(&self, headers: &mut HeaderMap, standing: Standing) {
        match standing {
            Standing::Ptu(utilization) => self.utilization(headers, utilization),
            Standing::Payg(standing) => {
                self.levels(headers, &standing);
                if matches!(self.profile, WireProfile::Documented | WireProfile::Azure2026) {
                    state(headers, name!("x-ratelimit-renewalperiod-requests"), "60");
                    state(headers, name!("x-ratelimit-renewalperiod-tokens"), "60");
                    set(headers, name!("x-ratelimit-key"), self.deployment);
                    let active = if standing.penalty_active { "True" } else { "False" };
                    state(headers, name!("x-ratelimit-abusepenalty-active"), active);
                }
            }
        }
    }

    /// Limits, what is left, and resets: those that the era has.
    pub(super) fn levels(&self, headers: &mut HeaderMap, standing: &PaygStanding) {
        for (kind, level) in KINDS.into_iter().zip([standing.requests, standing.tokens]) {
            let Some(level) = level else { continue };
            let negative = self.anomaly == HeaderAnomaly::NegativeLimits;
            let number = |headers: &mut HeaderMap, name, number| match negative {
                true => state(headers, name, "-1"),
                false => count(headers, name, number),
            };
            let (limit, remaining, reset) = names(kind);
            number(headers, remaining, level.remaining);
            if self.profile == WireProfile::Azure2024 {
                continue;
            }
            number(headers, limit, level.limit);
            if self.profile == WireProfile::Azure2025 {
                continue;
            }
            let text = if negative { "0".to_owned() } else { self.reset(level) };
            set(headers, reset, &text);
        }
    }

    /// Recorded are a whole number of either unit, cut, and OpenAI's durations. A
    /// window's end is rounded up: before it nothing has changed.
    fn reset(&self, level: Level) -> String {
        match (self.profile, self.settings.reset_unit) {
            (WireProfile::OpenAi, _) => go_duration(level.reset),
            (_, ResetUnit::Milliseconds) => level.reset.as_millis().to_string(),
            (WireProfile::Azure2026, ResetUnit::Seconds) => level.reset.as_secs().to_string(),
            (_, ResetUnit::Seconds) => ceil_seconds(level.reset).to_string(),
        }
    }

    /// Read by Microsoft's benchmark tool; never documented.
    pub(super) fn utilization(&self, headers: &mut HeaderMap, utilization: f64) {
        if self.settings.utilization {
            let percent = format!("{:.1}%", utilization * 100.0);
            set(headers, name!("azure-openai-deployment-utilization"), &percent);
        }
    }
}

/// The three names of a kind: limit, remaining, reset.
fn names(kind: &str) -> (HeaderName, HeaderName, HeaderName) {
    if kind == "tokens" {
        (
            name!("x-ratelimit-limit-tokens"),
            name!("x-ratelimit-remaining-tokens"),
            name!("x-ratelimit-reset-tokens"),
        )
    } else {
        (
            name!("x-ratelimit-limit-requests"),
            name!("x-ratelimit-remaining-requests"),
            name!("x-ratelimit-reset-requests"),
        )
    }
}
