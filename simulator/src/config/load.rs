//! The way in: text → [`SimulatorConfig`], and the schema of the text.

use seam::diagnostic::{Diagnostic, Source};
use seam::env::Env;

use super::check::check;
use super::model::ResourceConfig;
use super::raw;

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
    check(source, raw)
}

/// The JSON Schema of the configuration file, pretty-printed, with a final newline.
#[must_use]
pub fn schema() -> String {
    let schema = schemars::schema_for!(raw::File);
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}
