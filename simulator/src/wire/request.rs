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

mod chat;
mod fields;
mod generation;
mod outline;

pub(crate) use outline::Outline;

use chat::read_chat;
use fields::Fields;
use generation::read_generation;

type Parsed<T> = Result<T, ApiError>;

const MOST_INPUTS: usize = 2_048;
const MOST_CHOICES: u64 = 128;

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

/// `model`, which names the deployment on the v1 surface.
pub(crate) fn model_of(json: &Map<String, Value>) -> Parsed<&str> {
    match Fields(json).get("model") {
        None => Err(ApiError::missing_model()),
        Some(Value::String(name)) if name.is_empty() => Err(ApiError::missing_model()),
        Some(Value::String(name)) => Ok(name),
        Some(other) => Err(fields::wrong_type("model", "a string", other)),
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

fn read_completions(fields: Fields<'_>, model: &Model) -> Parsed<Completions> {
    let prompts = match fields.get("prompt") {
        None => return Err(fields::missing("prompt")),
        Some(value) => read_inputs("prompt", value)?,
    };
    fields.whole("best_of", 1, 20)?;
    let mut generation = read_generation(fields, model)?;
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
