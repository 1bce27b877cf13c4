//! `harness check`.

use std::fmt::Write as _;

use seam::diagnostic::{Diagnostic, Severity};
use seam::units::HumanDuration;

use super::output;
use crate::assert::words;
use crate::cli::CheckArgs;
use crate::exit_code::ExitCode;
use crate::scenario::{self, Scenario};

pub(super) fn check(args: &CheckArgs) -> ExitCode {
    let env = match output::environment() {
        Ok(env) => env,
        Err(code) => return code,
    };
    match scenario::load(&args.file, &env) {
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
    for load in scenario.plan() {
        let line = format!("  {} · {}: {} requests", load.stage, load.workload, load.requests);
        // Writing to a string cannot fail.
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
