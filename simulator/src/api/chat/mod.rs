//! `chat/completions`.

mod chunks;
mod read;
mod whole;

pub(super) use read::read;

use chunks::Chunks;
use tokens::{ChatMessage, chat_prompt_tokens};

use super::answer::Answer;
use super::call::{Call, Delivery, Document, Ground, Plan};
use super::envelope::StreamOptions;
use super::fields::Parsed;
use super::generation::{Generation, completions, usage_of};
use super::usage::Timing;
use crate::catalogue::Model;
use crate::config::WireProfile;
use crate::wire::ApiError;

/// A chat request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chat {
    messages: Vec<Message>,
    generation: Generation,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Message {
    role: String,
    name: Option<String>,
    texts: Vec<String>,
    extra_tokens: u64,
}

impl Call for Chat {
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

    fn check_context(&self, prompt_tokens: u64, model: &Model) -> Parsed<()> {
        let context = model.facts.context_tokens;
        let asked = self.generation.max_tokens.unwrap_or(0);
        let total = prompt_tokens.saturating_add(asked);
        let detail = if context < prompt_tokens {
            format!(
                "your messages resulted in {prompt_tokens} tokens. Please reduce the length of the messages."
            )
        } else if context < total {
            format!(
                "you requested {total} tokens ({prompt_tokens} in the messages, {asked} in the completion). Please reduce the length of the messages or completion."
            )
        } else {
            return Ok(());
        };
        let message =
            format!("This model's maximum context length is {context} tokens. However, {detail}");
        let code = Some("context_length_exceeded");
        Err(ApiError::invalid_request(message, Some("messages"), code))
    }

    fn max_tokens(&self) -> Option<u64> {
        self.generation.max_tokens
    }

    fn plan(&self, mut ground: Ground<'_>) -> Plan {
        let choices = completions(&self.generation, 1, &mut ground);
        let usage = usage_of(&ground, &choices);
        let id = ground.ids.chat();
        let answer = Answer {
            profile: ground.deployment.wire_profile,
            id: &id,
            created: ground.created,
            model: &ground.deployment.model.snapshot,
            fingerprint: ground.fingerprint,
        };
        let reasoning_tokens = choices.iter().map(|c| c.reasoning_tokens).max().unwrap_or(0);
        let paced = choices.iter().map(|choice| choice.pieces.len()).collect();
        let delivery = if self.generation.stream {
            let Generation { include_usage, obfuscation, .. } = self.generation;
            let options = StreamOptions { include_usage, obfuscation };
            Delivery::Stream(Box::new(Chunks::new(&answer, options, choices, usage, ground.ids)))
        } else {
            let body = whole::Body::new(&answer, &choices, usage);
            match answer.profile {
                WireProfile::Azure2026 => Delivery::Timed(Box::new(|timing: &Timing| {
                    Document::json(body.write(Some(timing)))
                })),
                _ => Delivery::Whole(Document::json(body.write(None))),
            }
        };
        Plan { usage, inputs: 1, reasoning_tokens, choices: paced, delivery }
    }
}

#[cfg(test)]
mod tests;
