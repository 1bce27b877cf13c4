//! A choice and the pieces of JSON it is written in: calls, content, refusals,
//! probabilities. Whole answers and chunks share them.

use crate::api::logprobs::{self, Of};
use crate::api::object::{Object, array, json_string};
use crate::config::{Layout, WireProfile};
use crate::content::{Completion, Dialect, Said, Scorer};
use crate::filter::Mode;

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
    pub profile: WireProfile,
    pub dialect: Dialect,
    /// When filters of a stream speak, and the length of the prompt in characters,
    /// from which their offsets count.
    pub mode: Mode,
    pub before: usize,
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

    /// Name and identifier of a call.
    fn call(&self, call: usize) -> (&str, &str) {
        let name = match &self.completion.said {
            Said::Calls(calls) => calls.get(call).map_or("", |call| &call.name),
            Said::Text | Said::Refusal => "",
        };
        (name, self.call_ids.get(call).map_or("", String::as_str))
    }

    pub(super) fn is_call(&self) -> bool {
        matches!(self.completion.said, Said::Calls(_))
    }
}

impl Writing {
    /// The first chunk of a call in a stream: who is called, and no arguments yet.
    pub(super) fn call_start(&self, choice: &Choice, call: usize) -> String {
        let (key, first) = self.first_of(choice, call);
        Object::new().raw(key, first).write(self.layout())
    }

    fn first_of(&self, choice: &Choice, call: usize) -> (&'static str, String) {
        let (name, id) = choice.call(call);
        let function = Object::new().text("name", name).text("arguments", "").write(self.layout());
        match self.dialect {
            Dialect::Functions => ("function_call", function),
            Dialect::Tools => {
                let call = Object::new()
                    .number("index", call as u64)
                    .text("id", id)
                    .text("type", "function")
                    .raw("function", function);
                ("tool_calls", array([call.write(self.layout())]))
            }
        }
    }

    pub(super) fn layout(&self) -> Layout {
        self.profile.layout()
    }

    /// The first chunk of a choice: its role. Azure says with it whom the first call
    /// calls; OpenAI says that in a chunk of its own.
    pub(super) fn role(&self, choice: &Choice) -> String {
        let (content, refusal) = match &choice.completion.said {
            Said::Text => ("\"\"", "null"),
            Said::Refusal => ("null", "\"\""),
            Said::Calls(_) => ("null", "null"),
        };
        let merged = choice.is_call() && self.layout() != Layout::OpenAi;
        Object::new()
            .text("role", "assistant")
            .raw("content", content)
            .when(self.layout() != Layout::Azure2024, |delta| delta.raw("refusal", refusal))
            .when(merged, |delta| {
                let (key, call) = self.first_of(choice, 0);
                delta.raw(key, call)
            })
            .write(self.layout())
    }

    /// A chunk's fragment of a call's arguments.
    pub(super) fn call_arguments(&self, call: usize, fragment: &str) -> String {
        let function = Object::new().text("arguments", fragment).write(self.layout());
        let delta = match self.dialect {
            Dialect::Functions => Object::new().raw("function_call", function),
            Dialect::Tools => {
                let call = Object::new().number("index", call as u64).raw("function", function);
                Object::new().raw("tool_calls", array([call.write(self.layout())]))
            }
        };
        delta.write(self.layout())
    }

    /// The message of a whole answer: of 2024 without refusal and annotations. A
    /// recording of March 2025 lacks the latter alone, those since August have them.
    pub(super) fn message(&self, choice: &Choice) -> String {
        let text = json_string(&choice.completion.text());
        let (content, refusal) = match &choice.completion.said {
            Said::Text => (text.as_str(), "null"),
            Said::Refusal => ("null", text.as_str()),
            Said::Calls(_) => ("null", "null"),
        };
        let newer = self.profile != WireProfile::Azure2024;
        Object::new()
            .text("role", "assistant")
            .raw("content", content)
            .when(choice.is_call(), |message| {
                let (key, calls) = self.calls(choice);
                message.raw(key, calls)
            })
            .when(newer, |message| message.raw("refusal", refusal))
            .when(newer, |message| message.raw("annotations", "[]"))
            .write(self.layout())
    }

    /// The member of a message that holds its calls.
    fn calls(&self, choice: &Choice) -> (&'static str, String) {
        let function = |call: usize| {
            let arguments = choice.completion.arguments(call);
            let function = Object::new().text("name", choice.call(call).0);
            function.text("arguments", &arguments).write(self.layout())
        };
        match self.dialect {
            Dialect::Functions => ("function_call", function(0)),
            Dialect::Tools => {
                let calls = (0..choice.call_ids.len()).map(|call| {
                    Object::new()
                        .text("id", choice.call(call).1)
                        .text("type", "function")
                        .raw("function", function(call))
                        .write(self.layout())
                });
                ("tool_calls", array(calls))
            }
        }
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
        logprobs::chat_json(&scored, of, self.layout())
    }
}
