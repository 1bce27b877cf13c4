//! The page of inferences: the same list as `gateway explain`, with all ways.

use std::fmt::Write as _;

use serde_json::Value;

use super::Settings;
use super::inferences::{By, INFERENCES};

const INTRODUCTION: &str = "\
# Inferred behaviours

Generated from the gateway's own list by `gateway schema --inferences`; a test
compares them. No public source settles these behaviours: the gateway follows the
specification's argument, in the section that is named. `gateway explain` prints
the list with the values in effect.

## Settings

Under `[settings]` in `gateway.toml`. The first way is the default.
[The reference](gateway-reference.md#settings) says what each means.

| § | What the gateway does by default | Setting | Ways |
|---|---|---|---|
";

const FIXED: &str = "
## Without a setting

The platform could hardly do otherwise, or nobody would see it.

| § | What the gateway does | Why there is no setting |
|---|---|---|
";

/// The page as committed at `docs/gateway-inferences.md`.
pub(crate) fn page() -> String {
    let schema = schemars::schema_for!(Settings).to_value();
    let (mut settings, mut fixed) = (String::new(), String::new());
    // Writing to a string cannot fail.
    for inference in INFERENCES {
        let (section, text) = (inference.section, inference.text.replace("{{name}}", "`{{name}}`"));
        match inference.by {
            By::Setting(name) => {
                let ways = ways(&schema, name);
                let _ = writeln!(settings, "| {section} | {text} | `{name}` | {ways} |");
            }
            By::Reason(why) => {
                let _ = writeln!(fixed, "| {section} | {text} | {why} |");
            }
        }
    }
    format!("{INTRODUCTION}{settings}{FIXED}{fixed}")
}

/// The values a setting can have, the default first.
fn ways(schema: &Value, setting: &str) -> String {
    let property = &schema["properties"][setting];
    let definition = property["$ref"].as_str().and_then(|name| name.strip_prefix("#/$defs/"));
    let choices = definition.and_then(|name| schema["$defs"][name]["oneOf"].as_array());
    let default = property["default"].to_string();
    match choices {
        Some(choices) => {
            let choices: Vec<String> =
                choices.iter().map(|choice| format!("`{}`", choice["const"])).collect();
            choices.join(", ")
        }
        None if default == "true" => "`true`, `false`".to_owned(),
        None if default == "false" => "`false`, `true`".to_owned(),
        None => format!("`{default}`, or another"),
    }
}
