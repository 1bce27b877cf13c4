//! Imitates Azure OpenAI resources with PTU and PAYG deployments.

use axum::Router;
use seam::clock::WallClock;
use seam::diagnostic::{Diagnostic, Source};
use seam::env::Env;
use seam::rng::Seed;

/// A checked configuration. (Contract stub.)
#[derive(Debug, Clone)]
pub struct SimulatorConfig {
    _private: (),
}

/// Parses and checks a configuration; all problems are collected.
pub fn load(
    source: &Source,
    env: &Env,
) -> Result<(SimulatorConfig, Vec<Diagnostic>), Vec<Diagnostic>> {
    let _ = (source, env);
    Ok((SimulatorConfig { _private: () }, Vec::new()))
}

/// What a simulator needs of the world it runs in.
#[derive(Debug, Clone, Copy)]
pub struct Environment {
    /// The run's seed.
    pub seed: Seed,
    /// Tells dates.
    pub clock: WallClock,
}

/// One or many simulated resources. Cheap to clone; clones share state.
#[derive(Clone)]
pub struct Simulator {
    _environment: Environment,
}

/// One resource as its user finds it.
#[derive(Debug, Clone)]
pub struct ResourceInfo {
    /// Name, unique in the file.
    pub name: String,
    /// The port it is configured to listen on.
    pub port: u16,
    /// A key it accepts, for the live control as well.
    pub key: String,
}

impl Simulator {
    /// Puts a configuration into a world.
    #[must_use]
    pub fn new(config: SimulatorConfig, environment: Environment) -> Self {
        let _ = config;
        Self { _environment: environment }
    }

    /// The resources, in the file's order.
    #[must_use]
    pub fn resources(&self) -> Vec<ResourceInfo> {
        Vec::new()
    }

    /// The service of one resource: the API, `/++/config`, `/++/journal`,
    /// `/metrics`, `/healthz`.
    #[must_use]
    pub fn router(&self, resource: &str) -> Option<Router> {
        let _ = resource;
        None
    }
}
