//! The way in: text → [`SimulatorConfig`], and the schema of the text.

use seam::diagnostic::{Diagnostic, Source};
use seam::env::Env;
use seam::reference;

use super::check::check;
use super::model::ResourceConfig;
use super::raw;

/// The configuration the binary uses when none is given.
pub const DEFAULT_CONFIG: &str = include_str!("../default.toml");

/// A checked configuration.
#[derive(Debug, Clone)]
pub struct SimulatorConfig {
    pub(crate) journal_capacity: usize,
    pub(crate) stored_responses: usize,
    pub(crate) max_body_bytes: usize,
    /// `YYYY-MM-DD`; later `api-version`s are unknown.
    pub(crate) newest_api_version: String,
    pub(crate) resources: Vec<ResourceConfig>,
}

/// Parses and checks a configuration; all problems are collected. With the
/// configuration come the warnings.
pub fn load(
    source: &Source,
    env: &Env,
) -> Result<(SimulatorConfig, Vec<Diagnostic>), Vec<Diagnostic>> {
    let raw: raw::File = seam::config::parse(source, env)?;
    check(source, raw)
}

const INTRODUCTION: &str = "\
Generated from the simulator's own types by `simulator schema --markdown`; a test
compares them. Unknown keys are errors. Durations are strings such as `\"90s\"` or
`\"250ms\"`. In any string, `${NAME}` is replaced from the environment or from
`.env`, `${NAME:-default}` has a default. [The guide](simulator.md) explains how
the parts play together.";

/// The JSON Schema of the configuration file, as committed at
/// `docs/simulator.schema.json`.
#[must_use]
pub fn schema() -> String {
    reference::json(&reference::schema::<raw::File>("Simulator configuration"))
}

/// The configuration file's reference page, as committed at
/// `docs/simulator-reference.md`.
#[must_use]
pub fn reference_page() -> String {
    let schema = reference::schema::<raw::File>("Simulator configuration");
    reference::markdown("Simulator configuration", INTRODUCTION, &schema)
}
