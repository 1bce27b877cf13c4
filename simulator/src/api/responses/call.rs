//! A request that has been read, and the plan of its answer.

use std::borrow::Cow;
use std::sync::Arc;

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::answer::{Answer, Item, Output, Piece};
use super::era::{Era, Vendor};
use super::events::Writer;
use super::history::{self, Context};
use super::ids::Family;
use super::input::{Content, InputItem};
use super::object::Stage;
use super::settings::{Effort, Settings};
use super::store::Record;
use super::tools::Tools;
use crate::api::call::{Call, Delivery, Document, Ground, Keep, Plan, text_bytes};
use crate::api::declared::TextForm;
use crate::api::fields::Parsed;
use crate::api::object::pretty;
use crate::api::usage::Usage;
use crate::catalogue::Model;
use crate::content::{self, Completion, Finish, Lengths, Said, Wish};
use crate::wire::{ApiError, Ids};

/// A request for a response.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::api) struct Responses {
    pub(super) items: Vec<InputItem>,
    pub(super) instructions: Option<String>,
    /// What the previous response and its own past bring.
    pub(super) context: Context,
    pub(super) settings: Arc<Settings>,
    pub(super) stream: bool,
    /// Whether deltas are padded.
    pub(super) obfuscation: bool,
    /// Whether thoughts are handed out, sealed.
    pub(super) encrypted_reasoning: bool,
    pub(super) tools: Tools,
    pub(super) format: TextForm,
}

impl Responses {
    fn truncates(&self) -> bool {
        self.settings.truncation == "auto"
    }
}

impl Call for Responses {
    fn prompt_tokens(&self, model: &Model) -> u64 {
        let instructions = history::instruction_tokens(self.instructions.as_deref(), model);
        let items = history::tokens(&self.items, model);
        let all = self.context.tokens
            + instructions
            + items
            + self.declared_tokens(model)
            + model.overhead.reply as u64;
        // `truncation: auto` leaves out the beginning rather than refuse.
        if self.truncates() { all.min(model.facts.context_tokens) } else { all }
    }

    fn prompt_texts(&self) -> Vec<&str> {
        let instructions = self.instructions.as_deref();
        instructions.into_iter().chain(self.items.iter().flat_map(InputItem::texts)).collect()
    }

    fn questions(&self) -> Vec<(Cow<'_, str>, u64)> {
        let texts = self.items.last().map(|last| last.texts().collect::<Vec<_>>().concat());
        vec![(Cow::Owned(texts.unwrap_or_default()), 1)]
    }

    fn check_context(&self, prompt_tokens: u64, model: &Model) -> Parsed<()> {
        if self.truncates() || prompt_tokens <= model.facts.context_tokens {
            return Ok(());
        }
        let message = "Your input exceeds the context window of this model. Please adjust your input and try again.";
        let code = Some("context_length_exceeded");
        Err(ApiError::invalid_request(message, Some("input"), code))
    }

    fn max_tokens(&self) -> Option<u64> {
        self.settings.max_output_tokens
    }

    fn answer_bytes(&self, _model: &Model) -> u64 {
        text_bytes(1, self.settings.max_output_tokens, 0)
    }

    fn plan(&self, mut ground: Ground<'_>) -> Plan {
        let config = ground.deployment;
        let (era, vendor) = (Era::of(config.wire_profile), Vendor::of(config.wire_profile));
        let mut completion = self.completion(&mut ground);
        let family = Family::new(era, ground.created, &mut ground.ids);
        let usage = Usage {
            prompt_tokens: ground.prompt_tokens,
            cached_tokens: ground.cached_tokens,
            completion_tokens: completion.tokens(),
            reasoning_tokens: completion.reasoning_tokens,
        };
        let incomplete = match completion.finish {
            Finish::Length => Some("max_output_tokens"),
            Finish::ContentFilter => Some("content_filter"),
            Finish::Stop | Finish::ToolCalls | Finish::FunctionCall => None,
        };
        let findings = [ground.prompt_findings.clone(), std::mem::take(&mut completion.findings)];
        let id = family.id("resp", &mut ground.ids);
        let hidden = completion.reasoning_tokens;
        let items = self.output(completion, &family, &mut ground);
        let answer = Arc::new(Answer {
            era,
            vendor,
            id,
            created: ground.created,
            model: match vendor {
                Vendor::Azure => config.name.clone(),
                Vendor::OpenAi => config.model.snapshot.clone(),
            },
            settings: Arc::clone(&self.settings),
            items,
            usage,
            incomplete,
            findings,
            prompt_chars: self.chars(),
        });
        let background = self.settings.background;
        let keep = (self.settings.store || background).then(|| {
            let record = self.record(&answer, &family, &mut ground);
            Keep { record, background }
        });
        // Shown thoughts are paced as text, and thought in that time.
        let shown: usize = answer
            .items
            .iter()
            .map(|item| match &item.content {
                Output::Reasoning { .. } => item.content.pieces(),
                _ => 0,
            })
            .sum();
        Plan {
            usage,
            inputs: 1,
            file_bytes: 0,
            reasoning_tokens: hidden.saturating_sub(shown as u64),
            choices: vec![answer.pieces()],
            delivery: self.delivery(answer, ground.ids),
            keep,
        }
    }
}

impl Responses {
    fn completion(&self, ground: &mut Ground<'_>) -> Completion {
        let config = ground.deployment;
        let facts = config.model.facts;
        let left = facts.context_tokens.saturating_sub(ground.prompt_tokens);
        let mut settings = config.lengths.clone();
        if let Some(effort) = self.settings.reasoning.effort {
            settings.mean_reasoning *= effort.factor();
        }
        let lengths = Lengths {
            settings: &settings,
            max_tokens: self.settings.max_output_tokens,
            cap: facts.output_tokens.min(left),
            stop: &[],
            encoding: config.model.encoding,
        };
        let users_turn = match self.items.last().map(|item| &item.content) {
            Some(Content::CallOutput { .. }) => false,
            Some(Content::Message { role, .. }) => role != "assistant",
            _ => true,
        };
        let wish = Wish {
            offer: self.tools.offer.as_ref(),
            format: self.format.wanted(),
            users_turn,
            given: ground.given.first().and_then(Option::as_ref),
        };
        let form = content::decide(wish, &config.forms, &mut ground.rng);
        let mut completion = content::write(form, lengths, &config.forms, &mut ground.rng);
        completion.filter(&config.filters, &mut ground.rng);
        completion
    }

    /// What tools and a response schema add to the prompt.
    fn declared_tokens(&self, model: &Model) -> u64 {
        let in_input = || {
            let system = self.items.iter().find(|item| match &item.content {
                Content::Message { role, .. } => matches!(role.as_str(), "system" | "developer"),
                _ => false,
            });
            system.map(|item| item.texts().next().unwrap_or_default())
        };
        let system = self.instructions.as_deref().or_else(in_input);
        self.tools.prompt_tokens(model, system) + self.format.prompt_tokens(model, system.is_some())
    }

    fn output(
        &self,
        completion: Completion,
        family: &Family,
        ground: &mut Ground<'_>,
    ) -> Vec<Item> {
        let mut items = Vec::new();
        let reasoning = self.settings.reasoning;
        let thought = reasoning.effort.is_some_and(|effort| effort != Effort::None);
        if thought {
            let tokens = completion.reasoning_tokens;
            let summary = match reasoning.summary {
                Some(_) if 0 < tokens => summary(tokens, ground),
                _ => Vec::new(),
            };
            let sealed = self.encrypted_reasoning.then(|| sealed(tokens, &mut ground.ids));
            let id = family.id("rs", &mut ground.ids);
            items.push(Item { id, content: Output::Reasoning { summary, sealed } });
        }
        // As chat has it, what is blocked is not shown; of a stream, its beginning was.
        let hidden = completion.finish == Finish::ContentFilter && !self.stream;
        let Completion { pieces, said, .. } = completion;
        let mut add = |kind: &str, content: Output, ids: &mut Ids<ChaCha8Rng>| {
            items.push(Item { id: family.id(kind, ids), content });
        };
        match said {
            Said::Calls(calls) => {
                for (at, call) in calls.iter().enumerate() {
                    let end = calls.get(at + 1).map_or(pieces.len(), |next| next.from);
                    let arguments = pieces.get(call.from..end).unwrap_or_default().to_vec();
                    let (call_id, name) = (ground.ids.call(), call.name.clone());
                    add("fc", Output::Call { call_id, name, arguments }, &mut ground.ids);
                }
            }
            Said::Refusal | Said::Text if hidden => {}
            Said::Refusal => add("msg", Output::Refusal(pieces), &mut ground.ids),
            // A maximum that thinking used up leaves nothing to say.
            Said::Text if pieces.is_empty() && thought => {}
            Said::Text => add("msg", Output::Text(pieces), &mut ground.ids),
        }
        items
    }

    fn delivery(&self, answer: Arc<Answer>, ids: Ids<ChaCha8Rng>) -> Delivery {
        if self.stream {
            // Recorded streams of background responses are not padded.
            let padding = (self.obfuscation && !self.settings.background).then_some(ids);
            return Delivery::Stream(Box::new(Writer::new(answer, padding)));
        }
        if self.settings.background {
            return Delivery::Whole(document(&answer, &Stage::Queued));
        }
        Delivery::Timed(Box::new(move |timing| document(&answer, &Stage::Over(timing.over_second))))
    }

    fn record(
        &self,
        answer: &Arc<Answer>,
        family: &Family,
        ground: &mut Ground<'_>,
    ) -> Arc<Record> {
        let model = &ground.deployment.model;
        let instructions = history::instruction_tokens(self.instructions.as_deref(), model);
        let before = ground
            .prompt_tokens
            .saturating_sub(instructions)
            .saturating_sub(self.declared_tokens(model))
            .saturating_sub(model.overhead.reply as u64);
        let output = answer.as_input();
        let mut context = Context {
            tokens: before + history::tokens(&output, model),
            open_calls: self.context.open_calls.clone(),
        };
        context.follow(&self.items);
        context.follow(&output);
        let input = self
            .items
            .iter()
            .map(|item| {
                let mut item = item.clone();
                let prefix = item.prefix();
                item.id.get_or_insert_with(|| family.id(prefix, &mut ground.ids));
                item
            })
            .collect();
        Arc::new(Record::new(Arc::clone(answer), input, context, self.stream))
    }

    /// Characters of the prompt's texts.
    fn chars(&self) -> u64 {
        let items = self.items.iter().map(|item| match &item.content {
            Content::Message { parts, .. } | Content::CallOutput { parts, .. } => {
                parts.iter().map(|part| part.text().chars().count()).sum()
            }
            Content::Call { arguments, .. } => arguments.chars().count(),
            Content::Reasoning { .. } | Content::Reference | Content::Other { .. } => 0,
        });
        let instructions = self.instructions.as_deref().unwrap_or_default().chars().count();
        (items.sum::<usize>() + instructions) as u64
    }
}

pub(super) fn document(answer: &Answer, stage: &Stage) -> Document {
    Document::json(pretty(&answer.object(stage, true)))
}

/// Thoughts as their reader is told them: parts with a heading, a fifth as long.
fn summary(tokens: u64, ground: &mut Ground<'_>) -> Vec<Vec<Piece>> {
    let lengths = crate::config::CompletionLength {
        fill_max_tokens: false,
        mean: (tokens as f64 / 5.0).clamp(1.0, 400.0),
        sigma: 0.0,
        mean_reasoning: 0.0,
    };
    let lengths = Lengths {
        settings: &lengths,
        max_tokens: None,
        cap: tokens,
        stop: &[],
        encoding: ground.deployment.model.encoding,
    };
    let told = content::completion(lengths, &mut ground.rng).pieces;
    told.chunks(80).map(<[Piece]>::to_vec).collect()
}

/// Thoughts under seal: opaque text that grows with them.
fn sealed<R: Rng>(tokens: u64, ids: &mut Ids<R>) -> [String; 2] {
    let length = usize::try_from(tokens.min(4_096)).unwrap_or_default() * 12;
    [ids.sealed(700), ids.sealed(700 + length)]
}
