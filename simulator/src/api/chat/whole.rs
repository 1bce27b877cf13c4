//! A chat completion as one: a line with keys in alphabetical order and a final
//! newline (specification, sections 2.1 and 2.3).

use std::fmt::Write as _;

use super::choice::{Choice, Writing};
use crate::api::answer::{Answer, comma};
use crate::api::usage::Usage;

/// The body of a chat completion.
pub(super) fn body(
    answer: &Answer<'_>,
    writing: &Writing,
    choices: &[Choice],
    usage: Usage,
) -> String {
    let mut list = String::new();
    for (index, choice) in choices.iter().enumerate() {
        let (comma, finish) = (comma(index), choice.completion.finish.name());
        // Calls are not filtered.
        let filters = if choice.is_call() { "{}" } else { answer.completion_filters() };
        let logprobs = writing.logprobs(index, choice, 0..choice.completion.pieces.len());
        let message = writing.message(choice);
        let _ = write!(
            list,
            r#"{comma}{{"content_filter_results":{filters},"finish_reason":"{finish}","index":{index},"logprobs":{logprobs},"message":{message}}}"#
        );
    }
    format!(
        "{{\"choices\":[{list}],\"created\":{},\"id\":\"{}\",\"model\":\"{}\",\"object\":\"chat.completion\",\"prompt_filter_results\":{},\"system_fingerprint\":{},\"usage\":{}}}\n",
        answer.created,
        answer.id,
        answer.model,
        answer.prompt_filters_json(1),
        answer.fingerprint_json(),
        usage.chat_json(answer.profile),
    )
}
