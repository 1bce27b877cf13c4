//! Answers that are not streamed: bytes as recorded. Chat and completions are
//! one line with keys in alphabetical order and a final newline; embeddings are
//! pretty-printed (specification, sections 2.1, 2.3 and 2.7).

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::config::WireProfile;

/// Categories of a streamed chunk, and of everything in 2024.
pub(super) const SEVERITIES: &str = r#"{"hate":{"filtered":false,"severity":"safe"},"self_harm":{"filtered":false,"severity":"safe"},"sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,"severity":"safe"}}"#;
/// Categories of a prompt since 2025; the order inside is the service's.
const PROMPT_CATEGORIES: &str = r#"{"hate":{"filtered":false,"severity":"safe"},"jailbreak":{"filtered":false,"detected":false},"self_harm":{"filtered":false,"severity":"safe"},"sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,"severity":"safe"}}"#;
/// Categories of a completion since 2025.
const COMPLETION_CATEGORIES: &str = r#"{"hate":{"filtered":false,"severity":"safe"},"protected_material_code":{"filtered":false,"detected":false},"protected_material_text":{"filtered":false,"detected":false},"self_harm":{"filtered":false,"severity":"safe"},"sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,"severity":"safe"}}"#;

/// `usage`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Usage {
    pub prompt_tokens: u64,
    pub cached_tokens: u64,
    pub completion_tokens: u64,
    pub reasoning_tokens: u64,
}

impl Usage {
    /// The chat object's `usage`: with details since 2025, three totals before.
    pub(super) fn chat_json(&self, profile: WireProfile) -> String {
        let Self { prompt_tokens, cached_tokens, completion_tokens, reasoning_tokens } = self;
        let total = prompt_tokens + completion_tokens;
        match profile {
            WireProfile::Documented => format!(
                r#"{{"completion_tokens":{completion_tokens},"completion_tokens_details":{{"accepted_prediction_tokens":0,"audio_tokens":0,"reasoning_tokens":{reasoning_tokens},"rejected_prediction_tokens":0}},"prompt_tokens":{prompt_tokens},"prompt_tokens_details":{{"audio_tokens":0,"cached_tokens":{cached_tokens}}},"total_tokens":{total}}}"#
            ),
            WireProfile::Azure2024 => self.totals_json(),
        }
    }

    /// Three totals.
    pub(super) fn totals_json(&self) -> String {
        let Self { prompt_tokens, completion_tokens, .. } = self;
        let total = prompt_tokens + completion_tokens;
        format!(
            r#"{{"completion_tokens":{completion_tokens},"prompt_tokens":{prompt_tokens},"total_tokens":{total}}}"#
        )
    }
}

/// What all answers to chat and completions state.
#[derive(Debug, Clone)]
pub(crate) struct Answer<'a> {
    pub profile: WireProfile,
    pub id: &'a str,
    pub created: u64,
    pub model: &'a str,
    pub fingerprint: Option<&'a str>,
}

impl Answer<'_> {
    pub(super) fn fingerprint_json(&self) -> String {
        self.fingerprint.map_or_else(|| "null".to_owned(), |text| format!("\"{text}\""))
    }

    pub(super) fn prompt_filters_json(&self, prompts: usize) -> String {
        let categories = match self.profile {
            WireProfile::Documented => PROMPT_CATEGORIES,
            WireProfile::Azure2024 => SEVERITIES,
        };
        let results: Vec<String> = (0..prompts)
            .map(|index| {
                format!(r#"{{"prompt_index":{index},"content_filter_results":{categories}}}"#)
            })
            .collect();
        format!("[{}]", results.join(","))
    }

    fn completion_filters(&self) -> &'static str {
        match self.profile {
            WireProfile::Documented => COMPLETION_CATEGORIES,
            WireProfile::Azure2024 => SEVERITIES,
        }
    }
}

/// One choice of an answer.
#[derive(Debug, Clone)]
pub(crate) struct ChoiceText {
    pub text: String,
    pub finish_reason: &'static str,
}

/// The body of a chat completion.
pub(crate) fn chat_body(answer: &Answer<'_>, choices: &[ChoiceText], usage: Usage) -> String {
    let filters = answer.completion_filters();
    let mut list = String::new();
    for (index, choice) in choices.iter().enumerate() {
        let (comma, finish) = (comma(index), choice.finish_reason);
        let content = json_string(&choice.text);
        let message = match answer.profile {
            WireProfile::Documented => format!(
                r#"{{"annotations":[],"content":{content},"refusal":null,"role":"assistant"}}"#
            ),
            WireProfile::Azure2024 => format!(r#"{{"content":{content},"role":"assistant"}}"#),
        };
        let _ = write!(
            list,
            r#"{comma}{{"content_filter_results":{filters},"finish_reason":"{finish}","index":{index},"logprobs":null,"message":{message}}}"#
        );
    }
    format!(
        "{{\"choices\":[{list}],\"created\":{},\"id\":\"{}\",\"model\":\"{}\",\"object\":\"chat.completion\",\"prompt_filter_results\":{},\"system_fingerprint\":{},\"usage\":{}}}\n",
        answer.created,
        answer.id,
        answer.model,
        answer.prompt_filters_json(1),
        answer.fingerprint_json(),
        usage.chat_json(answer.profile),
    )
}

/// The body of a legacy completion; choices of one prompt stand together.
pub(crate) fn completions_body(
    answer: &Answer<'_>,
    prompts: usize,
    choices: &[ChoiceText],
    usage: Usage,
) -> String {
    let filters = answer.completion_filters();
    let mut list = String::new();
    for (index, choice) in choices.iter().enumerate() {
        let (comma, finish) = (comma(index), choice.finish_reason);
        let text = json_string(&choice.text);
        let _ = write!(
            list,
            r#"{comma}{{"content_filter_results":{filters},"finish_reason":"{finish}","index":{index},"logprobs":null,"text":{text}}}"#
        );
    }
    format!(
        "{{\"choices\":[{list}],\"created\":{},\"id\":\"{}\",\"model\":\"{}\",\"object\":\"text_completion\",\"prompt_filter_results\":{},\"usage\":{}}}\n",
        answer.created,
        answer.id,
        answer.model,
        answer.prompt_filters_json(prompts),
        usage.totals_json(),
    )
}

/// How embeddings are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EmbeddingEncoding {
    Float,
    /// Little-endian single precision.
    Base64,
}

/// The body of an embeddings answer.
pub(crate) fn embeddings_body(
    model: &str,
    vectors: Vec<Vec<f32>>,
    encoding: EmbeddingEncoding,
    prompt_tokens: u64,
) -> String {
    #[derive(Serialize)]
    struct Body<'a> {
        object: &'a str,
        data: Vec<Item>,
        model: &'a str,
        usage: Totals,
    }
    #[derive(Serialize)]
    struct Item {
        object: &'static str,
        index: usize,
        embedding: Embedding,
    }
    #[derive(Serialize)]
    struct Totals {
        prompt_tokens: u64,
        total_tokens: u64,
    }
    // Written only; a reader never has to guess which it is.
    #[derive(Serialize)]
    #[serde(untagged)]
    enum Embedding {
        Float(Vec<f32>),
        Base64(String),
    }
    let data = vectors
        .into_iter()
        .enumerate()
        .map(|(index, vector)| {
            let embedding = match encoding {
                EmbeddingEncoding::Float => Embedding::Float(vector),
                EmbeddingEncoding::Base64 => {
                    let bytes: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
                    Embedding::Base64(STANDARD.encode(bytes))
                }
            };
            Item { object: "embedding", index, embedding }
        })
        .collect();
    let usage = Totals { prompt_tokens, total_tokens: prompt_tokens };
    let body = Body { object: "list", data, model, usage };
    let mut text = serde_json::to_string_pretty(&body).unwrap_or_default();
    text.push('\n');
    text
}

pub(super) fn json_string(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_else(|_| "\"\"".to_owned())
}

fn comma(index: usize) -> &'static str {
    if index == 0 { "" } else { "," }
}
