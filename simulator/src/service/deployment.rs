//! One deployment: its configuration and what changes while it runs.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use rand_chacha::ChaCha8Rng;
use tokio::time::Instant;

use super::lock;
use super::metrics::Metering;
use crate::catalogue::Operation;
use crate::config::{Capacity, DeploymentConfig, HeaderAnomaly, WireProfile};
use crate::latency::Latency;
use crate::limit::{Demand, LimitChange, Limiter, PromptCache, Refusal, Standing, Ticket, Used};
use crate::wire::{Ids, LimitHeaders, Style};

/// A deployment being served.
pub(super) struct Deployment {
    pub config: DeploymentConfig,
    /// `azureml-model-session` and `system_fingerprint` stay for its life.
    pub model_session: String,
    pub fingerprint: Option<String>,
    pub metering: Metering,
    /// Draws the dynamic quota, from its start.
    quota: ChaCha8Rng,
    live: Mutex<Live>,
    in_flight: AtomicU64,
}

struct Live {
    limiter: Limiter,
    latency: Arc<Latency>,
    anomaly: HeaderAnomaly,
    /// `None`: prompts are not cached.
    cache: Option<PromptCache>,
}

impl Live {
    /// As the configuration says, with nothing counted yet.
    fn new(config: &DeploymentConfig, now: Instant, quota: ChaCha8Rng) -> Self {
        Self {
            limiter: Limiter::new(config, now, quota),
            latency: Arc::new(config.latency.clone()),
            anomaly: config.header_anomaly,
            cache: config.prompt_cache.map(PromptCache::new),
        }
    }
}

/// A live change, already checked.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Change {
    pub limits: LimitChange,
    pub latency: Option<Latency>,
    pub anomaly: Option<HeaderAnomaly>,
}

impl Deployment {
    /// `quota` draws the dynamic quota.
    pub(super) fn new(
        config: DeploymentConfig,
        rng: ChaCha8Rng,
        quota: ChaCha8Rng,
        metering: Metering,
    ) -> Self {
        let mut ids = Ids(rng);
        let model_session = ids.model_session();
        let fingerprint = ids.fingerprint();
        let fingerprint = config.model.facts.fingerprint.then_some(fingerprint);
        let live = Mutex::new(Live::new(&config, Instant::now(), quota.clone()));
        let in_flight = AtomicU64::new(0);
        Self { config, model_session, fingerprint, metering, quota, live, in_flight }
    }

    /// Who answers for it.
    pub(super) fn style(&self, operation: Operation) -> Style {
        match (self.config.wire_profile, operation) {
            (WireProfile::OpenAi, _) => Style::OpenAi,
            _ => Style::Azure,
        }
    }

    pub(super) fn try_admit(&self, now: Instant, demand: Demand) -> Result<Ticket, Refusal> {
        lock(&self.live).limiter.try_admit(now, demand)
    }

    /// An admitted request is under way.
    pub(super) fn under_way(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    /// It is over.
    pub(super) fn over(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    /// How many admitted requests are under way.
    pub(super) fn in_flight(&self) -> u64 {
        self.in_flight.load(Ordering::Relaxed)
    }

    pub(super) fn is_full(&self, now: Instant) -> bool {
        lock(&self.live).limiter.is_full(now)
    }

    pub(super) fn settle(&self, now: Instant, ticket: &Ticket, used: Used) {
        lock(&self.live).limiter.settle(now, ticket, used);
    }

    /// How many tokens of a prompt are cached now.
    pub(super) fn cached_tokens(&self, now: Instant, prefix: &[u64]) -> u64 {
        lock(&self.live).cache.as_ref().map_or(0, |cache| cache.cached_tokens(now, prefix))
    }

    /// Reads a prompt: from `ready` on it is cached.
    pub(super) fn remember(&self, now: Instant, ready: Instant, prefix: &[u64]) {
        if let Some(cache) = &mut lock(&self.live).cache {
            cache.touch(now, ready, prefix);
        }
    }

    /// Where its limits stand now.
    pub(super) fn standing(&self, now: Instant) -> Standing {
        lock(&self.live).limiter.standing(now)
    }

    /// How it tells its limits; OpenAI names who asks.
    pub(super) fn limit_headers<'a>(&'a self, organization: &'a str) -> LimitHeaders<'a> {
        LimitHeaders {
            profile: self.config.wire_profile,
            settings: &self.config.headers,
            anomaly: self.header_anomaly(),
            deployment: &self.config.name,
            organization,
        }
    }

    pub(super) fn header_anomaly(&self) -> HeaderAnomaly {
        lock(&self.live).anomaly
    }

    pub(super) fn latency(&self) -> Arc<Latency> {
        Arc::clone(&lock(&self.live).latency)
    }

    /// The limit as it is now.
    pub(super) fn capacity(&self) -> Capacity {
        lock(&self.live).limiter.capacity()
    }

    /// Back to the start: settings as configured, nothing counted. Requests under
    /// way go on.
    pub(super) fn reset(&self, now: Instant) {
        *lock(&self.live) = Live::new(&self.config, now, self.quota.clone());
    }

    /// Makes a change. Windows and levels stay as they are.
    pub(super) fn apply(&self, now: Instant, change: Change) {
        let mut live = lock(&self.live);
        live.limiter.apply(now, &change.limits);
        if let Some(anomaly) = change.anomaly {
            live.anomaly = anomaly;
        }
        if let Some(latency) = change.latency {
            live.latency = Arc::new(latency);
        }
    }
}
