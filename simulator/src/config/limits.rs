//! What limits a deployment, checked.

use std::time::Duration;

pub(crate) use super::raw::{
    Advice, HeaderAnomaly, LimiterKind, RefusalWording, ResetUnit, TokenEstimate,
};
use crate::limit::Tier;

/// What limits a deployment.
#[derive(Debug, Clone)]
pub(crate) enum Capacity {
    Payg(PaygSettings),
    Ptu(PtuSettings),
}

/// When a request is refused for its tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    /// Once the count has reached the limit, before this request is added.
    Reached,
    /// When this request would exceed the limit.
    Strict,
}

/// Requests a minute.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum RequestQuota {
    /// So many for each 1,000 tokens a minute.
    PerTokens(f64),
    PerMinute(u64),
    Unlimited,
}

impl RequestQuota {
    pub(crate) fn is_limited(self) -> bool {
        self != RequestQuota::Unlimited
    }
}

/// Limits of a pay-as-you-go deployment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PaygSettings {
    /// Tokens a minute; `None` for models that requests alone limit.
    pub tpm: Option<u64>,
    pub requests: RequestQuota,
    /// Requests a day.
    pub rpd: Option<u64>,
    /// Requests being worked on.
    pub concurrent_requests: Option<u64>,
    pub limiter: LimiterKind,
    /// Over which windows limit requests.
    pub request_window: Duration,
    pub admission: Admission,
    pub count_rejected_requests: bool,
    /// Completion tokens assumed when a request states no maximum.
    pub default_max_tokens: u64,
    pub dynamic_quota: Option<DynamicQuota>,
    pub temporary_adjustment: Option<TemporaryAdjustment>,
    pub peak_load: Option<PeakLoad>,
    /// Every request is refused for lack of credit.
    pub insufficient_quota: bool,
    /// `None`: priority traffic may grow as it likes.
    pub priority_ramp: Option<PriorityRamp>,
}

/// A raised ceiling that wanders.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct DynamicQuota {
    /// The greatest factor on the limits, above 1.
    pub cap: f64,
    /// Time between two changes.
    pub step: Duration,
    /// Standard deviation of one change, as a share of the room above 1.
    pub spread: f64,
}

/// A protective adjustment: lowered limits for a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct TemporaryAdjustment {
    /// On the limits, above 0 and below 1.
    pub factor: f64,
    /// After the simulator's start, or after the live change that sets it.
    pub start: Duration,
    pub duration: Duration,
}

/// Refusing large requests while demand is high.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PeakLoad {
    /// Larger estimates are refused.
    pub max_request_tokens: u64,
    pub retry_after: Duration,
}

/// How fast priority traffic may grow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct PriorityRamp {
    /// 0.5 is half again as many tokens a minute.
    pub increase: f64,
    /// Tokens a minute that are taken for granted.
    pub floor_tpm: u64,
}

impl PaygSettings {
    /// Requests a minute, rounded up, at least one.
    pub(crate) fn rpm(&self) -> Option<u64> {
        self.exact_rpm().map(|rpm| ceil(rpm).max(1))
    }

    fn exact_rpm(&self) -> Option<f64> {
        match self.requests {
            RequestQuota::PerTokens(ratio) => self.tpm.map(|tpm| tpm as f64 * ratio / 1000.0),
            RequestQuota::PerMinute(rpm) => Some(rpm as f64),
            RequestQuota::Unlimited => None,
        }
    }

    /// Over which time requests are limited. A fixed window that would not
    /// have a whole request is as long as one takes: 3 RPM are one in 20 s, not
    /// one in 10 s.
    pub(crate) fn request_period(&self) -> Duration {
        const MINUTE: Duration = Duration::from_secs(60);
        match self.limiter {
            LimiterKind::Refill => MINUTE,
            LimiterKind::SlidingWindow => self.request_window,
            LimiterKind::FixedWindow => {
                let one = MINUTE.div_f64(self.exact_rpm().unwrap_or(60.0).max(1e-3));
                self.request_window.max(one)
            }
        }
    }

    /// Requests allowed in that time, rounded up, at least one.
    pub(crate) fn requests_per_period(&self) -> Option<u64> {
        let minutes = self.request_period().as_secs_f64() / 60.0;
        self.exact_rpm().map(|rpm| ceil(rpm * minutes).max(1))
    }
}

/// Rounds up, forgiving the last bits of a division: 1000 × 6 / 1000 × 10 / 60 is 1, not 2.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "limits are positive and far below 2^53"
)]
fn ceil(value: f64) -> u64 {
    (value - 1e-6).ceil().max(0.0) as u64
}

/// Size of a provisioned deployment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PtuSettings {
    pub ptu: u64,
    pub input_tpm_per_ptu: f64,
    pub output_ratio: f64,
    pub window: Duration,
    pub default_max_tokens: u64,
    pub default_max_tokens_alpha: f64,
    /// The model's own cap: the assumed maximum never exceeds it.
    pub output_cap: u64,
    /// Whether the estimate counts a request's choices (`n`), or one.
    pub estimate_choices: bool,
    /// Uncached prompt tokens beyond these weigh `large_call_multiplier` each.
    pub large_call_tokens: u64,
    pub large_call_multiplier: f64,
    /// Longer prompts get 400.
    pub max_prompt_tokens: Option<u64>,
    /// Whether a prompt that the content filter refuses keeps its cost.
    pub charge_filtered_prompts: bool,
}

/// A deployment's prompt cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PromptCacheSettings {
    pub min_tokens: u64,
    /// At least one.
    pub block_tokens: u64,
    pub capacity_blocks: usize,
    pub min_lifetime: Duration,
    pub max_lifetime: Duration,
}

/// Which offers a deployment has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct TierSettings {
    /// The tier of requests that ask for none: default or priority.
    pub own: Tier,
    pub flex: bool,
    /// How often a flex request finds no capacity.
    pub flex_unavailable: f64,
}

/// Where requests go that a provisioned deployment refuses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Spillover {
    /// A standard deployment of the same resource.
    pub deployment: Option<String>,
    /// Whether Responses spill over too.
    pub responses: bool,
}

/// What 429s and rate-limit headers look like beyond the era's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RefusalSettings {
    pub wording: RefusalWording,
    /// "OpenAI" or "AIServices" before "S0 pricing tier".
    pub resource_kind: &'static str,
    pub advice: Advice,
    /// The message of a provisioned deployment's 429, with placeholders.
    pub ptu_message: String,
}

/// Headers that configurations may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HeaderSettings {
    pub reset_unit: ResetUnit,
    pub utilization: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(tpm: u64, requests: RequestQuota, seconds: u64) -> PaygSettings {
        PaygSettings {
            tpm: Some(tpm),
            requests,
            rpd: None,
            concurrent_requests: None,
            limiter: LimiterKind::FixedWindow,
            request_window: Duration::from_secs(seconds),
            admission: Admission::Strict,
            count_rejected_requests: false,
            default_max_tokens: 16,
            dynamic_quota: None,
            temporary_adjustment: None,
            peak_load: None,
            insufficient_quota: false,
            priority_ramp: None,
        }
    }

    #[test]
    fn request_limits_follow_the_quota_ratio() {
        let six = RequestQuota::PerTokens(6.0);
        // The seed's table: ceil(TPM / 1000) requests per 10 s.
        for (tpm, expected) in [(1_000, 1), (60_000, 60), (100_000_000, 100_000), (1_500, 2)] {
            assert_eq!(settings(tpm, six, 10).requests_per_period(), Some(expected), "{tpm}");
        }
        // The page's example: 600 RPM over 1 s is 10 requests.
        assert_eq!(settings(100_000, six, 1).requests_per_period(), Some(10));
        assert_eq!(settings(100_000, six, 1).rpm(), Some(600));
        assert_eq!(settings(1, RequestQuota::Unlimited, 1).requests_per_period(), None);
    }

    #[test]
    fn a_window_has_a_whole_request() {
        for (rpm, seconds, period, requests) in
            [(3, 10, 20, 1), (6, 10, 10, 1), (7, 10, 10, 2), (30, 1, 2, 1), (600, 1, 1, 10)]
        {
            let settings = settings(1, RequestQuota::PerMinute(rpm), seconds);
            assert_eq!(settings.request_period(), Duration::from_secs(period), "{rpm}");
            assert_eq!(settings.requests_per_period(), Some(requests), "{rpm}");
        }
    }
}
