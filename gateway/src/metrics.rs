//! `/metrics`: what a Prometheus server scrapes.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

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

/// The gateway's counters.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    attempts: Family<AttemptLabels, Counter>,
    durations: Family<ApiLabels, Histogram, fn() -> Histogram>,
    pool_choices: Family<ChoiceLabels, Counter>,
    unavailable: Family<BackendLabels, Counter>,
    breaker_trips: Family<BackendLabels, Counter>,
    breaker_open: Family<BackendLabels, Gauge>,
}

impl Metrics {
    /// All zero.
    pub(crate) fn new() -> Self {
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
            requests,
            attempts,
            durations,
            pool_choices,
            unavailable,
            breaker_trips,
            breaker_open,
        }
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
