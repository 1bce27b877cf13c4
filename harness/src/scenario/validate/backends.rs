//! Whether an embedded gateway's backends are where the run has somebody.

use std::path::Path;

use seam::config;
use seam::diagnostic::Diagnostic;
use seam::env::Env;
use serde::Deserialize;
use toml::Spanned;

use super::{Checker, endpoints};
use crate::scenario::model::{Simulators, local_authorities};
use crate::scenario::overrides::USE_SIMULATOR;

/// What this check reads of a gateway's configuration. The gateway's own loader
/// has refused unknown keys before.
#[derive(Deserialize)]
struct GatewayFile {
    #[serde(default)]
    backends: Vec<GatewayBackend>,
}

#[derive(Deserialize)]
struct GatewayBackend {
    id: String,
    url: Spanned<String>,
}

/// Name and configured port of each simulator that the harness would serve itself.
pub(super) fn ports(simulators: &Simulators) -> Vec<(String, u16)> {
    match simulators {
        Simulators::Embedded { resources, .. } => {
            resources.iter().map(|one| (one.name.clone(), one.port)).collect()
        }
        Simulators::External(_) | Simulators::Real(_) => Vec::new(),
    }
}

/// Whose address a backend's URL is.
fn whose<'a>(url: &str, ports: &'a [(String, u16)]) -> Option<&'a str> {
    let uri: http::Uri = url.parse().ok()?;
    let authority = format!("{}:{}", uri.host().unwrap_or(""), uri.port_u16().unwrap_or(80));
    let there = |port: u16| local_authorities(port).contains(&authority);
    let found = ports.iter().find(|(_, port)| there(*port));
    found.filter(|_| uri.scheme_str() == Some("http")).map(|(name, _)| name.as_str())
}

/// When everything is embedded, a backend that no simulator serves is a mistake
/// in an address (often one in `.env`): each call of it would end in an error
/// that looks like the gateway's, or reach somebody who is not part of the run.
pub(super) fn served(checker: &mut Checker<'_>, file: &Path, env: &Env, ports: &[(String, u16)]) {
    let Ok(source) = config::read(file) else { return };
    let Ok(gateway) = config::parse::<GatewayFile>(&source, env) else { return };
    let known: Vec<String> =
        ports.iter().map(|(name, port)| format!("{name} at http://localhost:{port}")).collect();
    for backend in gateway.backends {
        let url = backend.url.get_ref();
        if whose(url, ports).is_none() {
            let message = format!(
                "backend `{}` is at `{url}`, where no simulator of the scenario listens",
                backend.id
            );
            checker.push(Diagnostic::error(&source, backend.url.span(), message).help(format!(
                "served are {}; an address may come from the environment or `.env`",
                known.join(", ")
            )));
        }
    }
}

/// With real endpoints, a backend at a simulator's address has nobody behind it. A
/// warning: a scenario may do without it.
pub(super) fn nobodys(checker: &mut Checker<'_>, file: &Path, env: &Env, ports: &[(String, u16)]) {
    let Ok(source) = config::read(file) else { return };
    let Ok(gateway) = config::parse::<GatewayFile>(&source, env) else { return };
    for backend in gateway.backends {
        let url = backend.url.get_ref();
        if let Some(name) = whose(url, ports) {
            let message = format!(
                "backend `{}` is at `{url}`, the address of simulator {name}, and {USE_SIMULATOR} \
                 is false",
                backend.id
            );
            checker.push(Diagnostic::warning(&source, backend.url.span(), message).help(format!(
                "set {} where the scenario uses this backend",
                endpoints::url_variable(name)
            )));
        }
    }
}
