//! Real endpoints in the simulators' place: where they are and how they are called.

use seam::diagnostic::Diagnostic;
use seam::env::Env;

use super::Checker;
use crate::scenario::model::{Action, ActionKind, BaseUrl, RealEndpoint, Simulators};
use crate::scenario::overrides::Overrides;

/// The variable that holds the URL of an endpoint: `PTU1_URL` of ptu1. The gateway
/// files of `capabilities/` read the same.
pub(super) fn url_variable(name: &str) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    format!("{}_URL", name.chars().map(letter).collect::<String>())
}

/// The endpoints by the names of the scenario's simulators. A URL is taken from
/// `--simulator-url` and its variable, then from [`url_variable`], then from the
/// scenario; a key from `HARNESS_SIMULATOR_KEYS`, then from the simulator's.
pub(super) fn real(
    checker: &mut Checker<'_>,
    simulators: Simulators,
    env: &Env,
    overrides: &Overrides,
) -> Option<Vec<RealEndpoint>> {
    let known: Vec<RealEndpoint> = match simulators {
        Simulators::Embedded { resources, .. } => resources
            .into_iter()
            .map(|one| RealEndpoint { name: one.name, url: None, key: one.key })
            .collect(),
        Simulators::External(all) => all
            .into_iter()
            .map(|one| RealEndpoint { name: one.name, url: Some(one.url), key: one.key })
            .collect(),
        Simulators::Real(all) => all,
    };
    let mut endpoints = Vec::new();
    let mut good = true;
    for one in known {
        let given = overrides.simulator_urls.iter().find(|(name, _)| *name == one.name);
        let variable = url_variable(&one.name);
        let text = env.get(&variable).map(str::trim).filter(|text| !text.is_empty());
        let url = match (given, text) {
            (Some((_, url)), _) => Some(url.clone()),
            (None, Some(text)) => match BaseUrl::parse(text) {
                Ok(url) => Some(url),
                Err(message) => {
                    checker.push(Diagnostic::without_source(format!("{variable}: {message}")));
                    good = false;
                    continue;
                }
            },
            (None, None) => one.url,
        };
        let key = overrides.simulator_keys.get(&one.name).cloned().unwrap_or(one.key);
        endpoints.push(RealEndpoint { name: one.name, url, key });
    }
    good.then_some(endpoints)
}

/// What is measured must have a URL: the harness calls it, not the gateway.
pub(super) fn measured(checker: &mut Checker<'_>, actions: &[Action], endpoints: &[RealEndpoint]) {
    for (index, endpoint) in endpoints.iter().enumerate().filter(|(_, one)| one.url.is_none()) {
        let measures = |action: &&Action| match &action.kind {
            ActionKind::Probe(probe) => probe.backends.iter().any(|one| one.simulator == index),
            ActionKind::Patch { .. } | ActionKind::Call(_) => false,
        };
        if let Some(action) = actions.iter().find(measures) {
            let (name, variable) = (&endpoint.name, url_variable(&endpoint.name));
            checker.push(
                Diagnostic::without_source(format!(
                    "action `{}` measures {name}, a real endpoint of which no URL is given",
                    action.name
                ))
                .help(format!("set {variable}, or add `--simulator-url {name}=https://…`")),
            );
        }
    }
}
