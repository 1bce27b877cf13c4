//! The binary: help texts, checking files, printing schema and default.

use std::process::Command;

use seam::diagnostic::Source;
use seam::env::Env;

fn simulator(args: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_simulator"))
        .args(args)
        .env_remove("SIMULATOR_CONFIG")
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

#[test]
fn the_default_configuration_is_printed_and_valid() {
    let (code, stdout, _) = simulator(&["default-config"]);
    assert_eq!((code, stdout.as_str()), (0, simulator::DEFAULT_CONFIG));
    let (_, warnings) =
        simulator::load(&Source::new("default.toml", stdout), &Env::empty()).unwrap();
    assert!(warnings.is_empty());
}

/// `INSTA_UPDATE=always` writes the file, as it does snapshots.
#[test]
fn the_committed_schema_is_current() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/simulator.schema.json");
    let (code, schema, _) = simulator(&["schema"]);
    assert_eq!(code, 0);
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        std::fs::create_dir_all(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs")).unwrap();
        std::fs::write(file, &schema).unwrap();
    }
    let committed = std::fs::read_to_string(file).unwrap_or_default();
    assert!(
        committed == schema,
        "docs/simulator.schema.json is not current: simulator schema > docs/simulator.schema.json"
    );
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
