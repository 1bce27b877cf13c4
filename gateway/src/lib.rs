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

mod app;
mod backend;
pub mod cli;
mod config;
pub mod expr;
mod journal;
mod metrics;
pub mod pipeline;
mod policies;
pub mod policy;
mod store;
mod survey;

pub use config::settings::{
    PoolContext, PoolReason, PoolSelection, RetryBackoff, Settings, TrippingCall,
};
pub use journal::{AttemptRecord, BreakerChange, RequestRecord};

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
/// named values, fragments and backends it names are taken as there. Gives
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
    shared: Arc<app::Shared>,
}

impl Gateway {
    /// Puts a configuration into a world.
    #[must_use]
    pub fn new(config: GatewayConfig, environment: Environment) -> Self {
        let Environment { client, seed, clock } = environment;
        let settings = &config.model.settings;
        let metrics = Arc::new(metrics::Metrics::new());
        let instance = seam::instance::instance("gateway", seed, &clock);
        let records = settings.journal_records;
        let journal = journal::Journal::new(instance, records, clock, Arc::clone(&metrics));
        let shared = app::Shared {
            client,
            seed,
            clock,
            cache: Box::new(store::MemoryCache::new(settings.cache_entries)),
            journal: Arc::new(journal),
            metrics,
            routes: backend::Routes::new(&config.model),
            model: config.model,
        };
        Self { shared: Arc::new(shared) }
    }

    /// The service: every API, `/healthz`, `/metrics`, and `/++/journal`.
    pub fn router(&self) -> Router {
        app::router(Arc::clone(&self.shared))
    }

    /// Records of finished requests with a number above `after`, in order of
    /// number; a bounded ring.
    #[must_use]
    pub fn journal(&self, after: u64) -> Vec<RequestRecord> {
        self.shared.journal.finished(after)
    }
}
