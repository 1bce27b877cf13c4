//! What a chat prompt costs beyond the tokens of its texts.
//!
//! `prompt_tokens = sum over messages (3 + role + content + name) + 3`, with a
//! final 2 for the gpt-5 and o families; checked against several hundred
//! recorded replies (specification, section 6.1).

use crate::Encoding;

/// The constants of a model family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChatOverhead {
    /// Tokens each message adds to those of its texts.
    pub per_message: usize,
    /// Tokens that prime the reply, once a prompt.
    pub reply: usize,
}

impl ChatOverhead {
    /// The constants of a model, by its name.
    #[must_use]
    pub fn for_model(model: &str) -> Self {
        let model = model.to_ascii_lowercase();
        let newer = ["gpt-5", "o1", "o3", "o4"].iter().any(|family| {
            model
                .strip_prefix(family)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '.']))
        });
        Self { per_message: 3, reply: if newer { 2 } else { 3 } }
    }
}

/// The texts of one chat message.
#[derive(Clone, Copy, Debug)]
pub struct ChatMessage<'a> {
    /// `system`, `user`, …
    pub role: &'a str,
    /// The optional `name`; it costs its tokens and nothing more.
    pub name: Option<&'a str>,
    /// The content: one text, or the text parts of an array.
    pub content: &'a [&'a str],
}

/// `usage.prompt_tokens` of a chat request with these messages and no tools.
#[must_use]
pub fn chat_prompt_tokens<'a>(
    encoding: Encoding,
    overhead: ChatOverhead,
    messages: impl IntoIterator<Item = ChatMessage<'a>>,
) -> usize {
    let texts: usize = messages
        .into_iter()
        .map(|message| {
            let content: usize = message.content.iter().map(|text| encoding.count(text)).sum();
            let name = message.name.map_or(0, |name| encoding.count(name));
            overhead.per_message + encoding.count(message.role) + content + name
        })
        .sum();
    texts + overhead.reply
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(model: &str, messages: &[(&str, Option<&str>, &[&str])], expected: usize) {
        let encoding = Encoding::for_model(model).unwrap();
        let messages =
            messages.iter().map(|&(role, name, content)| ChatMessage { role, name, content });
        let counted = chat_prompt_tokens(encoding, ChatOverhead::for_model(model), messages);
        assert_eq!(counted, expected, "{model}");
    }

    #[test]
    fn prompts_cost_what_recordings_say() {
        // Recorded: gpt-4o 14, gpt-5-nano 11.
        check("gpt-4o", &[("user", None, &["What is the capital of France?"])], 14);
        check("gpt-5-nano", &[("user", None, &["Count r's in strawberry"])], 11);
        check("gpt-35-turbo", &[("user", None, &["What is the capital of France?"])], 14);
    }

    #[test]
    fn a_name_costs_its_tokens_only() {
        let name = Encoding::O200kBase.count("alice");
        check("gpt-4o", &[("user", Some("alice"), &["What is the capital of France?"])], 14 + name);
    }

    #[test]
    fn content_parts_add_up_and_an_empty_prompt_has_its_priming() {
        let parts: &[&str] = &["What is the capital", " of France?"];
        check("gpt-4o", &[("system", None, &[]), ("user", None, parts)], 4 + 14);
        check("gpt-4o", &[], 3);
        check("o3-mini", &[], 2);
        check("gpt-5.2", &[], 2);
    }
}
