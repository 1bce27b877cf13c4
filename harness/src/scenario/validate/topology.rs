//! The topology: embedded files are loaded here, so that their problems and
//! names are known before the run.

use std::path::Path;

use seam::config;
use seam::diagnostic::{Diagnostic, Severity};
use seam::env::Env;
use toml::Spanned;

use super::{Checker, backends, endpoints};
use crate::assert::words;
use crate::record::Endpoints;
use crate::scenario::file;
use crate::scenario::model::{
    BaseUrl, ExternalGateway, ExternalSimulator, GatewayJournal, GatewayTarget, Simulators,
    Topology,
};
use crate::scenario::overrides::Overrides;
use crate::scenario::raw::{RawGatewayUrl, RawTopology};

/// The variable that holds the key of simulators for which no other is given.
const COMMON_KEY: &str = "SIMULATOR_API_KEY";

pub(super) fn check(
    checker: &mut Checker<'_>,
    raw: &Spanned<RawTopology>,
    folder: &Path,
    env: &Env,
    overrides: &Overrides,
) -> Option<Topology> {
    let topology = raw.get_ref();
    let gateway = match (&topology.gateway, &topology.gateway_url) {
        (Some(path), None) => embedded_gateway(checker, path, folder, env),
        (None, Some(url)) => external_gateway(checker, url).map(GatewayTarget::External),
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
        (None, None) if overrides.gateway_url.is_some() => None,
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
        (None, _) => external_simulators(checker, topology, env, overrides),
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
    let gateway = replaced_gateway(gateway, overrides);
    let simulators = simulators?;
    let ports = backends::ports(&simulators);
    let simulators = replaced_simulators(checker, simulators, env, overrides);
    let topology = Topology { simulators: simulators?, gateway: gateway? };
    if let (Some(path), GatewayTarget::Embedded(_)) = (&raw.get_ref().gateway, &topology.gateway) {
        let file = file::join(folder, path.get_ref());
        match &topology.simulators {
            Simulators::Embedded { .. } => backends::served(checker, &file, env, &ports),
            Simulators::Real(_) => backends::nobodys(checker, &file, env, &ports),
            Simulators::External(_) => {}
        }
    }
    Some(topology)
}

/// The gateway of the command line instead of the file's. The journal of one
/// that stands in an embedded gateway's place is opened with that one's key.
fn replaced_gateway(
    gateway: Option<GatewayTarget>,
    overrides: &Overrides,
) -> Option<GatewayTarget> {
    let Some(url) = overrides.gateway_url.clone() else {
        return match gateway? {
            GatewayTarget::External(mut external) => {
                external.key = overrides.gateway_key.clone().or(external.key);
                Some(GatewayTarget::External(external))
            }
            embedded @ GatewayTarget::Embedded(_) => Some(embedded),
        };
    };
    let (journal, key) = match gateway {
        Some(GatewayTarget::Embedded(config)) => {
            (GatewayJournal::Auto, config.control_key().map(str::to_owned))
        }
        Some(GatewayTarget::External(external)) => (external.journal, external.key),
        None => (GatewayJournal::Auto, None),
    };
    let key = overrides.gateway_key.clone().or(key);
    Some(GatewayTarget::External(ExternalGateway { url, journal, key }))
}

/// The simulators of the command line instead of the file's: all of them, since
/// one process cannot both be the run's own and run elsewhere. Or real endpoints.
fn replaced_simulators(
    checker: &mut Checker<'_>,
    simulators: Simulators,
    env: &Env,
    overrides: &Overrides,
) -> Option<Simulators> {
    let names = simulators.names();
    let urls = overrides.simulator_urls.iter().map(|(name, _)| ("a URL", name));
    let keys = overrides.simulator_keys.keys().map(|name| ("a key", name));
    let unknown: Vec<_> = urls.chain(keys).filter(|(_, name)| !names.contains(name)).collect();
    for (what, name) in &unknown {
        let known = match names.as_slice() {
            [] => "the scenario names no simulator".to_owned(),
            names => format!("known: {}", names.join(", ")),
        };
        let message = format!("{what} is given for `{name}`, which the scenario does not name");
        checker.push(
            Diagnostic::without_source(message)
                .did_you_mean(name, names.iter().map(String::as_str))
                .help(known),
        );
    }
    if !unknown.is_empty() {
        return None;
    }
    let url_of = |name: &str| {
        let found = overrides.simulator_urls.iter().find(|(given, _)| given == name);
        found.map(|(_, url)| url.clone())
    };
    let key_of = |name: &str| overrides.simulator_keys.get(name).cloned();
    if overrides.endpoints == Endpoints::Real {
        return endpoints::real(checker, simulators, env, overrides).map(Simulators::Real);
    }
    match simulators {
        embedded @ Simulators::Embedded { .. } if overrides.simulator_urls.is_empty() => {
            Some(embedded)
        }
        Simulators::Embedded { resources, .. } => {
            let without: Vec<String> = names
                .iter()
                .filter(|name| url_of(name).is_none())
                .map(|name| format!("`{name}`"))
                .collect();
            if !without.is_empty() {
                checker.push(
                    Diagnostic::without_source(format!(
                        "no URL is given for {}, while others have one",
                        words::list(&without)
                    ))
                    .help(format!(
                        "add `--simulator-url NAME=URL` for each: the scenario's simulators are {}",
                        names.join(", ")
                    )),
                );
                return None;
            }
            let external = resources.into_iter().filter_map(|resource| {
                Some(ExternalSimulator {
                    url: url_of(&resource.name)?,
                    key: key_of(&resource.name).unwrap_or(resource.key),
                    replaces: Some(resource.port),
                    name: resource.name,
                })
            });
            Some(Simulators::External(external.collect()))
        }
        Simulators::External(all) => {
            let external = all.into_iter().map(|one| ExternalSimulator {
                url: url_of(&one.name).unwrap_or(one.url),
                key: key_of(&one.name).unwrap_or(one.key),
                ..one
            });
            Some(Simulators::External(external.collect()))
        }
        // Only `endpoints::real` makes them.
        real @ Simulators::Real(_) => Some(real),
    }
}

fn external_gateway(
    checker: &mut Checker<'_>,
    raw: &Spanned<RawGatewayUrl>,
) -> Option<ExternalGateway> {
    let (text, span, journal, key) = match raw.get_ref() {
        RawGatewayUrl::Url(url) => (url, raw.span(), GatewayJournal::Auto, None),
        RawGatewayUrl::Table(table) => {
            (table.url.get_ref(), table.url.span(), table.journal, table.key.clone())
        }
    };
    let url = BaseUrl::parse(text).map_err(|message| checker.error(span, message)).ok()?;
    Some(ExternalGateway { url, journal, key: key.filter(|key| !key.is_empty()) })
}

fn external_simulators(
    checker: &mut Checker<'_>,
    topology: &RawTopology,
    env: &Env,
    overrides: &Overrides,
) -> Option<Simulators> {
    let mut all = Vec::new();
    for (name, raw) in &topology.simulator_urls {
        let url = base_url(checker, &raw.get_ref().url);
        let key = overrides
            .simulator_keys
            .get(name)
            .or(raw.get_ref().key.as_ref())
            .map(String::as_str)
            .or_else(|| env.get(COMMON_KEY));
        if key.is_none() {
            checker.push(
                Diagnostic::error(checker.source, raw.span(), format!("`{name}` has no key"))
                    .help(format!("add `key`, or set the variable {COMMON_KEY}")),
            );
        }
        all.push(url.zip(key).map(|(url, key)| ExternalSimulator {
            name: name.clone(),
            url,
            key: key.to_owned(),
            replaces: None,
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
