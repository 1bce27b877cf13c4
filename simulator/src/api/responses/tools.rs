//! Tools a request offers, and which of them it wants called.

use serde_json::Value;

use super::complaint::{bad, list, not_one_of};
use crate::api::declared::{Declared, tool_tokens};
use crate::api::fields::{self, Fields, Parsed};
use crate::api::object::{array, json_string};
use crate::catalogue::Model;
use crate::content::{self, Dialect, Json, Members, Offer, Strictness, Tool, ToolChoice};

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
const MOST_NAME_CHARS: usize = 64;

/// What may be called, as the model sees it and as answers repeat it.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Tools {
    /// The functions, if there are any.
    pub offer: Option<Offer>,
    declared: Vec<Declared>,
    /// `tools` in answers.
    pub json: String,
    /// `tool_choice` in answers.
    pub choice_json: String,
}

impl Tools {
    /// What the functions add to the prompt; `system` is the first system text.
    pub(super) fn prompt_tokens(&self, model: &Model, system: Option<&str>) -> u64 {
        let choice = self.offer.as_ref().map_or(ToolChoice::Auto, |offer| offer.choice);
        tool_tokens(&self.declared, choice, model, system)
    }
}

/// Reads `tools` and `tool_choice`. `ordered` has them with their keys in the order
/// they were sent.
pub(super) fn read(fields: Fields<'_>, ordered: &Members) -> Parsed<Tools> {
    let mut tools = Tools::default();
    let (mut offered, mut texts, mut names) = (Vec::new(), Vec::new(), Vec::new());
    match fields.get("tools") {
        None => {}
        Some(Value::Array(list)) => {
            fields::at_most("tools", list.len(), MOST_TOOLS)?;
            let sent = ordered.get("tools").and_then(Json::as_array).unwrap_or_default();
            for (at, tool) in list.iter().enumerate() {
                let read = read_tool(at, tool, sent.get(at))?;
                texts.push(read.json);
                names.push(read.name);
                if let Some((tool, declared)) = read.function {
                    offered.push(tool);
                    tools.declared.push(declared);
                }
            }
        }
        Some(other) => return Err(fields::wrong_type("tools", "an array of tools", other)),
    }
    tools.json = array(texts);
    let choice = read_choice(fields, &names, &offered)?;
    tools.choice_json = match (fields.get("tool_choice"), ordered.get("tool_choice")) {
        (None, _) => "\"auto\"".to_owned(),
        (Some(_), Some(sent)) => sent.compact(),
        (Some(parsed), None) => parsed.to_string(),
    };
    if !offered.is_empty() {
        let dialect = Dialect::Tools;
        tools.offer = Some(Offer { tools: offered, choice, parallel: true, dialect });
    }
    Ok(tools)
}

/// A tool that was read.
struct Read {
    /// Its name, or its kind if it has none.
    name: String,
    /// Its text in answers.
    json: String,
    function: Option<(Tool, Declared)>,
}

fn read_tool(at: usize, tool: &Value, sent: Option<&Json>) -> Parsed<Read> {
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
        let json = sent.map_or_else(|| tool.to_string(), Json::compact);
        return Ok(Read { name, json, function: None });
    }
    let name = string("name")?.ok_or_else(|| fields::missing(&path("name")))?;
    fields::identifier(&path("name"), name, MOST_NAME_CHARS)?;
    let description = string("description")?;
    let parameters = match fields.get("parameters") {
        None => None,
        Some(schema @ Value::Object(_)) => Some(schema),
        Some(other) => return Err(fields::wrong_type(&path("parameters"), "an object", other)),
    };
    let strict = match fields.get("strict") {
        None => None,
        Some(Value::Bool(strict)) => Some(*strict),
        Some(other) => return Err(fields::wrong_type(&path("strict"), "a boolean", other)),
    };
    let schema = sent.filter(|_| parameters.is_some()).and_then(|sent| sent.get("parameters"));
    if let Some(schema) = schema {
        // Strict is the default, but what was not asked for is not insisted on.
        let strictness =
            if strict == Some(true) { Strictness::Strict } else { Strictness::Function };
        if let Some(complaint) = content::complaint(schema, strictness) {
            let message = format!("Invalid schema for function '{name}': {complaint}");
            let code = Some("invalid_function_parameters");
            return Err(bad(message, Some(&path("parameters")), code));
        }
    }
    let json = format!(
        r#"{{"type":"function","description":{},"name":{},"parameters":{},"strict":{}}}"#,
        description.map_or_else(|| "null".to_owned(), json_string),
        json_string(name),
        schema.map_or_else(|| "null".to_owned(), Json::compact),
        strict.unwrap_or(true),
    );
    let tool = Tool { name: name.to_owned(), parameters: schema.cloned() };
    let declared = Declared {
        name: name.to_owned(),
        description: description.map(str::to_owned),
        parameters: parameters.cloned(),
    };
    Ok(Read { name: name.to_owned(), json, function: Some((tool, declared)) })
}

fn read_choice(fields: Fields<'_>, names: &[String], offered: &[Tool]) -> Parsed<ToolChoice> {
    const WORDS: &[&str] = &["none", "auto", "required"];
    let object = match fields.get("tool_choice") {
        None => return Ok(ToolChoice::Auto),
        Some(Value::String(word)) => {
            return match word.as_str() {
                "auto" => Ok(ToolChoice::Auto),
                "none" => Ok(ToolChoice::None),
                "required" if names.is_empty() => {
                    let message =
                        "Tool choice 'required' must be specified with 'tools' parameter.";
                    Err(bad(message, Some("tool_choice"), None))
                }
                "required" => Ok(ToolChoice::Required),
                other => Err(not_one_of("tool_choice", other, WORDS)),
            };
        }
        Some(Value::Object(object)) => object,
        Some(other) => {
            let expected = format!("one of an object or {}", list(WORDS, "or"));
            return Err(fields::wrong_type("tool_choice", &expected, other));
        }
    };
    let string = |key: &str| {
        let path = format!("tool_choice.{key}");
        match Fields(object).get(key) {
            Some(Value::String(text)) => Ok(text.as_str()),
            None => Err(fields::missing(&path)),
            Some(other) => Err(fields::wrong_type(&path, "a string", other)),
        }
    };
    match string("type")? {
        "function" | "custom" => {
            let name = string("name")?;
            must_be_offered(name, names)?;
            let place = offered.iter().position(|tool| tool.name == name);
            Ok(place.map_or(ToolChoice::None, ToolChoice::Named))
        }
        "allowed_tools" => {
            let required = object.get("mode").and_then(Value::as_str) == Some("required");
            Ok(if required { ToolChoice::Required } else { ToolChoice::Auto })
        }
        // A built-in tool is never called, and neither is a function in its stead.
        kind if KINDS.contains(&kind) => must_be_offered(kind, names).map(|()| ToolChoice::None),
        other => Err(not_one_of("tool_choice.type", other, KINDS)),
    }
}

fn must_be_offered(name: &str, names: &[String]) -> Parsed<()> {
    if names.iter().any(|offered| offered == name) {
        return Ok(());
    }
    let message = format!("Tool choice '{name}' not found in 'tools' parameter.");
    Err(bad(message, Some("tool_choice"), None))
}
