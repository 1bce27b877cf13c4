//! A chat completion as one (specification, sections 2.1 and 2.3).

use crate::api::answer::Answer;
use crate::api::object::{self, Object, array};
use crate::api::usage::{Timing, Usage};
use crate::config::{Layout, WireProfile};
use crate::content::Completion;

/// The body of a chat completion, but for the usage that `timing` is part of.
pub(super) struct Body {
    profile: WireProfile,
    object: Object,
    usage: Usage,
}

impl Body {
    pub(super) fn new(answer: &Answer<'_>, choices: &[Completion], usage: Usage) -> Self {
        let layout = answer.layout();
        let filters = answer.completion_filters();
        let list = array(choices.iter().enumerate().map(|(index, choice)| {
            let finish = format!("\"{}\"", choice.finish.name());
            let message = message(answer.profile, &choice.text());
            answer.choice(index, ("message", message), &finish, filters)
        }));
        let object = Object::new()
            .text("id", answer.id)
            .text("object", "chat.completion")
            .number("created", answer.created)
            .text("model", answer.model)
            .raw("choices", list);
        let openai = layout == Layout::OpenAi;
        let object = object
            .when(openai, |object| object.raw("usage", "").text("service_tier", "default"))
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

/// Of 2024 without refusal, of mid-2025 without annotations.
fn message(profile: WireProfile, text: &str) -> String {
    let refusal = profile != WireProfile::Azure2024;
    let annotations = refusal && profile != WireProfile::Azure2025;
    Object::new()
        .text("role", "assistant")
        .text("content", text)
        .when(refusal, |message| message.raw("refusal", "null"))
        .when(annotations, |message| message.raw("annotations", "[]"))
        .write(profile.layout())
}
