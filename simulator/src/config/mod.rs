//! The configuration file: text → spanned raw types → checked types.
//!
//! `raw` is the file as people write it (and its JSON Schema), `model` what the
//! rest of the simulator works with and cannot hold a contradiction, `check`
//! the way from one to the other with every problem collected. Nothing here
//! knows HTTP.

mod check;
mod latency;
mod model;
pub(crate) mod raw;

pub(crate) use latency::latency_from;
pub(crate) use model::{
    Admission, Capacity, CompletionLength, DeploymentConfig, PaygSettings, PtuSettings,
    ResourceConfig, WireProfile,
};

use seam::diagnostic::{Diagnostic, Source};
use seam::env::Env;

/// The configuration the binary uses when none is given.
pub const DEFAULT_CONFIG: &str = include_str!("../default.toml");

/// A checked configuration.
#[derive(Debug, Clone)]
pub struct SimulatorConfig {
    pub(crate) journal_capacity: usize,
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
    check::check(source, raw)
}

/// The JSON Schema of the configuration file, pretty-printed, with a final newline.
#[must_use]
pub fn schema() -> String {
    let schema = schemars::schema_for!(raw::File);
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests;
