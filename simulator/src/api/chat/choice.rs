//! A choice and the pieces of JSON it is written in: calls, content, refusals,
//! probabilities. Whole answers and chunks share them.

use std::fmt::Write as _;

use crate::api::answer::{comma, json_string};
use crate::api::logprobs::{self, Of};
use crate::config::Layout;
use crate::content::{Completion, Dialect, Said, Scorer};

/// One choice of an answer.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    pub completion: Completion,
    /// An identifier for each of its calls.
    pub call_ids: Vec<String>,
}

/// How choices are written.
#[derive(Debug, Clone)]
pub(super) struct Writing {
    pub layout: Layout,
    pub dialect: Dialect,
    /// Gives probabilities, if the request wants them.
    pub scorer: Option<Scorer>,
}

impl Choice {
    /// The place of the call whose arguments a piece belongs to.
    pub(super) fn call_of(&self, piece: usize) -> Option<usize> {
        match &self.completion.said {
            Said::Calls(calls) => calls.partition_point(|call| call.from <= piece).checked_sub(1),
            Said::Text | Said::Refusal => None,
        }
    }

    /// Whether a piece is the first of its call.
    pub(super) fn starts_call(&self, piece: usize) -> bool {
        match &self.completion.said {
            Said::Calls(calls) => calls.iter().any(|call| call.from == piece),
            Said::Text | Said::Refusal => false,
        }
    }

    pub(super) fn is_call(&self) -> bool {
        matches!(self.completion.said, Said::Calls(_))
    }
}

impl Writing {
    /// The first chunk of a call in a stream: who is called, and no arguments yet.
    pub(super) fn call_start(&self, choice: &Choice, call: usize) -> String {
        let Said::Calls(calls) = &choice.completion.said else { return String::new() };
        let name = json_string(calls.get(call).map_or("", |call| &call.name));
        let id = choice.call_ids.get(call).map_or("", String::as_str);
        match (self.dialect, self.layout) {
            (Dialect::Functions, Layout::OpenAi) => {
                format!(r#""function_call":{{"name":{name},"arguments":""}}"#)
            }
            (Dialect::Functions, _) => {
                format!(r#""function_call":{{"arguments":"","name":{name}}}"#)
            }
            (Dialect::Tools, Layout::OpenAi) => format!(
                r#""tool_calls":[{{"index":{call},"id":"{id}","type":"function","function":{{"name":{name},"arguments":""}}}}]"#
            ),
            (Dialect::Tools, _) => format!(
                r#""tool_calls":[{{"function":{{"arguments":"","name":{name}}},"id":"{id}","index":{call},"type":"function"}}]"#
            ),
        }
    }

    /// The first chunk of a choice: its role. Azure says with it whom the first call
    /// calls; OpenAI says that in a chunk of its own.
    pub(super) fn role(&self, choice: &Choice) -> String {
        let (content, refusal) = match &choice.completion.said {
            Said::Text => ("\"\"", "null"),
            Said::Refusal => ("null", "\"\""),
            Said::Calls(_) => ("null", "null"),
        };
        let merged = choice.is_call() && self.layout != Layout::OpenAi;
        let call = if merged { self.call_start(choice, 0) } else { String::new() };
        let (before, after) = self.around(call);
        match self.layout {
            Layout::Azure2024 => {
                format!(r#"{{"content":{content},{before}"role":"assistant"{after}}}"#)
            }
            Layout::Azure => format!(
                r#"{{"content":{content},{before}"refusal":{refusal},"role":"assistant"{after}}}"#
            ),
            Layout::OpenAi => {
                format!(r#"{{"role":"assistant","content":{content},"refusal":{refusal}}}"#)
            }
        }
    }

    /// A call's member of an object in alphabetical order, before and after the role:
    /// `function_call` precedes it, `tool_calls` follow it.
    fn around(&self, member: String) -> (String, String) {
        match self.dialect {
            _ if member.is_empty() => (String::new(), String::new()),
            Dialect::Functions => (member + ",", String::new()),
            Dialect::Tools => (String::new(), format!(",{member}")),
        }
    }

    /// A chunk's fragment of a call's arguments.
    pub(super) fn call_arguments(&self, call: usize, fragment: &str) -> String {
        let fragment = json_string(fragment);
        match (self.dialect, self.layout) {
            (Dialect::Functions, _) => format!(r#""function_call":{{"arguments":{fragment}}}"#),
            (Dialect::Tools, Layout::OpenAi) => {
                format!(
                    r#""tool_calls":[{{"index":{call},"function":{{"arguments":{fragment}}}}}]"#
                )
            }
            (Dialect::Tools, _) => {
                format!(
                    r#""tool_calls":[{{"function":{{"arguments":{fragment}}},"index":{call}}}]"#
                )
            }
        }
    }

    /// The message of a whole answer.
    pub(super) fn message(&self, choice: &Choice) -> String {
        let Choice { completion, .. } = choice;
        let text = json_string(&completion.text());
        let (content, refusal) = match &completion.said {
            Said::Text => (text.as_str(), "null"),
            Said::Refusal => ("null", text.as_str()),
            Said::Calls(_) => ("null", "null"),
        };
        let calls = self.calls(choice);
        if self.layout == Layout::OpenAi {
            let calls = if calls.is_empty() { calls } else { format!(",{calls}") };
            return format!(
                r#"{{"role":"assistant","content":{content}{calls},"refusal":{refusal},"annotations":[]}}"#
            );
        }
        let (before, after) = self.around(calls);
        match self.layout {
            Layout::Azure2024 => {
                format!(r#"{{"content":{content},{before}"role":"assistant"{after}}}"#)
            }
            Layout::Azure | Layout::OpenAi => format!(
                r#"{{"annotations":[],"content":{content},{before}"refusal":{refusal},"role":"assistant"{after}}}"#
            ),
        }
    }

    /// The member of a message that holds its calls; nothing without calls.
    fn calls(&self, choice: &Choice) -> String {
        let Said::Calls(calls) = &choice.completion.said else { return String::new() };
        let mut list = String::new();
        for (index, call) in calls.iter().enumerate() {
            let name = json_string(&call.name);
            let arguments = json_string(&choice.completion.arguments(index));
            let id = choice.call_ids.get(index).map_or("", String::as_str);
            let function = match self.layout {
                Layout::OpenAi => format!(r#"{{"name":{name},"arguments":{arguments}}}"#),
                Layout::Azure | Layout::Azure2024 => {
                    format!(r#"{{"arguments":{arguments},"name":{name}}}"#)
                }
            };
            let comma = comma(index);
            let _ = match (self.dialect, self.layout) {
                (Dialect::Functions, _) => return format!(r#""function_call":{function}"#),
                (Dialect::Tools, Layout::OpenAi) => write!(
                    list,
                    r#"{comma}{{"id":"{id}","type":"function","function":{function}}}"#
                ),
                (Dialect::Tools, _) => write!(
                    list,
                    r#"{comma}{{"function":{function},"id":"{id}","type":"function"}}"#
                ),
            };
        }
        format!(r#""tool_calls":[{list}]"#)
    }

    /// `logprobs` of some pieces of a choice: null when nobody wants them, and for
    /// the arguments of calls.
    pub(super) fn logprobs(
        &self,
        place: usize,
        choice: &Choice,
        pieces: std::ops::Range<usize>,
    ) -> String {
        let of = match choice.completion.said {
            Said::Text => Of::Content,
            Said::Refusal => Of::Refusal,
            Said::Calls(_) => return "null".to_owned(),
        };
        let Some(scorer) = &self.scorer else { return "null".to_owned() };
        let from = pieces.start;
        let texts = choice.completion.pieces.get(pieces).unwrap_or_default();
        let scored: Vec<_> = texts
            .iter()
            .enumerate()
            .flat_map(|(index, piece)| scorer.score(place, from + index, piece))
            .collect();
        logprobs::chat_json(&scored, of, self.layout)
    }
}
