//! The scenarios in `scenarios/`, with the embedded gateway and simulators.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use harness::assert::{self, Settings};
use harness::record::World;
use harness::run::{Watch, run};
use harness::scenario::Scenario;
use harness::{report, scenario, target};
use seam::env::Env;
use tokio::runtime::Builder;

fn scenarios() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    files.sort();
    files
}

fn load(file: &Path) -> Arc<Scenario> {
    match scenario::load(file, &Env::empty()) {
        Ok((scenario, warnings)) => {
            assert!(warnings.is_empty(), "{}", warnings[0].render(false));
            Arc::new(scenario)
        }
        Err(problems) => panic!("{}", problems.iter().map(|p| p.render(false)).collect::<String>()),
    }
}

/// The bytes of `result.json`.
fn result(scenario: &Arc<Scenario>, seed: u64) -> String {
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let run = runtime.block_on(async {
        let target = target::set_up(scenario, seed, World::Virtual).await.unwrap();
        run(scenario, seed, &target, &Watch::default()).await
    });
    assert_eq!(run.problems, Vec::<String>::new());
    assert!(run.dataset.journals_complete);
    let evaluation = assert::evaluate(&run.dataset, &scenario.assertions, &Settings::default());
    report::json::render(&run.dataset, &evaluation)
}

#[test]
fn every_shipped_scenario_is_valid() {
    let files = scenarios();
    assert!(!files.is_empty());
    for file in files {
        let scenario = load(&file);
        // The file is called what the scenario is called.
        assert_eq!(file.file_stem().unwrap().to_str(), Some(scenario.name.as_str()));
        assert_ne!(scenario.assertions.len(), 0);
    }
}

#[test]
fn one_seed_gives_one_result_to_the_byte() {
    for file in scenarios() {
        let scenario = load(&file);
        let first = result(&scenario, 7);
        assert!(first == result(&scenario, 7), "{}: two results for one seed", file.display());
        assert!(first != result(&scenario, 8), "{}: the seed changes nothing", file.display());
    }
}
