//! Tools a request offers, and which of them it wants called.

use serde_json::Value;

use super::complaint::{bad, list, not_one_of};
use super::raw::{self, Raw};
use crate::api::fields::{self, Fields, Parsed};
use crate::api::object::json_string;

/// Kinds of tools that the service knows. The set that its own complaint names is
/// not published; these are those of its reference.
const KINDS: &[&str] = &[
    "function",
    "custom",
    "file_search",
    "computer",
    "computer_use_preview",
    "web_search",
    "web_search_2025_08_26",
    "web_search_preview",
    "web_search_preview_2025_03_11",
    "mcp",
    "code_interpreter",
    "image_generation",
    "local_shell",
    "shell",
    "apply_patch",
    "namespace",
    "tool_search",
];
const MOST_TOOLS: usize = 128;

/// What may be called, as the model sees it and as answers repeat it.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Tools {
    pub functions: Vec<Function>,
    pub choice: Choice,
    /// `tools` in answers.
    pub json: String,
    /// `tool_choice` in answers.
    pub choice_json: String,
}

/// A function the client offers.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Function {
    pub name: String,
    pub description: Option<String>,
    pub parameters: Option<Value>,
}

/// Which tools are called.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Choice {
    #[default]
    Auto,
    None,
    Required,
    /// This function.
    Function(String),
    /// A built-in tool.
    BuiltIn,
}

pub(super) fn read(fields: Fields<'_>, raw: &Raw<'_>) -> Parsed<Tools> {
    let mut tools = Tools::default();
    let (mut texts, mut names) = (Vec::new(), Vec::new());
    match fields.get("tools") {
        None => {}
        Some(Value::Array(list)) => {
            fields::at_most("tools", list.len(), MOST_TOOLS)?;
            let raws = raw.tools();
            for (at, tool) in list.iter().enumerate() {
                let raw = raws.get(at).copied();
                let (kind, text) = read_tool(at, tool, raw, &mut tools.functions)?;
                texts.push(text);
                names.push(kind);
            }
        }
        Some(other) => return Err(fields::wrong_type("tools", "an array of tools", other)),
    }
    tools.json = format!("[{}]", texts.join(","));
    read_choice(fields, raw, &names, &mut tools)?;
    Ok(tools)
}

/// The tool's name, or its kind if it has none, and its text in answers.
fn read_tool(
    at: usize,
    tool: &Value,
    raw: Option<&serde_json::value::RawValue>,
    functions: &mut Vec<Function>,
) -> Parsed<(String, String)> {
    let path = |key: &str| format!("tools[{at}].{key}");
    let Value::Object(object) = tool else {
        return Err(fields::wrong_type(&format!("tools[{at}]"), "an object", tool));
    };
    let fields = Fields(object);
    let string = |key: &str| match fields.get(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str())),
        Some(other) => Err(fields::wrong_type(&path(key), "a string", other)),
    };
    let kind = string("type")?.ok_or_else(|| fields::missing(&path("type")))?;
    if !KINDS.contains(&kind) {
        return Err(not_one_of(&path("type"), kind, KINDS));
    }
    if kind != "function" {
        let name = string("name")?.unwrap_or(kind).to_owned();
        return Ok((name, raw::text_of(raw, tool)));
    }
    let name = string("name")?.ok_or_else(|| fields::missing(&path("name")))?;
    check_name(&path("name"), name)?;
    let description = string("description")?;
    let parameters = match fields.get("parameters") {
        None => None,
        Some(schema @ Value::Object(_)) => Some(schema),
        Some(other) => return Err(fields::wrong_type(&path("parameters"), "an object", other)),
    };
    let strict = match fields.get("strict") {
        None => true,
        Some(Value::Bool(strict)) => *strict,
        Some(other) => return Err(fields::wrong_type(&path("strict"), "a boolean", other)),
    };
    let text = format!(
        r#"{{"type":"function","description":{},"name":{},"parameters":{},"strict":{strict}}}"#,
        description.map_or_else(|| "null".to_owned(), json_string),
        json_string(name),
        parameters.map_or_else(|| "null".to_owned(), |parsed| raw::parameters(raw, parsed)),
    );
    functions.push(Function {
        name: name.to_owned(),
        description: description.map(str::to_owned),
        parameters: parameters.cloned(),
    });
    Ok((name.to_owned(), text))
}

/// Names of functions and formats: letters, digits, `_` and `-`, 64 at most.
pub(super) fn check_name(path: &str, name: &str) -> Parsed<()> {
    if name.is_empty() {
        let message = format!(
            "Invalid '{path}': empty string. Expected a string with minimum length 1, but got an empty string instead."
        );
        return Err(bad(message, Some(path), Some("empty_string")));
    }
    let length = name.chars().count();
    if 64 < length {
        let message = format!(
            "Invalid '{path}': string too long. Expected a string with maximum length 64, but got a string with length {length} instead."
        );
        return Err(bad(message, Some(path), Some("string_above_max_length")));
    }
    if name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')) {
        return Ok(());
    }
    let message = format!(
        "Invalid '{path}': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'."
    );
    Err(bad(message, Some(path), Some("invalid_value")))
}

fn read_choice(
    fields: Fields<'_>,
    raw: &Raw<'_>,
    names: &[String],
    tools: &mut Tools,
) -> Parsed<()> {
    const WORDS: &[&str] = &["none", "auto", "required"];
    let Some(choice) = fields.get("tool_choice") else {
        tools.choice_json = "\"auto\"".to_owned();
        return Ok(());
    };
    tools.choice_json = raw.tool_choice(choice);
    tools.choice = match choice {
        Value::String(word) => match word.as_str() {
            "auto" => Choice::Auto,
            "none" => Choice::None,
            "required" if names.is_empty() => {
                let message = "Tool choice 'required' must be specified with 'tools' parameter.";
                return Err(bad(message, Some("tool_choice"), None));
            }
            "required" => Choice::Required,
            other => return Err(not_one_of("tool_choice", other, WORDS)),
        },
        Value::Object(object) => {
            let kind = match object.get("type") {
                Some(Value::String(kind)) => kind.as_str(),
                None | Some(Value::Null) => return Err(fields::missing("tool_choice.type")),
                Some(other) => {
                    return Err(fields::wrong_type("tool_choice.type", "a string", other));
                }
            };
            match kind {
                "function" | "custom" => {
                    let name = match Fields(object).get("name") {
                        Some(Value::String(name)) => name,
                        None => return Err(fields::missing("tool_choice.name")),
                        Some(other) => {
                            return Err(fields::wrong_type("tool_choice.name", "a string", other));
                        }
                    };
                    must_be_offered(name, names)?;
                    Choice::Function(name.clone())
                }
                "allowed_tools" => {
                    let required = object.get("mode").and_then(Value::as_str) == Some("required");
                    if required { Choice::Required } else { Choice::Auto }
                }
                kind if KINDS.contains(&kind) => {
                    must_be_offered(kind, names)?;
                    Choice::BuiltIn
                }
                other => return Err(not_one_of("tool_choice.type", other, KINDS)),
            }
        }
        other => {
            let expected = format!("one of an object or {}", list(WORDS, "or"));
            return Err(fields::wrong_type("tool_choice", &expected, other));
        }
    };
    Ok(())
}

fn must_be_offered(name: &str, names: &[String]) -> Parsed<()> {
    if names.iter().any(|offered| offered == name) {
        return Ok(());
    }
    let message = format!("Tool choice '{name}' not found in 'tools' parameter.");
    Err(bad(message, Some("tool_choice"), None))
}
