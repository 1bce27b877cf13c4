//! The README's first screen is true: its commands are those CI runs, and the
//! report it shows is the one the main job prints, to the byte.

use std::path::PathBuf;

use snapbox::cmd::{Command, cargo_bin};

const MAIN_JOB: &str = "cargo run --release --bin harness -- run scenarios/latency-routing.toml";
const TESTS: &str = "cargo test --workspace";

fn repository() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// `INSTA_UPDATE=always` writes the report into the README.
#[test]
fn the_readme_shows_what_the_main_job_prints() {
    let output = Command::new(cargo_bin!("harness"))
        .args(["run", "scenarios/latency-routing.toml"])
        .current_dir(repository())
        .env_clear()
        .assert()
        .success();
    let report = String::from_utf8(output.get_output().stdout.clone()).unwrap();
    let file = repository().join("README.md");
    let readme = std::fs::read_to_string(&file).unwrap();
    let (before, rest) = readme.split_once("```text\n").unwrap();
    let (shown, after) = rest.split_once("```\n").unwrap();
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        std::fs::write(file, format!("{before}```text\n{report}```\n{after}")).unwrap();
        return;
    }
    assert!(
        shown == report,
        "the README's report is not current: \
         run `INSTA_UPDATE=always cargo test -p harness --test it readme`"
    );
}

#[test]
fn the_readme_has_two_set_up_commands_and_ci_runs_both() {
    let readme = std::fs::read_to_string(repository().join("README.md")).unwrap();
    let first_screen = readme.split("```text").next().unwrap();
    let commands: Vec<&str> = first_screen
        .split("```sh\n")
        .skip(1)
        .filter_map(|block| block.split("```").next())
        .map(str::trim)
        .collect();
    assert_eq!(commands, [MAIN_JOB, TESTS]);
    let ci = std::fs::read_to_string(repository().join(".ci/run")).unwrap();
    for command in commands {
        // What the main job compiles, CI has compiled already, for the image.
        let run = command.replace("cargo run --release --bin harness --", "\"$bin/harness\"");
        assert!(ci.contains(&run), ".ci/run does not run `{run}`");
    }
}
