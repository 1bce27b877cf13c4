//! The scenario format as JSON Schema and as a reference page, both generated
//! from the raw types and their doc comments.

use seam::reference as format;

use super::raw::RawScenario;

const INTRODUCTION: &str = "\
Generated from the harness's own types by `harness schema --markdown`; a test
compares them. Unknown keys are errors. Durations are strings such as `\"90s\"`,
`\"250ms\"` or `\"1m 30s\"`, rates such as `\"10/s\"`. In any string, `${NAME}` is
replaced from the environment or from `.env`, `${NAME:-default}` has a default.
[The guide](scenarios.md) explains how the parts play together.";

/// The format's reference page as committed at `docs/scenario-reference.md`.
#[must_use]
pub fn reference() -> String {
    format::markdown("Scenario files", INTRODUCTION, &format::schema::<RawScenario>("Scenario"))
}

/// The schema's text as committed at `docs/scenario.schema.json`.
#[must_use]
pub fn json_schema() -> String {
    format::json(&format::schema::<RawScenario>("Scenario"))
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
        check("scenario-reference.md", " --markdown", &reference());
    }
}
