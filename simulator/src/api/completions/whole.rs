//! A legacy completion as one (specification, section 2.7).

use std::fmt::Write as _;

use super::choice::Choice;
use crate::api::answer::{Answer, comma, json_string};
use crate::api::usage::Usage;
use crate::content::Scorer;

/// The body of a legacy completion; choices of one prompt stand together.
pub(super) fn body(
    answer: &Answer<'_>,
    prompts: usize,
    choices: &[Choice],
    scorer: Option<&Scorer>,
    usage: Usage,
) -> String {
    let filters = answer.completion_filters();
    let mut list = String::new();
    for (index, choice) in choices.iter().enumerate() {
        let (comma, finish) = (comma(index), choice.completion.finish.name());
        let text = json_string(&choice.text());
        let logprobs = choice.logprobs(index, scorer);
        let _ = write!(
            list,
            r#"{comma}{{"content_filter_results":{filters},"finish_reason":"{finish}","index":{index},"logprobs":{logprobs},"text":{text}}}"#
        );
    }
    format!(
        "{{\"choices\":[{list}],\"created\":{},\"id\":\"{}\",\"model\":\"{}\",\"object\":\"text_completion\",\"prompt_filter_results\":{},\"usage\":{}}}\n",
        answer.created,
        answer.id,
        answer.model,
        answer.prompt_filters_json(prompts),
        usage.totals_json(),
    )
}
