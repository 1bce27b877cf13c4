//! `/metrics`: what a Prometheus server scrapes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::telemetry::records::MetricRecord;

/// Upper bounds in seconds: from an answer the gateway gives by itself to a
/// long completion.
const BUCKETS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0, 120.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    api: String,
    status: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AttemptLabels {
    backend: String,
    status: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ApiLabels {
    api: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BackendLabels {
    backend: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ChoiceLabels {
    pool: String,
    backend: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LoggerLabels {
    logger: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LossLabels {
    logger: String,
    reason: &'static str,
}

/// `namespace`, `name`, then one label per dimension.
type DimensionLabels = Vec<(String, String)>;

type Sum = Gauge<f64, AtomicU64>;

/// What policies emit. Clients may choose dimensions' values: there are at
/// most so many series, and what is beyond them is counted.
struct Emitted {
    most: usize,
    known: Mutex<BTreeSet<DimensionLabels>>,
    counts: Family<DimensionLabels, Counter>,
    sums: Family<DimensionLabels, Sum>,
    lasts: Family<DimensionLabels, Sum>,
    overflow: Counter,
}

/// The gateway's counters.
pub(crate) struct Metrics {
    registry: Registry,
    emitted: Emitted,
    events: Family<LoggerLabels, Counter>,
    events_lost: Family<LossLabels, Counter>,
    one_way_lost: Counter,
    requests: Family<RequestLabels, Counter>,
    attempts: Family<AttemptLabels, Counter>,
    durations: Family<ApiLabels, Histogram, fn() -> Histogram>,
    pool_choices: Family<ChoiceLabels, Counter>,
    unavailable: Family<BackendLabels, Counter>,
    breaker_trips: Family<BackendLabels, Counter>,
    breaker_open: Family<BackendLabels, Gauge>,
}

impl Metrics {
    /// All zero; at most `emitted_series` series of what policies emit.
    pub(crate) fn new(emitted_series: usize) -> Self {
        let requests = Family::<RequestLabels, Counter>::default();
        let attempts = Family::<AttemptLabels, Counter>::default();
        let durations =
            Family::<ApiLabels, Histogram, fn() -> Histogram>::new_with_constructor(|| {
                Histogram::new(BUCKETS)
            });
        let mut registry = Registry::with_prefix("gateway");
        registry.register("requests", "Requests by API and status sent", requests.clone());
        registry.register(
            "backend_attempts",
            "Backend calls by backend and status; `error` when none came",
            attempts.clone(),
        );
        registry.register(
            "request_duration_seconds",
            "From a request's arrival to the last byte of its answer",
            durations.clone(),
        );
        let emitted = Emitted::new(emitted_series, &mut registry);
        let events = Family::<LoggerLabels, Counter>::default();
        let events_lost = Family::<LossLabels, Counter>::default();
        let one_way_lost = Counter::default();
        registry.register("events", "Events of log-to-eventhub by logger", events.clone());
        registry.register(
            "events_lost",
            "Events that did not reach their logger's file or URL",
            events_lost.clone(),
        );
        registry.register(
            "one_way_requests_lost",
            "Requests of send-one-way-request not sent: too many under way",
            one_way_lost.clone(),
        );
        let pool_choices = Family::<ChoiceLabels, Counter>::default();
        registry.register("pool_choices", "Calls a pool gave to a member", pool_choices.clone());
        let unavailable = Family::<BackendLabels, Counter>::default();
        registry.register(
            "backend_unavailable",
            "Calls answered with 503 because a circuit breaker, or all of a pool, were open",
            unavailable.clone(),
        );
        let breaker_trips = Family::<BackendLabels, Counter>::default();
        registry.register(
            "breaker_trips",
            "How often a backend's circuit breaker opened",
            breaker_trips.clone(),
        );
        let breaker_open = Family::<BackendLabels, Gauge>::default();
        registry.register(
            "breaker_open",
            "1 while a backend's circuit breaker is open",
            breaker_open.clone(),
        );
        Self {
            registry,
            emitted,
            events,
            events_lost,
            one_way_lost,
            requests,
            attempts,
            durations,
            pool_choices,
            unavailable,
            breaker_trips,
            breaker_open,
        }
    }

    /// A policy emitted a metric.
    pub(crate) fn emitted(&self, metric: &MetricRecord) {
        self.emitted.add(metric);
    }

    /// A policy sent an event.
    pub(crate) fn event(&self, logger: &str) {
        self.events.get_or_create(&LoggerLabels { logger: logger.to_owned() }).inc();
    }

    /// An event did not reach its sink.
    pub(crate) fn event_lost(&self, logger: &str, reason: &'static str) {
        self.events_lost.get_or_create(&LossLabels { logger: logger.to_owned(), reason }).inc();
    }

    /// A one-way request was not sent.
    pub(crate) fn one_way_lost(&self) {
        self.one_way_lost.inc();
    }

    /// A request was answered, or its client went away (499).
    pub(crate) fn request(&self, api: Option<&str>, status: u16, duration: Duration) {
        let api = api.unwrap_or_default().to_owned();
        self.durations
            .get_or_create(&ApiLabels { api: api.clone() })
            .observe(duration.as_secs_f64());
        self.requests.get_or_create(&RequestLabels { api, status: status.to_string() }).inc();
    }

    /// A backend answered, or not.
    pub(crate) fn attempt(&self, backend: &str, status: Option<u16>) {
        let status = status.map_or_else(|| "error".to_owned(), |status| status.to_string());
        self.attempts.get_or_create(&AttemptLabels { backend: backend.to_owned(), status }).inc();
    }

    /// A pool gave a call to a member.
    pub(crate) fn pool_choice(&self, pool: &str, backend: &str) {
        let labels = ChoiceLabels { pool: pool.to_owned(), backend: backend.to_owned() };
        self.pool_choices.get_or_create(&labels).inc();
    }

    /// A call was not sent: the breaker, or all of the pool's, are open.
    pub(crate) fn unavailable(&self, backend: &str) {
        let labels = BackendLabels { backend: backend.to_owned() };
        self.unavailable.get_or_create(&labels).inc();
    }

    /// A breaker opened.
    pub(crate) fn breaker_tripped(&self, backend: &str) {
        let labels = BackendLabels { backend: backend.to_owned() };
        self.breaker_trips.get_or_create(&labels).inc();
    }

    /// Which breakers are open now, just before a scrape.
    pub(crate) fn breakers<'b>(&self, breakers: impl Iterator<Item = (&'b str, bool)>) {
        for (backend, open) in breakers {
            let labels = BackendLabels { backend: backend.to_owned() };
            self.breaker_open.get_or_create(&labels).set(i64::from(open));
            // One that never opened is 0, not absent.
            drop(self.breaker_trips.get_or_create(&labels));
        }
    }

    /// The text format.
    pub(crate) fn encode(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

impl Emitted {
    fn new(most: usize, registry: &mut Registry) -> Self {
        let emitted = Self {
            most,
            known: Mutex::default(),
            counts: Family::default(),
            sums: Family::default(),
            lasts: Family::default(),
            overflow: Counter::default(),
        };
        registry.register(
            "emitted_metrics",
            "How often policies emitted a metric, by its dimensions",
            emitted.counts.clone(),
        );
        registry.register(
            "emitted_metrics_sum",
            "The values policies emitted, added up",
            emitted.sums.clone(),
        );
        registry.register(
            "emitted_metrics_last",
            "The value a policy emitted last",
            emitted.lasts.clone(),
        );
        registry.register(
            "emitted_metrics_overflow",
            "Metrics policies emitted beyond the bound of series",
            emitted.overflow.clone(),
        );
        emitted
    }

    fn add(&self, metric: &MetricRecord) {
        let labels = labels(metric);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.contains(&labels) {
            if self.most <= known.len() {
                self.overflow.inc();
                return;
            }
            known.insert(labels.clone());
        }
        drop(known);
        self.counts.get_or_create(&labels).inc();
        self.sums.get_or_create(&labels).inc_by(metric.value);
        self.lasts.get_or_create(&labels).set(metric.value);
    }
}

/// `Subscription ID` becomes `subscription_id`; two names that become the same
/// are told apart by a number.
fn labels(metric: &MetricRecord) -> DimensionLabels {
    let mut labels = vec![
        ("namespace".to_owned(), metric.namespace.clone()),
        ("name".to_owned(), metric.name.clone()),
    ];
    let mut used: BTreeMap<String, u32> =
        labels.iter().map(|(name, _)| (name.clone(), 1)).collect();
    for (dimension, value) in &metric.dimensions {
        let mut name: String = dimension
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' })
            .collect();
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            name.insert_str(0, "dimension_");
        }
        while let Some(count) = used.get_mut(&name) {
            *count += 1;
            name = format!("{name}_{count}");
        }
        used.insert(name.clone(), 1);
        labels.push((name, value.clone()));
    }
    labels
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metric(value: f64, dimensions: &[(&str, &str)]) -> MetricRecord {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        MetricRecord {
            namespace: "n".to_owned(),
            name: "Total Tokens".to_owned(),
            value,
            dimensions: dimensions.iter().map(pair).collect(),
        }
    }

    #[test]
    fn dimensions_become_labels_and_series_are_bounded() {
        let metrics = Metrics::new(2);
        metrics.emitted(&metric(2.5, &[("Subscription ID", "a\"b"), ("subscription-id", "y")]));
        metrics.emitted(&metric(-1.0, &[("Subscription ID", "a\"b"), ("subscription-id", "y")]));
        metrics.emitted(&metric(1.0, &[("name", "x"), ("1st", "z")]));
        metrics.emitted(&metric(1.0, &[("one", "too many")]));
        let text = metrics.encode();
        let lines: Vec<&str> = text
            .lines()
            .filter(|line| line.starts_with("gateway_emitted") && line.contains("_id_2"))
            .collect();
        let labels =
            r#"namespace="n",name="Total Tokens",subscription_id="a\"b",subscription_id_2="y""#;
        assert_eq!(
            lines,
            [
                format!("gateway_emitted_metrics_total{{{labels}}} 2"),
                format!("gateway_emitted_metrics_sum{{{labels}}} 1.5"),
                format!("gateway_emitted_metrics_last{{{labels}}} -1.0"),
            ]
        );
        assert!(text.contains(r#"name="Total Tokens",name_2="x",dimension_1st="z"}"#), "{text}");
        assert!(text.contains("gateway_emitted_metrics_overflow_total 1\n"), "{text}");
    }
}
