//! `harness run`.

use std::path::Path;
use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};
use tokio_util::task::AbortOnDropHandle;

use super::progress::ProgressLine;
use super::{check, output, suite};
use crate::assert::Evaluation;
use crate::cli::{Format, RunArgs};
use crate::exit_code::ExitCode;
use crate::record::{Dataset, Endpoints, World};
use crate::report;
use crate::report::terminal::TerminalOptions;
use crate::run::{Announce, Run, Stack, Watch, run as run_scenario};
use crate::scenario::{self, Scenario};
use crate::target::{self, TargetError};

pub(super) const RESULT_FILE: &str = "result.json";

/// Beside it: the run as a picture, and each request.
pub(super) fn other_files(
    dataset: &Dataset,
    evaluation: &Evaluation,
) -> Vec<(&'static str, String)> {
    vec![
        ("chart.svg", report::svg::render(dataset, evaluation)),
        ("requests.jsonl", report::requests::render(dataset)),
    ]
}

pub(super) fn run(args: &RunArgs) -> ExitCode {
    let files = match suite::files(&args.paths) {
        Ok(files) => files,
        Err(code) => return code,
    };
    let result = match (files.as_slice(), args.paths.as_slice()) {
        // One file, as it was named: one run and its full report.
        ([file], [path]) if file == path && args.seeds.is_none() => run_one(args, file),
        _ => suite::run_all(args, &files),
    };
    match result {
        Ok(code) | Err(code) => code,
    }
}

fn run_one(args: &RunArgs, file: &Path) -> Result<ExitCode, ExitCode> {
    let env = output::environment()?;
    let (scenario, warnings) = check::overrides(&args.stack, &env)
        .and_then(|overrides| scenario::load_with(file, &env, &overrides))
        .map_err(|problems| {
            check::report_problems(&problems);
            ExitCode::Usage
        })?;
    output::print_diagnostics(&warnings);
    // Before the run: nobody should wait minutes to learn of a bad folder.
    if let Some(folder) = &args.output {
        make_folder(folder)?;
    }
    let world = world(&scenario, args);
    let scenario = Arc::new(scenario);
    let seed = args.seed.unwrap_or(scenario.seed);
    let Finished { run, evaluation, code } =
        finish(&scenario, seed, world, args.quiet).map_err(|error| {
            output::complain(&format!("error: {error}"));
            ExitCode::Invalid
        })?;
    for note in &run.notes {
        output::complain(&format!("note: {note}"));
    }
    print(args, &run.dataset, &evaluation, code);
    if let Some(folder) = &args.output {
        let text = report::json::render(&run.dataset, &evaluation);
        write_text(&folder.join(RESULT_FILE), &text)?;
        for (name, text) in other_files(&run.dataset, &evaluation) {
            write_text(&folder.join(name), &text)?;
        }
    }
    Ok(code)
}

/// Virtual time where everything is embedded, unless the real one is asked for.
pub(super) fn world(scenario: &Scenario, args: &RunArgs) -> World {
    match scenario.topology.is_embedded() && !args.real_time {
        true => World::Virtual,
        false => World::Real,
    }
}

pub(super) fn make_folder(folder: &Path) -> Result<(), ExitCode> {
    std::fs::create_dir_all(folder).map_err(|error| {
        output::complain(&format!("error: cannot make `{}`: {error}", folder.display()));
        ExitCode::Usage
    })
}

pub(super) fn write_text(file: &Path, text: &str) -> Result<(), ExitCode> {
    std::fs::write(file, text).map_err(|error| {
        output::complain(&format!("error: cannot write `{}`: {error}", file.display()));
        ExitCode::Invalid
    })
}

/// A run with its verdicts.
pub(super) struct Finished {
    pub(super) run: Run,
    pub(super) evaluation: Evaluation,
    pub(super) code: ExitCode,
}

/// Runs a scenario and judges the run; an error is one of setting it up.
pub(super) fn finish(
    scenario: &Arc<Scenario>,
    seed: u64,
    world: World,
    quiet: bool,
) -> Result<Finished, String> {
    let run = observe(scenario, seed, world, quiet)?;
    let evaluation = run.judge(&scenario.assertions);
    let code = if run.interrupted { ExitCode::Interrupted } else { ExitCode::from(&evaluation) };
    Ok(Finished { run, evaluation, code })
}

/// The runtime of a world. The virtual one has one thread and a paused clock,
/// which moves on whenever everyone waits.
fn runtime(world: World) -> std::io::Result<Runtime> {
    match world {
        World::Virtual => Builder::new_current_thread().enable_all().start_paused(true).build(),
        World::Real => Builder::new_multi_thread().enable_all().build(),
    }
}

fn observe(scenario: &Arc<Scenario>, seed: u64, world: World, quiet: bool) -> Result<Run, String> {
    let runtime = runtime(world).map_err(|error| format!("cannot start the runtime: {error}"))?;
    let mut watch = Watch::default();
    if world == World::Real && !quiet {
        watch.announce = Announce::new(|stack| output::complain(&describe(stack)));
    }
    let line = (!quiet && output::stderr_is_terminal())
        .then(|| ProgressLine::start(Arc::clone(&watch.progress), scenario.duration()));
    let result: Result<Run, TargetError> = runtime.block_on(async {
        let stop = watch.stop.clone();
        let _listener = AbortOnDropHandle::new(tokio::spawn(async move {
            seam::server::interrupted().await;
            stop.cancel();
        }));
        let target = target::set_up(scenario, seed, world).await?;
        let run = run_scenario(scenario, seed, &target, &watch).await;
        target.stop().await;
        Ok(run)
    });
    drop(line);
    result.map_err(|error| error.to_string())
}

/// Which stack the run drives: a verdict about another one is worse than none.
fn describe(stack: &Stack) -> String {
    let (url, journal) = &stack.gateway;
    let compared = if *journal { "records are compared" } else { "records are not compared" };
    let mut text = format!("gateway at {url}, its {compared}");
    for (name, url, journal) in &stack.simulators {
        let what = match (stack.endpoints, journal) {
            (Endpoints::Simulators, true) => ("simulator", ""),
            (Endpoints::Simulators, false) => ("simulator", ", its journal is not read"),
            (Endpoints::Real, _) => ("real endpoint", ""),
        };
        let place = url.as_ref().map_or(", called by the gateway only".to_owned(), |url| {
            format!(" at {url}{}", what.1)
        });
        text.push_str(&format!("\n{} {name}{place}", what.0));
    }
    text
}

fn print(args: &RunArgs, dataset: &Dataset, evaluation: &Evaluation, code: ExitCode) {
    if args.quiet && code == ExitCode::Passed {
        return;
    }
    match args.format {
        Format::Json => output::print(&report::json::render(dataset, evaluation)),
        Format::Text => {
            let colour = output::stdout_is_terminal();
            let options = TerminalOptions { width: output::width(), colour };
            output::print(&report::terminal::render(dataset, evaluation, &options));
        }
    }
}
