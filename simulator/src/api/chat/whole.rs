//! A chat completion as one: a line with keys in alphabetical order and a final
//! newline (specification, sections 2.1 and 2.3).

use std::fmt::Write as _;

use crate::api::answer::{Answer, comma, json_string};
use crate::api::usage::Usage;
use crate::config::Layout;
use crate::content::Completion;

/// The body of a chat completion.
pub(super) fn body(answer: &Answer<'_>, choices: &[Completion], usage: Usage) -> String {
    let filters = answer.completion_filters();
    let mut list = String::new();
    for (index, choice) in choices.iter().enumerate() {
        let (comma, finish) = (comma(index), choice.finish.name());
        let content = json_string(&choice.text());
        let message = match answer.profile.layout() {
            Layout::Azure2024 => format!(r#"{{"content":{content},"role":"assistant"}}"#),
            Layout::Azure | Layout::OpenAi => format!(
                r#"{{"annotations":[],"content":{content},"refusal":null,"role":"assistant"}}"#
            ),
        };
        let _ = write!(
            list,
            r#"{comma}{{"content_filter_results":{filters},"finish_reason":"{finish}","index":{index},"logprobs":null,"message":{message}}}"#
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
