//! `gateway check --summary`: our own documents, some of which miss something.

use std::process::{Command, Output};

fn summary(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gateway"))
        .args(["check", "--summary"])
        .args(arguments)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .env_clear()
        .output()
        .unwrap()
}

#[test]
fn a_folder_is_summed_up() {
    let output = summary(&["gateway/tests/data/survey"]);
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), b"".as_slice()));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    insta::assert_snapshot!("table", text);
    let output = summary(&["gateway/tests/data/survey", "--format", "json"]);
    insta::assert_snapshot!("json", String::from_utf8(output.stdout).unwrap());
}

/// The shipped documents load by themselves, as they do with their configuration.
#[test]
fn our_own_documents_load() {
    let output = summary(&["capabilities", "--format", "json"]);
    let survey: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(survey["load"], survey["documents"].as_array().unwrap().len(), "{survey:#}");
    assert!(4 <= survey["load"].as_u64().unwrap(), "{survey:#}");
}

/// A repository may have anything in it: what no platform would take is not read.
#[test]
fn a_huge_file_is_no_document() {
    let folder = tempfile::tempdir().unwrap();
    let document =
        |bytes: usize| format!("<policies><inbound /><!--{}--></policies>", "x".repeat(bytes));
    std::fs::write(folder.path().join("small.xml"), document(10)).unwrap();
    std::fs::write(folder.path().join("huge.xml"), document(4 << 20)).unwrap();
    let output = summary(&[folder.path().to_str().unwrap(), "--format", "json"]);
    let survey: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(survey["documents"].as_array().unwrap().len(), 1, "{survey:#}");
}

#[test]
fn a_folder_must_be_there() {
    let output = summary(&["nowhere"]);
    assert_ne!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stderr).contains("`nowhere`"));
    let file = summary(&["capabilities", "--deny-warnings"]);
    assert_eq!(file.status.code(), Some(2));
}
