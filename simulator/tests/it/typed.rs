//! The forms an answer may have, strictly: a key that is not here is a mistake.

#![expect(dead_code, reason = "fields are there to be read from JSON")]

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The endpoint's own answer, or an error's.
#[track_caller]
pub(crate) fn expect<T: DeserializeOwned>(body: &str) -> T {
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"))
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Failure {
    Wrapped(Wrapped),
    /// Azure's 401 for want of a token.
    Bare(Bare),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wrapped {
    pub error: Error,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Error {
    pub message: String,
    #[serde(rename = "type")]
    kind: Option<String>,
    param: Option<String>,
    code: Option<String>,
    status: Option<u16>,
    innererror: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Bare {
    status_code: u16,
    message: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Chat {
    id: String,
    object: String,
    created: u64,
    model: String,
    pub choices: Vec<Choice>,
    pub usage: Usage,
    service_tier: Option<String>,
    system_fingerprint: Option<String>,
    prompt_filter_results: Option<Vec<Value>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Choice {
    index: u32,
    pub message: Option<Message>,
    finish_reason: String,
    logprobs: Option<Value>,
    content_filter_results: Option<BTreeMap<String, Value>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Message {
    role: String,
    content: Option<String>,
    refusal: Option<String>,
    annotations: Option<Vec<Value>>,
    tool_calls: Option<Vec<ToolCall>>,
    function_call: Option<Function>,
    audio: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ToolCall {
    index: Option<u32>,
    id: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    function: Function,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Function {
    name: Option<String>,
    arguments: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Usage {
    pub prompt_tokens: u64,
    pub completion_tokens: Option<u64>,
    pub total_tokens: u64,
    prompt_tokens_details: Option<BTreeMap<String, u64>>,
    completion_tokens_details: Option<BTreeMap<String, u64>>,
    latency_checkpoint: Option<BTreeMap<String, i64>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Chunk {
    id: String,
    object: String,
    created: u64,
    model: String,
    pub choices: Vec<ChunkChoice>,
    usage: Option<Usage>,
    service_tier: Option<String>,
    system_fingerprint: Option<String>,
    prompt_filter_results: Option<Vec<Value>>,
    obfuscation: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChunkChoice {
    index: u32,
    delta: Option<Delta>,
    text: Option<String>,
    finish_reason: Option<String>,
    logprobs: Option<Value>,
    content_filter_results: Option<BTreeMap<String, Value>>,
    content_filter_offsets: Option<BTreeMap<String, u64>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Delta {
    role: Option<String>,
    content: Option<String>,
    refusal: Option<String>,
    tool_calls: Option<Vec<ToolCall>>,
    function_call: Option<Function>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Completion {
    id: String,
    object: String,
    created: u64,
    model: String,
    pub choices: Vec<TextChoice>,
    pub usage: Usage,
    system_fingerprint: Option<String>,
    prompt_filter_results: Option<Vec<Value>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TextChoice {
    index: u32,
    text: String,
    finish_reason: String,
    logprobs: Option<Value>,
    content_filter_results: Option<BTreeMap<String, Value>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Embeddings {
    object: String,
    pub data: Vec<Embedding>,
    model: String,
    usage: Usage,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Embedding {
    object: String,
    index: u32,
    embedding: Vector,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Vector {
    Numbers(Vec<f32>),
    Base64(String),
}

/// The keys every response has; its settings beside them are pinned by snapshots.
#[derive(Debug, Deserialize)]
pub(crate) struct Response {
    pub id: String,
    object: String,
    created_at: u64,
    pub status: String,
    model: String,
    output: Vec<Item>,
    usage: Option<ResponseUsage>,
    error: Option<BTreeMap<String, Value>>,
    incomplete_details: Option<BTreeMap<String, Value>>,
    parallel_tool_calls: bool,
    tools: Vec<Value>,
    metadata: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Item {
    Message { id: String, status: String, role: String, content: Vec<Part> },
    FunctionCall { id: String, call_id: String, name: String, arguments: String, status: String },
    Reasoning { id: String, summary: Vec<Value> },
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Part {
    OutputText { text: String, annotations: Vec<Value> },
    Refusal { refusal: String },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ResponseUsage {
    input_tokens: u64,
    input_tokens_details: BTreeMap<String, u64>,
    output_tokens: u64,
    output_tokens_details: BTreeMap<String, u64>,
    total_tokens: u64,
    latency_checkpoint: Option<BTreeMap<String, i64>>,
}

/// An event of a response, with what every one has.
#[derive(Debug, Deserialize)]
pub(crate) struct Event {
    #[serde(rename = "type")]
    pub kind: String,
    pub sequence_number: u64,
    pub response: Option<Response>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Deleted {
    id: String,
    object: String,
    deleted: bool,
}

/// A list of anything: models, deployments, items.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct List {
    object: String,
    pub data: Vec<BTreeMap<String, Value>>,
    first_id: Option<String>,
    last_id: Option<String>,
    has_more: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Model {
    id: String,
    object: String,
    created: u64,
    owned_by: String,
    capabilities: Option<BTreeMap<String, bool>>,
    created_at: Option<u64>,
    deprecation: Option<BTreeMap<String, u64>>,
    lifecycle_status: Option<String>,
    status: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Moderation {
    id: String,
    model: String,
    pub results: Vec<Judgement>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Judgement {
    flagged: bool,
    categories: BTreeMap<String, bool>,
    category_scores: BTreeMap<String, f64>,
    category_applied_input_types: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Images {
    created: u64,
    pub data: Vec<Image>,
    background: Option<String>,
    output_format: Option<String>,
    quality: Option<String>,
    size: Option<String>,
    usage: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Image {
    b64_json: Option<String>,
    url: Option<String>,
    revised_prompt: Option<String>,
    content_filter_results: Option<BTreeMap<String, Value>>,
    prompt_filter_results: Option<BTreeMap<String, Value>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Transcript {
    text: String,
    task: Option<String>,
    language: Option<String>,
    duration: Option<f64>,
    segments: Option<Vec<Value>>,
    words: Option<Vec<Value>>,
    usage: Option<Value>,
    logprobs: Option<Value>,
}
