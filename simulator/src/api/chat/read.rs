//! Messages of a chat request.

use serde_json::Value;

use super::{Chat, Message};
use crate::api::fields::{self, Fields, Parsed};
use crate::api::generation::read_generation;
use crate::catalogue::Model;
use crate::wire::ApiError;

const FIELDS: &[&str] = &[
    "audio",
    "data_sources",
    "dataSources",
    "enhancements",
    "frequency_penalty",
    "function_call",
    "functions",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "messages",
    "metadata",
    "modalities",
    "model",
    "n",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
    "seed",
    "service_tier",
    "stop",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "user",
    "user_security_context",
    "verbosity",
    "web_search_options",
];

const MOST_MESSAGES: usize = 2_048;
const MOST_MESSAGE_CHARS: usize = 1_048_576;
const MOST_TOOLS: usize = 128;
/// What a call in an assistant's history costs beside its texts (about; inferred).
const TOOL_CALL_TOKENS: u64 = 7;

pub(in crate::api) fn read(fields: Fields<'_>, model: &Model) -> Parsed<Chat> {
    fields.only(FIELDS)?;
    let messages = match fields.get("messages") {
        None => return Err(fields::missing("messages")),
        Some(Value::Array(messages)) => messages,
        Some(other) => return Err(fields::wrong_type("messages", "an array of objects", other)),
    };
    if messages.is_empty() {
        return Err(fields::empty_array("messages"));
    }
    fields::at_most("messages", messages.len(), MOST_MESSAGES)?;
    for key in ["tools", "functions"] {
        if let Some(Value::Array(tools)) = fields.get(key) {
            fields::at_most(key, tools.len(), MOST_TOOLS)?;
        }
    }
    let messages = messages
        .iter()
        .enumerate()
        .map(|(index, message)| read_message(index, message))
        .collect::<Parsed<_>>()?;
    Ok(Chat { messages, generation: read_generation(fields, model)? })
}

fn read_message(index: usize, message: &Value) -> Parsed<Message> {
    const ROLES: &[&str] = &["system", "assistant", "user", "function", "tool", "developer"];
    let path = format!("messages[{index}]");
    let Value::Object(object) = message else {
        return Err(fields::wrong_type(&path, "an object", message));
    };
    let role = match object.get("role") {
        None => return Err(fields::missing(&format!("{path}.role"))),
        Some(Value::String(role)) => role,
        Some(other) => {
            return Err(fields::wrong_type(&format!("{path}.role"), "a string", other));
        }
    };
    if !ROLES.contains(&role.as_str()) {
        let message = format!(
            "Invalid value: '{role}'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', and 'developer'."
        );
        let param = format!("{path}.role");
        return Err(ApiError::invalid_request(message, Some(&param), Some("invalid_value")));
    }
    let name = match object.get("name") {
        None | Some(Value::Null) => None,
        Some(Value::String(name)) => Some(name.clone()),
        Some(other) => {
            return Err(fields::wrong_type(&format!("{path}.name"), "a string", other));
        }
    };
    let mut texts = Vec::new();
    let content_path = format!("{path}.content");
    match object.get("content") {
        Some(Value::String(text)) => texts.push(text.clone()),
        Some(Value::Array(parts)) => {
            for part in parts {
                texts.extend(read_part(&path, part)?);
            }
        }
        None | Some(Value::Null) if role == "assistant" => {}
        None => return Err(fields::missing(&content_path)),
        Some(other) => {
            let expected = "one of a string or array of objects";
            return Err(fields::wrong_type(&content_path, expected, other));
        }
    }
    for text in &texts {
        let chars = text.chars().count();
        if MOST_MESSAGE_CHARS < chars {
            let message = format!(
                "Invalid '{content_path}': string too long. Expected a string with maximum length {MOST_MESSAGE_CHARS}, but got a string with length {chars} instead."
            );
            let code = Some("string_above_max_length");
            return Err(ApiError::invalid_request(message, Some(&content_path), code));
        }
    }
    let mut extra_tokens = 0;
    let calls = object.get("tool_calls").and_then(Value::as_array);
    for function in calls.into_iter().flatten().filter_map(|call| call.get("function")) {
        extra_tokens += TOOL_CALL_TOKENS;
        for key in ["name", "arguments"] {
            texts.extend(function.get(key).and_then(Value::as_str).map(str::to_owned));
        }
    }
    Ok(Message { role: role.clone(), name, texts, extra_tokens })
}

/// The text of a content part. Images and audio are accepted; what they cost
/// is not counted.
fn read_part(path: &str, part: &Value) -> Parsed<Option<String>> {
    match (part.get("type").and_then(Value::as_str), part.get("text")) {
        (Some("text"), Some(Value::String(text))) => Ok(Some(text.clone())),
        (Some("refusal"), _) => Ok(part.get("refusal").and_then(Value::as_str).map(str::to_owned)),
        (Some("image_url" | "input_audio" | "file"), _) => Ok(None),
        _ => {
            let message = format!(
                "Invalid '{path}'. Content blocks are expected to be either text or image_url type."
            );
            Err(ApiError::invalid_request(message, Some(path), Some("invalid_value")))
        }
    }
}
