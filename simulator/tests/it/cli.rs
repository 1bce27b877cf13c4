//! The binary: help texts, checking files, printing schema and default.

use std::process::Command;

use seam::diagnostic::Source;
use seam::env::Env;

pub(crate) fn simulator(args: &[&str]) -> (i32, String, String) {
    simulator_in(&[], args)
}

fn simulator_in(variables: &[(&str, &str)], args: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_simulator"))
        .args(args)
        .env_clear()
        .envs(variables.iter().copied())
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn help_has_examples() {
    insta::assert_snapshot!("help", simulator(&["--help"]).1);
    insta::assert_snapshot!("help_check", simulator(&["check", "--help"]).1);
    insta::assert_snapshot!("help_healthcheck", simulator(&["healthcheck", "--help"]).1);
    insta::assert_snapshot!("help_calibrate", simulator(&["calibrate", "--help"]).1);
    insta::assert_snapshot!("help_ptu", simulator(&["ptu", "--help"]).1);
}

/// Every example of its help works; a question without an answer exits with 2.
#[test]
fn the_sizing_calculator_answers() {
    let (_, help, _) = simulator(&["ptu", "--help"]);
    let examples: Vec<&str> =
        help.lines().filter_map(|line| line.trim().strip_prefix("simulator ")).collect();
    assert_eq!(examples.len(), 3);
    for example in examples {
        let arguments: Vec<&str> = example.split_whitespace().collect();
        let (code, stdout, stderr) = simulator(&arguments);
        assert_eq!(code, 0, "{example}: {stderr}");
        assert!(stdout.contains("PTU for") || stdout.contains("\"ptu\": 30"), "{stdout}");
    }
    let load = ["--rpm", "1", "--prompt", "1", "--completion", "1"];
    let (code, _, stderr) = simulator(&[&["ptu", "--model", "gpt-4p"][..], &load].concat());
    assert_eq!(code, 2);
    assert!(stderr.contains("did you mean `gpt-4o`?"), "{stderr}");
    let (code, ..) = simulator(&[&["ptu", "--model", "gpt-4o"][..], &["--rpm", "0"]].concat());
    assert_eq!(code, 2);
}

#[test]
fn check_prints_problems_and_exits_2() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("s.toml");
    std::fs::write(&file, "version = 2\nresources = []\n").unwrap();
    let path = file.to_str().unwrap();
    let (code, stdout, stderr) = simulator(&["check", path]);
    assert_eq!((code, stdout.as_str()), (2, ""));
    assert!(
        stderr.contains("unknown format version") && stderr.contains("no resources"),
        "{stderr}"
    );
    assert!(stderr.contains("2 errors"), "{stderr}");
    std::fs::write(&file, simulator::DEFAULT_CONFIG).unwrap();
    let (code, stdout, stderr) = simulator(&["check", path]);
    assert_eq!((code, stdout, stderr.as_str()), (0, format!("{path}: ok\n"), ""));
    let (code, _, stderr) = simulator(&["check", "/nowhere.toml"]);
    assert_eq!(code, 2);
    assert!(stderr.contains("cannot read `/nowhere.toml`"), "{stderr}");
    let (code, ..) = simulator(&["--config", "/nowhere.toml"]);
    assert_eq!(code, 2);
}

/// Starts nothing: every case ends before a port is opened.
#[test]
fn only_resources_that_exist_can_be_served() {
    let (code, _, stderr) = simulator(&["--resource", "pyg1", "--resource", "ptu1,other"]);
    assert_eq!(code, 2);
    insta::assert_snapshot!(stderr, @r"
    error: there is no resource `pyg1`
     |
     = help: did you mean `payg1`?
     = help: the configuration has ptu1, payg1, payg2

    error: there is no resource `other`
     |
     = help: the configuration has ptu1, payg1, payg2
    ");
    let (code, _, from_environment) =
        simulator_in(&[("SIMULATOR_RESOURCES", "pyg1, ptu1,other")], &[]);
    assert_eq!((code, from_environment), (2, stderr));
}

#[test]
fn every_option_has_a_variable() {
    for (variable, wrong) in [
        ("SIMULATOR_CONFIG", "/nowhere.toml"),
        ("SIMULATOR_RESOURCES", "nowhere"),
        ("SIMULATOR_HOST", "nowhere"),
        ("SIMULATOR_SEED", "x"),
        ("SIMULATOR_DRAIN", "x"),
        ("SIMULATOR_WORKERS", "0"),
        ("SIMULATOR_LOG", "a=b=c"),
        ("SIMULATOR_LOG_FORMAT", "x"),
    ] {
        let (code, _, stderr) = simulator_in(&[(variable, wrong)], &[]);
        assert_ne!(code, 0, "{variable}");
        assert!(stderr.contains(wrong), "{variable}: {stderr}");
    }
}

#[test]
fn the_default_configuration_is_printed_and_valid() {
    let (code, stdout, _) = simulator(&["default-config"]);
    assert_eq!((code, stdout.as_str()), (0, simulator::DEFAULT_CONFIG));
    let (_, warnings) =
        simulator::load(&Source::new("default.toml", stdout), &Env::empty()).unwrap();
    assert!(warnings.is_empty());
}

/// `INSTA_UPDATE=always` writes the files, as it does snapshots.
#[test]
fn the_committed_schema_and_reference_are_current() {
    for (arguments, name) in [
        (&["schema"][..], "simulator.schema.json"),
        (&["schema", "--markdown"], "simulator-reference.md"),
    ] {
        let file = format!("{}/../docs/{name}", env!("CARGO_MANIFEST_DIR"));
        let (code, current, _) = simulator(arguments);
        assert_eq!(code, 0);
        if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
            std::fs::write(&file, &current).unwrap();
        }
        let committed = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(
            committed == current,
            "docs/{name} is not current: simulator {} > docs/{name}",
            arguments.join(" ")
        );
    }
}

#[test]
fn the_default_configuration_follows_the_schema() {
    let schema: serde_json::Value = serde_json::from_str(&simulator::schema()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let default: serde_json::Value = toml::from_str(simulator::DEFAULT_CONFIG).unwrap();
    let errors: Vec<_> = validator.iter_errors(&default).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let bad = serde_json::json!({"version": 1, "resources": [], "resource": []});
    assert!(!validator.is_valid(&bad));
}
