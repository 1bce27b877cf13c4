//! Reads a request, in the order in which the service reports what is wrong:
//! missing input, unknown keys, the fields in a fixed order, what the service
//! should hold for the request, and what the model cannot do.

use std::sync::Arc;

use serde_json::Value;

use super::call::Responses;
use super::complaint::{bad, list, not_found, not_one_of, unknown, unsupported};
use super::input::InputItem;
use super::settings::{Effort, Reasoning, Settings, Tier};
use super::store::Past;
use super::{format, history, input, tools};
use crate::api::fields::{self, Fields, Parsed};
use crate::api::object::json_string;
use crate::catalogue::{Kind, Model};
use crate::content::{self, Json, Members};

const FIELDS: &[&str] = &[
    "background",
    "context_management",
    "conversation",
    "frequency_penalty",
    "include",
    "input",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "model",
    "moderation",
    "parallel_tool_calls",
    "presence_penalty",
    "previous_response_id",
    "prompt",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
];
const INCLUDES: &[&str] = &[
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    ENCRYPTED,
    LOGPROBS,
];
const ENCRYPTED: &str = "reasoning.encrypted_content";
const LOGPROBS: &str = "message.output_text.logprobs";
/// What answers repeat with its keys in the order they were sent.
const ORDERED: &[&str] = &["metadata", "text", "tool_choice", "tools"];
/// The least maximum of output tokens.
const LEAST_OUTPUT: u64 = 16;

pub(in crate::api) fn read(
    fields: Fields<'_>,
    bytes: &[u8],
    model: &Model,
    past: &dyn Past,
) -> Parsed<Responses> {
    let Some(given) = fields.0.get("input") else { return Err(fields::missing("input")) };
    known_keys(fields)?;
    let items = input::read(given, model)?;
    let previous_id = string(fields, "previous_response_id")?;
    let prompt = object(fields, "prompt")?;
    object(fields, "moderation")?;
    let include = read_include(fields)?;
    let ordered = content::members_of(bytes, ORDERED);
    let mut tools = tools::read(fields, &ordered)?;
    let metadata = read_metadata(fields, &ordered)?;
    let text = format::read(fields, &ordered)?;
    let temperature = fields.decimal("temperature", 0.0, 2.0)?;
    let top_p = fields.decimal("top_p", 0.0, 1.0)?;
    let presence_penalty = fields.decimal("presence_penalty", -2.0, 2.0)?;
    let frequency_penalty = fields.decimal("frequency_penalty", -2.0, 2.0)?;
    let parallel = flag(fields, "parallel_tool_calls")?.unwrap_or(true);
    if let Some(offer) = &mut tools.offer {
        offer.parallel = parallel;
    }
    let stream = flag(fields, "stream")?.unwrap_or(false);
    let obfuscation = read_stream_options(fields)?;
    let background = flag(fields, "background")?.unwrap_or(false);
    let most = model.facts.output_tokens;
    let max_output_tokens = fields.whole("max_output_tokens", LEAST_OUTPUT, most)?;
    let max_tool_calls = fields.whole("max_tool_calls", 1, u64::MAX)?;
    let reasoning = read_reasoning(fields, model)?;
    let user = string(fields, "user")?;
    let safety_identifier = string(fields, "safety_identifier")?;
    object(fields, "prompt_cache_options")?;
    let prompt_cache_key = string(fields, "prompt_cache_key")?;
    let retention = word(fields, "prompt_cache_retention", &["in_memory", "24h"])?;
    let truncation = word(fields, "truncation", &["auto", "disabled"])?.unwrap_or("disabled");
    let instructions = string(fields, "instructions")?;
    let store = flag(fields, "store")?.unwrap_or(true);
    let tier = read_tier(fields)?;
    let top_logprobs = fields.whole("top_logprobs", 0, 20)?;
    match fields.get("context_management") {
        None | Some(Value::Array(_)) => {}
        Some(other) => {
            return Err(fields::wrong_type("context_management", "an array of objects", other));
        }
    }
    let previous = read_state(fields, previous_id, prompt, past)?;
    if items.is_empty() && previous.is_none() {
        let message = "One of \"input\" or \"previous_response_id\" or 'prompt' or 'conversation' must be provided.";
        return Err(bad(message, None, Some("missing_required_parameter")));
    }
    let reasons = model.facts.kind == Kind::Reasoning;
    if reasons {
        refuse_sampling(fields, temperature, &include)?;
    }
    let items = history::resolve(items, previous.as_deref(), past, store)?;
    format::check_word(&text.format, items.iter().flat_map(InputItem::texts))?;
    let encrypted_reasoning = include.contains(&ENCRYPTED);
    let nullable = |text: Option<&str>| text.map_or_else(|| "null".to_owned(), json_string);
    let settings = Settings {
        background,
        instructions: nullable(instructions),
        max_output_tokens,
        max_tool_calls,
        parallel_tool_calls: parallel,
        presence_penalty: presence_penalty.unwrap_or(0.0),
        frequency_penalty: frequency_penalty.unwrap_or(0.0),
        previous_response_id: nullable(previous_id),
        prompt_cache_key: nullable(prompt_cache_key),
        prompt_cache_retention: retention.unwrap_or("in_memory"),
        reasoning,
        safety_identifier: nullable(safety_identifier),
        tier,
        store,
        temperature: temperature.unwrap_or(1.0),
        text: text.json,
        tool_choice: tools.choice_json.clone(),
        tools: tools.json.clone(),
        top_logprobs: top_logprobs.unwrap_or(0),
        top_p: top_p.unwrap_or(1.0),
        truncation,
        user: nullable(user),
        metadata,
    };
    Ok(Responses {
        items,
        instructions: instructions.map(str::to_owned),
        context: previous.map_or_else(Default::default, |record| record.context.clone()),
        settings: Arc::new(settings),
        stream,
        obfuscation,
        encrypted_reasoning,
        tools,
        format: text.format,
    })
}

fn known_keys(fields: Fields<'_>) -> Parsed<()> {
    let Some(key) = fields.0.keys().find(|key| !FIELDS.contains(&key.as_str())) else {
        return Ok(());
    };
    if key == "messages" {
        let message = "Unsupported parameter: 'messages'. In the Responses API, this parameter has moved to 'input'. Try again with the new parameter. See the API documentation for more information: https://platform.openai.com/docs/api-reference/responses/create.";
        return Err(bad(message, None, Some("unsupported_parameter")));
    }
    Err(unknown(key))
}

fn string<'a>(fields: Fields<'a>, key: &str) -> Parsed<Option<&'a str>> {
    match fields.get(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(fields::wrong_type(key, "a string", other)),
    }
}

fn flag(fields: Fields<'_>, key: &str) -> Parsed<Option<bool>> {
    match fields.get(key) {
        None => Ok(None),
        Some(Value::Bool(value)) => Ok(Some(*value)),
        Some(other) => Err(fields::wrong_type(key, "a boolean", other)),
    }
}

fn object<'a>(fields: Fields<'a>, key: &str) -> Parsed<Option<Fields<'a>>> {
    match fields.get(key) {
        None => Ok(None),
        Some(Value::Object(object)) => Ok(Some(Fields(object))),
        Some(other) => Err(fields::wrong_type(key, "an object", other)),
    }
}

/// One of these words.
fn word(fields: Fields<'_>, key: &str, words: &[&'static str]) -> Parsed<Option<&'static str>> {
    match fields.get(key) {
        None => Ok(None),
        Some(Value::String(text)) => match words.iter().find(|word| *word == text) {
            Some(word) => Ok(Some(word)),
            None => Err(not_one_of(key, text, words)),
        },
        Some(other) => {
            Err(fields::wrong_type(key, &format!("one of {}", list(words, "or")), other))
        }
    }
}

fn read_include(fields: Fields<'_>) -> Parsed<Vec<&'static str>> {
    match fields.get("include") {
        None => Ok(Vec::new()),
        Some(Value::Array(members)) => members
            .iter()
            .enumerate()
            .map(|(at, member)| {
                let text = member.as_str().unwrap_or_default();
                let known = INCLUDES.iter().find(|known| **known == text);
                known.copied().ok_or_else(|| not_one_of(&format!("include[{at}]"), text, INCLUDES))
            })
            .collect(),
        Some(other) => {
            // As measured: long names are cut in the middle here.
            let short: Vec<String> = INCLUDES.iter().map(|name| elided(name)).collect();
            let short: Vec<&str> = short.iter().map(String::as_str).collect();
            let expected = format!("an array of one of {}", list(&short, "or"));
            Err(fields::wrong_type("include", &expected, other))
        }
    }
}

fn elided(name: &str) -> String {
    let end = name.len().saturating_sub(3);
    format!("{}...{}", name.get(..3).unwrap_or(name), name.get(end..).unwrap_or_default())
}

fn read_metadata(fields: Fields<'_>, ordered: &Members) -> Parsed<String> {
    let (most, longest_key, longest) = (16, 64, 512);
    match fields.get("metadata") {
        None => Ok("{}".to_owned()),
        Some(parsed @ Value::Object(metadata)) => {
            if most < metadata.len() {
                let message = format!(
                    "Invalid 'metadata': too many properties. Expected an object with at most {most} properties, but got an object with {} properties instead.",
                    metadata.len()
                );
                let code = Some("object_above_max_properties");
                return Err(bad(message, Some("metadata"), code));
            }
            for (key, value) in metadata {
                let path = format!("metadata.{key}");
                let Value::String(text) = value else {
                    return Err(fields::wrong_type(&path, "a string", value));
                };
                fields::no_longer(&path, text, longest)?;
                fields::no_longer(&path, key, longest_key)?;
            }
            Ok(ordered.get("metadata").map_or_else(|| parsed.to_string(), Json::compact))
        }
        Some(other) => Err(fields::wrong_type("metadata", "a metadata object", other)),
    }
}

/// Whether deltas are padded.
fn read_stream_options(fields: Fields<'_>) -> Parsed<bool> {
    let Some(options) = object(fields, "stream_options")? else { return Ok(true) };
    if let Some(key) = options.0.keys().find(|key| *key != "include_obfuscation") {
        return Err(unknown(&format!("stream_options.{key}")));
    }
    match options.get("include_obfuscation") {
        None => Ok(true),
        Some(Value::Bool(value)) => Ok(*value),
        Some(other) => {
            Err(fields::wrong_type("stream_options.include_obfuscation", "a boolean", other))
        }
    }
}

fn read_reasoning(fields: Fields<'_>, model: &Model) -> Parsed<Reasoning> {
    const SUMMARIES: &[&str] = &["concise", "detailed", "auto"];
    let reasons = model.facts.kind == Kind::Reasoning;
    let default = Reasoning { effort: reasons.then_some(Effort::Medium), summary: None };
    let Some(given) = object(fields, "reasoning")? else { return Ok(default) };
    if let Some(key) = given.0.keys().find(|key| !["effort", "summary"].contains(&key.as_str())) {
        return Err(unknown(&format!("reasoning.{key}")));
    }
    let summary = match given.get("summary") {
        None => None,
        // What `auto` means is up to the model: recorded ones write in detail.
        Some(Value::String(word)) => match word.as_str() {
            "concise" => Some("concise"),
            "detailed" | "auto" => Some("detailed"),
            other => return Err(not_one_of("reasoning.summary", other, SUMMARIES)),
        },
        Some(other) => {
            let expected = format!("one of {}", list(SUMMARIES, "or"));
            return Err(fields::wrong_type("reasoning.summary", &expected, other));
        }
    };
    let names = Effort::ALL.map(Effort::name);
    let effort = match given.get("effort") {
        None => None,
        Some(Value::String(word)) => {
            let effort = Effort::ALL.into_iter().find(|effort| effort.name() == word);
            Some(effort.ok_or_else(|| not_one_of("reasoning.effort", word, &names))?)
        }
        Some(other) => {
            let expected = format!("one of one of {} or integer", list(&names, "or"));
            return Err(fields::wrong_type("reasoning.effort", &expected, other));
        }
    };
    if !reasons {
        let code = Some("unsupported_parameter");
        return match (effort, summary) {
            (Some(_), _) => Err(unsupported("reasoning.effort", code)),
            (None, Some(_)) => Err(unsupported("reasoning.summary", code)),
            (None, None) => Ok(default),
        };
    }
    if let Some(effort) = effort {
        let able = efforts(model.facts.name);
        if !able.contains(&effort) {
            let able: Vec<&str> = able.iter().map(|effort| effort.name()).collect();
            let message = format!(
                "Unsupported value: '{}' is not supported with the '{}' model. Supported values are: {}.",
                effort.name(),
                model.facts.name,
                list(&able, "and"),
            );
            return Err(bad(message, Some("reasoning.effort"), Some("unsupported_value")));
        }
    }
    Ok(Reasoning { effort: effort.or(default.effort), summary })
}

/// The efforts a model knows, by family (the service's page on reasoning models).
fn efforts(model: &str) -> &'static [Effort] {
    use Effort::{High, Low, Medium, Minimal, None, XHigh};
    match model.strip_prefix("gpt-5") {
        Some("" | "-mini" | "-nano") => &[Minimal, Low, Medium, High],
        Some(".1") => &[None, Low, Medium, High],
        Some(_) => &[None, Low, Medium, High, XHigh],
        Option::None => &[Low, Medium, High],
    }
}

fn read_tier(fields: Fields<'_>) -> Parsed<Tier> {
    let words = &["auto", "default", "fast", "flex", "priority"];
    Ok(match word(fields, "service_tier", words)? {
        Some("default") => Tier::Default,
        Some("flex") => Tier::Flex,
        Some("fast" | "priority") => Tier::Priority,
        _ => Tier::Auto,
    })
}

/// What the service should hold for the request.
fn read_state(
    fields: Fields<'_>,
    previous_id: Option<&str>,
    prompt: Option<Fields<'_>>,
    past: &dyn Past,
) -> Parsed<Option<Arc<super::store::Record>>> {
    let conversation = fields.get("conversation");
    if previous_id.is_some() && conversation.is_some() {
        let message = "Mutually exclusive parameters: ''. Ensure you are only providing one of: 'pre..._id' or 'con...ion'.";
        return Err(bad(message, None, Some("mutually_exclusive_parameters")));
    }
    // Neither conversations nor prompts are kept: every id is unknown.
    match conversation {
        None => {}
        Some(Value::String(id)) => return Err(not_found("Conversation", id)),
        Some(Value::Object(object)) => {
            return Err(match object.get("id").and_then(Value::as_str) {
                Some(id) => not_found("Conversation", id),
                None => fields::missing("conversation.id"),
            });
        }
        Some(other) => {
            return Err(fields::wrong_type("conversation", "one of a string or object", other));
        }
    }
    if let Some(prompt) = prompt {
        let id = prompt.get("id").and_then(Value::as_str).unwrap_or_default();
        return Err(not_found("Prompt", id));
    }
    let Some(id) = previous_id else { return Ok(None) };
    match past.response(id) {
        Some(record) => Ok(Some(record)),
        None => {
            let message = format!("Previous response with id '{id}' not found.");
            let code = Some("previous_response_not_found");
            Err(bad(message, Some("previous_response_id"), code))
        }
    }
}

/// What models that reason do not take.
fn refuse_sampling(fields: Fields<'_>, temperature: Option<f64>, include: &[&str]) -> Parsed<()> {
    if temperature.is_some_and(|value| value != 1.0) {
        return Err(unsupported("temperature", None));
    }
    if fields.get("top_p").is_some() {
        return Err(unsupported("top_p", None));
    }
    let logprobs = "logprobs are not supported with reasoning models.";
    let code = Some("unsupported_parameter");
    if include.contains(&LOGPROBS) {
        return Err(bad(logprobs, Some("include"), code));
    }
    if fields.get("top_logprobs").is_some() {
        return Err(bad(logprobs, Some("top_logprobs"), code));
    }
    for key in ["presence_penalty", "frequency_penalty"] {
        if fields.get(key).is_some() {
            return Err(unsupported(key, None));
        }
    }
    Ok(())
}
