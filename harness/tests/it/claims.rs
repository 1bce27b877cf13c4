//! Executable READMEs: each kind of mismatch, and that what was written passes.

use std::path::{Path, PathBuf};

use harness::readme::{Checked, Mode, check, text};
use snapbox::cmd::{Command, cargo_bin};

const README: &str = r#"# Example

```sh
curl http://localhost:8000/status
cargo run --release --bin harness -- run scenarios/short.toml
```

[`short`](../../scenarios/short.toml) sends twenty requests.

| Assertion | Claim | Observed |
|---|---|---|

Other words, another table:

| File | What |
|---|---|
| `x` | y |
"#;

const SCENARIO: &str = r#"
version = 1
name = "short"
[topology]
simulators = "ROOT/capabilities/simulator.toml"
gateway = "ROOT/capabilities/latency-routing/gateway.toml"
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
[[assertions]]
id = "all-200"
claim = "Every request is answered 200 | *no* other"
status = { code = 200, share = { equals = 1.0 } }
[[assertions]]
id = "twenty"
claim = "Twenty requests are sent"
requests = { at_least = 20, at_most = 20 }
"#;

/// A repository with one scenario and one README.
struct Repository(tempfile::TempDir);

impl Repository {
    fn new() -> Self {
        let repository = Self(tempfile::tempdir().unwrap());
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        repository.write("scenarios/short.toml", &SCENARIO.replace("ROOT", root.to_str().unwrap()));
        repository.write("capabilities/example/README.md", README);
        repository
    }

    /// With everything in the README that a run can put there.
    fn written() -> Self {
        let repository = Self::new();
        repository.check(Mode::Write);
        repository
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    fn readme(&self) -> String {
        self.read("capabilities/example/README.md")
    }

    fn check(&self, mode: Mode) -> Checked {
        check(&[self.path("capabilities")], mode).unwrap()
    }

    /// What is said, without the folder's name.
    fn said(&self) -> String {
        let checked = self.check(Mode::Check);
        assert!(!checked.passed(), "nothing is wrong");
        let said: Vec<String> = checked.problems().map(|one| one.render(false)).collect();
        said.join("\n").replace(&format!("{}/", self.0.path().display()), "")
    }

    /// What is said when these texts of the README are others.
    fn with(&self, changes: &[(&str, &str)]) -> String {
        let before = self.readme();
        let mut text = before.clone();
        for (from, to) in changes {
            assert!(text.contains(from), "no `{from}` in {text}");
            text = text.replace(from, to);
        }
        self.write("capabilities/example/README.md", &text);
        let said = self.said();
        self.write("capabilities/example/README.md", &before);
        said
    }
}

#[test]
fn what_was_written_passes_and_stays() {
    let repository = Repository::new();
    let first = repository.check(Mode::Write);
    assert!(first.passed(), "{}", text(&first));
    assert_eq!(first.readmes[0].written.len(), 2);
    insta::assert_snapshot!(repository.readme());
    let chart = repository.read("capabilities/example/short.svg");
    let (readme, again) = (repository.readme(), repository.check(Mode::Write));
    assert!(again.passed() && again.readmes[0].written.is_empty());
    assert_eq!(readme, repository.readme());
    assert!(chart == repository.read("capabilities/example/short.svg"));
    let checked = repository.check(Mode::Check);
    assert!(checked.passed());
    let result = &checked.readmes[0];
    assert_eq!((result.commands, result.commands_not_checked), (1, 1));
    assert_eq!(result.scenarios[0].claims, 2);
    assert!(text(&checked).lines().all(|line| line.chars().count() <= 80), "{}", text(&checked));
}

#[test]
fn rows_that_are_not_so_are_explained() {
    let repository = Repository::written();
    let figures = repository
        .with(&[("20 of 20 (100 %)", "19 of 20 (95 %)"), ("Twenty requests", "20 requests")]);
    insta::assert_snapshot!("figures_and_claims", figures);
    insta::assert_snapshot!("an_id_misspelt", repository.with(&[("`twenty`", "`tventy`")]));
    insta::assert_snapshot!(
        "ids_that_are_none",
        repository.with(&[("| `all-200` |", "| all |"), ("`twenty`", "`x`")])
    );
    insta::assert_snapshot!("an_id_twice", repository.with(&[("`twenty`", "`all-200`")]));
    insta::assert_snapshot!(
        "cells_missing",
        repository.with(&[(" | Twenty requests are sent | 20; wanted exactly 20 |", " |")])
    );
    insta::assert_snapshot!("other_columns", repository.with(&[("| Observed |", "| Seen |")]));
}

#[test]
fn scenarios_and_tables_belong_together() {
    let repository = Repository::written();
    insta::assert_snapshot!(
        "a_table_without_scenario",
        repository.with(&[("(../../scenarios/short.toml)", "(../../scenarios.md)")])
    );
    insta::assert_snapshot!(
        "a_scenario_that_is_not_there",
        repository.with(&[("../../scenarios/short.toml", "../../scenarios/shirt.toml")])
    );
    insta::assert_snapshot!(
        "a_scenario_without_table",
        repository.with(&[("| Assertion |", "| Promise |")])
    );
    repository.write("capabilities/other/README.md", "# Nothing\n");
    insta::assert_snapshot!("a_readme_that_proves_nothing", repository.said());
}

#[test]
fn commands_must_run() {
    let repository = Repository::written();
    let run = "run scenarios/short.toml";
    for (name, command) in [
        ("an_option_misspelt", "run scenarios/short.toml --sed 7"),
        ("a_subcommand_misspelt", "runn scenarios/short.toml"),
        ("a_file_misspelt", "run scenarios/shor.toml"),
        ("another_seed", "run scenarios/short.toml --seed 7"),
        ("real_time", "run scenarios/short.toml --real-time"),
        ("no_subcommand", ""),
    ] {
        insta::assert_snapshot!(name, repository.with(&[(run, command)]));
    }
    repository.write("scenarios/other.toml", &repository.read("scenarios/short.toml"));
    let more = format!("{run}\nharness run scenarios/other.toml --gateway-url http://localhost:1");
    insta::assert_snapshot!("a_scenario_nobody_links", repository.with(&[(run, &more)]));
    // A folder stands for its files, linked or not.
    let text = repository.readme().replace(run, "run scenarios --quiet");
    let before = repository.readme();
    repository.write("capabilities/example/README.md", &text);
    assert!(repository.check(Mode::Check).passed());
    repository.write("capabilities/example/README.md", &before);
    let said = repository.with(&[(run, "run scenarios --seeds 1-20")]);
    assert!(said.contains("no command runs `scenarios/short.toml` as its table says"), "{said}");
    let before = repository.readme();
    repository
        .write("capabilities/example/README.md", &before.replace(run, "run scenarios/sh*.toml"));
    assert!(repository.check(Mode::Check).passed());
    repository.write("capabilities/example/README.md", &before);
    let looped = repository.with(&[
        ("cargo run", "for file in scenarios/*.toml; do cargo run"),
        (run, "run $file; done"),
    ]);
    insta::assert_snapshot!("a_variable", looped);
    // Its own seed may be named.
    let text = repository.readme().replace(run, "run scenarios/short.toml --seed 1");
    repository.write("capabilities/example/README.md", &text);
    assert!(repository.check(Mode::Check).passed());
}

#[test]
fn charts_must_be_the_runs() {
    let repository = Repository::written();
    insta::assert_snapshot!(
        "a_chart_not_shown",
        repository.with(&[("(short.svg)", "(http://x/short.svg)")])
    );
    insta::assert_snapshot!(
        "no_such_image",
        repository.with(&[("# Example", "# Example ![x](x.png)")])
    );
    let chart = repository.read("capabilities/example/short.svg");
    repository
        .write("capabilities/example/short.svg", &chart.replace("20 requests", "21 requests"));
    insta::assert_snapshot!("a_stale_chart", repository.said());
    std::fs::remove_file(repository.path("capabilities/example/short.svg")).unwrap();
    assert!(repository.said().contains("cannot read the chart"));
    assert!(repository.check(Mode::Write).passed());
    assert!(chart == repository.read("capabilities/example/short.svg"));
}

/// A figure of a run that proves nothing must not get into a README.
#[test]
fn runs_that_do_not_pass_are_not_written() {
    let repository = Repository::written();
    let scenario = repository.read("scenarios/short.toml");
    let before = repository.readme();
    repository.write(
        "scenarios/short.toml",
        &scenario.replace("at_least = 20, at_most = 20", "at_least = 21"),
    );
    insta::assert_snapshot!("an_assertion_that_fails", repository.said());
    let checked = repository.check(Mode::Write);
    assert!(!checked.passed());
    assert_eq!((checked.readmes[0].written.len(), repository.readme()), (0, before));

    repository.write("scenarios/short.toml", &scenario.replace("\"1s\"", "\"1 sek\""));
    insta::assert_snapshot!("a_scenario_with_a_mistake", repository.said());

    let failing = "[[actions]]\nname = \"x\"\nat = \"100ms\"\ncall = { path = \"/no\" }\n";
    repository.write("scenarios/short.toml", &format!("{scenario}{failing}"));
    insta::assert_snapshot!("an_invalid_run", repository.said());
}

#[test]
fn a_new_assertion_gets_a_row_and_an_old_one_stays() {
    let repository = Repository::written();
    let scenario = repository.read("scenarios/short.toml");
    repository.write("scenarios/short.toml", &scenario.replace("\"twenty\"", "\"all-sent\""));
    insta::assert_snapshot!("an_id_changed", repository.said());
    let checked = repository.check(Mode::Write);
    let left: Vec<&str> = checked.problems().map(|problem| problem.message()).collect();
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(left[0].contains("has no assertion `twenty`"), "{left:?}");
    assert!(repository.readme().contains("| `all-sent` | Twenty requests are sent | 20;"));
}

#[test]
fn an_index_needs_no_claims_and_one_run_serves_all() {
    let repository = Repository::written();
    repository.write("capabilities/README.md", "# All of them\n\n- [example](example/README.md)\n");
    let (readme, chart) = (repository.readme(), repository.read("capabilities/example/short.svg"));
    repository.write("capabilities/twin/README.md", &readme);
    repository.write("capabilities/twin/short.svg", &chart);
    let checked = repository.check(Mode::Check);
    assert!(checked.passed(), "{:?}", checked.problems().collect::<Vec<_>>());
    assert_eq!(checked.readmes.len(), 3);
}

#[test]
fn exit_codes_and_json() {
    let repository = Repository::new();
    let run = |arguments: &[&str], path: &str| {
        let command = Command::new(cargo_bin!("harness")).arg("readme").args(arguments).arg(path);
        let assert = command.current_dir(repository.0.path()).env_clear().assert();
        let output = assert.get_output();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
    };
    let (code, out, error) = run(&[], "capabilities");
    assert_eq!(code, 1);
    assert!(out.contains("capabilities/example/README.md"), "{out}");
    assert!(error.contains("--> capabilities/example/README.md:"), "{error}");
    assert_eq!(run(&["--write"], "capabilities/example/README.md").0, 0);
    let (code, out, error) = run(&["--check", "--format=json"], "capabilities/example");
    assert_eq!((code, error.as_str()), (0, ""));
    let value: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(value["outcome"], "passed");
    assert_eq!(value["readmes"][0]["scenarios"][0]["file"], "scenarios/short.toml");
    assert_eq!(value["readmes"][0]["commands_not_checked"], 1);
    assert_eq!(run(&[], "no-such-folder").0, 2);
    assert_eq!(run(&[], "scenarios").0, 2);
    assert_eq!(run(&["--check", "--write"], "capabilities").0, 2);
}
