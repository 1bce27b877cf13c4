//! A legacy completion as one (specification, section 2.7).

use crate::api::answer::Answer;
use crate::api::object::{self, Object, array, json_string};
use crate::api::usage::Usage;
use crate::config::Layout;
use crate::content::Completion;

/// The body of a legacy completion; choices of one prompt stand together.
pub(super) fn body(
    answer: &Answer<'_>,
    prompts: usize,
    choices: &[Completion],
    usage: Usage,
) -> String {
    let layout = answer.layout();
    let filters = answer.completion_filters();
    let list = array(choices.iter().enumerate().map(|(index, choice)| {
        let finish = format!("\"{}\"", choice.finish.name());
        answer.choice(index, ("text", json_string(&choice.text())), &finish, filters)
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
