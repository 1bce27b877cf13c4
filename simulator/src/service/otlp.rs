//! Metrics to an OpenTelemetry collector (feature `otlp`), under the names and
//! dimensions of microsoft/aoai-api-simulator (its docs/metrics.md, read
//! 2026-11-28), with the resource beside them and the utilisation of provisioned
//! deployments.

use std::sync::{Arc, Weak};

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Histogram, Meter};
use tokio::time::Instant;

use super::metrics::Observation;
use super::resource::Resource;
use super::simulator::Simulator;
use crate::limit::Standing;

/// The instruments of a process.
pub(super) struct Instruments {
    latency_base: Histogram<f64>,
    latency_full: Histogram<f64>,
    tokens_used: Histogram<u64>,
    tokens_requested: Histogram<u64>,
    tokens_rate_limit: Histogram<u64>,
    limits: Histogram<u64>,
}

impl Instruments {
    pub(super) fn new(meter: &Meter) -> Self {
        let seconds = |name| meter.f64_histogram(name).with_unit("seconds").build();
        let tokens = |name| meter.u64_histogram(name).with_unit("tokens").build();
        Self {
            latency_base: seconds("aoai-api-simulator.latency.base"),
            latency_full: seconds("aoai-api-simulator.latency.full"),
            tokens_used: tokens("aoai-api-simulator.tokens.used"),
            tokens_requested: tokens("aoai-api-simulator.tokens.requested"),
            tokens_rate_limit: tokens("aoai-api-simulator.tokens.rate-limit"),
            limits: meter.u64_histogram("aoai-api-simulator.limits").with_unit("requests").build(),
        }
    }

    pub(super) fn observe(&self, resource: &str, deployment: &str, observation: &Observation) {
        let place = [
            KeyValue::new("resource", resource.to_owned()),
            KeyValue::new("deployment", deployment.to_owned()),
        ];
        let with = |more: KeyValue| [place[0].clone(), place[1].clone(), more];
        let status = with(KeyValue::new("status_code", i64::from(observation.status)));
        self.latency_base.record(observation.work_seconds, &status);
        self.latency_full.record(observation.seconds, &status);
        for (tokens, histogram) in
            [(observation.used, &self.tokens_used), (observation.requested, &self.tokens_requested)]
        {
            for (kind, count) in [("prompt", tokens.prompt), ("completion", tokens.completion)] {
                if 0 < count {
                    histogram.record(count, &with(KeyValue::new("token_type", kind)));
                }
            }
        }
        if let Some(counted) = observation.counted {
            self.tokens_rate_limit.record(counted, &place);
        }
        if let Some(limit) = observation.refused {
            self.limits.record(1, &with(KeyValue::new("limit_type", limit)));
        }
    }
}

impl Simulator {
    /// Records what is measured with this meter as well, under the names of
    /// microsoft/aoai-api-simulator. The first meter stays.
    pub fn export_metrics(&self, meter: &Meter) {
        for resource in self.own() {
            watch_utilization(meter, Arc::downgrade(resource));
        }
        if let Some(resource) = self.own().first() {
            resource.metrics.export(Instruments::new(meter));
        }
    }
}

/// Watches a resource's provisioned deployments, as long as it is there.
fn watch_utilization(meter: &Meter, resource: Weak<Resource>) {
    meter
        .f64_observable_gauge("simulator.ptu.utilization")
        .with_description("Utilisation of a provisioned deployment, 1 is full")
        .with_callback(move |gauge| {
            let Some(resource) = resource.upgrade() else { return };
            let now = Instant::now();
            for (name, deployment) in &resource.deployments {
                if let Standing::Ptu(utilization) = deployment.standing(now) {
                    let place = [
                        KeyValue::new("resource", resource.name().to_owned()),
                        KeyValue::new("deployment", name.clone()),
                    ];
                    gauge.observe(utilization, &place);
                }
            }
        })
        .build();
}
