//! `gateway explain`, the settings and these tests keep in step: each inference
//! has a setting or a reason, each setting that is one of them is listed once,
//! and a test looks at each of its ways.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use super::{schema, ways_of};

/// Settings whose ways are looked at elsewhere: with their file in `gateway/`
/// and their test.
const ELSEWHERE: [(&str, &str, &str); 3] = [
    (
        "concurrency_until",
        "tests/it/gates.rs",
        "a_stream_counts_until_its_end_or_until_the_client_goes",
    ),
    ("json_newline", "tests/it/switches/messages.rs", "line_ends_of_indented_texts"),
    ("token_signatures", "tests/it/tokens.rs", "signatures_are_ignored_where_a_setting_says_so"),
];

/// What `gateway explain` says: settings, then what is fixed, then bounds.
struct Explained {
    settings: Vec<(String, String)>,
    fixed: Vec<(String, String)>,
    bounds: Vec<String>,
}

fn explained() -> Explained {
    let output = Command::new(env!("CARGO_BIN_EXE_gateway")).arg("explain").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (switches, rest) = text.split_once("\nWithout a switch:\n").unwrap();
    let (fixed, bounds) = rest.split_once("\nBounds, under [settings]:\n").unwrap();
    let entry = |line: &str| {
        let (name, rest) = line.trim().split_once(" = ").unwrap();
        let default = rest.split_once("(default ").unwrap().1;
        let default = default[..default.rfind(')').unwrap()].to_owned();
        (name.to_owned(), default)
    };
    let listed = |text: &str| -> Vec<(String, String)> {
        text.lines().filter(|line| line.contains("(default ")).map(entry).collect()
    };
    let mut lines = fixed.lines().filter(|line| !line.is_empty());
    let mut reasons = Vec::new();
    while let (Some(what), Some(why)) = (lines.next(), lines.next()) {
        reasons.push((what.trim().to_owned(), why.trim().to_owned()));
    }
    let bounds = listed(bounds).into_iter().map(|(name, _)| name).collect();
    Explained { settings: listed(switches), fixed: reasons, bounds }
}

#[test]
fn every_setting_is_explained_once_with_its_default() {
    let Explained { settings, bounds, .. } = explained();
    let schema = schema();
    let known = schema["$defs"]["Settings"]["properties"].as_object().unwrap();
    let mut names: Vec<&str> = settings.iter().map(|(name, _)| name.as_str()).collect();
    names.extend(bounds.iter().map(String::as_str));
    let unique: BTreeSet<&str> = names.iter().copied().collect();
    assert_eq!(unique.len(), names.len(), "a setting is explained twice");
    assert_eq!(unique, known.keys().map(String::as_str).collect());
    for (name, default) in &settings {
        assert_eq!(&known[name]["default"].to_string(), default, "{name}");
    }
    // Bounds protect the gateway, they imitate nothing: a way to choose is none.
    for name in &bounds {
        assert_eq!(ways_of(name), None, "{name} is a choice: which inference does it switch?");
    }
}

#[test]
fn what_is_fixed_says_why() {
    let Explained { fixed, .. } = explained();
    let mut seen = BTreeSet::new();
    assert!(!fixed.is_empty());
    for (what, why) in fixed {
        assert!(what.starts_with('['), "{what}");
        assert!(why.strip_prefix("fixed: ").is_some_and(|why| 20 < why.len()), "{what}: {why}");
        assert!(seen.insert(what.clone()), "{what} is listed twice");
    }
}

#[test]
fn a_test_looks_at_each_way_of_each_setting() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &Path| std::fs::read_to_string(path).unwrap();
    let folder = std::fs::read_dir(root.join("tests/it/switches")).unwrap();
    let tests: String = folder.map(|entry| read(&entry.unwrap().path())).collect();
    // `each_way` itself fails unless it is given all ways, and they differ.
    let tests: String = tests.split_whitespace().collect();
    for (name, _) in explained().settings {
        if let Some((_, file, test)) = ELSEWHERE.iter().find(|(own, ..)| *own == name) {
            let text = read(&root.join(file));
            assert!(text.contains(&format!("fn {test}(")), "{file} has no test {test}");
            continue;
        }
        assert!(tests.contains(&format!("each_way(\"{name}\",")), "no test sees {name}");
    }
}

#[test]
fn a_misspelt_way_gets_the_nearest_one() {
    let mut tried = 0;
    for (name, _) in explained().settings {
        for way in ways_of(&name).unwrap_or_default() {
            let Some(text) = way.strip_prefix('"').and_then(|way| way.strip_suffix('"')) else {
                continue;
            };
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("gateway.toml");
            let config = format!("version = 1\n[settings]\n{name} = \"{text}s\"\n");
            std::fs::write(&file, config).unwrap();
            let problems = gateway::load(&file, &seam::env::Env::empty()).err().unwrap();
            let told = problems[0].to_string();
            assert!(told.contains(":3:"), "{told}");
            assert!(told.contains(&format!("did you mean `{text}`?")), "{told}");
            tried += 1;
        }
    }
    assert!(100 < tried, "{tried}");
}
