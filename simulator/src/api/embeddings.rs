//! `embeddings`: pretty-printed (specification, sections 2.1 and 2.7).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::Value;

use super::call::{Call, Delivery, Document, Ground, Plan};
use super::fields::{self, Fields, Parsed};
use super::inputs::{Input, read_inputs};
use super::usage::Usage;
use crate::catalogue::{Kind, Model};
use crate::config::{DeploymentConfig, WireProfile};
use crate::content;
use crate::wire::ApiError;

const MOST_INPUTS: usize = 2_048;
const FIELDS: &[&str] = &["dimensions", "encoding_format", "input", "input_type", "model", "user"];

/// An embeddings request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Embeddings {
    inputs: Vec<Input>,
    encoding: EmbeddingEncoding,
    dimensions: Option<usize>,
}

pub(super) fn read(fields: Fields<'_>, model: &Model) -> Parsed<Embeddings> {
    fields.only(FIELDS)?;
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
    let dimensions = fields.whole("dimensions", 1, full_dimensions(model) as u64)?;
    if dimensions.is_some() && model.facts.name == "text-embedding-ada-002" {
        let message = "This model does not support specifying dimensions.";
        return Err(ApiError::invalid_request(message, None, None));
    }
    let dimensions = dimensions.and_then(|dimensions| usize::try_from(dimensions).ok());
    Ok(Embeddings { inputs, encoding, dimensions })
}

/// How many numbers the model's vectors have.
fn full_dimensions(model: &Model) -> usize {
    match model.facts.kind {
        Kind::Embeddings(full) => full,
        _ => 0,
    }
}

impl Embeddings {
    /// How many numbers a vector has, and how many of them are asked for.
    fn dimensions(&self, model: &Model) -> (usize, usize) {
        let full = full_dimensions(model);
        (full, self.dimensions.unwrap_or(full))
    }
}

impl Call for Embeddings {
    fn prompt_tokens(&self, model: &Model) -> u64 {
        self.inputs.iter().map(|input| input.tokens(model)).sum()
    }

    fn check_context(&self, _prompt_tokens: u64, model: &Model) -> Parsed<()> {
        let context = model.facts.context_tokens;
        let longest = self.inputs.iter().map(|i| i.tokens(model)).max().unwrap_or(0);
        if longest <= context {
            return Ok(());
        }
        let message = format!(
            "This model's maximum context length is {context} tokens, however you requested {longest} tokens ({longest} in your prompt; 0 for the completion). Please reduce your prompt; or completion length."
        );
        Err(ApiError::invalid_request(message, None, None))
    }

    fn max_tokens(&self) -> Option<u64> {
        None
    }

    fn answer_bytes(&self, model: &Model) -> u64 {
        // Of a number as text. In the other encoding it is shorter, but as much work.
        const NUMBER: u64 = 22;
        let (_, dimensions) = self.dimensions(model);
        NUMBER.saturating_mul(dimensions as u64).saturating_mul(self.inputs.len() as u64)
    }

    fn plan(&self, ground: Ground<'_>) -> Plan {
        let (full, dimensions) = self.dimensions(&ground.deployment.model);
        let embed = |input: &Input| content::embed(&input.key(), full, dimensions);
        let vectors = self.inputs.iter().map(embed).collect();
        let text = embeddings_body(ground.deployment, vectors, self.encoding, ground.prompt_tokens);
        Plan {
            usage: Usage { prompt_tokens: ground.prompt_tokens, ..Usage::default() },
            inputs: self.inputs.len() as u64,
            file_bytes: 0,
            reasoning_tokens: 0,
            choices: Vec::new(),
            delivery: Delivery::Whole(Document::json(text)),
            keep: None,
        }
    }
}

/// How embeddings are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EmbeddingEncoding {
    Float,
    /// Little-endian single precision.
    Base64,
}

/// The body of an embeddings answer: Azure's laid out, OpenAI's a line with the
/// index last, both as recorded.
fn embeddings_body(
    deployment: &DeploymentConfig,
    vectors: Vec<Vec<f32>>,
    encoding: EmbeddingEncoding,
    prompt_tokens: u64,
) -> String {
    #[derive(Serialize)]
    struct Body<'a, T> {
        object: &'a str,
        data: Vec<T>,
        model: &'a str,
        usage: Totals,
    }
    #[derive(Serialize)]
    struct AzureItem {
        object: &'static str,
        index: usize,
        embedding: Embedding,
    }
    #[derive(Serialize)]
    struct OpenAiItem {
        object: &'static str,
        embedding: Embedding,
        index: usize,
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
    let write = |vector: Vec<f32>| match encoding {
        EmbeddingEncoding::Float => Embedding::Float(vector),
        EmbeddingEncoding::Base64 => {
            let bytes: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
            Embedding::Base64(STANDARD.encode(bytes))
        }
    };
    let embeddings = vectors.into_iter().map(write).enumerate();
    let (list, object) = ("list", "embedding");
    let model = deployment.model.snapshot.as_str();
    let usage = Totals { prompt_tokens, total_tokens: prompt_tokens };
    if deployment.wire_profile == WireProfile::OpenAi {
        let data =
            embeddings.map(|(index, embedding)| OpenAiItem { object, embedding, index }).collect();
        let body = Body { object: list, data, model, usage };
        return serde_json::to_string(&body).unwrap_or_default();
    }
    let data =
        embeddings.map(|(index, embedding)| AzureItem { object, index, embedding }).collect();
    let body = Body { object: list, data, model, usage };
    let mut text = serde_json::to_string_pretty(&body).unwrap_or_default();
    text.push('\n');
    text
}
