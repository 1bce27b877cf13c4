//! Reference pages from JSON Schemas: what a configuration file may say, in
//! Markdown, generated from the very types that read it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

/// Renders a schema (as `schemars` makes it) as one Markdown page: the root's
/// keys first, then each definition it reaches, in order of first mention.
#[must_use]
pub fn markdown(title: &str, introduction: &str, schema: &Value) -> String {
    let definitions: BTreeMap<&str, &Value> = schema["$defs"]
        .as_object()
        .map(|all| all.iter().map(|(name, value)| (name.as_str(), value)).collect())
        .unwrap_or_default();
    let mut page = format!("# {title}\n\n{introduction}\n\n## The file\n\n");
    let mut pending = Vec::new();
    section(&mut page, schema, &mut pending);
    let mut done = Vec::new();
    while !pending.is_empty() {
        let name: String = pending.remove(0);
        if done.contains(&name) {
            continue;
        }
        if let Some(definition) = definitions.get(name.as_str()) {
            page.truncate(page.trim_end().len());
            let _ = write!(page, "\n\n## {name}\n\n");
            section(&mut page, definition, &mut pending);
        }
        done.push(name);
    }
    page.truncate(page.trim_end().len());
    page.push('\n');
    page
}

fn section(page: &mut String, schema: &Value, pending: &mut Vec<String>) {
    if let Some(text) = schema["description"].as_str() {
        let _ = write!(page, "{}\n\n", text.trim());
    }
    if let Some(examples) = schema["examples"].as_array() {
        let all: Vec<String> = examples.iter().map(|example| format!("`{example}`")).collect();
        let _ = write!(page, "For example {}.\n\n", all.join(", "));
    }
    let variants = schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array());
    for variant in variants.into_iter().flatten() {
        let name = variant["const"]
            .as_str()
            .map_or_else(|| kind(variant, pending), |name| format!("`{name:?}`"));
        let text = variant["description"].as_str().unwrap_or_default();
        let _ = writeln!(page, "- {name}: {}", one_line(text));
    }
    if let Some(values) = schema["enum"].as_array() {
        let all: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
        let _ = writeln!(page, "One of {}.", all.join(", "));
    }
    let Some(properties) = schema["properties"].as_object().filter(|all| !all.is_empty()) else {
        return;
    };
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    page.push_str("| Key | Type | Default | Meaning |\n|---|---|---|---|\n");
    for (name, property) in properties {
        let default = match property.get("default") {
            _ if required.contains(&name.as_str()) => "required".to_owned(),
            Some(Value::Null) | None => String::new(),
            Some(value) => format!("`{value}`"),
        };
        let meaning = one_line(property["description"].as_str().unwrap_or_default());
        let _ =
            writeln!(page, "| `{name}` | {} | {default} | {meaning} |", kind(property, pending));
    }
}

/// A property's type in words; definitions it names are queued for their own section.
fn kind(schema: &Value, pending: &mut Vec<String>) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.strip_prefix("#/$defs/")) {
        pending.push(name.to_owned());
        return format!("[{name}](#{})", name.to_lowercase());
    }
    if let Some(value) = schema.get("const") {
        return format!("`{value}`");
    }
    if let Some(all) = schema["enum"].as_array() {
        return all.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(" or ");
    }
    for alternatives in ["anyOf", "oneOf", "allOf"] {
        if let Some(all) = schema[alternatives].as_array() {
            let kinds: Vec<String> = all
                .iter()
                .filter(|one| one["type"] != "null")
                .map(|one| kind(one, pending))
                .collect();
            return kinds.join(" or ");
        }
    }
    let name = match &schema["type"] {
        Value::String(name) => name.as_str(),
        Value::Array(names) => {
            names.iter().filter_map(Value::as_str).find(|&name| name != "null").unwrap_or("any")
        }
        _ => "any",
    };
    match name {
        "array" => format!("array of {}", kind(&schema["items"], pending)),
        "object" => match schema.get("additionalProperties").filter(|value| value.is_object()) {
            Some(values) => format!("table of {}", kind(values, pending)),
            None => "table".to_owned(),
        },
        other => other.to_owned(),
    }
}

/// Table cells hold one line; a pipe would end the cell.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use schemars::JsonSchema;
    use serde::Deserialize;

    use super::*;
    use crate::units::HumanDuration;

    /// How fast.
    #[derive(Deserialize, JsonSchema)]
    #[serde(rename_all = "snake_case")]
    enum Pace {
        /// A constant rate.
        Constant,
        /// Exponential gaps.
        Poisson,
    }

    /// One part of the load.
    #[derive(Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its schema is used")]
    struct Load {
        /// How long | at least
        /// one second.
        duration: HumanDuration,
        /// Users.
        #[serde(default)]
        users: u32,
        pace: Option<Pace>,
    }

    #[derive(Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only its schema is used")]
    struct Root {
        /// All loads.
        load: Vec<Load>,
        /// Free names.
        headers: BTreeMap<String, String>,
    }

    #[test]
    fn renders_keys_types_defaults_and_definitions() {
        let schema = schemars::schema_for!(Root);
        insta::assert_snapshot!(markdown("Example", "An example.", schema.as_value()));
    }
}
