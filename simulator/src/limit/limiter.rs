//! What limiters have in common, and the choice between them.

use std::time::Duration;

use tokio::time::Instant;

use super::{FixedWindows, LeakyBucket, SlidingWindows};
use crate::config::{Capacity, DeploymentConfig, WireProfile};

/// What a request asks for, as far as admission knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Demand {
    /// The pay-as-you-go estimate, by the deployment's wire profile.
    pub estimate: u64,
    /// Exact uncached prompt tokens; only provisioned deployments look.
    pub prompt_tokens: u64,
    /// The stated maximum of completion tokens.
    pub max_tokens: Option<u64>,
    /// How many completions are asked for; 0 for embeddings.
    pub choices: u64,
}

/// A request was admitted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Ticket {
    /// Tokens counted for it.
    pub counted: u64,
    /// Normalised tokens added to a provisioned deployment's level.
    pub(super) estimate: f64,
    pub standing: Standing,
}

/// A request was refused.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Refusal {
    pub reason: RefusalReason,
    /// Time until it may be tried again; `None` when it can never fit.
    pub retry_after: Option<Duration>,
    pub standing: Standing,
}

/// Which limit was hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RefusalReason {
    Tokens,
    Requests,
    Utilization,
}

impl RefusalReason {
    /// The name in the journal and in metrics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            RefusalReason::Tokens => "tokens",
            RefusalReason::Requests => "requests",
            RefusalReason::Utilization => "utilization",
        }
    }
}

/// Where a deployment stands after a decision: what its headers say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Standing {
    Payg(PaygStanding),
    /// Utilisation, 1.0 is full; not clipped.
    Ptu(f64),
}

/// Limits and what is left of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct PaygStanding {
    pub limit_tokens: u64,
    pub remaining_tokens: u64,
    pub reset_tokens: Duration,
    pub limit_requests: u64,
    pub remaining_requests: u64,
    pub reset_requests: Duration,
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

/// A deployment's limiter.
#[derive(Debug, Clone)]
pub(crate) enum Limiter {
    Fixed(FixedWindows),
    Sliding(SlidingWindows),
    Ptu(LeakyBucket),
}

impl Limiter {
    pub(crate) fn new(config: &DeploymentConfig) -> Self {
        match &config.capacity {
            Capacity::Ptu(settings) => Limiter::Ptu(LeakyBucket::new(settings.clone())),
            Capacity::Payg(settings) => match config.wire_profile {
                WireProfile::Azure2024 => Limiter::Sliding(SlidingWindows::new(settings.clone())),
                _ => Limiter::Fixed(FixedWindows::new(settings.clone())),
            },
        }
    }

    /// Admits or refuses a request that arrives now.
    pub(crate) fn try_admit(&mut self, now: Instant, demand: Demand) -> Result<Ticket, Refusal> {
        match self {
            Limiter::Fixed(windows) => windows.try_admit(now, demand.estimate),
            Limiter::Sliding(windows) => windows.try_admit(now, demand.estimate),
            Limiter::Ptu(bucket) => bucket.try_admit(now, demand),
        }
    }

    /// Whether a request that arrives now would be refused whatever it asks
    /// for: tells before its tokens are counted.
    pub(crate) fn is_full(&mut self, now: Instant) -> bool {
        match self {
            Limiter::Fixed(_) | Limiter::Sliding(_) => false,
            Limiter::Ptu(bucket) => 1.0 <= bucket.utilization(now),
        }
    }

    /// Corrects the estimate of an admitted request. Pay-as-you-go counters
    /// are counters of estimates and stay.
    pub(crate) fn settle(&mut self, now: Instant, ticket: &Ticket, used: Used) {
        match self {
            Limiter::Fixed(_) | Limiter::Sliding(_) => {}
            Limiter::Ptu(bucket) => bucket.settle(now, ticket, used),
        }
    }

    /// Utilisation of a provisioned deployment.
    pub(crate) fn utilization(&mut self, now: Instant) -> Option<f64> {
        match self {
            Limiter::Fixed(_) | Limiter::Sliding(_) => None,
            Limiter::Ptu(bucket) => Some(bucket.utilization(now)),
        }
    }

    /// Changes the limit from now on; windows stay. Provisioned deployments have
    /// no such limit: whoever plans a change checks that.
    pub(crate) fn set_tpm(&mut self, tpm: u64) {
        match self {
            Limiter::Fixed(windows) => windows.set_tpm(tpm),
            Limiter::Sliding(windows) => windows.set_tpm(tpm),
            Limiter::Ptu(_) => {}
        }
    }

    /// As [`Limiter::set_tpm`], for provisioned deployments; the level stays.
    pub(crate) fn set_ptu(&mut self, now: Instant, ptu: u64) {
        match self {
            Limiter::Fixed(_) | Limiter::Sliding(_) => {}
            Limiter::Ptu(bucket) => bucket.set_ptu(now, ptu),
        }
    }

    /// The present limit: TPM or PTU.
    pub(crate) fn capacity(&self) -> Capacity {
        match self {
            Limiter::Fixed(windows) => Capacity::Payg(windows.settings().clone()),
            Limiter::Sliding(windows) => Capacity::Payg(windows.settings().clone()),
            Limiter::Ptu(bucket) => Capacity::Ptu(bucket.settings().clone()),
        }
    }
}

impl Ticket {
    pub(super) fn payg(counted: u64, standing: PaygStanding) -> Self {
        Self { counted, estimate: 0.0, standing: Standing::Payg(standing) }
    }
}
