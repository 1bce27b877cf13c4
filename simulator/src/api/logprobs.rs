//! `logprobs`: read from requests of chat and of completions, written for both.

use std::fmt::Write as _;

use serde_json::Value;

use super::fields::{self, Fields, Parsed};
use super::object::json_string;
use crate::config::Layout;
use crate::content::{Likely, Scored};
use crate::wire::ApiError;

/// Alternatives that chat gives at most, and completions.
const MOST_TOP: u64 = 20;
const MOST_LEGACY_TOP: u64 = 5;

/// How many alternatives each token has; `None` when none are wanted.
pub(super) fn of_chat(fields: Fields<'_>) -> Parsed<Option<usize>> {
    let wanted = match fields.get("logprobs") {
        None => false,
        Some(Value::Bool(wanted)) => *wanted,
        Some(other) => return Err(fields::wrong_type("logprobs", "a boolean", other)),
    };
    let top = fields.whole("top_logprobs", 0, MOST_TOP)?;
    if top.is_some() && !wanted {
        let message = "Invalid value for 'top_logprobs': 'top_logprobs' is only allowed when 'logprobs' is enabled.";
        return Err(ApiError::invalid_request(message, Some("top_logprobs"), None));
    }
    Ok(wanted.then_some(count(top)))
}

/// The same for legacy completions, where the number says both.
pub(super) fn of_completions(fields: Fields<'_>) -> Parsed<Option<usize>> {
    Ok(fields.whole("logprobs", 0, MOST_LEGACY_TOP)?.map(|top| count(Some(top))))
}

fn count(top: Option<u64>) -> usize {
    top.and_then(|top| usize::try_from(top).ok()).unwrap_or(0)
}

/// Whose tokens they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Content,
    Refusal,
}

/// The `logprobs` object of a chat choice or chunk.
pub(super) fn chat_json(scored: &[Scored], of: Of, layout: Layout) -> String {
    let mut list = String::from("[");
    for (index, token) in scored.iter().enumerate() {
        let top: Vec<String> =
            token.top.iter().map(|likely| likely_json(likely, None, layout)).collect();
        let top = format!("[{}]", top.join(","));
        let _ = write!(list, "{}{}", comma(index), likely_json(&token.chosen, Some(&top), layout));
    }
    list.push(']');
    match of {
        Of::Content => format!(r#"{{"content":{list},"refusal":null}}"#),
        Of::Refusal => format!(r#"{{"content":null,"refusal":{list}}}"#),
    }
}

fn likely_json(likely: &Likely, top: Option<&str>, layout: Layout) -> String {
    let bytes: Vec<String> = likely.bytes.iter().map(u8::to_string).collect();
    let bytes = bytes.join(",");
    let token = json_string(&likely.text());
    let logprob = likely.logprob;
    let top = top.map(|top| format!(r#","top_logprobs":{top}"#)).unwrap_or_default();
    match layout {
        Layout::OpenAi => {
            format!(r#"{{"token":{token},"logprob":{logprob:?},"bytes":[{bytes}]{top}}}"#)
        }
        Layout::Azure | Layout::Azure2024 => {
            format!(r#"{{"bytes":[{bytes}],"logprob":{logprob:?},"token":{token}{top}}}"#)
        }
    }
}

/// The tokens of a legacy choice or chunk. `None` for the probability of the first
/// token of an echoed prompt, before which nothing stands.
pub(super) struct LegacyToken<'a> {
    pub scored: &'a Scored,
    pub first: bool,
}

/// The `logprobs` object of a legacy choice: parallel lists. `offset` is the first
/// token's place, in characters of prompt and text together.
pub(super) fn legacy_json(tokens: &[LegacyToken<'_>], offset: usize) -> String {
    let mut at = offset;
    let (mut offsets, mut probabilities, mut texts, mut tops) =
        (String::new(), String::new(), String::new(), String::new());
    for (index, LegacyToken { scored, first }) in tokens.iter().enumerate() {
        let comma = comma(index);
        let _ = write!(offsets, "{comma}{at}");
        at += String::from_utf8_lossy(&scored.chosen.bytes).chars().count();
        let _ = write!(texts, "{comma}{}", json_string(&scored.chosen.text()));
        if *first {
            let _ = write!(probabilities, "{comma}null");
            let _ = write!(tops, "{comma}null");
            continue;
        }
        let _ = write!(probabilities, "{comma}{:?}", scored.chosen.logprob);
        let top: Vec<String> = scored
            .top
            .iter()
            .map(|likely| format!("{}:{:?}", json_string(&likely.text()), likely.logprob))
            .collect();
        let _ = write!(tops, "{comma}{{{}}}", top.join(","));
    }
    let tops = if tokens.iter().any(|token| !token.scored.top.is_empty()) {
        format!("[{tops}]")
    } else {
        "null".to_owned()
    };
    format!(
        r#"{{"text_offset":[{offsets}],"token_logprobs":[{probabilities}],"tokens":[{texts}],"top_logprobs":{tops}}}"#
    )
}

fn comma(index: usize) -> &'static str {
    if index == 0 { "" } else { "," }
}
