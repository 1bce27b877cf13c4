//! A chat completion as one (specification, sections 2.1 and 2.3).

use super::choice::{Choice, Writing};
use crate::api::answer::Answer;
use crate::api::object::{self, Object, array, json_string};
use crate::api::usage::{Timing, Usage};
use crate::config::{Layout, WireProfile};

/// The body of a chat completion, but for the usage that `timing` is part of.
pub(super) struct Body {
    profile: WireProfile,
    object: Object<'static>,
    usage: Usage,
}

impl Body {
    pub(super) fn new(
        answer: &Answer<'_>,
        writing: &Writing,
        choices: &[Choice],
        usage: Usage,
    ) -> Self {
        let layout = answer.layout();
        let list = array(choices.iter().enumerate().map(|(index, choice)| {
            let finish = json_string(choice.completion.finish.name());
            // What is blocked has no message at all.
            let findings = &choice.completion.findings;
            let message = (!findings.blocked()).then(|| ("message", writing.message(choice)));
            let logprobs = writing.logprobs(index, choice, 0..choice.completion.pieces.len());
            // Calls are not filtered.
            let filters =
                if choice.is_call() { "{}".into() } else { answer.completion_filters(findings) };
            answer.choice(index, message, &finish, &logprobs, &filters)
        }));
        let object = Object::new()
            .text("id", answer.id)
            .text("object", "chat.completion")
            .number("created", answer.created)
            .text("model", answer.model)
            .raw("choices", list);
        let openai = layout == Layout::OpenAi;
        let object = object
            .when(openai, |object| object.raw("usage", ""))
            .maybe("service_tier", answer.service_tier)
            .raw("system_fingerprint", answer.fingerprint_json())
            .when(!openai, |object| {
                object.raw("prompt_filter_results", answer.prompt_filters_json(1)).raw("usage", "")
            });
        Self { profile: answer.profile, object, usage }
    }

    pub(super) fn write(self, timing: Option<&Timing>) -> String {
        let layout = self.profile.layout();
        let usage = self.usage.chat_json(self.profile, timing);
        object::body(self.object.with("usage", usage).write(layout), layout)
    }
}
