//! One simulated resource and what its requests share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use indexmap::IndexMap;
use rand_chacha::ChaCha8Rng;
use tokio::time::Instant;

use super::deployment::Deployment;
use super::journal::Journal;
use super::metrics::Metrics;
use super::route::Surface;
use super::simulator::Environment;
use crate::api::Store;
use crate::config::{ResourceConfig, WireProfile};
use crate::wire::Ids;

/// Settings of the whole process that a resource obeys.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// Which start of the process this is.
    pub instance: String,
    pub journal_capacity: usize,
    pub max_body_bytes: usize,
    pub newest_api_version: String,
    /// How many responses are kept.
    pub stored_responses: usize,
}

/// A resource being served.
pub(super) struct Resource {
    pub config: ResourceConfig,
    pub settings: Settings,
    pub environment: Environment,
    pub deployments: IndexMap<String, Arc<Deployment>>,
    pub journal: Mutex<Journal>,
    pub responses: Mutex<Store>,
    pub metrics: Arc<Metrics>,
    /// One live change at a time.
    pub patching: Mutex<()>,
    requests: AtomicU64,
    organization: String,
}

impl Resource {
    pub(super) fn new(
        config: ResourceConfig,
        settings: Settings,
        environment: Environment,
        metrics: Arc<Metrics>,
    ) -> Self {
        let deployments = config
            .deployments
            .iter()
            .map(|deployment| {
                let stream = format!("simulator/{}/{}", config.name, deployment.name);
                let rng = environment.seed.stream(&stream);
                (deployment.name.clone(), Arc::new(Deployment::new(deployment.clone(), rng)))
            })
            .collect();
        let mut ids =
            Ids(environment.seed.stream(&format!("simulator/{}/organization", config.name)));
        let organization = ids.organization();
        let journal =
            Mutex::new(Journal::new(settings.instance.clone(), settings.journal_capacity));
        let responses = Mutex::new(Store::new(settings.stored_responses));
        Self {
            config,
            settings,
            environment,
            deployments,
            journal,
            responses,
            metrics,
            patching: Mutex::new(()),
            requests: AtomicU64::new(0),
            organization,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.config.name
    }

    /// The next request's number, from 1.
    pub(super) fn next_number(&self) -> u64 {
        self.requests.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// A request's own generator for one concern.
    pub(super) fn rng(&self, concern: &str, number: u64) -> ChaCha8Rng {
        let stream = format!("simulator/{}/{concern}", self.config.name);
        self.environment.seed.numbered(&stream, number)
    }

    /// A moment as microseconds since the Unix epoch.
    pub(super) fn micros(&self, at: Instant) -> u64 {
        let since_epoch = self.environment.clock.at(at).since_epoch();
        u64::try_from(since_epoch.as_micros()).unwrap_or(u64::MAX)
    }

    /// The era of replies that no deployment makes: that of all of them, when they
    /// share one.
    pub(super) fn wire_profile(&self) -> WireProfile {
        let mut profiles = self.profiles();
        match profiles.next() {
            Some(first) if profiles.all(|profile| profile == first) => first,
            _ => WireProfile::Documented,
        }
    }

    /// Whether `/v1/…` is served: OpenAI's surface, for deployments in its dress.
    pub(super) fn serves_openai(&self) -> bool {
        self.profiles().any(|profile| profile == WireProfile::OpenAi)
    }

    /// Whether nothing here is Azure's.
    pub(super) fn is_openai(&self) -> bool {
        self.wire_profile() == WireProfile::OpenAi
    }

    fn profiles(&self) -> impl Iterator<Item = WireProfile> {
        self.deployments.values().map(|deployment| deployment.config.wire_profile)
    }

    /// The deployment of this name; on OpenAI's surface, where models are named,
    /// also by its snapshot's.
    pub(super) fn deployment(&self, surface: Surface, name: &str) -> Option<&Arc<Deployment>> {
        let by_snapshot = || {
            let mut all = self.deployments.values();
            all.find(|deployment| deployment.config.model.snapshot == name)
        };
        self.deployments.get(name).or_else(|| match surface {
            Surface::OpenAi => by_snapshot(),
            Surface::Deployment | Surface::Flat | Surface::V1 => None,
        })
    }

    /// OpenAI's name of who asks.
    pub(super) fn organization(&self) -> &str {
        &self.organization
    }

    pub(super) fn accepts(&self, key: &[u8]) -> bool {
        self.config.keys.iter().any(|known| known.as_bytes() == key)
    }
}
