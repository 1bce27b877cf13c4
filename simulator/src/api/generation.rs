//! What chat and completions have in common: sampling, lengths, streaming.

use rand_chacha::ChaCha8Rng;
use seam::rng::Seed;
use serde_json::Value;

use super::call::Ground;
use super::fields::{self, Fields, Parsed};
use super::outline::MOST_CHOICES;
use super::usage::Usage;
use crate::catalogue::{Kind, Model};
use crate::content::{Completion, Lengths};
use crate::wire::ApiError;

/// What chat and completions have in common.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Generation {
    pub stream: bool,
    pub include_usage: bool,
    pub obfuscation: bool,
    pub n: u64,
    pub stop: Vec<String>,
    pub max_tokens: Option<u64>,
    pub seed: Option<i64>,
}

/// What bounds a choice of this request.
pub(super) fn lengths<'a>(generation: &'a Generation, ground: &Ground<'a>) -> Lengths<'a> {
    let facts = ground.deployment.model.facts;
    let left = facts.context_tokens.saturating_sub(ground.prompt_tokens);
    Lengths {
        settings: &ground.deployment.lengths,
        max_tokens: generation.max_tokens,
        cap: facts.output_tokens.min(left),
        stop: &generation.stop,
        encoding: ground.deployment.model.encoding,
    }
}

/// Draws content: for the request's number, or, when it states a seed, for the seed
/// and the prompt. Then the same request gets the same text, in every run.
pub(super) fn content_rng(
    generation: &Generation,
    ground: &Ground<'_>,
    prompt: impl FnOnce() -> String,
) -> ChaCha8Rng {
    match generation.seed {
        Some(seed) => Seed(seed.cast_unsigned()).stream(&prompt()),
        None => ground.rng.clone(),
    }
}

/// What these choices use.
pub(super) fn usage_of(ground: &Ground<'_>, choices: &[&Completion]) -> Usage {
    Usage {
        prompt_tokens: ground.prompt_tokens,
        cached_tokens: ground.cached_tokens,
        completion_tokens: choices.iter().map(|choice| choice.tokens()).sum(),
        reasoning_tokens: choices.iter().map(|choice| choice.reasoning_tokens).sum(),
    }
}

pub(super) fn read_generation(fields: Fields<'_>, model: &Model) -> Parsed<Generation> {
    fields.decimal("temperature", 0.0, 2.0)?;
    fields.decimal("top_p", 0.0, 1.0)?;
    fields.decimal("presence_penalty", -2.0, 2.0)?;
    fields.decimal("frequency_penalty", -2.0, 2.0)?;
    if model.facts.kind == Kind::Reasoning {
        refuse_what_reasoning_models_lack(fields, model)?;
        read_effort(fields)?;
    } else if fields.get("reasoning_effort").is_some() {
        return Err(ApiError::unknown_parameter("reasoning_effort"));
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
    let n = fields.whole("n", 1, MOST_CHOICES)?.unwrap_or(1);
    let stop = read_stop(fields)?;
    let seed = read_seed(fields)?;
    Ok(Generation { stream, include_usage, obfuscation, n, stop, max_tokens, seed })
}

fn read_seed(fields: Fields<'_>) -> Parsed<Option<i64>> {
    match fields.get("seed") {
        None => Ok(None),
        Some(value) => match value.as_i64() {
            Some(seed) => Ok(Some(seed)),
            None => Err(fields::wrong_type("seed", "an integer", value)),
        },
    }
}

fn refuse_what_reasoning_models_lack(fields: Fields<'_>, model: &Model) -> Parsed<()> {
    let unsupported = |key: &str, more: &str| {
        let message =
            format!("Unsupported parameter: '{key}' is not supported with this model.{more}");
        Err(ApiError::invalid_request(message, Some(key), Some("unsupported_parameter")))
    };
    if fields.get("max_tokens").is_some() {
        return unsupported("max_tokens", " Use 'max_completion_tokens' instead.");
    }
    let lacking = [
        "stop",
        "presence_penalty",
        "frequency_penalty",
        "logprobs",
        "top_logprobs",
        "logit_bias",
        "top_p",
    ];
    // The o-series calls one tool at a time, and its smallest first model none.
    let parallel = model.facts.name.starts_with('o').then_some("parallel_tool_calls");
    let tools: &[&str] =
        if model.takes_instructions() { &[] } else { &["tools", "tool_choice", "functions"] };
    for key in lacking.into_iter().chain(parallel).chain(tools.iter().copied()) {
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

fn read_effort(fields: Fields<'_>) -> Parsed<()> {
    const EFFORTS: &[&str] = &["none", "minimal", "low", "medium", "high", "xhigh"];
    match fields.get("reasoning_effort") {
        None => Ok(()),
        Some(Value::String(effort)) if EFFORTS.contains(&effort.as_str()) => Ok(()),
        Some(Value::String(effort)) => {
            let message = format!(
                "Invalid value: '{effort}'. Supported values are: 'none', 'minimal', 'low', 'medium', 'high', and 'xhigh'."
            );
            let param = Some("reasoning_effort");
            Err(ApiError::invalid_request(message, param, Some("invalid_value")))
        }
        Some(other) => Err(fields::wrong_type("reasoning_effort", "a string", other)),
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
