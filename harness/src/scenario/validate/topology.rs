//! The topology: embedded files are loaded here, so that their problems and
//! names are known before the run.

use std::path::Path;

use seam::config;
use seam::diagnostic::{Diagnostic, Severity};
use seam::env::Env;
use serde::Deserialize;
use simulator::ResourceInfo;
use toml::Spanned;

use super::Checker;
use crate::scenario::file;
use crate::scenario::model::{
    BaseUrl, ExternalSimulator, GatewayTarget, Simulators, Topology, local_authorities,
};
use crate::scenario::raw::RawTopology;

pub(super) fn check(
    checker: &mut Checker<'_>,
    raw: &Spanned<RawTopology>,
    folder: &Path,
    env: &Env,
) -> Option<Topology> {
    let topology = raw.get_ref();
    let gateway = match (&topology.gateway, &topology.gateway_url) {
        (Some(path), None) => embedded_gateway(checker, path, folder, env),
        (None, Some(url)) => base_url(checker, url).map(GatewayTarget::External),
        (Some(path), Some(url)) => {
            checker.push(
                Diagnostic::error(
                    checker.source,
                    url.span(),
                    "`gateway` and `gateway_url` exclude each other",
                )
                .also(path.span(), "an embedded gateway")
                .help("keep the one this scenario is to test"),
            );
            None
        }
        (None, None) => {
            checker.push(
                Diagnostic::error(checker.source, raw.span(), "the topology names no gateway")
                    .help(
                        "add `gateway = \"….toml\"` to embed one, or `gateway_url = \"http://…\"`",
                    ),
            );
            None
        }
    };
    let simulators = match (&topology.simulators, topology.simulator_urls.first_key_value()) {
        (Some(path), None) => embedded_simulators(checker, path, folder, env),
        (None, _) => external_simulators(checker, topology),
        (Some(path), Some((_, first))) => {
            checker.push(
                Diagnostic::error(
                    checker.source,
                    first.span(),
                    "`simulators` and `simulator_urls` exclude each other",
                )
                .also(path.span(), "embedded simulators"),
            );
            None
        }
    };
    let topology = Topology { simulators: simulators?, gateway: gateway? };
    if let (Some(path), Simulators::Embedded { resources, .. }) =
        (&raw.get_ref().gateway, &topology.simulators)
    {
        served_backends(checker, &file::join(folder, path.get_ref()), env, resources);
    }
    Some(topology)
}

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

/// When everything is embedded, a backend that no simulator serves is a mistake
/// in an address (often one in `.env`): each call of it would end in an error
/// that looks like the gateway's, or reach somebody who is not part of the run.
fn served_backends(checker: &mut Checker<'_>, file: &Path, env: &Env, resources: &[ResourceInfo]) {
    let Ok(source) = config::read(file) else { return };
    let Ok(gateway) = config::parse::<GatewayFile>(&source, env) else { return };
    let served = |url: &str| {
        let uri: Option<http::Uri> = url.parse().ok();
        uri.is_some_and(|uri| {
            let authority =
                format!("{}:{}", uri.host().unwrap_or(""), uri.port_u16().unwrap_or(80));
            uri.scheme_str() == Some("http")
                && resources.iter().any(|one| local_authorities(one.port).contains(&authority))
        })
    };
    let known: Vec<String> = resources
        .iter()
        .map(|one| format!("{} at http://localhost:{}", one.name, one.port))
        .collect();
    for backend in gateway.backends {
        let url = backend.url.get_ref();
        if !served(url) {
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

fn external_simulators(checker: &mut Checker<'_>, topology: &RawTopology) -> Option<Simulators> {
    let mut all = Vec::new();
    for (name, raw) in &topology.simulator_urls {
        let url = base_url(checker, &raw.get_ref().url);
        all.push(url.map(|url| ExternalSimulator {
            name: name.clone(),
            url,
            key: raw.get_ref().key.clone(),
        }));
    }
    all.into_iter().collect::<Option<Vec<_>>>().map(Simulators::External)
}

fn base_url(checker: &mut Checker<'_>, url: &Spanned<String>) -> Option<BaseUrl> {
    BaseUrl::parse(url.get_ref()).map_err(|message| checker.error(url.span(), message)).ok()
}

fn embedded_simulators(
    checker: &mut Checker<'_>,
    path: &Spanned<String>,
    folder: &Path,
    env: &Env,
) -> Option<Simulators> {
    let file = existing(checker, path, folder)?;
    let source = match config::read(&file) {
        Ok(source) => source,
        Err(problem) => {
            checker.push(problem);
            return None;
        }
    };
    let config = keep(checker, simulator::load(&source, env))?;
    let resources = config.resources();
    Some(Simulators::Embedded { config, resources })
}

fn embedded_gateway(
    checker: &mut Checker<'_>,
    path: &Spanned<String>,
    folder: &Path,
    env: &Env,
) -> Option<GatewayTarget> {
    let file = existing(checker, path, folder)?;
    keep(checker, gateway::load(&file, env)).map(GatewayTarget::Embedded)
}

/// A file the scenario names must exist; the problem points at its name.
fn existing(
    checker: &mut Checker<'_>,
    path: &Spanned<String>,
    folder: &Path,
) -> Option<std::path::PathBuf> {
    let file = file::join(folder, path.get_ref());
    if file.is_file() {
        return Some(file);
    }
    checker.push(
        Diagnostic::error(checker.source, path.span(), format!("no file `{}`", file.display()))
            .help("paths are relative to the scenario file"),
    );
    None
}

fn keep<T>(
    checker: &mut Checker<'_>,
    loaded: Result<(T, Vec<Diagnostic>), Vec<Diagnostic>>,
) -> Option<T> {
    let (value, problems) = match loaded {
        Ok((value, warnings)) => (Some(value), warnings),
        Err(problems) => (None, problems),
    };
    debug_assert!(
        value.is_some() || problems.iter().any(|problem| problem.severity() == Severity::Error),
        "a file that does not load says why"
    );
    checker.out.extend(problems);
    value
}
