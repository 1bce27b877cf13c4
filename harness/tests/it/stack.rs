//! The same scenario against another stack than its own.

use std::path::{Path, PathBuf};

use harness::run::{Run, Watch, run};
use harness::scenario::{
    BaseUrl, GatewayJournal, GatewayTarget, Overrides, Scenario, Simulators, load_with, parse,
    parse_with,
};
use harness::target::{Journal, Target};
use seam::diagnostic::{Diagnostic, Source};
use seam::env::Env;

use crate::stub::{Bench, scenario};

fn shipped() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    root.join("scenarios/latency-routing.toml")
}

fn told(problems: &[Diagnostic]) -> String {
    problems.iter().map(|one| one.render(false)).collect::<Vec<_>>().join("\n")
}

fn load_on(gateway: Option<&str>, simulators: &[&str], env: &Env) -> Result<Scenario, String> {
    let simulators: Vec<String> = simulators.iter().map(|&one| one.to_owned()).collect();
    let overrides = Overrides::new(gateway, &simulators, None, env).map_err(|all| told(&all))?;
    load_with(&shipped(), env, &overrides).map(|loaded| loaded.0).map_err(|all| told(&all))
}

const ALL: [&str; 3] = ["payg2=http://c:3", "ptu1=http://a:1", "payg1=http://b:2"];

#[test]
fn simulators_keep_their_order_and_their_files_keys() {
    // Addresses for a gateway elsewhere are no mistake here.
    let env = Env::empty()
        .with("SIMULATOR_API_KEY", "common")
        .with("HARNESS_SIMULATOR_KEYS", "payg1=own")
        .with("PAYG1_URL", "http://simulator:8002");
    let scenario = load_on(Some("http://gateway:8000"), &ALL, &env).unwrap();
    assert!(!scenario.topology.is_embedded());
    let Simulators::External(all) = &scenario.topology.simulators else { panic!("embedded") };
    let seen: Vec<_> = all
        .iter()
        .map(|one| (one.name.as_str(), one.url.as_str(), one.key.as_str(), one.replaces))
        .collect();
    assert_eq!(
        seen,
        [
            ("ptu1", "http://a:1", "common", Some(8001)),
            ("payg1", "http://b:2", "own", Some(8002)),
            ("payg2", "http://c:3", "common", Some(8003)),
        ]
    );
    let GatewayTarget::External(gateway) = &scenario.topology.gateway else { panic!("embedded") };
    assert_eq!((gateway.journal, gateway.key.as_deref()), (GatewayJournal::Auto, None));
}

#[test]
fn only_a_gateway_leaves_the_simulators_to_the_harness() {
    let scenario = load_on(Some("http://gateway:8000"), &[], &Env::empty()).unwrap();
    assert!(matches!(scenario.topology.simulators, Simulators::Embedded { .. }));
    assert!(!scenario.topology.is_embedded());
}

#[test]
fn mistaken_names_are_explained() {
    let (env, none) = (Env::empty(), &[][..]);
    let keyed = Env::empty().with("HARNESS_SIMULATOR_KEYS", "nobody=secret");
    let cases = [
        (&["payg3=http://b:2", "ptu1=http://a:1"][..], &env),
        (&["ptu1=http://a:1"], &env),
        (none, &keyed),
    ];
    let said: Vec<String> =
        cases.map(|(simulators, env)| load_on(None, simulators, env).unwrap_err()).into();
    assert!(!said.join("").contains("secret"));
    insta::assert_snapshot!(said.join("\n~~~\n\n"));
}

const GATEWAY: &str = "gateway_url = { url = \"http://g\", journal = \"required\", key = \"k\" }";

fn with_topology(topology: &str) -> Source {
    let rest = "version = 1\nname = \"x\"\n[[workloads]]\nname = \"w\"\npath = \"/x\"\n\
                [[stages]]\nname = \"s\"\nduration = \"1s\"\n\
                [[stages.load]]\nworkload = \"w\"\nusers = 1\n[topology]\n";
    Source::new("x.toml", format!("{rest}{topology}\n"))
}

#[test]
fn a_gateway_by_url_may_have_a_journal() {
    let simulator = "simulator_urls.a = { url = \"http://a\" }";
    let source = with_topology(&format!("{GATEWAY}\n{simulator}"));
    let env = Env::empty().with("SIMULATOR_API_KEY", "common");
    let (scenario, _) = parse(&source, Path::new(""), &env).unwrap();
    let GatewayTarget::External(gateway) = &scenario.topology.gateway else { panic!("embedded") };
    assert_eq!(gateway.url.as_str(), "http://g");
    assert_eq!((gateway.journal, gateway.key.as_deref()), (GatewayJournal::Required, Some("k")));
    let Simulators::External(all) = &scenario.topology.simulators else { panic!("embedded") };
    assert_eq!(all[0].key, "common");

    // Another URL keeps what the file says of the journal; the variable's key wins.
    let env = env.with("HARNESS_GATEWAY_KEY", "other");
    let overrides = Overrides::new(Some("http://other"), &[], None, &env).unwrap();
    let (scenario, _) = parse_with(&source, Path::new(""), &env, &overrides).unwrap();
    let GatewayTarget::External(gateway) = &scenario.topology.gateway else { panic!("embedded") };
    assert_eq!(gateway.url.as_str(), "http://other");
    assert_eq!(
        (gateway.journal, gateway.key.as_deref()),
        (GatewayJournal::Required, Some("other"))
    );

    let mut said = Vec::new();
    for topology in [
        format!("{}\n{simulator}", GATEWAY.replace("key", "kay")),
        format!("{}\n{simulator}", GATEWAY.replace("required", "maybe")),
        format!("{}\n{simulator}", GATEWAY.replace("http://", "")),
        "gateway_url = 5".to_owned(),
    ] {
        let problems = parse(&with_topology(&topology), Path::new(""), &Env::empty()).unwrap_err();
        said.push(told(&problems));
    }
    insta::assert_snapshot!(said.join("\n"));
}

const LOAD: &str = "[[stages]]\nname = \"s\"\nduration = \"3s\"\n\
                    [[stages.load]]\nworkload = \"w\"\nusers = 2\nthink_time = \"1s\"\n";

async fn go(target: &Target) -> Run {
    run(&scenario(LOAD), 1, target, &Watch::default()).await
}

#[tokio::test(start_paused = true)]
async fn a_gateways_journal_is_read_when_it_is_ours() {
    let mut bench = Bench::on_virtual_time();
    bench.a = bench.a.with_instance();
    let mut target = bench.target();
    target.gateway_journal = Journal::IfAny;
    let run = go(&target).await;
    assert_eq!((run.problems.len(), run.notes.len()), (0, 0));
    assert!(run.dataset.gateway_journal);
    assert_eq!(run.dataset.gateway.len(), run.dataset.clients.len());
    let evaluation = harness::assert::evaluate(&run.dataset, &[], &Default::default());
    assert!(evaluation.reconciliation.gateway_compared);

    // Behind a prefix that has none.
    target.gateway = BaseUrl::parse("http://gateway/v1").unwrap();
    let run = go(&target).await;
    assert_eq!(
        run.notes,
        ["the gateway has no journal at /++/journal (status 404 Not Found); its own records are \
          not compared"]
    );
    assert!(!run.dataset.gateway_journal);

    // One that hands on every path shows a simulator's journal.
    let mut bench = Bench::on_virtual_time();
    bench.a = bench.a.with_instance();
    let mut target = bench.target();
    target.gateway_journal = Journal::IfAny;
    target.gateway = BaseUrl::parse("http://a").unwrap();
    let run = go(&target).await;
    assert_eq!(
        run.notes,
        ["the gateway hands on the journal of a; its own records are not compared"]
    );
    target.gateway_journal = Journal::Required;
    let run = go(&target).await;
    assert_eq!(run.problems, ["the gateway hands on the journal of a"]);

    // Even when that does not say which process it is.
    let bench = Bench::on_virtual_time();
    let mut target = bench.target();
    target.gateway_journal = Journal::IfAny;
    let text = LOAD.replace("\"w\"", "\"direct\"")
        + "[[workloads]]\nname = \"direct\"\npath = \"/generate\"\nheaders = { api-key = \"key\" }\n";
    target.gateway = BaseUrl::parse("http://a").unwrap();
    let run = harness::run::run(&scenario(&text), 1, &target, &Watch::default()).await;
    assert_eq!(run.dataset.journal_breaks, []);
    assert!(!run.dataset.gateway_journal);
    assert_eq!(
        run.notes,
        ["what the gateway answers at /++/journal is no journal of ours; its own records are not \
          compared"]
    );
}
