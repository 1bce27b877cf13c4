//! What limiters have in common, and the choice between them.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use tokio::time::Instant;

use super::{LeakyBucket, Payg};
use crate::config::{Capacity, DeploymentConfig, PeakLoad, TemporaryAdjustment};

/// Which offer serves a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Tier {
    /// Standard.
    #[default]
    Default,
    Priority,
    Flex,
}

impl Tier {
    /// As `service_tier` and the tier headers spell it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Tier::Default => "default",
            Tier::Priority => "priority",
            Tier::Flex => "flex",
        }
    }
}

/// What a request asks for, as far as admission knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Demand {
    /// The pay-as-you-go estimate.
    pub estimate: u64,
    /// Exact uncached prompt tokens; only provisioned deployments look.
    pub prompt_tokens: u64,
    /// The stated maximum of completion tokens.
    pub max_tokens: Option<u64>,
    /// How many completions are asked for; 0 for embeddings.
    pub choices: u64,
    /// The offer it is to be served by.
    pub tier: Tier,
}

/// A request was admitted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Ticket {
    /// Tokens counted for it.
    pub counted: u64,
    /// Normalised tokens added to a provisioned deployment's level.
    pub(super) estimate: f64,
    pub standing: Standing,
    /// The offer that serves it.
    pub tier: Tier,
}

/// A request was refused.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Refusal {
    pub reason: RefusalReason,
    /// Time until it may be tried again; `None` when waiting does not help.
    pub retry_after: Option<Duration>,
    pub standing: Standing,
    /// What the limit in question holds.
    pub amounts: Amounts,
}

/// A limit, what counts against it, what was asked for: OpenAI's texts say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Amounts {
    pub limit: u64,
    pub used: u64,
    pub requested: u64,
}

/// Why a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RefusalReason {
    Tokens,
    Requests,
    RequestsPerDay,
    /// As many requests at once as the quota allows.
    Concurrency,
    /// Larger than allowed while demand is high.
    PeakLoad,
    /// No credit left.
    InsufficientQuota,
    /// No capacity for the flex tier.
    FlexCapacity,
    Utilization,
}

impl RefusalReason {
    /// The name in the journal and in metrics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            RefusalReason::Tokens => "tokens",
            RefusalReason::Requests => "requests",
            RefusalReason::RequestsPerDay => "requests_per_day",
            RefusalReason::Concurrency => "concurrency",
            RefusalReason::PeakLoad => "peak_load",
            RefusalReason::InsufficientQuota => "insufficient_quota",
            RefusalReason::FlexCapacity => "flex_capacity",
            RefusalReason::Utilization => "utilization",
        }
    }
}

impl Refusal {
    /// A refusal that no count explains.
    pub(crate) fn flat(
        reason: RefusalReason,
        retry_after: Option<Duration>,
        standing: Standing,
    ) -> Self {
        Self { reason, retry_after, standing, amounts: Amounts::default() }
    }

    /// Whether the request by itself exceeds the limit.
    pub(crate) fn never_fits(&self) -> bool {
        self.reason == RefusalReason::Tokens && self.retry_after.is_none()
    }
}

/// Where a deployment stands after a decision: what its headers say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Standing {
    Payg(PaygStanding),
    /// Utilisation, 1.0 is full; not clipped.
    Ptu(f64),
}

/// Limits and what is left of them; `None` where there is no such limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct PaygStanding {
    pub tokens: Option<Level>,
    pub requests: Option<Level>,
    /// Whether the protective adjustment is in force.
    pub penalty_active: bool,
}

/// A limit and what is left of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Level {
    pub limit: u64,
    pub remaining: u64,
    /// How long until it is whole again.
    pub reset: Duration,
}

/// What a finished request really used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Used {
    /// Uncached prompt tokens.
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    /// Whether the answer was completed, so that its size says something.
    pub complete: bool,
}

/// A change of limits; what is `None` stays.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct LimitChange {
    pub tpm: Option<u64>,
    pub rpm: Option<u64>,
    pub ptu: Option<u64>,
    /// `Some(None)` ends it.
    pub temporary_adjustment: Option<Option<TemporaryAdjustment>>,
    pub peak_load: Option<Option<PeakLoad>>,
    pub insufficient_quota: Option<bool>,
}

/// A deployment's limiter.
#[derive(Debug, Clone)]
pub(crate) enum Limiter {
    Payg(Box<Payg>),
    Ptu(LeakyBucket),
}

impl Limiter {
    /// `rng` draws the dynamic quota.
    pub(crate) fn new(config: &DeploymentConfig, now: Instant, rng: ChaCha8Rng) -> Self {
        match &config.capacity {
            Capacity::Ptu(settings) => Limiter::Ptu(LeakyBucket::new(settings.clone())),
            Capacity::Payg(settings) => {
                Limiter::Payg(Box::new(Payg::new(settings.clone(), now, rng)))
            }
        }
    }

    /// Admits or refuses a request that arrives now.
    pub(crate) fn try_admit(&mut self, now: Instant, demand: Demand) -> Result<Ticket, Refusal> {
        match self {
            Limiter::Payg(payg) => payg.try_admit(now, demand),
            Limiter::Ptu(bucket) => bucket.try_admit(now, demand),
        }
    }

    /// Whether a request that arrives now would be refused whatever it asks
    /// for: tells before its tokens are counted.
    pub(crate) fn is_full(&mut self, now: Instant) -> bool {
        match self {
            Limiter::Payg(_) => false,
            Limiter::Ptu(bucket) => 1.0 <= bucket.utilization(now),
        }
    }

    /// Corrects the estimate of an admitted request. Pay-as-you-go counters
    /// are counters of estimates and stay.
    pub(crate) fn settle(&mut self, now: Instant, ticket: &Ticket, used: Used) {
        match self {
            Limiter::Payg(payg) => payg.settle(),
            Limiter::Ptu(bucket) => bucket.settle(now, ticket, used),
        }
    }

    /// Where the deployment stands now.
    pub(crate) fn standing(&mut self, now: Instant) -> Standing {
        match self {
            Limiter::Payg(payg) => Standing::Payg(payg.standing_at(now)),
            Limiter::Ptu(bucket) => Standing::Ptu(bucket.utilization(now)),
        }
    }

    /// Changes limits from now on; windows and levels stay. A change that does
    /// not apply to this kind of limiter changes nothing: whoever plans it
    /// checks that.
    pub(crate) fn apply(&mut self, now: Instant, change: &LimitChange) {
        match self {
            Limiter::Payg(payg) => {
                if let Some(tpm) = change.tpm {
                    payg.set_tpm(now, tpm);
                }
                if let Some(rpm) = change.rpm {
                    payg.set_rpm(now, rpm);
                }
                if let Some(adjustment) = change.temporary_adjustment {
                    payg.set_temporary_adjustment(now, adjustment);
                }
                if let Some(peak_load) = change.peak_load {
                    payg.set_peak_load(peak_load);
                }
                if let Some(insufficient) = change.insufficient_quota {
                    payg.set_insufficient_quota(insufficient);
                }
            }
            Limiter::Ptu(bucket) => {
                if let Some(ptu) = change.ptu {
                    bucket.set_ptu(now, ptu);
                }
            }
        }
    }

    /// The present limits.
    pub(crate) fn capacity(&self) -> Capacity {
        match self {
            Limiter::Payg(payg) => Capacity::Payg(payg.settings().clone()),
            Limiter::Ptu(bucket) => Capacity::Ptu(bucket.settings().clone()),
        }
    }
}

impl Ticket {
    pub(super) fn new(counted: u64, standing: Standing) -> Self {
        Self { counted, estimate: 0.0, standing, tier: Tier::Default }
    }
}
