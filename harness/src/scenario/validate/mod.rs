//! Raw scenario → [`Scenario`], collecting every problem with its place.

mod actions;
mod backends;
mod draws;
mod endpoints;
mod request;
mod stages;
mod topology;

use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use seam::diagnostic::{Diagnostic, Severity, Source};
use seam::env::Env;
use toml::Spanned;

use super::assertion::{self, Names};
use super::model::{DEFAULT_SEED, Scenario, Simulators, Topology, Workload};
use super::overrides::Overrides;
use super::raw::RawScenario;

/// What every check needs: the text to point into and where to put problems.
struct Checker<'a> {
    source: &'a Source,
    out: Vec<Diagnostic>,
}

impl Checker<'_> {
    fn error(&mut self, span: Range<usize>, message: impl Into<String>) {
        self.out.push(Diagnostic::error(self.source, span, message));
    }

    fn push(&mut self, problem: Diagnostic) {
        self.out.push(problem);
    }

    /// The index of a name others refer to.
    fn resolve(&mut self, what: &str, name: &Spanned<String>, known: &[String]) -> Option<usize> {
        let found = known.iter().position(|candidate| candidate == name.get_ref());
        if found.is_none() {
            let mut problem = Diagnostic::error(
                self.source,
                name.span(),
                format!("unknown {what} `{}`", name.get_ref()),
            )
            .did_you_mean(name.get_ref(), known.iter().map(String::as_str));
            problem = match known {
                [] => problem.help(format!("there is no {what} in this scenario")),
                known => problem.help(format!("known: {}", known.join(", "))),
            };
            self.push(problem);
        }
        found
    }

    /// Names must be unique and not empty.
    fn unique<'n>(&mut self, what: &str, names: impl IntoIterator<Item = &'n Spanned<String>>) {
        let mut seen: Vec<&Spanned<String>> = Vec::new();
        for name in names {
            if name.get_ref().is_empty() {
                self.error(name.span(), format!("a {what}'s name is empty"));
            } else if let Some(first) = seen.iter().find(|one| one.get_ref() == name.get_ref()) {
                self.push(
                    Diagnostic::error(
                        self.source,
                        name.span(),
                        format!("duplicate {what} name `{}`", name.get_ref()),
                    )
                    .label("second")
                    .also(first.span(), "first"),
                );
            } else {
                seen.push(name);
            }
        }
    }
}

/// Checks everything; see the module.
pub(super) fn scenario(
    raw: RawScenario,
    source: &Source,
    folder: &Path,
    env: &Env,
    overrides: &Overrides,
) -> Result<(Scenario, Vec<Diagnostic>), Vec<Diagnostic>> {
    let mut checker = Checker { source, out: Vec::new() };
    if *raw.version.get_ref() != 1 {
        checker.push(
            Diagnostic::error(
                source,
                raw.version.span(),
                format!("version {} of the scenario format is not known", raw.version.get_ref()),
            )
            .help("write `version = 1`"),
        );
    }
    check_scenario_name(&mut checker, &raw.name);

    let topology = topology::check(&mut checker, &raw.topology, folder, env, overrides);
    // With a broken topology the simulators' names are not known; checking
    // references against nothing would bury the one real problem.
    let simulators = topology.as_ref().map(|all| all.simulators.names());

    checker.unique("workload", raw.workloads.iter().map(|w| &w.get_ref().name));
    let workload_names: Vec<String> =
        raw.workloads.iter().map(|w| w.get_ref().name.get_ref().clone()).collect();
    let mut workloads = Vec::new();
    for workload in &raw.workloads {
        workloads.extend(request::workload(&mut checker, workload.get_ref()));
    }

    if raw.stages.is_empty() {
        checker.push(
            Diagnostic::error(source, raw.name.span(), "the scenario has no stage")
                .help("add `[[stages]]` with a name and a duration"),
        );
    }
    checker.unique("stage", raw.stages.iter().map(|s| &s.get_ref().name));
    let stages = stages::check(&mut checker, &raw.stages, &workload_names);
    let end = stages.last().map_or(Duration::ZERO, |stage| stage.end);
    stages::warn_unused(&mut checker, &raw);

    checker.unique("action", raw.actions.iter().map(|a| &a.get_ref().name));
    let actions = actions::check(&mut checker, &raw.actions, simulators.as_deref(), end);

    if let Some(Topology { simulators: Simulators::Real(all), .. }) = &topology {
        endpoints::measured(&mut checker, &actions, all);
    }

    let names = Names {
        stages: stages.iter().map(|s| (s.name.clone(), s.start, s.end)).collect(),
        draws: workloads
            .iter()
            .map(|workload: &Workload| (workload.name.clone(), workload.draws.clone()))
            .collect(),
        workloads: workload_names,
        simulators: simulators.unwrap_or_default(),
        actions: actions::names(source, &raw.actions),
    };
    let assertions = match &topology {
        Some(_) => assertion::validate(raw.assertions, &names, source, &mut checker.out),
        None => Vec::new(),
    };

    let problems = checker.out;
    if problems.iter().any(|problem| problem.severity() == Severity::Error) {
        return Err(problems);
    }
    let Some(topology) = topology else { return Err(problems) };
    let scenario = Scenario {
        name: raw.name.into_inner(),
        description: raw.description,
        seed: raw.seed.unwrap_or(DEFAULT_SEED),
        topology,
        workloads,
        stages,
        actions,
        assertions,
    };
    Ok((scenario, problems))
}

fn check_scenario_name(checker: &mut Checker<'_>, name: &Spanned<String>) {
    let text = name.get_ref();
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if text.is_empty() || !text.chars().all(good) {
        checker.push(
            Diagnostic::error(
                checker.source,
                name.span(),
                format!("`{text}` cannot be a scenario's name"),
            )
            .help("use letters, digits, `-`, `_` and `.`: the name begins every correlation id"),
        );
    }
}
