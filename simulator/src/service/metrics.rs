//! Prometheus metrics of all resources of the process.
//!
//! A request's labels are looked up once per deployment, operation and status
//! ([`Meters`]); after that counting is a few atomic additions. Beside our own
//! names stand those of microsoft/aoai-api-simulator, as an OpenTelemetry collector
//! would write them for Prometheus (its docs/metrics.md, read 2026-11-28).

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::lock;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Place {
    resource: String,
    deployment: String,
    operation: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    resource: String,
    deployment: String,
    operation: &'static str,
    status: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusalLabels {
    resource: String,
    deployment: String,
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TokenLabels {
    resource: String,
    deployment: String,
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FaultLabels {
    resource: String,
    deployment: String,
    fault: String,
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DeploymentLabels {
    resource: String,
    deployment: String,
}

/// The dimensions of the seed system's names, with ours for the resource: one
/// process serves several.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SeedStatusLabels {
    resource: String,
    deployment: String,
    status_code: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SeedTokenLabels {
    resource: String,
    deployment: String,
    token_type: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SeedLimitLabels {
    resource: String,
    deployment: String,
    limit_type: &'static str,
}

/// Makes histograms of one set of buckets.
#[derive(Clone)]
struct Buckets(&'static [f64]);

impl MetricConstructor<Histogram> for Buckets {
    fn new_metric(&self) -> Histogram {
        Histogram::new(self.0.iter().copied())
    }
}

const SECONDS: Buckets =
    Buckets(&[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0]);
/// What our own work takes: far below a millisecond, or something is wrong.
const WORK_SECONDS: Buckets =
    Buckets(&[0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.25, 1.0]);
/// A timer is late by a tenth of a millisecond, a machine with too much to do by more.
const LATE_SECONDS: Buckets =
    Buckets(&[0.000_1, 0.000_2, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 1.0]);
const TOKENS: Buckets = Buckets(&[
    10.0, 30.0, 100.0, 300.0, 1_000.0, 3_000.0, 10_000.0, 30_000.0, 100_000.0, 300_000.0,
]);
const ONE: Buckets = Buckets(&[1.0]);

type Histograms<L> = Family<L, Histogram, Buckets>;

/// All metrics.
pub(super) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    refusals: Family<RefusalLabels, Counter>,
    faults: Family<FaultLabels, Counter>,
    tokens: Family<TokenLabels, Counter>,
    first_byte: Histograms<Place>,
    duration: Histograms<Place>,
    lateness: Histograms<Place>,
    utilization: Family<DeploymentLabels, Gauge<f64, AtomicU64>>,
    seed: SeedMetrics,
}

/// Those under the seed system's names.
struct SeedMetrics {
    latency_base: Histograms<SeedStatusLabels>,
    latency_full: Histograms<SeedStatusLabels>,
    tokens_used: Histograms<SeedTokenLabels>,
    tokens_requested: Histograms<SeedTokenLabels>,
    tokens_rate_limit: Histograms<DeploymentLabels>,
    limits: Histograms<SeedLimitLabels>,
}

/// One finished request.
pub(super) struct Observation {
    pub status: u16,
    /// Set for a limiter's refusal.
    pub refused: Option<&'static str>,
    /// Tokens of the answer, if there was one.
    pub used: Tokens,
    /// Tokens asked for, whether there was an answer or not.
    pub requested: Tokens,
    /// Tokens the limiter counted.
    pub counted: Option<u64>,
    /// How late the latest part of the answer left, if it had a time at all.
    pub late_seconds: Option<f64>,
    pub first_byte_seconds: Option<f64>,
    /// From arrival to end.
    pub seconds: f64,
    /// The part of it that was work, not waiting for a deadline.
    pub work_seconds: f64,
}

/// Tokens of a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tokens {
    pub prompt: u64,
    pub completion: u64,
}

impl Default for Metrics {
    fn default() -> Self {
        let family = Family::new_with_constructor;
        let seed = SeedMetrics {
            latency_base: Family::new_with_constructor(WORK_SECONDS),
            latency_full: Family::new_with_constructor(SECONDS),
            tokens_used: Family::new_with_constructor(TOKENS),
            tokens_requested: Family::new_with_constructor(TOKENS),
            tokens_rate_limit: Family::new_with_constructor(TOKENS),
            limits: Family::new_with_constructor(ONE),
        };
        let mut metrics = Self {
            registry: Registry::default(),
            requests: Family::default(),
            refusals: Family::default(),
            faults: Family::default(),
            tokens: Family::default(),
            first_byte: family(SECONDS),
            duration: family(SECONDS),
            lateness: family(LATE_SECONDS),
            utilization: Family::default(),
            seed,
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    fn register(&mut self) {
        let own = self.registry.sub_registry_with_prefix("simulator");
        own.register("requests", "Finished requests by status", self.requests.clone());
        own.register("refusals", "Refused requests by limit", self.refusals.clone());
        own.register("faults", "Requests struck by a fault", self.faults.clone());
        own.register("tokens", "Billed tokens by kind", self.tokens.clone());
        let help = "Time from arrival to the first byte of an answer";
        own.register("first_byte_seconds", help, self.first_byte.clone());
        let help = "Time from arrival to the end of an answer";
        own.register("request_duration_seconds", help, self.duration.clone());
        let help = "How late the latest part of an answer left, beyond the latency asked for";
        own.register("lateness_seconds", help, self.lateness.clone());
        let help = "Utilisation of a provisioned deployment, 1 is full";
        own.register("ptu_utilization", help, self.utilization.clone());

        let SeedMetrics { latency_base, latency_full, tokens_used, .. } = &self.seed;
        let SeedMetrics { tokens_requested, tokens_rate_limit, limits, .. } = &self.seed;
        let seed = self.registry.sub_registry_with_prefix("aoai_api_simulator");
        let help = "Time to handle a request, without the simulated latency";
        seed.register_with_unit("latency_base", help, Unit::Seconds, latency_base.clone());
        let help = "Time to handle a request, with the simulated latency";
        seed.register_with_unit("latency_full", help, Unit::Seconds, latency_full.clone());
        seed.register("tokens_used", "Tokens of answers, per request", tokens_used.clone());
        let help = "Tokens of all requests, refused ones too, per request";
        seed.register("tokens_requested", help, tokens_requested.clone());
        let help = "Tokens counted for rate limiting, per request";
        seed.register("tokens_rate_limit", help, tokens_rate_limit.clone());
        let unit = Unit::Other("requests".to_owned());
        seed.register_with_unit("limits", "Refused requests", unit, limits.clone());
    }

    pub(super) fn count_fault(
        &self,
        resource: &str,
        deployment: &str,
        fault: &str,
        kind: &'static str,
    ) {
        let labels = FaultLabels {
            resource: resource.to_owned(),
            deployment: deployment.to_owned(),
            fault: fault.to_owned(),
            kind,
        };
        self.faults.get_or_create(&labels).inc();
    }

    pub(super) fn set_utilization(&self, resource: &str, deployment: &str, utilization: f64) {
        let labels =
            DeploymentLabels { resource: resource.to_owned(), deployment: deployment.to_owned() };
        self.utilization.get_or_create(&labels).set(utilization);
    }

    /// The text of `/metrics`.
    pub(super) fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// The meters of one deployment, by operation.
pub(super) struct Metering {
    metrics: Arc<Metrics>,
    resource: String,
    deployment: String,
    /// Few: the operations that were called.
    operations: Mutex<Vec<(&'static str, Arc<Meters>)>>,
}

impl Metering {
    /// `deployment` is empty for requests that reached none: a name from a path
    /// must not become a label, since anyone can send any.
    pub(super) fn new(metrics: Arc<Metrics>, resource: &str, deployment: &str) -> Self {
        let (resource, deployment) = (resource.to_owned(), deployment.to_owned());
        Self { metrics, resource, deployment, operations: Mutex::default() }
    }

    pub(super) fn of(&self, operation: &'static str) -> Arc<Meters> {
        let mut operations = lock(&self.operations);
        if let Some((_, known)) = operations.iter().find(|(known, _)| *known == operation) {
            return Arc::clone(known);
        }
        let (resource, deployment) = (self.resource.clone(), self.deployment.clone());
        let place = Place { resource, deployment, operation };
        let made = Arc::new(Meters::new(Arc::clone(&self.metrics), place));
        operations.push((operation, Arc::clone(&made)));
        made
    }
}

/// The metrics of one deployment and operation.
pub(super) struct Meters {
    metrics: Arc<Metrics>,
    place: Place,
    first_byte: Histogram,
    duration: Histogram,
    lateness: Histogram,
    tokens: [Counter; 2],
    used: [Histogram; 2],
    requested: [Histogram; 2],
    counted: Histogram,
    /// Few: the statuses that occurred.
    statuses: Mutex<Vec<StatusMeters>>,
}

#[derive(Clone)]
struct StatusMeters {
    status: u16,
    requests: Counter,
    latency_base: Histogram,
    latency_full: Histogram,
}

const KINDS: [&str; 2] = ["prompt", "completion"];

impl Meters {
    fn new(metrics: Arc<Metrics>, place: Place) -> Self {
        let Place { resource, deployment, .. } = &place;
        let tokens = KINDS.map(|kind| {
            let (resource, deployment) = (resource.clone(), deployment.clone());
            metrics.tokens.get_or_create_owned(&TokenLabels { resource, deployment, kind })
        });
        let seed = |family: &Histograms<SeedTokenLabels>| {
            KINDS.map(|token_type| {
                let (resource, deployment) = (resource.clone(), deployment.clone());
                family.get_or_create_owned(&SeedTokenLabels { resource, deployment, token_type })
            })
        };
        let labels =
            DeploymentLabels { resource: resource.clone(), deployment: deployment.clone() };
        Self {
            first_byte: metrics.first_byte.get_or_create_owned(&place),
            duration: metrics.duration.get_or_create_owned(&place),
            lateness: metrics.lateness.get_or_create_owned(&place),
            tokens,
            used: seed(&metrics.seed.tokens_used),
            requested: seed(&metrics.seed.tokens_requested),
            counted: metrics.seed.tokens_rate_limit.get_or_create_owned(&labels),
            statuses: Mutex::default(),
            metrics,
            place,
        }
    }

    pub(super) fn observe(&self, observation: &Observation) {
        let status = self.status(observation.status);
        status.requests.inc();
        status.latency_full.observe(observation.seconds);
        status.latency_base.observe(observation.work_seconds);
        if let Some(reason) = observation.refused {
            self.refusal(reason);
        }
        let Observation { used, requested, .. } = observation;
        let used = [used.prompt, used.completion];
        let requested = [requested.prompt, requested.completion];
        for ((tokens, total), own) in used.into_iter().zip(&self.tokens).zip(&self.used) {
            if 0 < tokens {
                total.inc_by(tokens);
                own.observe(tokens as f64);
            }
        }
        for (tokens, own) in requested.into_iter().zip(&self.requested) {
            if 0 < tokens {
                own.observe(tokens as f64);
            }
        }
        if let Some(counted) = observation.counted {
            self.counted.observe(counted as f64);
        }
        if let Some(seconds) = observation.first_byte_seconds {
            self.first_byte.observe(seconds);
        }
        self.duration.observe(observation.seconds);
        if let Some(seconds) = observation.late_seconds {
            self.lateness.observe(seconds);
        }
    }

    fn status(&self, status: u16) -> StatusMeters {
        let mut statuses = lock(&self.statuses);
        if let Some(known) = statuses.iter().find(|known| known.status == status) {
            return known.clone();
        }
        let Place { resource, deployment, operation } = self.place.clone();
        let labels = SeedStatusLabels {
            resource: resource.clone(),
            deployment: deployment.clone(),
            status_code: u32::from(status),
        };
        let request = RequestLabels { resource, deployment, operation, status: u32::from(status) };
        let made = StatusMeters {
            status,
            requests: self.metrics.requests.get_or_create_owned(&request),
            latency_base: self.metrics.seed.latency_base.get_or_create_owned(&labels),
            latency_full: self.metrics.seed.latency_full.get_or_create_owned(&labels),
        };
        statuses.push(made.clone());
        made
    }

    fn refusal(&self, reason: &'static str) {
        let Place { resource, deployment, .. } = self.place.clone();
        let labels = SeedLimitLabels {
            resource: resource.clone(),
            deployment: deployment.clone(),
            limit_type: reason,
        };
        self.metrics.seed.limits.get_or_create(&labels).observe(1.0);
        let labels = RefusalLabels { resource, deployment, reason };
        self.metrics.refusals.get_or_create(&labels).inc();
    }
}
