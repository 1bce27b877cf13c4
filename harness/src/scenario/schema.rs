//! The scenario format as JSON Schema and as a reference page, both generated
//! from the raw types and their doc comments.

use serde_json::Value;

use super::raw::RawScenario;

const INTRODUCTION: &str = "\
Generated from the harness's own types by `harness schema --markdown`; a test
compares them. Unknown keys are errors. Durations are strings such as `\"90s\"`,
`\"250ms\"` or `\"1m 30s\"`, rates such as `\"10/s\"`. In any string, `${NAME}` is
replaced from the environment or from `.env`, `${NAME:-default}` has a default.";

/// The format's reference page as committed at `docs/scenario.md`.
#[must_use]
pub fn reference() -> String {
    seam::reference::markdown("Scenario files", INTRODUCTION, &schema())
}

/// The schema's text as committed at `docs/scenario.schema.json`.
#[must_use]
pub fn json_schema() -> String {
    let mut text = serde_json::to_string_pretty(&schema())
        .expect("a schema made of JSON values serialises; please report");
    text.push('\n');
    text
}

/// The schema, its definitions named for readers of the format: `Action`, not
/// `RawAction`.
fn schema() -> Value {
    let mut schema = renamed(schemars::schema_for!(RawScenario).to_value());
    schema["title"] = "Scenario".into();
    schema
}

const REFERENCE: &str = "#/$defs/";

fn renamed(value: Value) -> Value {
    match value {
        Value::String(text) => {
            match text.strip_prefix(REFERENCE).and_then(|name| name.strip_prefix("Raw")) {
                Some(name) => Value::String(format!("{REFERENCE}{name}")),
                None => Value::String(text),
            }
        }
        Value::Array(items) => Value::Array(items.into_iter().map(renamed).collect()),
        // No key of the format begins with a capital.
        Value::Object(fields) => fields
            .into_iter()
            .map(|(key, field)| {
                let key = key.strip_prefix("Raw").map_or(key.clone(), str::to_owned);
                (key, renamed(field))
            })
            .collect(),
        other @ (Value::Null | Value::Bool(_) | Value::Number(_)) => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs");

    #[track_caller]
    fn check(name: &str, option: &str, current: &str) {
        let file = std::path::Path::new(DOCS).join(name);
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            std::fs::write(&file, current).unwrap();
        }
        let committed = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(
            committed == current,
            "docs/{name} is out of date: \
             run `cargo run --bin harness -- schema{option} > docs/{name}`"
        );
    }

    #[test]
    fn the_committed_schema_and_reference_are_current() {
        check("scenario.schema.json", "", &json_schema());
        check("scenario.md", " --markdown", &reference());
    }
}
