//! Real endpoints in the simulators' place. Here simulators play them, with keys of
//! their own and nothing under `/++/`, as Azure has nothing there.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use harness::assert::{Evaluation, Outcome, ReconciliationState, Verdict};
use harness::record::{Dataset, Endpoints, World};
use harness::run::{Watch, run};
use harness::scenario::{GatewayJournal, GatewayTarget, Overrides, Scenario, parse_with};
use harness::{report, target};
use seam::clock::WallClock;
use seam::diagnostic::{Diagnostic, Severity, Source};
use seam::env::Env;
use seam::rng::Seed;
use seam::server::Server;
use tokio::net::TcpListener;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A shipped scenario, three seconds long, without what is about its later times.
fn shortened(name: &str) -> String {
    let text = std::fs::read_to_string(root().join("scenarios").join(name)).unwrap();
    let later = |block: &str| {
        ["from = ", "to = ", "again_at", "after_action", "at = \"120s\""]
            .iter()
            .any(|key| block.contains(key))
    };
    let blocks = text.split("\n[[").filter(|block| !later(block) || block.contains("probe"));
    let text = blocks.collect::<Vec<_>>().join("\n[[");
    let text = text.replace("again_at = [\"60s\", \"120s\", \"180s\", \"240s\"]\n", "");
    text.replace("duration = \"3m\"", "duration = \"3s\"")
        .replace("duration = \"5m\"", "duration = \"3s\"")
}

fn load(name: &str, env: &Env) -> Result<(Scenario, Vec<Diagnostic>), String> {
    let source = Source::new(name, shortened(name));
    let errors = |one: &&Diagnostic| one.severity() == Severity::Error;
    let told = |all: Vec<Diagnostic>| {
        all.iter().filter(errors).map(|one| one.render(false)).collect::<String>()
    };
    let overrides = Overrides::new(None, &[], None, env).map_err(told)?;
    parse_with(&source, &root().join("scenarios"), env, &overrides).map_err(told)
}

/// Resources on sockets, and how often somebody asked below `/++/`.
struct Azure {
    servers: Vec<Server>,
    env: Env,
    control: Arc<AtomicU64>,
}

impl Azure {
    async fn start() -> Self {
        let file = root().join("capabilities/simulator.toml");
        let source = seam::config::read(&file).unwrap();
        let names = ["PTU1", "PAYG1", "PAYG2"];
        let key = |name: &str| format!("key-of-{}", name.to_ascii_lowercase());
        let keys =
            names.iter().fold(Env::empty(), |env, name| env.with(format!("{name}_KEY"), key(name)));
        let (config, _) = simulator::load(&source, &keys).unwrap();
        let environment = simulator::Environment { seed: Seed(1), clock: WallClock::real() };
        let simulator = simulator::Simulator::new(config, environment);
        let control = Arc::new(AtomicU64::new(0));
        let mut env = keys.with("USE_SIMULATOR", "false");
        let mut servers = Vec::new();
        for name in names {
            let router = simulator.router(&name.to_ascii_lowercase()).unwrap();
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let server = Server::start(listener, without_control(router, &control));
            env = env.with(format!("{name}_URL"), format!("http://{}", server.address().unwrap()));
            servers.push(server);
        }
        Self { servers, env, control }
    }

    async fn run(&self, scenario: Scenario) -> (Dataset, Evaluation) {
        let scenario = Arc::new(scenario);
        let target = target::set_up(&scenario, 1, World::Real).await.unwrap();
        let run = run(&scenario, 1, &target, &Watch::default()).await;
        target.stop().await;
        assert_eq!(run.problems, Vec::<String>::new());
        let evaluation = run.judge(&scenario.assertions);
        (run.dataset, evaluation)
    }

    async fn stop(self) {
        assert_eq!(self.control.load(Ordering::Relaxed), 0, "somebody asked below /++/");
        for server in self.servers {
            server.stop(Duration::from_secs(1)).await;
        }
    }
}

fn without_control(router: Router, asked: &Arc<AtomicU64>) -> Router {
    let asked = Arc::clone(asked);
    router.layer(from_fn(move |request: Request, next: Next| {
        let asked = Arc::clone(&asked);
        async move {
            if request.uri().path().starts_with("/++") {
                asked.fetch_add(1, Ordering::Relaxed);
                return Response::into_response(StatusCode::NOT_FOUND.into_response());
            }
            next.run(request).await
        }
    }))
}

fn verdict_of(evaluation: &Evaluation, id: &str) -> (Verdict, String) {
    let found = evaluation.assertions.iter().find(|one| one.id == id).unwrap();
    (found.verdict, found.message.clone())
}

/// The bench's gateway before real endpoints: clients and gateway are compared.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_embedded_gateway_calls_real_endpoints() {
    let azure = Azure::start().await;
    let (scenario, warnings) = load("usage-tracking-subscriptions.toml", &azure.env).unwrap();
    assert!(warnings.is_empty(), "{}", warnings[0].render(false));
    assert_eq!(scenario.topology.endpoints(), Endpoints::Real);
    assert!(!scenario.topology.is_embedded(), "real endpoints have no virtual time");
    assert_eq!(scenario.left_out()[0], "action `payg1-latency` patches a simulator");
    let (dataset, evaluation) = azure.run(scenario).await;
    azure.stop().await;

    // The machine may be busy; everything else is judged.
    let late = |reason: &String| reason.contains("the schedule was not held");
    assert!(evaluation.validity.reasons.iter().all(late), "{:?}", evaluation.validity.reasons);
    for id in ["A1", "A2", "A3", "A3-prompt", "all-200"] {
        assert_eq!(verdict_of(&evaluation, id).0, Verdict::Passed, "{id}: {evaluation:?}");
    }
    for id in ["enough-requests", "key-one"] {
        let (verdict, why) = verdict_of(&evaluation, id);
        assert_eq!(verdict, Verdict::Skipped, "{id}");
        assert_eq!(why, "it rests on what the simulators are set to");
    }
    let told = &evaluation.reconciliation;
    assert_eq!(told.state, ReconciliationState::Reconciled, "{told:?}");
    assert!(told.gateway_compared && !told.simulators_compared);
    assert_eq!(told.at_backend, told.requests);
    // Some ten requests do not settle whether shares are even; nothing else is open.
    let open: Vec<_> = evaluation
        .assertions
        .iter()
        .filter(|own| !matches!(own.verdict, Verdict::Passed | Verdict::Skipped))
        .map(|own| (own.id.as_str(), own.verdict))
        .collect();
    assert!(matches!(open.as_slice(), [] | [("even", Verdict::Inconclusive)]), "{open:?}");
    if evaluation.validity.valid && open.is_empty() {
        assert_eq!(evaluation.outcome, Outcome::Passed);
    }

    let skipped = "only a simulator can be patched, and this is a real endpoint";
    assert_eq!(dataset.actions[0].skipped.as_deref(), Some(skipped));
    let text = report::terminal::render(&dataset, &evaluation, &Default::default());
    assert!(text.contains(" – Action `payg1-latency` was skipped: only a simulator"), "{text}");
    assert!(text.contains("     skipped: it rests on what the simulators are set to"), "{text}");
    assert!(text.contains("Clients and gateway tell one story"), "{text}");
    if evaluation.outcome == Outcome::Passed {
        assert!(text.contains("what was skipped is not proved"), "{text}");
    }
    let json = report::json::render(&dataset, &evaluation);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&json["endpoints"], &json["actions"][0]["skipped"]),
        (&"real".into(), &skipped.into())
    );
    assert_eq!(json["assertions"][5]["verdict"], "skipped");
}

/// A gateway elsewhere that shows no journal, as API Management: what clients see is
/// all there is. The coordinator's probes go to the endpoints with their keys.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_without_a_journal_is_judged_by_its_clients() {
    let azure = Azure::start().await;
    let file = root().join("capabilities/latency-routing/gateway.toml");
    let (config, _) = gateway::load(&file, &azure.env).unwrap();
    let environment = gateway::Environment {
        client: seam::http::network(Default::default()),
        seed: Seed(1),
        clock: WallClock::real(),
    };
    let gateway = gateway::Gateway::new(config, environment);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let journal = Arc::new(AtomicU64::new(0));
    let server = Server::start(listener, without_control(gateway.router(), &journal));
    let url = format!("http://{}", server.address().unwrap());
    let env = azure.env.clone().with("HARNESS_GATEWAY_URL", url);
    let (scenario, _) = load("latency-routing.toml", &env).unwrap();
    let GatewayTarget::External(external) = &scenario.topology.gateway else { panic!("embedded") };
    assert_eq!(external.journal, GatewayJournal::Auto);
    let (dataset, evaluation) = azure.run(scenario).await;
    azure.stop().await;
    server.stop(Duration::from_secs(1)).await;
    assert_eq!(journal.load(Ordering::Relaxed), 1, "asked once, before the run");

    let skipped: Vec<&str> = dataset
        .actions
        .iter()
        .filter(|action| action.skipped.is_some())
        .map(|action| action.name.as_str())
        .collect();
    assert_eq!(skipped, ["payg1-fast", "payg2-slow"]);
    let measure = dataset.actions.iter().find(|action| action.name == "measure").unwrap();
    assert_eq!((&measure.error, measure.answer.as_ref().unwrap().status), (&None, 200));
    assert_eq!(verdict_of(&evaluation, "A4").0, Verdict::Passed);
    assert_eq!(verdict_of(&evaluation, "all-200").0, Verdict::Passed);
    assert_eq!(verdict_of(&evaluation, "enough-requests").0, Verdict::Skipped);
    let told = &evaluation.reconciliation;
    assert_eq!(told.state, ReconciliationState::NotChecked);
    assert!(told.message.contains("the gateway's was not read"), "{}", told.message);
}

/// Routing is judged by journals, never by a header of the gateway.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn routing_is_never_passed_without_journals() {
    let azure = Azure::start().await;
    let (scenario, _) = load("load-balancing-simple.toml", &azure.env).unwrap();
    let only_shares = |id: &str| matches!(id, "A2" | "A4" | "enough-requests");
    let mut scenario = scenario;
    scenario.assertions.retain(|one| only_shares(&one.id));
    let (_, evaluation) = azure.run(scenario).await;
    azure.stop().await;
    let why = "it is judged by the simulators' journals, and real endpoints keep none";
    assert_eq!(verdict_of(&evaluation, "A2"), (Verdict::Skipped, why.to_owned()));
    assert_eq!(verdict_of(&evaluation, "A4"), (Verdict::Skipped, why.to_owned()));
    if evaluation.validity.valid {
        assert_eq!(evaluation.outcome, Outcome::Inconclusive, "all was skipped: nothing is proved");
    }
}

#[test]
fn what_is_missing_is_told_before_the_run() {
    // The harness measures: it must know where.
    let env = Env::empty().with("USE_SIMULATOR", "false").with("PAYG1_URL", "http://a:1");
    insta::assert_snapshot!(load("latency-routing.toml", &env).unwrap_err(), @"
    error: action `measure` measures payg2, a real endpoint of which no URL is given
     |
     = help: set PAYG2_URL, or add `--simulator-url payg2=https://…`
    ");
    let told = load("latency-routing.toml", &env.with("PAYG2_URL", "a:2")).unwrap_err();
    assert!(told.contains("PAYG2_URL: `a:2` does not begin with http:// or https://"), "{told}");
    // The gateway's backends are simulators' addresses still.
    let env = Env::empty().with("USE_SIMULATOR", "no");
    let (_, warnings) = load("usage-tracking-subscriptions.toml", &env).unwrap();
    let told: Vec<String> = warnings.iter().map(|one| one.render(false)).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("the address of simulator payg1, and USE_SIMULATOR"), "{}", told[0]);
    assert!(told[0].contains("set PAYG1_URL where the scenario uses"), "{}", told[0]);
}
