//! What the pipeline needs of an operation: a request that has been read, the
//! plan of its answer, and the two ways to deliver one.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use rand_chacha::ChaCha8Rng;

use super::fields::Parsed;
use super::responses::Record;
use super::usage::{Timing, Usage};
use crate::answer::Given;
use crate::catalogue::Model;
use crate::config::{DeploymentConfig, WireProfile};
use crate::filter::Findings;
use crate::limit::Tier;
use crate::wire::{Ids, error_object};

/// A request the model layer accepts.
pub(crate) trait Call: Send + Sync {
    /// `usage.prompt_tokens`.
    fn prompt_tokens(&self, model: &Model) -> u64;

    /// The texts that filters of prompts look at.
    fn prompt_texts(&self) -> Vec<&str> {
        Vec::new()
    }

    /// What given answers are given to: a text for each group of choices, and their
    /// number.
    fn questions(&self) -> Vec<(Cow<'_, str>, u64)> {
        Vec::new()
    }

    /// The complaint about a prompt that does not fit the model's context.
    fn check_context(&self, prompt_tokens: u64, model: &Model) -> Parsed<()>;

    /// The most completion tokens of one choice: stated, or the surface's default.
    fn max_tokens(&self) -> Option<u64>;

    /// About how many bytes the answer has at most when it is written out: how much
    /// work it is.
    fn answer_bytes(&self, model: &Model) -> u64;

    /// Plans the whole answer.
    fn plan(&self, ground: Ground<'_>) -> Plan;
}

/// [`Call::answer_bytes`] of a text: `tokens` at most of each choice, where a maximum
/// is stated, and with each of them so many log probabilities.
pub(super) fn text_bytes(choices: u64, tokens: Option<u64>, logprobs: usize) -> u64 {
    // Measured, as the service's answers are; and a long answer where none is stated.
    const TOKEN: u64 = 6;
    const LOGPROB: u64 = 70;
    const TOKENS: u64 = 1_000;
    let each = TOKEN + LOGPROB * logprobs as u64;
    choices.saturating_mul(tokens.unwrap_or(TOKENS)).saturating_mul(each)
}

/// What an answer is made of, beside the request.
pub(crate) struct Ground<'a> {
    pub deployment: &'a DeploymentConfig,
    pub fingerprint: Option<&'a str>,
    /// How the client reaches this resource: `http://127.0.0.1:8002`.
    pub origin: &'a str,
    /// `created`: seconds since the Unix epoch.
    pub created: u64,
    pub prompt_tokens: u64,
    /// Prompt tokens that the prompt cache held.
    pub cached_tokens: u64,
    /// What filters found in the prompt.
    pub prompt_findings: Findings,
    /// Answers given in advance, by choice; beyond its end there are none.
    pub given: Vec<Option<Given>>,
    /// The tier that serves it, and whether the request named one.
    pub tier: (Tier, bool),
    /// Draws identifiers.
    pub ids: Ids<ChaCha8Rng>,
    /// Draws content.
    pub rng: ChaCha8Rng,
}

impl Ground<'_> {
    /// The answer given in advance to a choice.
    pub(super) fn given(&self, choice: usize) -> Option<&Given> {
        self.given.get(choice)?.as_ref()
    }

    /// `service_tier` of the answer: OpenAI always says it, Azure where anything
    /// but the default was asked for, by the request or its deployment.
    pub(super) fn service_tier(&self) -> Option<&'static str> {
        let (tier, stated) = self.tier;
        let openai = self.deployment.wire_profile == WireProfile::OpenAi;
        (openai || stated || self.deployment.tiers.own != Tier::Default).then(|| tier.name())
    }
}

/// An answer before its first byte.
pub(crate) struct Plan {
    pub usage: Usage,
    /// Inputs that are worked on one after the other; 1 but for embeddings.
    pub inputs: u64,
    /// Size of the sound that is written down; 0 of everything else.
    pub file_bytes: u64,
    /// Tokens before the first visible one, in the choice that has most.
    pub reasoning_tokens: u64,
    /// Visible tokens of each choice: what is paced.
    pub choices: Vec<usize>,
    pub delivery: Delivery,
    /// What stays of it when it is over.
    pub keep: Option<Keep>,
}

/// What stays of an answer.
pub(crate) struct Keep {
    pub record: Arc<Record>,
    /// The client has its reply before the work is done.
    pub background: bool,
}

/// How an answer is delivered.
pub(crate) enum Delivery {
    /// All at once, when everything is made.
    Whole(Document),
    /// The same, for one that says how fast it was.
    Timed(Box<dyn FnOnce(&Timing) -> Document + Send>),
    /// As events while it is made.
    Stream(Box<dyn Events>),
}

/// A body and its type.
pub(crate) struct Document {
    pub content_type: &'static str,
    pub body: Bytes,
}

impl Document {
    pub(crate) fn json(text: String) -> Self {
        Self { content_type: "application/json", body: Bytes::from(text) }
    }
}

/// Writes the events of a streamed answer, each when it is due. `choice` and
/// `index` count as in [`Plan::choices`].
pub(crate) trait Events: Send {
    /// How fast the answer will be; told once, before all else.
    fn timed(&mut self, _timing: &Timing) {}

    /// What comes with the first byte, before any token.
    fn open(&mut self, out: &mut String);

    /// One token, and what the last one of a choice brings with it.
    fn token(&mut self, choice: usize, index: usize, out: &mut String);

    /// Whether the first events leave when the work begins, not with the first token.
    fn opens_early(&self) -> bool {
        false
    }

    /// The end of the stream.
    fn close(&mut self, out: &mut String);

    /// The end of a stream that fails (specification, section 2.4).
    fn error(&mut self, message: &str, out: &mut String) {
        let _ = write!(out, "data: {}\n\n", error_object(message));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_an_answer_is_follows_from_what_was_asked() {
        assert_eq!(text_bytes(1, Some(100), 0), 600);
        // Nothing stated, and 20 alternatives for each token beside itself.
        assert_eq!(text_bytes(2, None, 21), 2 * 1_000 * (6 + 21 * 70));
        assert_eq!(text_bytes(128, Some(u64::MAX), 21), u64::MAX);
    }
}
