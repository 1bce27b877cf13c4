//! Legacy `completions`.

mod choice;
mod chunks;
mod whole;

use std::borrow::Cow;

use choice::Choice;
use chunks::Chunks;
use rand::Rng as _;
use seam::rng::Seed;

use super::annotations::{Annotations, prompt_chars};
use super::answer::Answer;
use super::call::{Call, Delivery, Document, Ground, Plan, text_bytes};
use super::envelope::{Envelope, Kind, StreamOptions};
use super::fields::{self, Fields, Parsed};
use super::generation::{Generation, content_rng, lengths, read_generation, usage_of};
use super::inputs::{Input, read_inputs};
use super::logprobs;
use crate::answer::Given;
use crate::catalogue::Model;
use crate::content::{self, Completion, Scorer};
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
    /// Whether the prompt stands before the text.
    echo: bool,
    /// Candidates of a prompt, of which the best are sent; all are billed.
    best_of: u64,
    /// How many alternatives each token's probability has.
    logprobs: Option<usize>,
    generation: Generation,
}

pub(super) fn read(fields: Fields<'_>, model: &Model) -> Parsed<Completions> {
    fields.only(FIELDS)?;
    let prompts = match fields.get("prompt") {
        None => return Err(fields::missing("prompt")),
        Some(value) => read_inputs("prompt", value)?,
    };
    let best_of = fields.whole("best_of", 1, 20)?;
    let echo = fields.boolean("echo")?;
    let logprobs = logprobs::of_completions(fields)?;
    let mut generation = read_generation(fields, model)?;
    generation.max_tokens = generation.max_tokens.or(Some(DEFAULT_MAX_TOKENS));
    let n = generation.n;
    let best_of = best_of.unwrap_or(n);
    if best_of < n {
        let message = format!(
            "You requested that the server return more choices than it will generate (HINT: you must set 'n' (currently {n}) to be at most 'best_of' (currently {best_of}), or omit either parameter if you don't specifically want to use them.)"
        );
        return Err(ApiError::invalid_request(message, Some("best_of"), None));
    }
    if generation.stream && n < best_of {
        // The reference forbids it; the text is ours.
        let message = "Results cannot be streamed when 'best_of' is greater than 'n'.";
        return Err(ApiError::invalid_request(message, Some("best_of"), None));
    }
    Ok(Completions { prompts, echo, best_of, logprobs, generation })
}

impl Completions {
    /// The choices of all prompts, and what the candidates used that are not sent.
    fn choices(&self, ground: &mut Ground<'_>) -> (Vec<Choice>, Vec<Completion>) {
        let encoding = ground.deployment.model.encoding;
        let prompt = || self.prompts.iter().map(Input::key).collect();
        let mut rng = content_rng(&self.generation, ground, prompt);
        let lengths = lengths(&self.generation, ground);
        let mut choices = Vec::new();
        let mut unsent = Vec::new();
        for prompt in &self.prompts {
            let text = prompt.text(encoding);
            for candidate in 0..self.best_of {
                let given = match ground.given(choices.len()) {
                    Some(Given::Text(text) | Given::Refusal(text)) => Some(text),
                    Some(Given::Call { .. }) | None => None,
                };
                let mut completion = match given {
                    Some(text) => content::fixed(text, lengths, &mut rng),
                    None => content::completion(lengths, &mut rng),
                };
                completion.filter(&ground.deployment.filters, &mut rng);
                if self.generation.n <= candidate {
                    unsent.push(completion);
                    continue;
                }
                choices.push(Choice {
                    completion,
                    echo: self.echo.then(|| text.clone()),
                    prompt_chars: text.chars().count(),
                });
            }
        }
        (choices, unsent)
    }
}

impl Call for Completions {
    fn prompt_tokens(&self, model: &Model) -> u64 {
        self.prompts.iter().map(|input| input.tokens(model)).sum()
    }

    fn prompt_texts(&self) -> Vec<&str> {
        self.prompts.iter().filter_map(Input::as_text).collect()
    }

    fn questions(&self) -> Vec<(Cow<'_, str>, u64)> {
        let text = |prompt: &'_ Input| prompt.as_text().unwrap_or_default().to_owned();
        self.prompts.iter().map(|own| (Cow::Owned(text(own)), self.generation.n)).collect()
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

    fn answer_bytes(&self, _model: &Model) -> u64 {
        let choices = self.best_of.saturating_mul(self.prompts.len() as u64);
        text_bytes(choices, self.generation.max_tokens, self.logprobs.map_or(0, |top| 1 + top))
    }

    fn plan(&self, mut ground: Ground<'_>) -> Plan {
        let prompts = self.prompts.len();
        let (choices, unsent) = self.choices(&mut ground);
        let sent = choices.iter().map(|choice| &choice.completion);
        let usage = usage_of(&ground, &sent.chain(&unsent).collect::<Vec<_>>());
        let scorer = self.logprobs.map(|top| Scorer {
            seed: Seed(ground.rng.next_u64()),
            encoding: ground.deployment.model.encoding,
            top,
        });
        let id = ground.ids.completion();
        let answer = Answer {
            profile: ground.deployment.wire_profile,
            id: &id,
            created: ground.created,
            model: &ground.deployment.model.snapshot,
            fingerprint: ground.fingerprint,
            prompt: &ground.prompt_findings,
            service_tier: ground.service_tier(),
        };
        let paced = choices.iter().map(|choice| choice.completion.pieces.len()).collect();
        let delivery = if self.generation.stream {
            let include_usage = self.generation.include_usage;
            // Recorded for chat only.
            let options = StreamOptions { include_usage, obfuscation: false };
            let mode = ground.deployment.filters.mode;
            let before = prompt_chars(&self.prompt_texts(), ground.deployment);
            let findings = choices.iter().map(|choice| &choice.completion.findings);
            let annotations = Annotations::new(&answer, mode, findings, before);
            let envelope = Envelope::new(&answer, options, prompts, Kind::Completions, ground.ids);
            let usage = usage.totals_json(answer.layout());
            let chunks = Chunks::new(envelope, choices, annotations, scorer, usage);
            Delivery::Stream(Box::new(chunks))
        } else {
            Delivery::Whole(Document::json(whole::body(
                &answer,
                prompts,
                &choices,
                scorer.as_ref(),
                usage,
            )))
        };
        Plan {
            usage,
            inputs: 1,
            file_bytes: 0,
            reasoning_tokens: 0,
            choices: paced,
            delivery,
            keep: None,
        }
    }
}
