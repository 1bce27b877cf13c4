//! The scenario format as JSON Schema, generated from the raw types.

use super::raw::RawScenario;

/// The schema's text as committed at `docs/scenario.schema.json`.
#[must_use]
pub fn json_schema() -> String {
    let mut schema = schemars::schema_for!(RawScenario);
    schema.insert("title".into(), "Scenario".into());
    let mut text = serde_json::to_string_pretty(&schema)
        .expect("a schema made of JSON values serialises; please report");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/scenario.schema.json");

    #[test]
    fn the_committed_schema_is_current() {
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            std::fs::write(COMMITTED, json_schema()).unwrap();
        }
        let committed = std::fs::read_to_string(COMMITTED).unwrap_or_default();
        assert!(
            committed == json_schema(),
            "docs/scenario.schema.json is out of date: \
             run `cargo run --bin harness -- schema > docs/scenario.schema.json`"
        );
    }
}
