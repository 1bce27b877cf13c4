//! Each scenario run once: in this process, on virtual time, with its own seed
//! and without variables of the environment, so that a README's figures are the
//! same on every machine. Scenarios share the cores, a runtime each.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use seam::diagnostic::Diagnostic;
use seam::env::Env;
use tokio::runtime::Builder;
use tokio::time::Instant;

use crate::assert::Evaluation;
use crate::record::World;
use crate::report;
use crate::run::{Watch, run};
use crate::scenario;
use crate::target;

const PANICKED: &str = "the run panicked; please report";

/// What came of running a scenario.
#[derive(Debug)]
pub(super) enum Observation {
    /// It cannot be run at all.
    Unusable(Vec<Diagnostic>),
    /// It names a stack elsewhere; there is nothing a check could start.
    Elsewhere,
    /// The bench could not be set up.
    Broken(String),
    /// It ran.
    Ran(Box<Ran>),
}

/// A finished run.
#[derive(Debug)]
pub(super) struct Ran {
    pub seed: u64,
    pub evaluation: Evaluation,
    pub chart: String,
    pub took: Duration,
}

/// Scenarios by their canonical path.
pub(super) type Observations = BTreeMap<PathBuf, Observation>;

/// Runs scenarios, given by canonical path and the name to print.
pub(super) fn observe_all(files: &BTreeMap<PathBuf, PathBuf>) -> Observations {
    let files: Vec<(&PathBuf, &PathBuf)> = files.iter().collect();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    let work = || {
        let mut mine = Vec::new();
        while let Some((key, file)) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            // A panic is about one scenario, not about those before it.
            let result = std::panic::catch_unwind(|| observe(file));
            let broken = |_| Observation::Broken(PANICKED.to_owned());
            mine.push(((*key).clone(), result.unwrap_or_else(broken)));
        }
        mine
    };
    let mut all = Observations::new();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..cores.min(files.len())).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            // It catches panics: there is nothing to lose.
            all.extend(worker.join().unwrap_or_default());
        }
    });
    all
}

fn observe(file: &std::path::Path) -> Observation {
    // No runtime is entered here: this is the machine's clock.
    let began = Instant::now();
    let scenario = match scenario::load(file, &Env::empty()) {
        Ok((scenario, _)) => Arc::new(scenario),
        Err(problems) => return Observation::Unusable(problems),
    };
    if !scenario.topology.is_embedded() {
        return Observation::Elsewhere;
    }
    let runtime = match Builder::new_current_thread().enable_all().start_paused(true).build() {
        Ok(runtime) => runtime,
        Err(error) => return Observation::Broken(format!("cannot start the runtime: {error}")),
    };
    let seed = scenario.seed;
    let run = runtime.block_on(async {
        let target = target::set_up(&scenario, seed, World::Virtual).await?;
        let run = run(&scenario, seed, &target, &Watch::default()).await;
        target.stop().await;
        Ok::<_, target::TargetError>(run)
    });
    match run {
        Err(error) => Observation::Broken(error.to_string()),
        Ok(run) => {
            let evaluation = run.judge(&scenario.assertions);
            let chart = report::svg::render(&run.dataset, &evaluation);
            Observation::Ran(Box::new(Ran { seed, evaluation, chart, took: began.elapsed() }))
        }
    }
}
