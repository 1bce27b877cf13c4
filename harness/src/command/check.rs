//! `harness check`.

use std::fmt::Write as _;

use seam::diagnostic::{Diagnostic, Severity};
use seam::env::Env;
use seam::units::HumanDuration;

use super::output;
use crate::assert::words;
use crate::cli::{CheckArgs, StackArgs};
use crate::exit_code::ExitCode;
use crate::scenario::{self, GatewayTarget, Overrides, Scenario, Simulators};

pub(super) fn check(args: &CheckArgs) -> ExitCode {
    let env = match output::environment() {
        Ok(env) => env,
        Err(code) => return code,
    };
    let loaded = overrides(&args.stack, &env)
        .and_then(|overrides| scenario::load_with(&args.file, &env, &overrides));
    match loaded {
        Ok((scenario, warnings)) => {
            output::print_diagnostics(&warnings);
            output::print(&plan(&scenario));
            ExitCode::Passed
        }
        Err(problems) => {
            report_problems(&problems);
            ExitCode::Usage
        }
    }
}

/// What options and variables say instead of the scenario's topology.
pub(super) fn overrides(stack: &StackArgs, env: &Env) -> Result<Overrides, Vec<Diagnostic>> {
    let StackArgs { gateway_url, simulator_url, use_simulator } = stack;
    Overrides::new(gateway_url.as_deref(), simulator_url, *use_simulator, env)
}

/// Prints problems and how many there are.
pub(super) fn report_problems(problems: &[Diagnostic]) {
    output::print_diagnostics(problems);
    let count = problems.iter().filter(|problem| problem.severity() == Severity::Error).count();
    let noun = if count == 1 { "problem" } else { "problems" };
    output::complain(&format!("{count} {noun} found"));
}

fn plan(scenario: &Scenario) -> String {
    let mut text = format!(
        "{}: good; {} stage(s), {}, {} action(s), {} assertion(s)\n",
        scenario.name,
        scenario.stages.len(),
        HumanDuration(scenario.duration()),
        scenario.actions.len(),
        scenario.assertions.len(),
    );
    // Writing to a string cannot fail.
    if let GatewayTarget::External(gateway) = &scenario.topology.gateway {
        let _ = writeln!(text, "  gateway at {}", gateway.url.as_str());
    }
    match &scenario.topology.simulators {
        Simulators::Embedded { .. } => {}
        Simulators::External(all) => {
            for one in all {
                let _ = writeln!(text, "  simulator {} at {}", one.name, one.url.as_str());
            }
        }
        Simulators::Real(all) => {
            for one in all {
                let at = one.url.as_ref().map(|url| format!(" at {}", url.as_str()));
                let at = at.unwrap_or_else(|| ", called by the gateway only".to_owned());
                let _ = writeln!(text, "  real endpoint {}{at}", one.name);
            }
            for line in scenario.left_out() {
                let _ = writeln!(text, "  skipped: {line}");
            }
        }
    }
    for load in scenario.plan() {
        let line = format!("  {} · {}: {} requests", load.stage, load.workload, load.requests);
        let _ = writeln!(text, "{line}");
    }
    for lacking in scenario.too_few() {
        let line = format!(
            "  warning: `{}` cannot be settled: it takes at least {} requests, planned are {}",
            lacking.id,
            words::count(lacking.needed),
            words::count(lacking.planned),
        );
        let _ = writeln!(text, "{line}");
    }
    text
}
