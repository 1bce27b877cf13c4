//! The command line: help texts, exit codes, output.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use seam::http::{Body, network};
use snapbox::cmd::{Command, cargo_bin};
use snapbox::{assert_data_eq, file};

use crate::stub::Bench;

fn harness(args: &[&str]) -> Command {
    Command::new(cargo_bin!("harness")).args(args).env_remove("RUST_LOG")
}

fn stdout(args: &[&str]) -> String {
    let output = harness(args).assert().success();
    String::from_utf8(output.get_output().stdout.clone()).unwrap()
}

#[test]
fn help_texts() {
    assert_data_eq!(stdout(&["--help"]), file!["../snapshots/help.txt"]);
    assert_data_eq!(stdout(&["run", "--help"]), file!["../snapshots/help-run.txt"]);
    assert_data_eq!(stdout(&["check", "--help"]), file!["../snapshots/help-check.txt"]);
    assert_data_eq!(stdout(&["readme", "--help"]), file!["../snapshots/help-readme.txt"]);
    assert_data_eq!(stdout(&["schema", "--help"]), file!["../snapshots/help-schema.txt"]);
}

#[test]
fn the_schema_is_printed() {
    assert_eq!(stdout(&["schema"]), harness::scenario::json_schema());
}

#[test]
fn bad_files_and_bad_usage_exit_with_2() {
    for args in [
        &["check", "tests/data/bad/users-and-arrivals.toml"][..],
        &["run", "tests/data/bad/users-and-arrivals.toml"],
        &["run", "no-such-file.toml"],
        &["run", "../scenarios/latency-routing.toml", "--simulator-url=ptu1=http://localhost:1"],
        &["check", "../scenarios/latency-routing.toml", "--gateway-url=localhost:8000"],
        &["run"],
        &["run", "src"],
        &["run", "../scenarios/latency-routing.toml", "../scenarios/latency-routing.toml"],
        &["run", "../scenarios", "--seeds=3-1"],
        &["run", "../scenarios", "--seeds=1-2", "--seed=3"],
        &["walk"],
    ] {
        harness(args).assert().code(2);
    }
}

/// Two scenarios, two seeds each, side by side: the order is that of the command
/// line, and what each run writes is what it writes alone.
#[test]
fn several_runs_are_those_of_each_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (all, alone) = (path("all"), path("alone"));
    let scenarios = path("scenarios");
    std::fs::create_dir(&scenarios).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for name in ["latency-routing.toml", "latency-routing-failover.toml"] {
        let text = std::fs::read_to_string(root.join("scenarios").join(name)).unwrap();
        let capabilities = root.join("capabilities").display().to_string();
        let text = text.replace("../capabilities", &capabilities);
        std::fs::write(folder.path().join("scenarios").join(name), text).unwrap();
    }
    let args = ["run", &scenarios, "--seeds=42,7", "--output", &all];
    let text = stdout(&args);
    let lines: Vec<&str> = text.lines().take_while(|line| !line.is_empty()).collect();
    let runs: Vec<(&str, &str)> =
        lines.iter().filter_map(|line| line.strip_prefix("✓ ")?.split_once(" · ")).collect();
    let (routing, failover) = ("latency-routing", "latency-routing-failover");
    let names: Vec<&str> = runs.iter().map(|run| run.0).collect();
    assert_eq!(names[..2], [failover, failover], "{text}");
    assert!(names.contains(&routing), "{text}");
    assert!(
        runs.iter()
            .zip([42, 7].into_iter().cycle())
            .all(|(run, seed)| { run.1.starts_with(&format!("seed {seed} · ")) })
    );
    assert!(text.contains("PASSED"), "{text}");
    assert_eq!(text, stdout(&args), "another order of ending changed what is printed");

    let scenario = "../scenarios/latency-routing.toml";
    stdout(&["run", scenario, "--seed=7", "--output", &alone]);
    let read = |file: &str| std::fs::read_to_string(folder.path().join(file)).unwrap();
    assert_eq!(read("all/latency-routing/seed-7/result.json"), read("alone/result.json"));

    let json = stdout(&["run", scenario, "--seeds=1-2", "--format=json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let seeds: Vec<u64> =
        json.as_array().unwrap().iter().map(|run| run["seed"].as_u64().unwrap()).collect();
    assert_eq!(seeds, [1, 2]);
    assert_eq!(json[0]["exit_code"], 0);
}

/// A scenario against the stub bench by URL, so in real time.
fn scenario_file(folder: &Path, addresses: [SocketAddr; 3], rest: &str) -> PathBuf {
    let [gateway, a, b] = addresses;
    let text = format!(
        r#"
version = 1
name = "urls"
[topology]
gateway_url = "http://{gateway}"
simulator_urls.a = {{ url = "http://{a}", key = "${{STUB_KEY:-key}}" }}
simulator_urls.b = {{ url = "http://{b}", key = "key" }}
[[workloads]]
name = "w"
path = "/api"
body = {{ prompt = "x" }}
[[stages]]
name = "s"
duration = "1s"
[[stages.load]]
workload = "w"
users = 1
think_time = "5ms"
# The schedule may be late by 5 % of the smallest latency limit: here half a
# second, so that a busy machine does not make the run invalid.
[[assertions]]
id = "limit"
claim = "fast enough"
latency = {{ statistic = "p50", at_most = "10s" }}
{rest}"#
    );
    let file = folder.join("scenario.toml");
    std::fs::write(&file, text).unwrap();
    file
}

fn all_from(simulator: &str) -> String {
    format!(
        r#"
[[assertions]]
id = "share"
claim = "all from {simulator}"
backend_share = {{ simulator = "{simulator}", equals = 1.0 }}
"#
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_by_url_end_with_the_verdicts_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let (target, addresses) = Bench::on_sockets().await;
    let out = folder.path().join("out");
    let run = |rest: String, args: Vec<String>| {
        let file = scenario_file(folder.path(), addresses, &rest);
        tokio::task::spawn_blocking(move || {
            let file = file.display().to_string();
            let assert = harness(&["run", &file]).args(args).assert();
            let output = assert.get_output();
            (output.status.code(), String::from_utf8(output.stdout.clone()).unwrap())
        })
    };
    let output = vec!["--output".to_owned(), out.display().to_string(), "--seed=9".to_owned()];
    let (code, text) = run(all_from("a"), output).await.unwrap();
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("urls"), "{text}");
    let result = std::fs::read_to_string(out.join("result.json")).unwrap();
    let result: serde_json::Value = serde_json::from_str(&result).unwrap();
    let chart = std::fs::read_to_string(out.join("chart.svg")).unwrap();
    assert!(chart.starts_with("<svg ") && chart.contains("seed 9"), "{chart}");
    let requests = std::fs::read_to_string(out.join("requests.jsonl")).unwrap();
    let first: serde_json::Value = serde_json::from_str(requests.lines().next().unwrap()).unwrap();
    assert_eq!((&first["number"], &first["answered_by"]), (&1.into(), &"a".into()));
    assert_eq!(requests.lines().count() as u64, result["total"]["requests"]);
    assert_eq!((&result["seed"], &result["scenario"]), (&9.into(), &"urls".into()));

    let (code, text) = run(all_from("b"), vec!["--format=json".into()]).await.unwrap();
    assert_eq!(code, Some(1), "{text}");
    assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{text}");

    let (code, text) = run(all_from("a"), vec!["--quiet".into()]).await.unwrap();
    assert_eq!((code, text.as_str()), (Some(0), ""));

    // An action that fails makes the run invalid, whatever the assertions say.
    let failing = "[[actions]]\nname = \"x\"\nat = \"100ms\"\ncall = { path = \"/no\" }\n";
    let (code, text) = run(all_from("a") + failing, vec![]).await.unwrap();
    assert_eq!(code, Some(4), "{text}");

    // Nobody there at all.
    target.stop().await;
    let (code, text) = run(all_from("a"), vec!["--format=json".into()]).await.unwrap();
    assert_eq!(code, Some(4), "{text}");
    assert!(text.contains("cannot reach a at http://127.0.0.1:"), "{text}");
}

/// The file names a stack where nobody is; options and variables name the one
/// that is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_stack_than_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let (target, [gateway, a, b]) = Bench::on_sockets().await;
    let nobody = SocketAddr::from(([127, 0, 0, 1], 1));
    let file = scenario_file(folder.path(), [nobody; 3], &all_from("a")).display().to_string();
    let command = harness(&["run", &file])
        .arg(format!("--gateway-url=http://{gateway}"))
        .env("HARNESS_GATEWAY_URL", "http://127.0.0.1:1")
        .env("HARNESS_SIMULATOR_URLS", format!("a=http://{a}, b=http://{b}"));
    let output = tokio::task::spawn_blocking(move || command.assert().get_output().clone());
    let output = output.await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("Clients, gateway and simulators tell one story"), "{text}");
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        told,
        format!(
            "gateway at http://{gateway}, its records are compared\n\
             simulator a at http://{a}\nsimulator b at http://{b}\n"
        )
    );
    target.stop().await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_run_reports_and_exits_with_130() {
    let folder = tempfile::tempdir().unwrap();
    let (target, addresses) = Bench::on_sockets().await;
    let file = scenario_file(folder.path(), addresses, &all_from("a"));
    let text = std::fs::read_to_string(&file).unwrap().replace("\"1s\"", "\"10m\"");
    std::fs::write(&file, text).unwrap();
    let child = std::process::Command::new(cargo_bin!("harness"))
        .arg("run")
        .arg(&file)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Under way once the simulator has seen requests.
    let client = network(std::collections::BTreeMap::new());
    for _ in 0..500 {
        let journal = format!("http://{}/++/journal?after=0", addresses[1]);
        let request = axum::http::Request::get(journal).body(Body::empty()).unwrap();
        let response = seam::http::call(&client, request).await.unwrap();
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        if body.windows(2).any(|pair| pair == b"},") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let mut kill = std::process::Command::new("kill");
    assert!(kill.args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = tokio::task::spawn_blocking(|| child.wait_with_output()).await.unwrap().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("urls"), "{text}");
    target.stop().await;
}
