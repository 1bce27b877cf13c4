//! The command line: help texts, exit codes, output.

use snapbox::cmd::{Command, cargo_bin};
use snapbox::{assert_data_eq, file};

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
        &["run"],
        &["walk"],
    ] {
        harness(args).assert().code(2);
    }
}
