//! `tools` and `tool_choice`, and `functions` and `function_call` before them.

use serde_json::{Map, Value};

use crate::api::declared::{Declared, tool_tokens};
use crate::api::fields::{self, Fields, Parsed};
use crate::catalogue::Model;
use crate::content::{self, Dialect, Json, Members, Offer, Strictness, Tool, ToolChoice};
use crate::wire::ApiError;

const MOST_TOOLS: usize = 128;
const MOST_NAME_CHARS: usize = 64;
const MOST_DESCRIPTION_CHARS: usize = 1_024;

/// The functions a request offers, and what their prompt costs are counted of.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tools {
    pub offer: Offer,
    declared: Vec<Declared>,
}

impl Tools {
    /// What they add to the prompt; `system` is the first system message.
    pub(super) fn prompt_tokens(&self, model: &Model, system: Option<&str>) -> u64 {
        tool_tokens(&self.declared, self.offer.choice, model, system)
    }
}

/// Reads the functions of a request. `ordered` has its schemas with their keys in
/// the order they were sent.
pub(super) fn read_tools(fields: Fields<'_>, ordered: &Members) -> Parsed<Option<Tools>> {
    match (list(fields, "tools")?, list(fields, "functions")?) {
        (Some(tools), _) => read_modern(fields, tools, ordered.get("tools")).map(Some),
        (None, Some(functions)) => {
            read_legacy(fields, functions, ordered.get("functions")).map(Some)
        }
        (None, None) => {
            for (key, list) in [
                ("tool_choice", "tools"),
                ("parallel_tool_calls", "tools"),
                ("function_call", "functions"),
            ] {
                // Nothing may be called where nothing is offered; saying so is fine.
                let said = fields.get(key).filter(|choice| choice.as_str() != Some("none"));
                if said.is_some() {
                    return Err(only_with(key, list));
                }
            }
            Ok(None)
        }
    }
}

fn only_with(key: &str, list: &str) -> ApiError {
    let message =
        format!("Invalid value for '{key}': '{key}' is only allowed when '{list}' are specified.");
    ApiError::invalid_request(message, Some(key), None)
}

fn list<'a>(fields: Fields<'a>, key: &str) -> Parsed<Option<&'a [Value]>> {
    match fields.get(key) {
        None => Ok(None),
        Some(Value::Array(items)) if items.is_empty() => Err(fields::empty_array(key)),
        Some(Value::Array(items)) => {
            fields::at_most(key, items.len(), MOST_TOOLS)?;
            Ok(Some(items))
        }
        Some(other) => Err(fields::wrong_type(key, "an array of objects", other)),
    }
}

fn read_modern(fields: Fields<'_>, list: &[Value], ordered: Option<&Json>) -> Parsed<Tools> {
    let mut tools = Vec::new();
    let mut declared = Vec::new();
    for (index, value) in list.iter().enumerate() {
        let path = format!("tools[{index}]");
        let Value::Object(object) = value else {
            return Err(fields::wrong_type(&path, "an object", value));
        };
        match object.get("type") {
            None => return Err(fields::missing(&format!("{path}.type"))),
            Some(Value::String(kind)) if kind == "function" => {}
            Some(Value::String(kind)) => {
                return Err(fields::not_supported(&format!("{path}.type"), kind, "'function'"));
            }
            Some(other) => {
                return Err(fields::wrong_type(&format!("{path}.type"), "a string", other));
            }
        }
        let function_path = format!("{path}.function");
        let function = match object.get("function") {
            None | Some(Value::Null) => return Err(fields::missing(&function_path)),
            Some(Value::Object(function)) => function,
            Some(other) => return Err(fields::wrong_type(&function_path, "an object", other)),
        };
        let schema = item(ordered, index)
            .and_then(|tool| tool.get("function"))
            .and_then(|function| function.get("parameters"));
        let (tool, own) = read_function(&function_path, function, schema)?;
        tools.push(tool);
        declared.push(own);
    }
    let choice = read_choice(fields, &tools)?;
    let parallel = match fields.get("parallel_tool_calls") {
        None => true,
        Some(Value::Bool(parallel)) => *parallel,
        Some(other) => return Err(fields::wrong_type("parallel_tool_calls", "a boolean", other)),
    };
    let offer = Offer { tools, choice, parallel, dialect: Dialect::Tools };
    Ok(Tools { offer, declared })
}

fn read_legacy(fields: Fields<'_>, list: &[Value], ordered: Option<&Json>) -> Parsed<Tools> {
    let mut tools = Vec::new();
    let mut declared = Vec::new();
    for (index, value) in list.iter().enumerate() {
        let path = format!("functions[{index}]");
        let Value::Object(function) = value else {
            return Err(fields::wrong_type(&path, "an object", value));
        };
        let schema = item(ordered, index).and_then(|function| function.get("parameters"));
        let (tool, own) = read_function(&path, function, schema)?;
        tools.push(tool);
        declared.push(own);
    }
    let choice = match fields.get("function_call") {
        None => ToolChoice::Auto,
        Some(Value::String(mode)) if mode == "auto" => ToolChoice::Auto,
        Some(Value::String(mode)) if mode == "none" => ToolChoice::None,
        Some(Value::String(mode)) => {
            return Err(fields::not_supported("function_call", mode, "'none' and 'auto'"));
        }
        Some(Value::Object(named)) => {
            let name = named_in(named, "function_call.name")?;
            place_of(&tools, name, "function_call", "functions")?
        }
        Some(other) => {
            return Err(fields::wrong_type("function_call", "one of a string or object", other));
        }
    };
    let offer = Offer { tools, choice, parallel: false, dialect: Dialect::Functions };
    Ok(Tools { offer, declared })
}

fn item(list: Option<&Json>, index: usize) -> Option<&Json> {
    list?.as_array()?.get(index)
}

fn read_function(
    path: &str,
    function: &Map<String, Value>,
    schema: Option<&Json>,
) -> Parsed<(Tool, Declared)> {
    let name_path = format!("{path}.name");
    let name = match function.get("name") {
        None | Some(Value::Null) => return Err(fields::missing(&name_path)),
        Some(Value::String(name)) => name,
        Some(other) => return Err(fields::wrong_type(&name_path, "a string", other)),
    };
    fields::identifier(&name_path, name, MOST_NAME_CHARS)?;
    let description_path = format!("{path}.description");
    let description = match function.get("description") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => {
            fields::no_longer(&description_path, text, MOST_DESCRIPTION_CHARS)?;
            Some(text.clone())
        }
        Some(other) => return Err(fields::wrong_type(&description_path, "a string", other)),
    };
    let strict = matches!(function.get("strict"), Some(Value::Bool(true)));
    let parameters = function.get("parameters").filter(|value| !value.is_null());
    let schema = schema.filter(|_| parameters.is_some());
    if let Some(schema) = schema {
        let strictness = if strict { Strictness::Strict } else { Strictness::Function };
        if let Some(complaint) = content::complaint(schema, strictness) {
            let message = format!("Invalid schema for function '{name}': {complaint}");
            let param = format!("{path}.parameters");
            let code = Some("invalid_function_parameters");
            return Err(ApiError::invalid_request(message, Some(&param), code));
        }
    }
    let tool = Tool { name: name.clone(), parameters: schema.cloned() };
    let own = Declared { name: name.clone(), description, parameters: parameters.cloned() };
    Ok((tool, own))
}

fn read_choice(fields: Fields<'_>, tools: &[Tool]) -> Parsed<ToolChoice> {
    let choice = match fields.get("tool_choice") {
        None => return Ok(ToolChoice::Auto),
        Some(Value::String(mode)) => {
            return match mode.as_str() {
                "auto" => Ok(ToolChoice::Auto),
                "none" => Ok(ToolChoice::None),
                "required" => Ok(ToolChoice::Required),
                _ => {
                    let supported = "'none', 'auto', and 'required'";
                    Err(fields::not_supported("tool_choice", mode, supported))
                }
            };
        }
        Some(Value::Object(choice)) => choice,
        Some(other) => {
            return Err(fields::wrong_type("tool_choice", "one of a string or object", other));
        }
    };
    match choice.get("type").and_then(Value::as_str) {
        None => Err(fields::missing("tool_choice.type")),
        Some("function") => {
            let path = "tool_choice.function";
            let named = match choice.get("function") {
                None | Some(Value::Null) => return Err(fields::missing(path)),
                Some(Value::Object(named)) => named,
                Some(other) => return Err(fields::wrong_type(path, "an object", other)),
            };
            let name = named_in(named, "tool_choice.function.name")?;
            place_of(tools, name, "tool_choice", "tools")
        }
        Some(kind) => Err(fields::not_supported("tool_choice.type", kind, "'function'")),
    }
}

fn named_in<'a>(object: &'a Map<String, Value>, path: &str) -> Parsed<&'a str> {
    match object.get("name") {
        None | Some(Value::Null) => Err(fields::missing(path)),
        Some(Value::String(name)) => Ok(name),
        Some(other) => Err(fields::wrong_type(path, "a string", other)),
    }
}

fn place_of(tools: &[Tool], name: &str, key: &str, list: &str) -> Parsed<ToolChoice> {
    match tools.iter().position(|tool| tool.name == name) {
        Some(place) => Ok(ToolChoice::Named(place)),
        None => {
            let message = format!(
                "Invalid value for '{key}': no function named {name} was specified in the '{list}' parameter."
            );
            Err(ApiError::invalid_request(message, Some(key), None))
        }
    }
}
