//! `simulator calibrate`: what it prints can be configured, and mistakes in files are
//! shown where they stand.

use std::fmt::Write as _;
use std::path::PathBuf;

use seam::diagnostic::Source;
use seam::env::Env;

use crate::cli::simulator;

/// A folder with one file, and the file's path.
fn file(name: &str, text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

/// Numbers that look drawn and are the same on every machine: ttft, tokens, total.
fn rows() -> impl Iterator<Item = (u32, u32, u32)> {
    (0..400_u32).map(|n| {
        let (a, b) = (n * 7_919 % 400, n * 104_729 % 401);
        let ttft = 150 + a + a * a / 400;
        let tokens = 10 + b;
        (ttft, tokens, ttft + (tokens - 1) * (8 + n * 31 % 9))
    })
}

#[test]
fn a_fit_is_a_latency_of_the_configuration() {
    let mut csv = String::from("when, total, ttft, tokens, note\n");
    let mut json = String::new();
    for (ttft, tokens, total) in rows() {
        writeln!(csv, "12:00, {total}, {ttft}, {tokens}, \"a, b\"").unwrap();
        let (ttft, total) = (f64::from(ttft) / 1e3, f64::from(total) / 1e3);
        writeln!(json, r#"{{"total": {total}, "tokens": {tokens}, "model": "m", "ttft": {ttft}}}"#)
            .unwrap();
    }
    let (_folder, csv) = file("m.csv", &csv);
    let (code, stdout, stderr) = simulator(&["calibrate", csv.to_str().unwrap()]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    insta::assert_snapshot!("calibrated", stdout);

    let toml = format!(
        "version = 1\n[[resources]]\nname = \"r\"\nport = 1\nkeys = [\"k\"]\n\n[[deployments]]\nname = \"d\"\nmodel = \"gpt-4o\"\ntpm = 1000\n{stdout}"
    );
    let loaded = simulator::load(&Source::new("s.toml", toml), &Env::empty());
    assert!(loaded.is_ok_and(|(_, warnings)| warnings.is_empty()));

    let (_folder, json) = file("m.jsonl", &json);
    let seconds = ["calibrate", json.to_str().unwrap(), "--unit", "s"];
    let (code, same, stderr) = simulator(&seconds);
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert_eq!(same.replace("m.jsonl", "m.csv"), stdout, "the same in other clothes");

    let provisioned = ["calibrate", csv.to_str().unwrap(), "--profile", "ptu-gpt-4.1"];
    let (code, stdout, _) = simulator(&provisioned);
    assert_eq!(code, 0);
    let latency = stdout.lines().last().unwrap();
    assert!(latency.starts_with("latency = { profile = \"ptu-gpt-4.1\""), "{latency}");
    assert!(latency.contains("tail_probability = 0.0"), "{latency}");
}

#[test]
fn mistakes_in_files_are_shown_where_they_stand() {
    let good = "300,10,400\n".repeat(20);
    let mut shown = String::new();
    for (name, text) in [
        (
            "values.csv",
            format!(
                "ttft,tokens,total\n{good}fast,1.5,400\n0,10,-1\n300,10,200\n300,10\n9e9,10,400\n"
            ),
        ),
        ("columns.csv", format!("tttf,tokens\n{good}")),
        ("twice.csv", format!("ttft,ttft,tokens,total\n{good}")),
        ("few.csv", "ttft,tokens,total\n300,10,400\n".to_owned()),
        ("empty.csv", String::new()),
        (
            "values.jsonl",
            "{\"other\": {\"ttft\": 1}, \"ttft\": \"300\", \"tokens\": 0, \"total\": 400}\n"
                .to_owned(),
        ),
        (
            "fields.jsonl",
            "{\"ttft\": 300, \"token\": 10, \"total\": 400}\n[300]\n{\"ttft\": }\n".to_owned(),
        ),
        ("many.csv", format!("ttft,tokens,total\n{}", "x,1,1\n".repeat(30))),
    ] {
        let (folder, path) = file(name, &text);
        let (code, stdout, stderr) = simulator(&["calibrate", path.to_str().unwrap()]);
        assert_eq!((code, stdout.as_str()), (2, ""), "{name}");
        let folder = format!("{}/", folder.path().display());
        writeln!(shown, "## {name}\n{}", stderr.replace(&folder, "")).unwrap();
    }
    insta::assert_snapshot!("calibrate_mistakes", shown);
    let (code, _, stderr) = simulator(&["calibrate", "/nowhere.csv"]);
    assert_eq!(code, 2);
    assert!(stderr.contains("cannot read `/nowhere.csv`"), "{stderr}");
    let (code, _, stderr) = simulator(&["calibrate", "/nowhere.csv", "--profile", "payg-gpt-4p"]);
    assert_eq!(code, 2);
    assert!(stderr.contains("did you mean `payg-gpt-4o`?"), "{stderr}");
}
