//! `chat/completions`.

mod choice;
mod chunks;
mod format;
mod history;
mod media;
mod read;
mod tools;
mod whole;

pub(super) use read::read;

use std::borrow::Cow;

use choice::{Choice, Writing};
use chunks::Chunks;
use rand::Rng as _;
use seam::rng::Seed;
use tokens::{ChatMessage, chat_prompt_tokens, tool_call_tokens};
use tools::Tools;

use super::annotations;
use super::answer::Answer;
use super::call::{Call, Delivery, Document, Ground, Plan, text_bytes};
use super::declared::TextForm;
use super::envelope::StreamOptions;
use super::fields::Parsed;
use super::generation::{Generation, content_rng, lengths, usage_of};
use super::usage::Timing;
use crate::catalogue::Model;
use crate::config::WireProfile;
use crate::content::{self, Completion, Dialect, Said, Scorer, Wish};
use crate::wire::ApiError;

/// A chat request.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Chat {
    messages: Vec<Message>,
    tools: Option<Tools>,
    format: TextForm,
    /// How many alternatives each token's probability has.
    logprobs: Option<usize>,
    generation: Generation,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Message {
    role: String,
    name: Option<String>,
    texts: Vec<String>,
    /// Name and arguments of each call it made.
    calls: Vec<(String, String)>,
    images: usize,
    /// What its images and sounds cost.
    media_tokens: u64,
}

impl Message {
    fn is_system(&self) -> bool {
        matches!(self.role.as_str(), "system" | "developer")
    }
}

impl Chat {
    /// What tools and a response schema add to the prompt.
    fn declared_tokens(&self, model: &Model) -> u64 {
        let system = self.messages.iter().find(|message| message.is_system());
        let text = system.and_then(|message| message.texts.first().map(String::as_str));
        let system_text = system.map(|_| text.unwrap_or_default());
        let tools = self.tools.as_ref().map_or(0, |tools| tools.prompt_tokens(model, system_text));
        tools + self.format.prompt_tokens(model, system.is_some())
    }

    /// The choices of an answer.
    fn choices(&self, ground: &mut Ground<'_>) -> Vec<Choice> {
        let prompt = || {
            self.messages
                .iter()
                .flat_map(|message| message.texts.as_slice())
                .map(String::as_str)
                .collect()
        };
        let mut rng = content_rng(&self.generation, ground, prompt);
        let last = self.messages.last().map(|message| message.role.as_str());
        let wish = Wish {
            offer: self.tools.as_ref().map(|tools| &tools.offer),
            format: self.format.wanted(),
            users_turn: !matches!(last, Some("tool" | "function" | "assistant")),
            given: None,
        };
        let forms = &ground.deployment.forms;
        let lengths = lengths(&self.generation, ground);
        (0..self.generation.n)
            .map(|choice| {
                let given = usize::try_from(choice).ok().and_then(|index| ground.given(index));
                let form = content::decide(Wish { given, ..wish }, forms, &mut rng);
                let mut completion = content::write(form, lengths, forms, &mut rng);
                completion.filter(&ground.deployment.filters, &mut rng);
                let calls = match &completion.said {
                    Said::Calls(calls) => calls.len(),
                    Said::Text | Said::Refusal => 0,
                };
                let call_ids = (0..calls).map(|_| ground.ids.call()).collect();
                Choice { completion, call_ids }
            })
            .collect()
    }
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
        let calls = self.messages.iter().flat_map(|message| &message.calls);
        let calls =
            calls.map(|(name, arguments)| tool_call_tokens(model.encoding, name, arguments));
        let media = self.messages.iter().map(|message| message.media_tokens);
        counted + calls.sum::<usize>() as u64 + media.sum::<u64>() + self.declared_tokens(model)
    }

    fn prompt_texts(&self) -> Vec<&str> {
        self.messages.iter().flat_map(|message| &message.texts).map(String::as_str).collect()
    }

    fn questions(&self) -> Vec<(Cow<'_, str>, u64)> {
        let last = self.messages.last().map(|message| message.texts.as_slice());
        let text = match last.unwrap_or_default() {
            [] => Cow::Borrowed(""),
            [text] => Cow::Borrowed(text.as_str()),
            texts => Cow::Owned(texts.concat()),
        };
        vec![(text, self.generation.n)]
    }

    fn check_context(&self, prompt_tokens: u64, model: &Model) -> Parsed<()> {
        let context = model.facts.context_tokens;
        let asked = self.generation.max_tokens.unwrap_or(0);
        let total = prompt_tokens.saturating_add(asked);
        // With tools the service says what they cost.
        let functions = match &self.tools {
            Some(_) if context < total => self.declared_tokens(model),
            _ => 0,
        };
        let messages = prompt_tokens.saturating_sub(functions);
        let reduce = if self.tools.is_some() { "messages or functions" } else { "messages" };
        let detail = match (context < prompt_tokens, &self.tools) {
            (true, None) => format!(
                "your messages resulted in {prompt_tokens} tokens. Please reduce the length of the {reduce}."
            ),
            (true, Some(_)) => format!(
                "your messages resulted in {prompt_tokens} tokens ({messages} in the messages, {functions} in the functions). Please reduce the length of the {reduce}."
            ),
            (false, None) if context < total => format!(
                "you requested {total} tokens ({prompt_tokens} in the messages, {asked} in the completion). Please reduce the length of the messages or completion."
            ),
            (false, Some(_)) if context < total => format!(
                "you requested {total} tokens ({messages} in the messages, {functions} in the functions, and {asked} in the completion). Please reduce the length of the messages, functions, or completion."
            ),
            (false, _) => return Ok(()),
        };
        let message =
            format!("This model's maximum context length is {context} tokens. However, {detail}");
        let code = Some("context_length_exceeded");
        Err(ApiError::invalid_request(message, Some("messages"), code))
    }

    fn max_tokens(&self) -> Option<u64> {
        self.generation.max_tokens
    }

    fn answer_bytes(&self, _model: &Model) -> u64 {
        let Generation { n, max_tokens, .. } = self.generation;
        text_bytes(n, max_tokens, self.logprobs.map_or(0, |top| 1 + top))
    }

    fn plan(&self, mut ground: Ground<'_>) -> Plan {
        let choices = self.choices(&mut ground);
        let written: Vec<&Completion> = choices.iter().map(|choice| &choice.completion).collect();
        let usage = usage_of(&ground, &written);
        let reasoning_tokens = written.iter().map(|c| c.reasoning_tokens).max().unwrap_or(0);
        let paced = written.iter().map(|completion| completion.pieces.len()).collect();
        let id = ground.ids.chat();
        let answer = Answer {
            profile: ground.deployment.wire_profile,
            id: &id,
            created: ground.created,
            model: &ground.deployment.model.snapshot,
            fingerprint: ground.fingerprint,
            prompt: &ground.prompt_findings,
            service_tier: ground.service_tier(),
        };
        let writing = Writing {
            profile: answer.profile,
            mode: ground.deployment.filters.mode,
            before: annotations::prompt_chars(&self.prompt_texts(), ground.deployment),
            dialect: self.tools.as_ref().map_or(Dialect::Tools, |tools| tools.offer.dialect),
            scorer: self.logprobs.map(|top| Scorer {
                seed: Seed(ground.rng.next_u64()),
                encoding: ground.deployment.model.encoding,
                top,
            }),
        };
        let delivery = if self.generation.stream {
            let Generation { include_usage, obfuscation, .. } = self.generation;
            let options = StreamOptions { include_usage, obfuscation };
            let chunks = Chunks::new(&answer, options, writing, choices, usage, ground.ids);
            Delivery::Stream(Box::new(chunks))
        } else {
            let body = whole::Body::new(&answer, &writing, &choices, usage);
            match answer.profile {
                WireProfile::Azure2026 => Delivery::Timed(Box::new(|timing: &Timing| {
                    Document::json(body.write(Some(timing)))
                })),
                _ => Delivery::Whole(Document::json(body.write(None))),
            }
        };
        Plan {
            usage,
            inputs: 1,
            file_bytes: 0,
            reasoning_tokens,
            choices: paced,
            delivery,
            keep: None,
        }
    }
}

#[cfg(test)]
mod tests;
