//! The input of a request: one text, or items.

use serde_json::{Map, Value};

use super::complaint::{check_prefix, not_one_of, unknown};
use crate::api::fields::{self, Fields, Parsed};
use crate::api::object::json_string;
use crate::catalogue::Model;
use crate::wire::ApiError;

const ROLES: &[&str] = &["assistant", "system", "developer", "user"];
const PART_TYPES: &[&str] = &[
    "input_text",
    "input_image",
    "input_audio",
    "output_text",
    "refusal",
    "input_file",
    "computer_screenshot",
    "summary_text",
    "encrypted_content",
];
/// What a part may be in a message to the model, and in one of its own.
const INPUT_PARTS: &[&str] =
    &["input_text", "input_image", "input_file", "scoped_content", "input_audio"];
const OUTPUT_PARTS: &[&str] = &["output_text", "refusal"];
const ITEM_TYPES: &[&str] = &[
    "additional_tools",
    "agent_message",
    "apply_patch_call",
    "apply_patch_call_output",
    "code_interpreter_call",
    "compaction",
    "compaction_trigger",
    "computer_call",
    "computer_call_output",
    "custom_tool_call",
    "custom_tool_call_output",
    "file_search_call",
    "function_call",
    "function_call_output",
    "image_generation_call",
    "item_reference",
    "local_shell_call",
    "local_shell_call_output",
    "mcp_approval_request",
    "mcp_approval_response",
    "mcp_call",
    "mcp_list_tools",
    "message",
    "multi_agent_call",
    "multi_agent_call_output",
    "program",
    "program_output",
    "reasoning",
    "shell_call",
    "shell_call_output",
    "tool_search_call",
    "tool_search_output",
    "web_search_call",
];
/// The most characters of one text (specification, section 1.5).
const MOST_CHARS: usize = 1_048_576;

/// One item of the input.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct InputItem {
    /// The id it was given by an earlier response.
    pub id: Option<String>,
    pub content: Content,
}

/// What an item says.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Content {
    Message {
        role: String,
        parts: Vec<Part>,
    },
    Call {
        call_id: String,
        name: String,
        arguments: String,
    },
    CallOutput {
        call_id: String,
        parts: Vec<Part>,
    },
    Reasoning {
        /// The item as JSON, behind its id.
        json: String,
    },
    /// An item of an earlier response, by its id alone.
    Reference,
    /// Items of built-in tools: taken as they are, not understood.
    Other {
        json: String,
    },
}

/// A part of a message.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Part {
    Text(String),
    Output(String),
    Refusal(String),
    /// An image, file or sound.
    Medium {
        json: String,
        tokens: u64,
    },
}

impl Part {
    /// What it says in words.
    pub(super) fn text(&self) -> &str {
        match self {
            Part::Text(text) | Part::Output(text) | Part::Refusal(text) => text,
            Part::Medium { .. } => "",
        }
    }

    fn json(&self) -> String {
        match self {
            Part::Text(text) => format!(r#"{{"type":"input_text","text":{}}}"#, json_string(text)),
            Part::Output(text) => format!(
                r#"{{"type":"output_text","annotations":[],"logprobs":[],"text":{}}}"#,
                json_string(text)
            ),
            Part::Refusal(text) => {
                format!(r#"{{"type":"refusal","refusal":{}}}"#, json_string(text))
            }
            Part::Medium { json, .. } => json.clone(),
        }
    }
}

impl InputItem {
    /// What it says in words, if it is a message.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        let parts = match &self.content {
            Content::Message { parts, .. } => parts.as_slice(),
            _ => &[],
        };
        parts.iter().map(Part::text)
    }

    /// What ids of such an item begin with.
    pub(super) fn prefix(&self) -> &'static str {
        match self.content {
            Content::Message { .. } => "msg",
            Content::Call { .. } => "fc",
            Content::CallOutput { .. } => "fco",
            Content::Reasoning { .. } => "rs",
            Content::Reference | Content::Other { .. } => "item",
        }
    }

    /// The item as the service lists it, behind its id: `"type":…}`.
    pub(super) fn json(&self) -> String {
        match &self.content {
            Content::Message { role, parts } => {
                let parts: Vec<String> = parts.iter().map(Part::json).collect();
                format!(
                    r#""type":"message","status":"completed","content":[{}],"role":"{role}"}}"#,
                    parts.join(",")
                )
            }
            Content::Call { call_id, name, arguments } => format!(
                r#""type":"function_call","status":"completed","arguments":{},"call_id":{},"name":{}}}"#,
                json_string(arguments),
                json_string(call_id),
                json_string(name)
            ),
            Content::CallOutput { call_id, parts } => {
                let output = match parts.as_slice() {
                    [Part::Text(text)] => json_string(text),
                    parts => {
                        let parts: Vec<String> = parts.iter().map(Part::json).collect();
                        format!("[{}]", parts.join(","))
                    }
                };
                format!(
                    r#""type":"function_call_output","status":"completed","call_id":{},"output":{output}}}"#,
                    json_string(call_id)
                )
            }
            Content::Reasoning { json } | Content::Other { json } => json.clone(),
            Content::Reference => r#""type":"item_reference"}"#.to_owned(),
        }
    }
}

/// Reads `input`; an empty one is the caller's to refuse.
pub(super) fn read(value: &Value, model: &Model) -> Parsed<Vec<InputItem>> {
    match value {
        Value::String(text) if text.is_empty() => Ok(Vec::new()),
        Value::String(text) => {
            check_length("input", text)?;
            let parts = vec![Part::Text(text.clone())];
            let content = Content::Message { role: "user".to_owned(), parts };
            Ok(vec![InputItem { id: None, content }])
        }
        Value::Array(items) => {
            items.iter().enumerate().map(|(at, item)| read_item(at, item, model)).collect()
        }
        // As measured: null is a string that is not one.
        Value::Null => Err(wrong_type_as("input", "a string", "an object")),
        other => Err(fields::wrong_type("input", "one of a string or array of input items", other)),
    }
}

fn read_item(at: usize, value: &Value, model: &Model) -> Parsed<InputItem> {
    let path = format!("input[{at}]");
    let Value::Object(object) = value else {
        return Err(fields::wrong_type(&path, "an input item", value));
    };
    let item = Item { path, object, model };
    let kind = match object.get("type") {
        None | Some(Value::Null) => "message",
        Some(Value::String(kind)) if ITEM_TYPES.contains(&kind.as_str()) => kind.as_str(),
        Some(Value::String(kind)) => return Err(not_one_of(&item.path, kind, ITEM_TYPES)),
        Some(_) => return Err(not_one_of(&item.path, "", ITEM_TYPES)),
    };
    let id = item.string("id")?.map(str::to_owned);
    if let (Some(id), Some(prefix)) = (&id, must_begin_with(kind)) {
        check_prefix(&item.at("id"), id, prefix)?;
    }
    let content = match kind {
        "message" => item.message()?,
        "function_call" => {
            item.only(&["type", "id", "call_id", "name", "arguments", "status", "namespace"])?;
            Content::Call {
                arguments: item.required("arguments")?.to_owned(),
                call_id: item.required("call_id")?.to_owned(),
                name: item.required("name")?.to_owned(),
            }
        }
        "function_call_output" => {
            item.only(&["type", "id", "call_id", "output", "status"])?;
            let call_id = item.required("call_id")?.to_owned();
            Content::CallOutput { call_id, parts: item.parts("output", INPUT_PARTS)? }
        }
        "reasoning" => {
            item.only(&["type", "id", "summary", "content", "encrypted_content", "status"])?;
            item.reasoning()?
        }
        "item_reference" => {
            item.only(&["type", "id"])?;
            item.required("id")?;
            Content::Reference
        }
        _ => {
            let mut rest = object.clone();
            rest.remove("id");
            Content::Other { json: behind_id(&Value::Object(rest)) }
        }
    };
    Ok(InputItem { id, content })
}

fn must_begin_with(kind: &str) -> Option<&'static str> {
    match kind {
        "function_call" => Some("fc"),
        "message" => Some("msg"),
        "reasoning" => Some("rs"),
        _ => None,
    }
}

/// An object without its opening brace.
fn behind_id(object: &Value) -> String {
    object.to_string().split_off(1)
}

struct Item<'a> {
    path: String,
    object: &'a Map<String, Value>,
    model: &'a Model,
}

impl<'a> Item<'a> {
    fn at(&self, key: &str) -> String {
        format!("{}.{key}", self.path)
    }

    fn get(&self, key: &str) -> Option<&'a Value> {
        Fields(self.object).get(key)
    }

    fn only(&self, known: &[&str]) -> Parsed<()> {
        match self.object.keys().find(|key| !known.contains(&key.as_str())) {
            None => Ok(()),
            Some(key) => Err(unknown(&self.at(key))),
        }
    }

    fn string(&self, key: &str) -> Parsed<Option<&'a str>> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(fields::wrong_type(&self.at(key), "a string", other)),
        }
    }

    fn required(&self, key: &str) -> Parsed<&'a str> {
        self.string(key)?.ok_or_else(|| fields::missing(&self.at(key)))
    }

    fn message(&self) -> Parsed<Content> {
        let role = self.object.get("role").and_then(Value::as_str).unwrap_or_default();
        if !ROLES.contains(&role) {
            return Err(not_one_of(&self.path, role, ROLES));
        }
        let own = role == "assistant";
        if own {
            self.only(&["type", "id", "role", "content", "status", "phase"])?;
            const PHASES: &[&str] = &["commentary", "final_answer"];
            if let Some(phase) = self.string("phase")?
                && !PHASES.contains(&phase)
            {
                return Err(not_one_of(&self.at("phase"), phase, PHASES));
            }
        } else {
            self.only(&["type", "id", "role", "content", "status"])?;
        }
        let allowed = if own { OUTPUT_PARTS } else { INPUT_PARTS };
        let parts = self.parts("content", allowed)?;
        Ok(Content::Message { role: role.to_owned(), parts })
    }

    /// A text, or parts of the types `allowed`.
    fn parts(&self, key: &str, allowed: &[&str]) -> Parsed<Vec<Part>> {
        let path = self.at(key);
        match self.object.get(key) {
            None => Err(fields::missing(&path)),
            Some(Value::String(text)) => {
                check_length(&path, text)?;
                let text = text.clone();
                let own = allowed == OUTPUT_PARTS;
                Ok(vec![if own { Part::Output(text) } else { Part::Text(text) }])
            }
            Some(Value::Array(parts)) => parts
                .iter()
                .enumerate()
                .map(|(at, part)| read_part(format!("{path}[{at}]"), part, allowed, self.model))
                .collect(),
            Some(other) => {
                Err(fields::wrong_type(&path, "one of an array of objects or string", other))
            }
        }
    }

    fn reasoning(&self) -> Parsed<Content> {
        let summary = match self.object.get("summary") {
            None => return Err(fields::missing(&self.at("summary"))),
            Some(Value::Array(parts)) => parts,
            Some(other) => {
                let path = self.at("summary");
                return Err(fields::wrong_type(&path, "an array of objects", other));
            }
        };
        let mut texts = Vec::new();
        for (at, part) in summary.iter().enumerate() {
            let path = format!("{}[{at}]", self.at("summary"));
            let Value::Object(object) = part else {
                return Err(fields::wrong_type(&path, "an object", part));
            };
            let part = Item { path, object, model: self.model };
            let text = json_string(part.required("text")?);
            texts.push(format!(r#"{{"type":"summary_text","text":{text}}}"#));
        }
        let encrypted = match self.string("encrypted_content")? {
            Some(text) => format!(r#""encrypted_content":{},"#, json_string(text)),
            None => String::new(),
        };
        let json = format!(r#""type":"reasoning",{encrypted}"summary":[{}]}}"#, texts.join(","));
        Ok(Content::Reasoning { json })
    }
}

fn read_part(path: String, value: &Value, allowed: &[&str], model: &Model) -> Parsed<Part> {
    let Value::Object(object) = value else {
        return Err(fields::wrong_type(&path, "an object", value));
    };
    let part = Item { path, object, model };
    let kind = part.required("type")?;
    if !PART_TYPES.contains(&kind) && !allowed.contains(&kind) {
        return Err(not_one_of(&part.at("type"), kind, PART_TYPES));
    }
    if !allowed.contains(&kind) {
        return Err(not_one_of(&part.path, kind, allowed));
    }
    let text = |key: &str| -> Parsed<String> {
        let text = part.required(key)?;
        check_length(&part.at(key), text)?;
        Ok(text.to_owned())
    };
    Ok(match kind {
        "input_text" => Part::Text(text("text")?),
        "output_text" => Part::Output(text("text")?),
        "refusal" => Part::Refusal(text("refusal")?),
        "input_image" => {
            match (part.get("image_url"), part.get("file_id")) {
                (Some(Value::String(_)), _) | (None, Some(Value::String(_))) => {}
                (Some(other), _) => {
                    let path = part.at("image_url");
                    return Err(fields::wrong_type(&path, "an image URL", other));
                }
                (None, Some(other)) => {
                    return Err(fields::wrong_type(&part.at("file_id"), "a string", other));
                }
                (None, None) => return Err(fields::missing(&part.at("image_url"))),
            }
            medium(object, model)
        }
        _ => medium(object, model),
    })
}

fn medium(part: &Map<String, Value>, model: &Model) -> Part {
    let json = Value::Object(part.clone()).to_string();
    Part::Medium { json, tokens: super::media::tokens(part, model) }
}

fn check_length(path: &str, text: &str) -> Parsed<()> {
    if text.len() <= MOST_CHARS {
        return Ok(());
    }
    let chars = text.chars().count();
    if chars <= MOST_CHARS {
        return Ok(());
    }
    let message = format!(
        "Invalid '{path}': string too long. Expected a string with maximum length {MOST_CHARS}, but got a string with length {chars} instead."
    );
    Err(ApiError::invalid_request(message, Some(path), Some("string_above_max_length")))
}

/// As [`fields::wrong_type`], with what the service says it found.
pub(super) fn wrong_type_as(path: &str, expected: &str, found: &str) -> ApiError {
    let message =
        format!("Invalid type for '{path}': expected {expected}, but got {found} instead.");
    ApiError::invalid_request(message, Some(path), Some("invalid_type"))
}
