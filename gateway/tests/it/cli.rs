//! The command line: help, exit codes, what is printed.

use std::process::{Command, Output};

fn gateway(arguments: &[&str]) -> Output {
    gateway_in(&[], arguments)
}

fn gateway_in(variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gateway"))
        .args(arguments)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .env_clear()
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

fn shown(output: &Output) -> String {
    format!(
        "exit {}\n--- stdout\n{}--- stderr\n{}",
        output.status.code().unwrap_or(-1),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[test]
fn help_has_examples() {
    insta::assert_snapshot!(shown(&gateway(&["--help"])));
    for command in ["check", "explain", "healthcheck", "schema", "trace"] {
        insta::assert_snapshot!(format!("help-{command}"), shown(&gateway(&[command, "--help"])));
    }
    insta::assert_snapshot!("no-arguments", shown(&gateway(&[])));
}

/// Starts nothing: every case ends before a port is opened.
#[test]
fn every_option_has_a_variable() {
    for (variable, wrong) in [
        ("GATEWAY_CONFIG", "/nowhere.toml"),
        ("GATEWAY_LISTEN", "nowhere"),
        ("GATEWAY_SEED", "x"),
        ("GATEWAY_DRAIN", "x"),
        ("GATEWAY_WORKERS", "0"),
        ("GATEWAY_LOG", "a=b=c"),
        ("GATEWAY_LOG_FORMAT", "x"),
    ] {
        let file = ("GATEWAY_CONFIG", "capabilities/latency-routing/gateway.toml");
        let output = gateway_in(&[file, (variable, wrong)], &[]);
        assert_ne!(output.status.code(), Some(0), "{variable}");
        assert!(shown(&output).contains(wrong), "{}", shown(&output));
    }
}

#[test]
fn an_empty_variable_counts_as_unset() {
    let output = gateway_in(&[("GATEWAY_CONFIG", ""), ("GATEWAY_SEED", "")], &[]);
    assert_eq!(shown(&output), shown(&gateway(&[])), "the file is missing, nothing else");
    let empty =
        ["LISTEN", "SEED", "DRAIN", "WORKERS", "LOG", "LOG_FORMAT"].map(|n| format!("GATEWAY_{n}"));
    let empty: Vec<_> = empty.iter().map(|name| (name.as_str(), "")).collect();
    let output = gateway_in(&empty, &["--config", "/nowhere.toml"]);
    assert_eq!(shown(&output), shown(&gateway(&["--config", "/nowhere.toml"])));
}

#[test]
fn our_own_documents_are_clean() {
    let file = "capabilities/latency-routing/gateway.toml";
    insta::assert_snapshot!(shown(&gateway(&["check", file, "--deny-warnings"])), @r"
    exit 0
    --- stdout
    capabilities/latency-routing/gateway.toml: no problems
    --- stderr
    ");
}

#[test]
fn check_prints_all_problems_as_text_or_json() {
    let file = "gateway/tests/data/bad/fragments.toml";
    insta::assert_snapshot!("check-text", shown(&gateway(&["check", file])));
    insta::assert_snapshot!("check-json", shown(&gateway(&["check", file, "--format", "json"])));
}

#[test]
fn warnings_are_denied_on_demand() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.toml");
    std::fs::write(&file, "version = 1\n[[apis]]\nid = \"a\"\npath = \"a\"\n").unwrap();
    let file = file.to_str().unwrap();
    assert_eq!(gateway(&["check", file]).status.code(), Some(0));
    assert_eq!(gateway(&["check", file, "--deny-warnings"]).status.code(), Some(2));
    assert_eq!(gateway(&["--config", "nowhere.toml"]).status.code(), Some(2));
}

#[test]
fn explain_lists_the_inferences() {
    insta::assert_snapshot!(shown(&gateway(&["explain"])));
}

/// The seed toolkit's backends, as in its infrastructure.
const SEED_BACKENDS: &str = r#"
version = 1

[[backends]]
id = "payg-backend-1"
url = "http://localhost:8002/openai"

[[backends]]
id = "payg-backend-2"
url = "http://localhost:8003/openai"

[[backends]]
id = "ptu-backend-1-with-circuit-breaker"
url = "http://localhost:8001/openai"
[[backends.circuit_breaker.rules]]
name = "retry-with-payg-breaker-rule"
trip_duration = "PT1M"
accept_retry_after = true
[backends.circuit_breaker.rules.failure_condition]
count = 3
interval = "PT10S"
status_code_ranges = [{ min = 429, max = 429 }]
error_reasons = ["429s"]

[[backends]]
id = "weighted-round-robin-backend-pool"
[backends.pool]
services = [{ id = "payg-backend-1", weight = 2, priority = 1 }, { id = "payg-backend-2" }]
session_affinity = { session_id = { source = "Cookie", name = "Backend-Id" } }

[[backends]]
id = "retry-with-payg-backend-pool"
[backends.pool]
services = [
    { id = "payg-backend-1", priority = 2 },
    { id = "ptu-backend-1-with-circuit-breaker", priority = 1 },
]
"#;

#[test]
fn check_and_explain_describe_pools_and_breakers() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.toml");
    std::fs::write(&file, SEED_BACKENDS).unwrap();
    let file = file.to_str().unwrap();
    let checked = shown(&gateway(&["check", file, "--deny-warnings"]));
    insta::assert_snapshot!(checked.replace(file, "gateway.toml"));
    let explained = shown(&gateway(&["explain", "--config", file]));
    let (_, backends) = explained.split_once("Pools and circuit breakers").unwrap();
    insta::assert_snapshot!("explain-pools", backends);
    // Tools read one JSON document.
    assert_eq!(gateway(&["check", file, "--format", "json"]).stdout, b"[]\n");
}

/// `INSTA_UPDATE=always` writes the files, as it does snapshots.
#[test]
fn the_committed_schema_and_reference_are_current() {
    for (name, option, current) in [
        ("gateway.schema.json", "", gateway::schema()),
        ("gateway-reference.md", " --markdown", gateway::reference_page()),
        ("gateway-expressions.md", " --expressions", gateway::expressions_page()),
        ("gateway-inferences.md", " --inferences", gateway::inferences_page()),
    ] {
        let path = format!("{}/../docs/{name}", env!("CARGO_MANIFEST_DIR"));
        if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
            std::fs::write(&path, &current).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == current,
            "docs/{name} is stale: run `cargo run --bin gateway -- schema{option} > docs/{name}`"
        );
    }
}
