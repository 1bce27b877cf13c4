//! An embedded gateway that executes Azure API Management policy documents
//! unmodified.
//!
//! `config → (policy XML → typed tree, expressions compiled) → per request:
//! context → inbound → backend → outbound / on-error`.

use std::path::Path;

use axum::Router;
use seam::clock::WallClock;
use seam::diagnostic::Diagnostic;
use seam::env::Env;
use seam::http::HttpService;
use seam::rng::Seed;

pub mod expr;
pub mod pipeline;

/// A checked configuration with its documents loaded. (Contract stub.)
#[derive(Debug, Clone)]
pub struct GatewayConfig {
    _private: (),
}

/// Loads `gateway.toml` and every document it names. On success the second
/// part holds warnings; on failure all problems found.
pub fn load(path: &Path, env: &Env) -> Result<(GatewayConfig, Vec<Diagnostic>), Vec<Diagnostic>> {
    let _ = (path, env);
    Ok((GatewayConfig { _private: () }, Vec::new()))
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

/// One backend call of one client request, as the gateway saw it.
#[derive(Debug, Clone, serde::Serialize)]
pub struct AttemptRecord {
    /// Backend id, or the base URL when none was selected.
    pub backend: String,
    /// Answer's status; `None` for a transport failure.
    pub status: Option<u16>,
    /// Milliseconds since the Unix epoch at which the call left.
    pub sent_ms: f64,
    /// Milliseconds since the Unix epoch at which its headers arrived, or it failed.
    pub headers_ms: f64,
}

/// What the gateway did with one client request.
#[derive(Debug, Clone, serde::Serialize)]
pub struct RequestRecord {
    /// Number from 1 in order of arrival.
    pub number: u64,
    /// The client's `x-ms-client-request-id`.
    pub correlation_id: Option<String>,
    /// Matched API's id.
    pub api: Option<String>,
    /// Matched operation's id.
    pub operation: Option<String>,
    /// Subscription's id.
    pub subscription: Option<String>,
    /// Milliseconds since the Unix epoch at arrival.
    pub received_ms: f64,
    /// Milliseconds since the Unix epoch when the last byte was handed on.
    pub done_ms: f64,
    /// Status sent; 499 when the client went away first.
    pub status: u16,
    /// `LastError.Reason` when the pipeline failed.
    pub error_reason: Option<String>,
    /// Backend calls in order.
    pub attempts: Vec<AttemptRecord>,
}

/// A gateway that serves its configuration. Cheap to clone; clones share state.
#[derive(Clone)]
pub struct Gateway {
    _environment: Environment,
}

impl Gateway {
    /// Puts a configuration into a world.
    #[must_use]
    pub fn new(config: GatewayConfig, environment: Environment) -> Self {
        let _ = config;
        Self { _environment: environment }
    }

    /// The service: every API, `/healthz`, `/metrics`, and `/++/journal`.
    #[must_use]
    pub fn router(&self) -> Router {
        Router::new()
    }

    /// Records with a number above `after`, oldest first; a bounded ring.
    #[must_use]
    pub fn journal(&self, after: u64) -> Vec<RequestRecord> {
        let _ = after;
        Vec::new()
    }
}
