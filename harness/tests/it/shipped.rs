//! The scenarios in `scenarios/`, with the embedded gateway and simulators.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use harness::assert::{self, Evaluation, ReconciliationState, Settings, Verdict};
use harness::record::{Dataset, Outcome, World};
use harness::run::{Watch, run};
use harness::scenario::Scenario;
use harness::{report, scenario, target};
use seam::diagnostic::{Diagnostic, Source};
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
    Arc::new(load_with_warnings(file).0)
}

fn load_with_warnings(file: &Path) -> (Scenario, Vec<Diagnostic>) {
    scenario::load(file, &Env::empty()).unwrap_or_else(|problems| {
        panic!("{}", problems.iter().map(|p| p.render(false)).collect::<String>())
    })
}

/// A run on virtual time.
fn observe(scenario: &Arc<Scenario>, seed: u64) -> (Dataset, Evaluation) {
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let run = runtime.block_on(async {
        let target = target::set_up(scenario, seed, World::Virtual).await.unwrap();
        run(scenario, seed, &target, &Watch::default()).await
    });
    assert_eq!(run.problems, Vec::<String>::new());
    assert!(run.dataset.journals_complete);
    let evaluation = assert::evaluate(&run.dataset, &scenario.assertions, &Settings::default());
    (run.dataset, evaluation)
}

/// The verdicts of a scenario file.
pub(crate) fn evaluate(file: &Path, seed: u64) -> Evaluation {
    observe(&load(file), seed).1
}

/// The bytes of `result.json`.
fn result(scenario: &Arc<Scenario>, seed: u64) -> String {
    let (dataset, evaluation) = observe(scenario, seed);
    report::json::render(&dataset, &evaluation)
}

#[test]
fn shipped_scenarios_hold_whatever_the_seed() {
    let files = scenarios();
    let runs = files.iter().flat_map(|file| (1..=seeds(file)).map(move |seed| (file, seed)));
    let runs = Mutex::new(runs);
    // Each run has one thread and its own clock: as many at once as there are cores.
    let work = || {
        loop {
            let next = runs.lock().unwrap().next();
            let Some((file, seed)) = next else { break };
            holds(file, seed);
        }
    };
    std::thread::scope(|scope| {
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            if let Err(panic) = worker.join() {
                std::panic::resume_unwind(panic);
            }
        }
    });
}

/// Twenty, but fewer without optimisation where one run takes seconds: thousands of
/// requests through policies that count. `HARNESS_ALL_SEEDS=1` runs them all; CI runs
/// each once, in release, when it checks the READMEs.
fn seeds(file: &Path) -> u64 {
    match effort(file) {
        Effort::Short => 20,
        Effort::Long => 1,
        Effort::VeryLong => 0,
    }
}

/// How long a run takes in this build.
enum Effort {
    Short,
    Long,
    VeryLong,
}

fn effort(file: &Path) -> Effort {
    let all = !cfg!(debug_assertions) || std::env::var_os("HARNESS_ALL_SEEDS").is_some();
    let name = file.file_stem().unwrap().to_string_lossy().into_owned();
    match name.strip_prefix("prioritization-") {
        Some("calculating-low" | "tracking-low") if !all => Effort::Long,
        Some(_) if !all => Effort::VeryLong,
        _ => Effort::Short,
    }
}

fn holds(file: &Path, seed: u64) {
    let evaluation = evaluate(file, seed);
    for result in &evaluation.assertions {
        let place = format!("{} with seed {seed}, {}", file.display(), result.id);
        assert_eq!(result.verdict, Verdict::Passed, "{place}: {}", result.message);
    }
    assert_eq!(evaluation.outcome, assert::Outcome::Passed);
    assert_eq!(evaluation.reconciliation.state, ReconciliationState::Reconciled);
}

#[test]
fn every_shipped_scenario_is_valid() {
    let files = scenarios();
    assert!(!files.is_empty());
    for file in files {
        let (scenario, warnings) = load_with_warnings(&file);
        assert!(warnings.is_empty(), "{}", warnings[0].render(false));
        // The file is called what the scenario is called.
        assert_eq!(file.file_stem().unwrap().to_str(), Some(scenario.name.as_str()));
        assert_ne!(scenario.assertions.len(), 0);
    }
}

/// Editors check scenario files by the schema: it must accept what we ship, and
/// refuse what `harness check` refuses.
#[test]
fn shipped_scenarios_fit_the_schema() {
    let schema = serde_json::from_str(&scenario::json_schema()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for file in scenarios() {
        let text = std::fs::read_to_string(&file).unwrap();
        let mut value: serde_json::Value = toml::from_str(&text).unwrap();
        let problems: Vec<String> =
            validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert_eq!(problems, Vec::<String>::new(), "{}", file.display());
        value["stage"] = true.into();
        assert!(!validator.is_valid(&value), "an unknown key is accepted");
    }
}

#[test]
fn one_seed_gives_one_result_to_the_byte() {
    for file in scenarios().into_iter().filter(|file| seeds(file) != 0) {
        let scenario = load(&file);
        let first = result(&scenario, 7);
        assert!(first == result(&scenario, 7), "{}: two results for one seed", file.display());
        assert!(first != result(&scenario, 8), "{}: the seed changes nothing", file.display());
    }
}

/// One second of constant traffic.
const SHORT: &str = r#"
version = 1
name = "short"
[topology]
simulators = "../capabilities/simulator.toml"
gateway = "../capabilities/latency-routing/gateway.toml"
[[workloads]]
name = "completions"
path = "/latency-routing/openai/deployments/gpt-35-turbo-100m-token/completions"
query = { api-version = "2023-05-15" }
headers = { api-key = "subscription-key-one" }
body = { prompt = "Once upon a time", max_tokens = 5 }
[[stages]]
name = "steady"
duration = "1s"
[[stages.load]]
workload = "completions"
arrivals = { process = "constant", rate = "20/s" }
[[actions]]
name = "fast"
at = "-1s"
patch = { simulator = "payg1", config = { latency = { open_ai_completions = { mean = 1 } } } }
"#;

/// A configuration of one simulator that listens on a port.
fn simulator_at(port: u16) -> String {
    format!(
        r#"
version = 1
[[resources]]
name = "payg1"
port = {port}
keys = ["simulator-key"]
[[deployments]]
name = "gpt-35-turbo-100m-token"
model = "gpt-35-turbo"
tpm = 100_000_000
latency = {{ profile = "aoai_simulator_compat" }}
"#
    )
}

/// A second of traffic to a gateway elsewhere, simulators embedded: they listen
/// on their configured ports, where such a gateway expects them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_by_url_meets_embedded_simulators() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    // Free a moment ago; nobody else on this machine asks for a port by number.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("simulator.toml"), simulator_at(port)).unwrap();
    let env = Env::empty().with("PAYG1_URL", format!("http://localhost:{port}"));
    let file = root.join("capabilities/latency-routing/gateway.toml");
    let (config, _) = gateway::load(&file, &env).unwrap();
    let environment = gateway::Environment {
        client: seam::http::network(Default::default()),
        seed: seam::rng::Seed(1),
        clock: seam::clock::WallClock::real(),
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gateway = gateway::Gateway::new(config, environment);
    let server = seam::server::Server::start(listener, gateway.router());
    let text = SHORT
        .replace(
            "gateway = \"../capabilities/latency-routing/gateway.toml\"",
            &format!("gateway_url = \"http://{}\"", server.address().unwrap()),
        )
        .replace("../capabilities/simulator.toml", "simulator.toml");
    let source = Source::new("short.toml", text);
    let (scenario, _) = scenario::parse(&source, folder.path(), &Env::empty()).unwrap();
    let scenario = Arc::new(scenario);
    let target = target::set_up(&scenario, 1, World::Real).await.unwrap();
    let run = run(&scenario, 1, &target, &Watch::default()).await;
    target.stop().await;
    server.stop(std::time::Duration::from_secs(1)).await;
    assert_eq!(run.problems, Vec::<String>::new());
    let data = run.dataset;
    assert_eq!((data.clients.len(), data.backends.len(), data.gateway.len()), (20, 20, 20));
    assert!(data.clients.iter().all(|row| row.outcome == Outcome::Answered(200)));
    let evaluation = assert::evaluate(&data, &[], &Settings::default());
    let told = evaluation.reconciliation;
    assert_eq!(told.state, ReconciliationState::Reconciled, "{:?}", told.mismatches);
    assert_eq!((told.at_backend, told.usages_compared), (20, 20));
    assert!(told.gateway_compared, "it is ours, and needs no key");
}

/// The embedded world over sockets, with a second of traffic.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_embedded_bench_runs_over_sockets() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let source = Source::new("short.toml", SHORT);
    let (scenario, _) = scenario::parse(&source, &folder, &Env::empty()).unwrap();
    let scenario = Arc::new(scenario);
    let target = target::set_up(&scenario, 1, World::Real).await.unwrap();
    let run = run(&scenario, 1, &target, &Watch::default()).await;
    target.stop().await;
    assert_eq!(run.problems, Vec::<String>::new());
    let data = run.dataset;
    assert_eq!(data.actions[0].error, None);
    assert!(data.journals_complete);
    assert_eq!((data.clients.len(), data.gateway.len()), (20, 20));
    assert!(data.clients.iter().all(|row| row.outcome == Outcome::Answered(200)));
}

/// The "gateway" may be a simulator: a run without a gateway, to compare with. The
/// harness's own look whether somebody is there is no request of the run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_straight_to_a_simulator_reconciles() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("simulator.toml"), simulator_at(port)).unwrap();
    let text = SHORT
        .replace(
            "gateway = \"../capabilities/latency-routing/gateway.toml\"",
            &format!("gateway_url = {{ url = \"http://localhost:{port}\", journal = \"none\" }}"),
        )
        .replace("../capabilities/simulator.toml", "simulator.toml")
        .replace("/latency-routing/openai", "/openai")
        .replace("subscription-key-one", "simulator-key");
    let source = Source::new("direct.toml", text);
    let (scenario, _) = scenario::parse(&source, folder.path(), &Env::empty()).unwrap();
    let scenario = Arc::new(scenario);
    let target = target::set_up(&scenario, 1, World::Real).await.unwrap();
    let run = run(&scenario, 1, &target, &Watch::default()).await;
    target.stop().await;
    assert_eq!(run.problems, Vec::<String>::new());
    assert_eq!((run.dataset.clients.len(), run.dataset.backends.len()), (20, 20));
    let told = assert::evaluate(&run.dataset, &[], &Settings::default()).reconciliation;
    assert_eq!(told.state, ReconciliationState::Reconciled, "{:?}", told.mismatches);
}
