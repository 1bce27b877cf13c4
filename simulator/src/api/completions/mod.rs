//! Legacy `completions`.

mod chunks;
mod whole;

use chunks::Chunks;

use super::answer::Answer;
use super::call::{Call, Delivery, Document, Ground, Plan};
use super::envelope::StreamOptions;
use super::fields::{self, Fields, Parsed};
use super::generation::{Generation, completions, read_generation, usage_of};
use super::inputs::{Input, read_inputs};
use crate::catalogue::Model;
use crate::wire::ApiError;

const FIELDS: &[&str] = &[
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

/// The surface's documented default.
const DEFAULT_MAX_TOKENS: u64 = 16;

/// A legacy completions request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Completions {
    prompts: Vec<Input>,
    generation: Generation,
}

pub(super) fn read(fields: Fields<'_>, model: &Model) -> Parsed<Completions> {
    fields.only(FIELDS)?;
    let prompts = match fields.get("prompt") {
        None => return Err(fields::missing("prompt")),
        Some(value) => read_inputs("prompt", value)?,
    };
    fields.whole("best_of", 1, 20)?;
    let mut generation = read_generation(fields, model)?;
    generation.max_tokens = generation.max_tokens.or(Some(DEFAULT_MAX_TOKENS));
    Ok(Completions { prompts, generation })
}

impl Call for Completions {
    fn prompt_tokens(&self, model: &Model) -> u64 {
        self.prompts.iter().map(|input| input.tokens(model)).sum()
    }

    fn check_context(&self, prompt_tokens: u64, model: &Model) -> Parsed<()> {
        let context = model.facts.context_tokens;
        let asked = self.generation.max_tokens.unwrap_or(0);
        let total = prompt_tokens.saturating_add(asked);
        if total <= context {
            return Ok(());
        }
        let message = format!(
            "This model's maximum context length is {context} tokens, however you requested {total} tokens ({prompt_tokens} in your prompt; {asked} for the completion). Please reduce your prompt; or completion length."
        );
        Err(ApiError::invalid_request(message, None, None))
    }

    fn max_tokens(&self) -> Option<u64> {
        self.generation.max_tokens
    }

    fn plan(&self, mut ground: Ground<'_>) -> Plan {
        let prompts = self.prompts.len();
        let choices = completions(&self.generation, prompts as u64, &mut ground);
        let usage = usage_of(&ground, &choices);
        let id = ground.ids.completion();
        let answer = Answer {
            profile: ground.deployment.wire_profile,
            id: &id,
            created: ground.created,
            model: &ground.deployment.model.snapshot,
            fingerprint: ground.fingerprint,
        };
        let paced = choices.iter().map(|choice| choice.pieces.len()).collect();
        let delivery = if self.generation.stream {
            let include_usage = self.generation.include_usage;
            // Recorded for chat only.
            let options = StreamOptions { include_usage, obfuscation: false };
            let chunks = Chunks::new(&answer, options, prompts, choices, usage, ground.ids);
            Delivery::Stream(Box::new(chunks))
        } else {
            Delivery::Whole(Document::json(whole::body(&answer, prompts, &choices, usage)))
        };
        Plan { usage, inputs: 1, reasoning_tokens: 0, choices: paced, delivery }
    }
}
