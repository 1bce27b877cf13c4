//! `harness run` with several scenarios or several seeds.
//!
//! Runs on virtual time share nothing and take place side by side, one runtime
//! and one thread each; what is printed and written has the order of the command
//! line whichever ends first. Runs in real time come one after the other: each
//! needs the machine for itself.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

use super::run::{self, Finished, RESULT_FILE};
use super::{check, output};
use crate::cli::{Format, RunArgs};
use crate::exit_code::ExitCode;
use crate::record::World;
use crate::report::json;
use crate::report::suite::{SuiteRun, line, table};
use crate::scenario::{self, Scenario};

/// One run to be made.
struct Job {
    scenario: Arc<Scenario>,
    seed: u64,
    world: World,
    /// Where its `result.json` and the files beside it go.
    folder: Option<PathBuf>,
}

/// A run made, or why not.
struct Done {
    run: SuiteRun,
    json: Option<String>,
    others: Vec<(&'static str, String)>,
    notes: Vec<String>,
}

/// The scenario files that arguments name: a folder stands for the `.toml` files
/// in it, sorted by name.
pub(super) fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, ExitCode> {
    let unreadable = |path: &Path, error: &dyn std::fmt::Display| {
        output::complain(&format!("error: cannot read `{}`: {error}", path.display()));
        ExitCode::Usage
    };
    let mut all = Vec::new();
    for path in paths {
        if !path.is_dir() {
            all.push(path.clone());
            continue;
        }
        let mut own = Vec::new();
        for entry in std::fs::read_dir(path).map_err(|error| unreadable(path, &error))? {
            let file = entry.map_err(|error| unreadable(path, &error))?.path();
            if file.extension().is_some_and(|extension| extension == "toml") {
                own.push(file);
            }
        }
        if own.is_empty() {
            return Err(unreadable(path, &"no `.toml` file is in it"));
        }
        own.sort();
        all.extend(own);
    }
    Ok(all)
}

/// Runs each file with each seed; the exit code is the worst.
pub(super) fn run_all(args: &RunArgs, files: &[PathBuf]) -> Result<ExitCode, ExitCode> {
    let jobs = jobs(args, files)?;
    for folder in jobs.iter().filter_map(|job| job.folder.as_deref()) {
        run::make_folder(folder)?;
    }
    let side_by_side = jobs.iter().all(|job| job.world == World::Virtual);
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let threads = if side_by_side { cores.min(jobs.len()) } else { 1 };
    let (next, stopped) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (report, reports) = mpsc::channel();
    let mut runs: Vec<SuiteRun> = Vec::new();
    let mut texts: Vec<String> = Vec::new();
    let mut wrote = Ok(());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let (jobs, next, stopped, report) = (&jobs, &next, &stopped, report.clone());
            scope.spawn(move || {
                while !stopped.load(Ordering::Relaxed) {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(job) = jobs.get(index) else { break };
                    let done = perform(job);
                    if done.run.code == ExitCode::Interrupted {
                        stopped.store(true, Ordering::Relaxed);
                    }
                    // Nobody listens any more when the main thread gave up.
                    if report.send((index, done)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(report);
        // Later runs wait here for the earlier ones.
        let mut waiting: BTreeMap<usize, Done> = BTreeMap::new();
        let mut turn = 0;
        let mut take = |index: usize, done: Done| {
            for note in &done.notes {
                output::complain(&format!("note: {note}"));
            }
            let text = done.json.unwrap_or_else(|| missing(&done.run));
            if let (Some(folder), Ok(())) =
                (jobs.get(index).and_then(|job| job.folder.as_deref()), &wrote)
            {
                wrote = run::write_text(&folder.join(RESULT_FILE), &text);
                for (name, text) in &done.others {
                    if wrote.is_ok() {
                        wrote = run::write_text(&folder.join(name), text);
                    }
                }
            }
            if args.format == Format::Text && !(args.quiet && done.run.code == ExitCode::Passed) {
                output::print(&line(&done.run));
            }
            if args.format == Format::Json {
                texts.push(text.trim_end().to_owned());
            }
            runs.push(done.run);
        };
        for (index, done) in reports {
            waiting.insert(index, done);
            while let Some(done) = waiting.remove(&turn) {
                take(turn, done);
                turn += 1;
            }
        }
        // Interrupted: a run in between may never have begun.
        for (index, done) in waiting {
            take(index, done);
        }
    });
    let code = ExitCode::worst(runs.iter().map(|run| run.code));
    match args.format {
        Format::Json => {
            output::print(&format!("[\n{}\n]\n", texts.join(",\n")));
        }
        Format::Text if args.quiet && code == ExitCode::Passed => {}
        Format::Text => output::print(&table(&runs)),
    }
    wrote.map(|()| code)
}

/// Reads every file before the first run: nobody should learn of a mistake in the
/// last one after minutes.
fn jobs(args: &RunArgs, files: &[PathBuf]) -> Result<Vec<Job>, ExitCode> {
    let env = output::environment()?;
    let overrides = check::overrides(&args.stack, &env).map_err(|problems| {
        check::report_problems(&problems);
        ExitCode::Usage
    })?;
    let mut scenarios = Vec::new();
    let mut good = true;
    for file in files {
        match scenario::load_with(file, &env, &overrides) {
            Ok((scenario, warnings)) => {
                output::print_diagnostics(&warnings);
                scenarios.push(Arc::new(scenario));
            }
            Err(problems) => {
                check::report_problems(&problems);
                good = false;
            }
        }
    }
    if !good {
        return Err(ExitCode::Usage);
    }
    let mut jobs = Vec::new();
    for (index, scenario) in scenarios.iter().enumerate() {
        let twin = scenarios.iter().take(index).any(|earlier| earlier.name == scenario.name);
        if twin {
            output::complain(&format!(
                "error: two scenarios are called `{}`: their runs could not be told apart",
                scenario.name
            ));
            return Err(ExitCode::Usage);
        }
        let own = args.seed.unwrap_or(scenario.seed);
        let seeds = args.seeds.as_ref().map_or_else(|| vec![own], |seeds| seeds.all().collect());
        for seed in seeds {
            let folder = args.output.as_ref().map(|folder| match &args.seeds {
                None => folder.join(&scenario.name),
                Some(_) => folder.join(&scenario.name).join(format!("seed-{seed}")),
            });
            let world = run::world(scenario, args);
            jobs.push(Job { scenario: Arc::clone(scenario), seed, world, folder });
        }
    }
    Ok(jobs)
}

fn perform(job: &Job) -> Done {
    match run::finish(&job.scenario, job.seed, job.world, true) {
        Ok(Finished { run, evaluation, code }) => Done {
            run: SuiteRun::new(&run.dataset, &evaluation, code),
            json: Some(json::render(&run.dataset, &evaluation)),
            others: match job.folder {
                Some(_) => run::other_files(&run.dataset, &evaluation),
                None => Vec::new(),
            },
            notes: run.notes,
        },
        Err(error) => Done {
            run: SuiteRun {
                scenario: job.scenario.name.clone(),
                seed: job.seed,
                code: ExitCode::Invalid,
                requests: 0,
                verdicts: Vec::new(),
                reason: Some(error),
            },
            json: None,
            others: Vec::new(),
            notes: Vec::new(),
        },
    }
}

/// The result of a run that could not be set up.
fn missing(run: &SuiteRun) -> String {
    let value = serde_json::json!({
        "scenario": run.scenario,
        "seed": run.seed,
        "outcome": "invalid",
        "exit_code": run.code as u8,
        "error": run.reason,
    });
    format!("{value}\n")
}
