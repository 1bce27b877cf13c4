//! An embedded gateway that executes Azure API Management policy documents
//! unmodified.
//!
//! `config → (policy XML → typed tree, expressions compiled) → per request:
//! context → inbound → backend → outbound / on-error`. Everything is checked by
//! [`load`]; nothing is parsed while a request is under way. [`Gateway::router`]
//! is the service, over sockets or in process.
//!
//! Reading order: `config/load.rs`, `policy/scanner.rs`, `policy/compile.rs`,
//! `pipeline/handle.rs`, then any module of `policies/`.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use seam::clock::WallClock;
use seam::diagnostic::{Diagnostic, Source};
use seam::env::Env;
use seam::http::HttpService;
use seam::reference;
use seam::rng::Seed;

use crate::store::counter::memory::MemoryCounters;

mod app;
mod backend;
pub mod cli;
mod config;
pub mod expr;
mod identity;
mod journal;
mod jwt;
mod metrics;
pub mod pipeline;
mod policies;
pub mod policy;
pub mod store;
mod survey;
mod telemetry;
mod usage;

/// What a `[settings]` table may say: [`Settings`] and the ways of each.
pub mod settings {
    pub use crate::config::settings::*;
}

pub use config::settings::{
    ConcurrencyUntil, LimitHeaders, PoolContext, PoolReason, PoolSelection, RetryBackoff, Settings,
    TokenEstimator, TrippingCall,
};
pub use journal::{AttemptRecord, BreakerChange, CallRecord, RequestRecord};
pub use telemetry::records::{EventRecord, MessageRecord, MetricRecord};
pub use telemetry::tracer::{Trace, TraceEntry, TraceEvent};

/// A checked configuration with its documents loaded.
#[derive(Clone)]
pub struct GatewayConfig {
    model: Arc<config::model::Model>,
}

impl GatewayConfig {
    /// The address to listen on.
    #[must_use]
    pub fn listen(&self) -> SocketAddr {
        self.model.listen
    }

    /// The key requests to `/++/` must carry in header `api-key`; `None` where
    /// they need none.
    #[must_use]
    pub fn control_key(&self) -> Option<&str> {
        self.model.control_key.as_deref()
    }

    /// Switches and bounds.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.model.settings
    }

    /// Pools and circuit breakers in words, one a line; empty without any.
    #[must_use]
    pub fn describe_backends(&self) -> String {
        config::describe::describe(&self.model)
    }

    /// How long requests under way may take when the gateway stops.
    #[must_use]
    pub fn drain_timeout(&self) -> Duration {
        self.model.settings.drain_timeout.0
    }
}

impl fmt::Debug for GatewayConfig {
    /// Names only: keys and credentials are never printed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatewayConfig")
            .field("listen", &self.model.listen)
            .field("apis", &self.model.apis)
            .field("backends", &self.model.backends)
            .field("products", &self.model.products)
            .field("subscriptions", &self.model.subscriptions.values().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// Loads `gateway.toml` and every document it names. On success the second
/// part holds warnings; on failure all problems found.
pub fn load(path: &Path, env: &Env) -> Result<(GatewayConfig, Vec<Diagnostic>), Vec<Diagnostic>> {
    let (model, warnings) = config::load::load(path, env)?;
    Ok((GatewayConfig { model: Arc::new(model) }, warnings))
}

/// Checks one policy document or fragment by itself, without a configuration:
/// named values, fragments, backends and loggers it names are taken as there. Gives
/// errors and warnings; without an error the document loads.
#[must_use]
pub fn check_document(source: &Source) -> Vec<Diagnostic> {
    policy::alone::check(source)
}

/// The address a `gateway.toml` says to listen on, without reading documents.
pub fn listen(path: &Path, env: &Env) -> Result<SocketAddr, Vec<Diagnostic>> {
    config::load::listen(path, env)
}

const INTRODUCTION: &str = "\
Generated from the gateway's own types by `gateway schema --markdown`; a test
compares them. Unknown keys are errors. Paths are relative to the file. In any
string, `${NAME}` is replaced from the environment or from `.env`,
`${NAME:-default}` has a default. [The guide](gateway.md) explains how the parts
play together.";

/// The JSON Schema of `gateway.toml`, as committed at `docs/gateway.schema.json`.
#[must_use]
pub fn schema() -> String {
    reference::json(&reference::schema::<config::raw::RawConfig>("Gateway configuration"))
}

/// The reference page of `gateway.toml`, as committed at `docs/gateway-reference.md`.
#[must_use]
pub fn reference_page() -> String {
    let schema = reference::schema::<config::raw::RawConfig>("Gateway configuration");
    reference::markdown("Gateway configuration", INTRODUCTION, &schema)
}

/// What expressions may use, as committed at `docs/gateway-expressions.md`.
#[must_use]
pub fn expressions_page() -> String {
    expr::expressions_page()
}

/// What was inferred, and the ways of each setting, as committed at
/// `docs/gateway-inferences.md`.
#[must_use]
pub fn inferences_page() -> String {
    config::settings::inferences_page()
}

/// Requests of `send-one-way-request` under way at once.
const MAX_ONE_WAY: usize = 1_000;

/// What a gateway needs of the world it runs in.
#[derive(Clone)]
pub struct Environment {
    /// Calls backends.
    pub client: HttpService,
    /// The run's seed.
    pub seed: Seed,
    /// Tells dates.
    pub clock: WallClock,
}

/// A gateway that serves its configuration. Cheap to clone; clones share state.
#[derive(Clone)]
pub struct Gateway {
    worker: Arc<app::Worker>,
}

impl Gateway {
    /// Puts a configuration into a world.
    #[must_use]
    pub fn new(config: GatewayConfig, environment: Environment) -> Self {
        let Environment { client, seed, clock } = environment;
        let settings = &config.model.settings;
        let metrics = Arc::new(metrics::Metrics::new(settings.emitted_series));
        let journal = journal::Journal::new(
            seam::instance::instance("gateway", seed, &clock),
            settings.journal_records,
            settings.journal_bytes,
            clock,
            Arc::clone(&metrics),
        );
        let loggers = &config.model.loggers;
        let sinks =
            telemetry::sinks::Sinks::new(loggers, clock, Arc::clone(&metrics), client.clone());
        let shared = app::Shared {
            seed,
            clock,
            cache: Box::new(store::MemoryCache::new(settings.cache_entries, settings.cache_values)),
            counters: Arc::new(MemoryCounters::new(settings.counter_entries)),
            gate: Arc::default(),
            journal: Arc::new(journal),
            metrics,
            sinks,
            identity: identity::Identity::new(config.model.identity.clone()),
            one_way: Arc::new(tokio::sync::Semaphore::new(MAX_ONE_WAY)),
            routes: backend::Routes::new(&config.model),
            model: config.model,
        };
        Self { worker: Arc::new(app::Worker { shared: Arc::new(shared), client }) }
    }

    /// The same gateway, its requests calling backends through another client: a
    /// thread that serves it keeps its connections to itself.
    #[must_use]
    pub fn with_client(&self, client: HttpService) -> Self {
        let shared = Arc::clone(&self.worker.shared);
        Self { worker: Arc::new(app::Worker { shared, client }) }
    }

    /// The service: every API, `/healthz`, `/metrics`, and `/++/journal`.
    pub fn router(&self) -> Router {
        app::router(Arc::clone(&self.worker))
    }

    /// Waits until every event so far reached its logger's file or URL, or was
    /// lost. Call it before the process ends.
    pub async fn flush(&self) {
        self.worker.shared.sinks.flush().await;
    }

    /// Answers one request and tells what happened meanwhile. The trace is
    /// `None` only when more requests than it keeps came at once.
    pub async fn trace(
        &self,
        mut request: axum::extract::Request,
    ) -> (http::Response<bytes::Bytes>, Option<Arc<Trace>>) {
        use http_body_util::BodyExt as _;

        request.extensions_mut().insert(pipeline::handle::TraceWanted);
        let answer = pipeline::handle::handle(Arc::clone(&self.worker), request).await;
        let (parts, body) = answer.into_parts();
        // A body that breaks off is in the trace's status.
        let body = match body.collect().await {
            Ok(body) => body.to_bytes(),
            Err(_) => bytes::Bytes::new(),
        };
        let id = parts.headers.get("apim-trace-id").and_then(|id| id.to_str().ok());
        let trace = id.and_then(|id| self.worker.shared.journal.traces().find(id));
        (http::Response::from_parts(parts, body), trace)
    }

    /// Records of finished requests with a number above `after`, in order of
    /// number; a bounded ring.
    #[must_use]
    pub fn journal(&self, after: u64) -> Vec<RequestRecord> {
        self.worker.shared.journal.finished(after)
    }
}
