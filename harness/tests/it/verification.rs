//! `docs/verification.md` says which assertion or test holds what; the names must exist.

use std::path::Path;

use harness::scenario;
use seam::env::Env;

/// Whether what a cell names is there: ids after their scenario, tests as `module::name`.
fn named(root: &Path, cell: &str) -> Result<usize, String> {
    let mut ids: Option<(String, Vec<String>)> = None;
    let names = cell.split('`').skip(1).step_by(2);
    let mut count = 0;
    for name in names {
        count += 1;
        if let Some((module, test)) = name.split_once("::") {
            let file = root.join(format!("harness/tests/it/{module}.rs"));
            let text = std::fs::read_to_string(file).unwrap_or_default();
            if !text.contains(&format!("fn {test}(")) {
                return Err(format!("no test `{name}`"));
            }
            continue;
        }
        let file = root.join(format!("scenarios/{name}.toml"));
        if file.exists() {
            let (scenario, _) = scenario::load(&file, &Env::empty()).unwrap();
            let all = scenario.assertions.into_iter().map(|one| one.id).collect();
            ids = Some((name.to_owned(), all));
            continue;
        }
        match &ids {
            Some((_, all)) if all.iter().any(|id| id == name) => {}
            Some((scenario, _)) => return Err(format!("`{scenario}` has no `{name}`")),
            None => return Err(format!("no scenario `{name}`")),
        }
    }
    Ok(count)
}

#[test]
fn what_the_table_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = std::fs::read_to_string(root.join("docs/verification.md")).unwrap();
    let table = text.split("| Statement | Held by |").nth(1).unwrap();
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let mut wrong = Vec::new();
    let mut held = 0;
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let (statement, cell) = match cells[..] {
            [statement, cell] => (statement, cell),
            [statement] => (statement, ""),
            _ => panic!("cells: {row}"),
        };
        if statement.starts_with("**") {
            continue;
        }
        match named(&root, cell) {
            Ok(0) => wrong.push(format!("{statement}: nothing holds it")),
            Ok(_) => held += 1,
            Err(why) => wrong.push(format!("{statement}: {why}")),
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(50 < held, "{held} rows");
    assert!(named(&root, "`latency-routing`: `A9`").is_err());
    assert!(named(&root, "`shipped::no_such_test`").is_err());
}
