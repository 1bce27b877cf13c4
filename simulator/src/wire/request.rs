//! Requests: JSON → checked calls, with the service's own complaints.
//!
//! Two readings of one body: the lenient [`Outline`] feeds the limiter, which
//! runs before the model layer's validation; the strict [`Call`] is what that
//! validation leaves. Specification, sections 1.5, 3.3 and 7.

use serde_json::{Map, Value};
use tokens::{ChatMessage, chat_prompt_tokens};

use super::error::ApiError;
use super::response::EmbeddingEncoding;
use crate::catalogue::{Kind, Model, Operation};
use crate::config::WireProfile;

mod fields;

use fields::Fields;

type Parsed<T> = Result<T, ApiError>;

const MOST_MESSAGES: usize = 2_048;
const MOST_MESSAGE_CHARS: usize = 1_048_576;
const MOST_INPUTS: usize = 2_048;
const MOST_TOOLS: usize = 128;
/// What a call in an assistant's history costs beside its texts (about; inferred).
const TOOL_CALL_TOKENS: u64 = 7;

const CHAT_FIELDS: &[&str] = &[
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
const COMPLETIONS_FIELDS: &[&str] = &[
    "best_of",
    "echo",
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "max_tokens",
    "model",
    "n",
    "presence_penalty",
    "prompt",
    "seed",
    "stop",
    "stream",
    "stream_options",
    "suffix",
    "temperature",
    "top_p",
    "user",
];
const EMBEDDINGS_FIELDS: &[&str] =
    &["dimensions", "encoding_format", "input", "input_type", "model", "user"];

/// A body that is a JSON object, or the service's complaint.
pub(crate) fn parse_json(body: &[u8]) -> Parsed<Map<String, Value>> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        _ => Err(ApiError::invalid_json()),
    }
}

/// What the limiter looks at, read without complaints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Outline {
    /// Characters of prompt text; a token of a token array counts four.
    pub chars: u64,
    /// Sum over the inputs of `ceil(characters / 4)`.
    pub quarters: u64,
    pub max_tokens: Option<u64>,
    /// `max(n, best_of)`.
    pub choices: u64,
}

impl Outline {
    pub(crate) fn of(operation: Operation, body: &Map<String, Value>) -> Self {
        let mut outline = Self { choices: 1, ..Self::default() };
        match operation {
            Operation::Chat => {
                let messages = body.get("messages").and_then(Value::as_array);
                for message in messages.into_iter().flatten() {
                    if let Some(content) = message.get("content") {
                        outline.add(content);
                    }
                }
            }
            Operation::Completions => {
                if let Some(prompt) = body.get("prompt") {
                    outline.add(prompt);
                }
            }
            Operation::Embeddings => {
                if let Some(input) = body.get("input") {
                    outline.add(input);
                }
                return outline;
            }
        }
        let whole = |key: &str| body.get(key).and_then(Value::as_u64);
        outline.max_tokens = whole("max_completion_tokens").or_else(|| whole("max_tokens"));
        outline.choices = whole("n").max(whole("best_of")).unwrap_or(1).max(1);
        outline
    }

    fn add(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.add_chars(text.chars().count() as u64),
            Value::Array(items) if items.iter().any(Value::is_number) => {
                self.add_chars(4 * items.len() as u64);
            }
            Value::Array(items) => items.iter().for_each(|item| self.add(item)),
            Value::Object(part) => {
                if let Some(Value::String(text)) = part.get("text") {
                    self.add_chars(text.chars().count() as u64);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn add_chars(&mut self, chars: u64) {
        self.chars += chars;
        self.quarters += chars.div_ceil(4);
    }

    /// Tokens that pay-as-you-go counts at admission (specification, section 3.3).
    pub(crate) fn estimate(
        &self,
        operation: Operation,
        profile: WireProfile,
        default_max_tokens: u64,
    ) -> u64 {
        let completion = self.max_tokens.unwrap_or(default_max_tokens);
        match (operation, profile) {
            (Operation::Embeddings, WireProfile::Azure2024) => self.quarters,
            (Operation::Embeddings, WireProfile::Documented) => self.chars.div_ceil(4),
            (_, WireProfile::Azure2024) => completion,
            (_, WireProfile::Documented) => {
                self.chars.div_ceil(4).saturating_add(completion.saturating_mul(self.choices))
            }
        }
    }
}

/// A request the model layer accepts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Call {
    Chat(Chat),
    Completions(Completions),
    Embeddings(Embeddings),
}

/// What chat and completions have in common.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Generation {
    pub stream: bool,
    pub include_usage: bool,
    pub obfuscation: bool,
    pub n: u64,
    pub stop: Vec<String>,
    pub max_tokens: Option<u64>,
}

/// A chat request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chat {
    messages: Vec<Message>,
    pub generation: Generation,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Message {
    role: String,
    name: Option<String>,
    texts: Vec<String>,
    extra_tokens: u64,
}

/// A legacy completions request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Completions {
    pub prompts: Vec<Input>,
    pub generation: Generation,
}

/// An embeddings request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Embeddings {
    pub inputs: Vec<Input>,
    pub encoding: EmbeddingEncoding,
    pub dimensions: Option<usize>,
}

/// A text, or its tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Input {
    Text(String),
    Tokens(Vec<u32>),
}

impl Input {
    /// A token array costs its length.
    pub(crate) fn tokens(&self, model: &Model) -> u64 {
        match self {
            Input::Text(text) => model.encoding.count(text) as u64,
            Input::Tokens(tokens) => tokens.len() as u64,
        }
    }

    /// The text, or a name for the tokens that no text shares.
    pub(crate) fn key(&self) -> String {
        match self {
            Input::Text(text) => text.clone(),
            Input::Tokens(tokens) => format!("\u{0}{tokens:?}"),
        }
    }
}

impl Call {
    /// Reads a request strictly, as the model behind the deployment would.
    pub(crate) fn read(
        operation: Operation,
        body: &Map<String, Value>,
        model: &Model,
    ) -> Parsed<Self> {
        let fields = Fields(body);
        match operation {
            Operation::Chat => {
                fields.only(CHAT_FIELDS)?;
                read_chat(fields, model).map(Call::Chat)
            }
            Operation::Completions => {
                fields.only(COMPLETIONS_FIELDS)?;
                read_completions(fields, model).map(Call::Completions)
            }
            Operation::Embeddings => {
                fields.only(EMBEDDINGS_FIELDS)?;
                read_embeddings(fields, model).map(Call::Embeddings)
            }
        }
    }

    pub(crate) fn generation(&self) -> Option<&Generation> {
        match self {
            Call::Chat(chat) => Some(&chat.generation),
            Call::Completions(completions) => Some(&completions.generation),
            Call::Embeddings(_) => None,
        }
    }

    /// How many inputs an embeddings call has; 1 for the others.
    pub(crate) fn inputs(&self) -> u64 {
        match self {
            Call::Embeddings(embeddings) => embeddings.inputs.len() as u64,
            Call::Chat(_) | Call::Completions(_) => 1,
        }
    }

    /// `usage.prompt_tokens`.
    pub(crate) fn prompt_tokens(&self, model: &Model) -> u64 {
        match self {
            Call::Chat(chat) => chat.prompt_tokens(model),
            Call::Completions(Completions { prompts: inputs, .. })
            | Call::Embeddings(Embeddings { inputs, .. }) => {
                inputs.iter().map(|input| input.tokens(model)).sum()
            }
        }
    }

    /// The complaint about a prompt that does not fit the model's context.
    pub(crate) fn check_context(&self, prompt_tokens: u64, model: &Model) -> Parsed<()> {
        let context = model.facts.context_tokens;
        let asked = self.generation().and_then(|g| g.max_tokens).unwrap_or(0);
        let too_long = |detail: String, param: Option<&str>, code: Option<&str>| {
            let message =
                format!("This model's maximum context length is {context} tokens{detail}");
            Err(ApiError::invalid_request(message, param, code))
        };
        let exceeded = (Some("messages"), Some("context_length_exceeded"));
        let total = prompt_tokens.saturating_add(asked);
        match self {
            Call::Chat(_) if context < prompt_tokens => too_long(
                format!(
                    ". However, your messages resulted in {prompt_tokens} tokens. Please reduce the length of the messages."
                ),
                exceeded.0,
                exceeded.1,
            ),
            Call::Chat(_) if context < total => too_long(
                format!(
                    ". However, you requested {total} tokens ({prompt_tokens} in the messages, {asked} in the completion). Please reduce the length of the messages or completion."
                ),
                exceeded.0,
                exceeded.1,
            ),
            Call::Completions(_) if context < total => too_long(
                format!(
                    ", however you requested {total} tokens ({prompt_tokens} in your prompt; {asked} for the completion). Please reduce your prompt; or completion length."
                ),
                None,
                None,
            ),
            Call::Embeddings(embeddings) => {
                let longest = embeddings.inputs.iter().map(|i| i.tokens(model)).max().unwrap_or(0);
                if longest <= context {
                    return Ok(());
                }
                too_long(
                    format!(
                        ", however you requested {longest} tokens ({longest} in your prompt; 0 for the completion). Please reduce your prompt; or completion length."
                    ),
                    None,
                    None,
                )
            }
            Call::Chat(_) | Call::Completions(_) => Ok(()),
        }
    }
}

impl Chat {
    fn prompt_tokens(&self, model: &Model) -> u64 {
        let texts: Vec<Vec<&str>> = self
            .messages
            .iter()
            .map(|message| message.texts.iter().map(String::as_str).collect())
            .collect();
        let messages = self.messages.iter().zip(&texts).map(|(message, content)| ChatMessage {
            role: &message.role,
            name: message.name.as_deref(),
            content,
        });
        let counted = chat_prompt_tokens(model.encoding, model.overhead, messages) as u64;
        counted + self.messages.iter().map(|message| message.extra_tokens).sum::<u64>()
    }
}

fn read_chat(fields: Fields<'_>, model: &Model) -> Parsed<Chat> {
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
    Ok(Chat { messages, generation: read_generation(fields, model, 128)? })
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

fn read_completions(fields: Fields<'_>, model: &Model) -> Parsed<Completions> {
    let prompts = match fields.get("prompt") {
        None => return Err(fields::missing("prompt")),
        Some(value) => read_inputs("prompt", value)?,
    };
    fields.whole("best_of", 1, 20)?;
    let mut generation = read_generation(fields, model, 128)?;
    // The surface's documented default.
    generation.max_tokens = generation.max_tokens.or(Some(16));
    Ok(Completions { prompts, generation })
}

fn read_embeddings(fields: Fields<'_>, model: &Model) -> Parsed<Embeddings> {
    let inputs = match fields.get("input") {
        None => return Err(fields::missing("input")),
        Some(value) => read_inputs("input", value)?,
    };
    fields::at_most("input", inputs.len(), MOST_INPUTS)?;
    let encoding = match fields.get("encoding_format") {
        None => EmbeddingEncoding::Float,
        Some(Value::String(text)) if text == "float" => EmbeddingEncoding::Float,
        Some(Value::String(text)) if text == "base64" => EmbeddingEncoding::Base64,
        Some(Value::String(text)) => {
            let message =
                format!("Invalid value: '{text}'. Supported values are: 'float' and 'base64'.");
            let param = Some("encoding_format");
            return Err(ApiError::invalid_request(message, param, Some("invalid_value")));
        }
        Some(other) => return Err(fields::wrong_type("encoding_format", "a string", other)),
    };
    let full = match model.facts.kind {
        Kind::Embeddings(full) => full,
        _ => 0,
    };
    let dimensions = fields.whole("dimensions", 1, full as u64)?;
    if dimensions.is_some() && model.facts.name == "text-embedding-ada-002" {
        let message = "This model does not support specifying dimensions.";
        return Err(ApiError::invalid_request(message, None, None));
    }
    let dimensions = dimensions.and_then(|dimensions| usize::try_from(dimensions).ok());
    Ok(Embeddings { inputs, encoding, dimensions })
}

/// A string, an array of strings, an array of tokens, or an array of those.
fn read_inputs(path: &str, value: &Value) -> Parsed<Vec<Input>> {
    let items = match value {
        Value::String(text) => return Ok(vec![Input::Text(text.clone())]),
        Value::Array(items) if items.is_empty() => return Err(fields::empty_array(path)),
        Value::Array(items) => items,
        other => return Err(fields::wrong_type(path, "a string or an array", other)),
    };
    if items.iter().all(Value::is_number) {
        return Ok(vec![Input::Tokens(read_tokens(path, items)?)]);
    }
    items
        .iter()
        .enumerate()
        .map(|(index, item)| {
            let path = format!("{path}[{index}]");
            match item {
                Value::String(text) => Ok(Input::Text(text.clone())),
                Value::Array(tokens) => Ok(Input::Tokens(read_tokens(&path, tokens)?)),
                other => Err(fields::wrong_type(&path, "a string or an array of tokens", other)),
            }
        })
        .collect()
}

fn read_tokens(path: &str, items: &[Value]) -> Parsed<Vec<u32>> {
    items
        .iter()
        .map(|item| {
            let token = item.as_u64().and_then(|token| u32::try_from(token).ok());
            token.ok_or_else(|| fields::wrong_type(path, "an array of tokens", item))
        })
        .collect()
}

fn read_generation(fields: Fields<'_>, model: &Model, most_n: u64) -> Parsed<Generation> {
    fields.decimal("temperature", 0.0, 2.0)?;
    fields.decimal("top_p", 0.0, 1.0)?;
    fields.decimal("presence_penalty", -2.0, 2.0)?;
    fields.decimal("frequency_penalty", -2.0, 2.0)?;
    if model.facts.kind == Kind::Reasoning {
        refuse_what_reasoning_models_lack(fields)?;
    }
    let stream = fields.boolean("stream")?;
    let (mut include_usage, mut obfuscation) = (false, true);
    match fields.get("stream_options") {
        None => {}
        Some(_) if !stream => {
            let message =
                "The 'stream_options' parameter is only allowed when 'stream' is enabled.";
            return Err(ApiError::invalid_request(message, Some("stream_options"), None));
        }
        Some(Value::Object(options)) => {
            let flag = |key: &str, default| match options.get(key) {
                None | Some(Value::Null) => Ok(default),
                Some(Value::Bool(value)) => Ok(*value),
                Some(other) => {
                    Err(fields::wrong_type(&format!("stream_options.{key}"), "a boolean", other))
                }
            };
            include_usage = flag("include_usage", false)?;
            obfuscation = flag("include_obfuscation", true)?;
        }
        Some(other) => return Err(fields::wrong_type("stream_options", "an object", other)),
    }
    let (field, max_tokens) = match fields.whole("max_completion_tokens", 1, u64::MAX)? {
        Some(most) => ("max_completion_tokens", Some(most)),
        None => ("max_tokens", fields.whole("max_tokens", 1, u64::MAX)?),
    };
    let most = model.facts.output_tokens;
    if let Some(asked) = max_tokens
        && most < asked
    {
        let message = format!(
            "{field} is too large: {asked}. This model supports at most {most} completion tokens, whereas you provided {asked}."
        );
        return Err(ApiError::invalid_request(message, Some(field), Some("invalid_value")));
    }
    let n = fields.whole("n", 1, most_n)?.unwrap_or(1);
    Ok(Generation { stream, include_usage, obfuscation, n, stop: read_stop(fields)?, max_tokens })
}

fn refuse_what_reasoning_models_lack(fields: Fields<'_>) -> Parsed<()> {
    let unsupported = |key: &str, more: &str| {
        let message =
            format!("Unsupported parameter: '{key}' is not supported with this model.{more}");
        Err(ApiError::invalid_request(message, Some(key), Some("unsupported_parameter")))
    };
    if fields.get("max_tokens").is_some() {
        return unsupported("max_tokens", " Use 'max_completion_tokens' instead.");
    }
    for key in ["stop", "presence_penalty", "frequency_penalty", "logprobs", "top_p"] {
        if fields.get(key).is_some() {
            return unsupported(key, "");
        }
    }
    match fields.get("temperature") {
        Some(value) if value.as_f64() != Some(1.0) => {
            let message = format!(
                "Unsupported value: 'temperature' does not support {value} with this model. Only the default (1) value is supported."
            );
            Err(ApiError::invalid_request(message, Some("temperature"), Some("unsupported_value")))
        }
        _ => Ok(()),
    }
}

fn read_stop(fields: Fields<'_>) -> Parsed<Vec<String>> {
    match fields.get("stop") {
        None => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(vec![text.clone()]),
        Some(Value::Array(items)) => {
            fields::at_most("stop", items.len(), 4)?;
            items
                .iter()
                .enumerate()
                .map(|(index, item)| match item {
                    Value::String(text) => Ok(text.clone()),
                    other => Err(fields::wrong_type(&format!("stop[{index}]"), "a string", other)),
                })
                .collect()
        }
        Some(other) => Err(fields::wrong_type("stop", "a string or an array of strings", other)),
    }
}
