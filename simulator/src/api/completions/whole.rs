//! A legacy completion as one (specification, section 2.7).

use super::choice::Choice;
use crate::api::answer::Answer;
use crate::api::object::{self, Object, array, json_string};
use crate::api::usage::Usage;
use crate::config::Layout;
use crate::content::Scorer;

/// The body of a legacy completion; choices of one prompt stand together.
pub(super) fn body(
    answer: &Answer<'_>,
    prompts: usize,
    choices: &[Choice],
    scorer: Option<&Scorer>,
    usage: Usage,
) -> String {
    let layout = answer.layout();
    let list = array(choices.iter().enumerate().map(|(index, choice)| {
        let finish = format!("\"{}\"", choice.completion.finish.name());
        let logprobs = choice.logprobs(index, scorer);
        let findings = &choice.completion.findings;
        let text = if findings.blocked() { String::new() } else { choice.text() };
        let filters = answer.completion_filters(findings);
        answer.choice(index, Some(("text", json_string(&text))), &finish, &logprobs, &filters)
    }));
    let object = Object::new()
        .text("id", answer.id)
        .text("object", "text_completion")
        .number("created", answer.created)
        .text("model", answer.model)
        .raw("choices", list)
        .raw("usage", usage.totals_json(layout))
        .when(layout != Layout::OpenAi, |object| {
            object.raw("prompt_filter_results", answer.prompt_filters_json(prompts))
        });
    object::body(object.write(layout), layout)
}
