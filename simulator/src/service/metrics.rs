//! Prometheus metrics of all resources of the process.

use std::fmt;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::sync::atomic::AtomicU64;

/// Which deployment; requests that reached none have empty names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Place {
    pub resource: String,
    pub deployment: String,
    pub operation: &'static str,
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

/// All metrics.
pub(super) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    refusals: Family<RefusalLabels, Counter>,
    faults: Family<FaultLabels, Counter>,
    tokens: Family<TokenLabels, Counter>,
    first_byte: Family<Place, Histogram>,
    duration: Family<Place, Histogram>,
    utilization: Family<DeploymentLabels, Gauge<f64, AtomicU64>>,
}

/// One finished request.
pub(super) struct Observation {
    pub place: Place,
    pub status: u16,
    /// Set for a limiter's refusal.
    pub refused: Option<&'static str>,
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    pub first_byte_seconds: Option<f64>,
    pub seconds: f64,
}

fn seconds_histogram() -> Histogram {
    Histogram::new([
        0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0,
    ])
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("simulator"),
            requests: Family::default(),
            refusals: Family::default(),
            faults: Family::default(),
            tokens: Family::default(),
            first_byte: Family::new_with_constructor(seconds_histogram),
            duration: Family::new_with_constructor(seconds_histogram),
            utilization: Family::default(),
        };
        let registry = &mut metrics.registry;
        registry.register("requests", "Finished requests by status", metrics.requests.clone());
        registry.register("refusals", "Refused requests by limit", metrics.refusals.clone());
        registry.register("faults", "Requests struck by a fault", metrics.faults.clone());
        registry.register("tokens", "Billed tokens by kind", metrics.tokens.clone());
        registry.register(
            "first_byte_seconds",
            "Time from arrival to the first byte of an answer",
            metrics.first_byte.clone(),
        );
        registry.register(
            "request_duration_seconds",
            "Time from arrival to the end of an answer",
            metrics.duration.clone(),
        );
        registry.register(
            "ptu_utilization",
            "Utilisation of a provisioned deployment, 1 is full",
            metrics.utilization.clone(),
        );
        metrics
    }
}

impl Metrics {
    pub(super) fn observe(&self, observation: Observation) {
        let Observation { place, status, refused, .. } = observation;
        let (resource, deployment) = (place.resource.clone(), place.deployment.clone());
        self.requests
            .get_or_create(&RequestLabels {
                resource: resource.clone(),
                deployment: deployment.clone(),
                operation: place.operation,
                status: u32::from(status),
            })
            .inc();
        if let Some(reason) = refused {
            let labels = RefusalLabels {
                resource: resource.clone(),
                deployment: deployment.clone(),
                reason,
            };
            self.refusals.get_or_create(&labels).inc();
        }
        let kinds =
            [("prompt", observation.prompt_tokens), ("completion", observation.completion_tokens)];
        for (kind, tokens) in kinds {
            if 0 < tokens {
                let labels = TokenLabels {
                    resource: resource.clone(),
                    deployment: deployment.clone(),
                    kind,
                };
                self.tokens.get_or_create(&labels).inc_by(tokens);
            }
        }
        if let Some(seconds) = observation.first_byte_seconds {
            self.first_byte.get_or_create(&place).observe(seconds);
        }
        self.duration.get_or_create(&place).observe(observation.seconds);
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
