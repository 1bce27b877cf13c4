//! One deployment: its configuration and what changes while it runs.

use std::sync::{Arc, Mutex};

use rand_chacha::ChaCha8Rng;
use tokio::time::Instant;

use super::lock;
use crate::catalogue::Operation;
use crate::config::{Capacity, DeploymentConfig, WireProfile};
use crate::latency::Latency;
use crate::limit::{Demand, Limiter, Refusal, Ticket, Used};
use crate::wire::{Ids, Style};

/// A deployment being served.
pub(super) struct Deployment {
    pub config: DeploymentConfig,
    /// `azureml-model-session` and `system_fingerprint` stay for its life.
    pub model_session: String,
    pub fingerprint: Option<String>,
    live: Mutex<Live>,
}

struct Live {
    limiter: Limiter,
    latency: Arc<Latency>,
}

/// A live change, already checked.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Change {
    pub tpm: Option<u64>,
    pub ptu: Option<u64>,
    pub latency: Option<Latency>,
}

impl Deployment {
    pub(super) fn new(config: DeploymentConfig, rng: ChaCha8Rng) -> Self {
        let mut ids = Ids(rng);
        let model_session = ids.model_session();
        let fingerprint = ids.fingerprint();
        let fingerprint = config.model.facts.fingerprint.then_some(fingerprint);
        let limiter = Limiter::new(&config);
        let latency = Arc::new(config.latency.clone());
        let live = Mutex::new(Live { limiter, latency });
        Self { config, model_session, fingerprint, live }
    }

    /// Who answers for it.
    pub(super) fn style(&self, operation: Operation) -> Style {
        match (self.config.wire_profile, operation) {
            (
                WireProfile::OpenAi,
                Operation::Chat | Operation::Completions | Operation::Embeddings,
            ) => Style::OpenAi,
            _ => Style::Azure,
        }
    }

    pub(super) fn try_admit(&self, now: Instant, demand: Demand) -> Result<Ticket, Refusal> {
        lock(&self.live).limiter.try_admit(now, demand)
    }

    pub(super) fn is_full(&self, now: Instant) -> bool {
        lock(&self.live).limiter.is_full(now)
    }

    pub(super) fn settle(&self, now: Instant, ticket: &Ticket, used: Used) {
        lock(&self.live).limiter.settle(now, ticket, used);
    }

    pub(super) fn utilization(&self, now: Instant) -> Option<f64> {
        lock(&self.live).limiter.utilization(now)
    }

    pub(super) fn latency(&self) -> Arc<Latency> {
        Arc::clone(&lock(&self.live).latency)
    }

    /// The limit as it is now.
    pub(super) fn capacity(&self) -> Capacity {
        lock(&self.live).limiter.capacity()
    }

    /// Makes a change. Windows and levels stay as they are.
    pub(super) fn apply(&self, now: Instant, change: Change) {
        let mut live = lock(&self.live);
        if let Some(tpm) = change.tpm {
            live.limiter.set_tpm(tpm);
        }
        if let Some(ptu) = change.ptu {
            live.limiter.set_ptu(now, ptu);
        }
        if let Some(latency) = change.latency {
            live.latency = Arc::new(latency);
        }
    }
}
