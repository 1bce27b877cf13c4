//! One simulated resource and what its requests share.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use indexmap::IndexMap;
use rand_chacha::ChaCha8Rng;
use seam::http::{HttpService, network};
use seam::pacer::Pacer;
use seam::rng::Streams;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::deployment::Deployment;
use super::faults::Faults;
use super::journal::Journal;
use super::metrics::{Metering, Metrics};
use super::route::Surface;
use super::simulator::Environment;
use crate::answer::Rules;
use crate::api::Store;
use crate::aside::Pool;
use crate::catalogue::Operation;
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
    /// Answers what takes long.
    pub pool: Pool,
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
    /// Told of every record.
    pub journal_grew: Notify,
    /// Ends what would go on for ever, once the process stops.
    pub closing: CancellationToken,
    pub metrics: Arc<Metrics>,
    pub faults: Faults,
    /// Of requests that reached no deployment.
    pub metering: Metering,
    /// Calls the endpoint that is recorded; made when it is first needed.
    client: OnceLock<HttpService>,
    /// One live change at a time.
    pub patching: Mutex<()>,
    /// Answers given in advance.
    answers: RwLock<Rules>,
    requests: AtomicU64,
    in_flight: AtomicU64,
    organization: String,
    streams: Streams,
    /// The second at which it last said that it was late; 0: never.
    said_late: AtomicU64,
    /// Waits for what is due.
    pub pacer: Pacer,
}

impl Resource {
    pub(super) fn new(
        config: ResourceConfig,
        settings: Settings,
        environment: Environment,
        metrics: Arc<Metrics>,
        pacer: Pacer,
    ) -> Self {
        let deployments = config
            .deployments
            .iter()
            .map(|deployment| {
                let stream = format!("simulator/{}/{}", config.name, deployment.name);
                let rng = environment.seed.stream(&stream);
                let quota = environment.seed.stream(&format!("{stream}/quota"));
                let metering = Metering::new(Arc::clone(&metrics), &config.name, &deployment.name);
                let served = Deployment::new(deployment.clone(), rng, quota, metering);
                (deployment.name.clone(), Arc::new(served))
            })
            .collect();
        let mut ids =
            Ids(environment.seed.stream(&format!("simulator/{}/organization", config.name)));
        let organization = ids.organization();
        let journal =
            Mutex::new(Journal::new(settings.instance.clone(), settings.journal_capacity));
        let faults = Faults::new(&config.faults, Instant::now());
        let responses = Mutex::new(Store::new(settings.stored_responses));
        let metering = Metering::new(Arc::clone(&metrics), &config.name, "");
        let streams = environment.seed.streams(&format!("simulator/{}/", config.name));
        let answers = RwLock::new(config.answers.clone());
        Self {
            metering,
            client: OnceLock::new(),
            answers,
            config,
            settings,
            environment,
            deployments,
            journal,
            responses,
            journal_grew: Notify::new(),
            closing: CancellationToken::new(),
            metrics,
            faults,
            patching: Mutex::new(()),
            requests: AtomicU64::new(0),
            in_flight: AtomicU64::new(0),
            organization,
            streams,
            said_late: AtomicU64::new(0),
            pacer,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.config.name
    }

    /// The answers given in advance now.
    pub(super) fn answers(&self) -> Rules {
        self.answers.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts others in their place.
    pub(super) fn give(&self, answers: Rules) {
        *self.answers.write().unwrap_or_else(PoisonError::into_inner) = answers;
    }

    /// A client over real sockets.
    pub(super) fn client(&self) -> HttpService {
        self.client.get_or_init(|| network(BTreeMap::new())).clone()
    }

    /// How many requests there were.
    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// How many requests are under way.
    pub(super) fn in_flight(&self) -> u64 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// A request is over.
    pub(super) fn over(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    /// An attempt is under way.
    pub(super) fn under_way(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    /// The next request's number, from 1.
    pub(super) fn next_number(&self) -> u64 {
        self.under_way();
        self.requests.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// A request's own generator for one concern.
    pub(super) fn rng(&self, concern: &str, number: u64) -> ChaCha8Rng {
        self.streams.numbered(concern, number)
    }

    /// Something left too late: says so, once a minute.
    pub(super) fn was_late(&self, late: Duration) {
        let now = self.environment.clock.now().unix_seconds();
        let before = self.said_late.load(Ordering::Relaxed);
        let silent = now < before.saturating_add(60);
        let others = || {
            let order = Ordering::Relaxed;
            self.said_late.compare_exchange(before, now, order, order).is_err()
        };
        if !silent && !others() {
            tracing::warn!(
                resource = self.name(),
                late_ms = late.as_millis(),
                "answers are late: the machine is too busy to keep the latencies asked for"
            );
        }
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
    /// also by its snapshot's; or the one that answers for unknown names.
    pub(super) fn deployment(
        &self,
        surface: Surface,
        name: &str,
        operation: Operation,
    ) -> Option<&Arc<Deployment>> {
        let by_snapshot = || {
            let mut all = self.deployments.values().filter(|_| surface == Surface::OpenAi);
            all.find(|deployment| deployment.config.model.snapshot == name)
        };
        let stand_in = || {
            let stand_ins = self.config.undefined_deployments.iter();
            stand_ins
                .filter_map(|name| self.deployments.get(name))
                .find(|deployment| deployment.config.model.supports(operation))
        };
        self.deployments.get(name).or_else(by_snapshot).or_else(stand_in)
    }

    /// OpenAI's name of who asks.
    pub(super) fn organization(&self) -> &str {
        &self.organization
    }

    pub(super) fn accepts(&self, key: &[u8]) -> bool {
        self.config.keys.iter().any(|known| known.as_bytes() == key)
    }
}
