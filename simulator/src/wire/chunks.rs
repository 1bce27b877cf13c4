//! Server-sent events of streamed answers, in the order Azure sends them:
//! prompt filter results, role, one event per token, finish, usage, `[DONE]`
//! (specification, section 2.4).
//!
//! A token is spliced into a template made once per request.

use std::fmt::Write as _;

use rand::Rng;

use super::ids::Ids;
use super::response::{Answer, SEVERITIES, Usage, json_string};
use crate::config::WireProfile;

/// Which object is streamed, and what the request wants of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChunkStyle {
    pub chat: bool,
    /// Prompts of a completions request.
    pub prompts: usize,
    pub include_usage: bool,
    pub obfuscation: bool,
}

/// Writes the events of one answer.
pub(crate) struct Chunks<R> {
    style: ChunkStyle,
    profile: WireProfile,
    first: String,
    /// After the choices: `"created":…,"id":…,"model":…`.
    middle: String,
    /// After the padding: the object and the fingerprint.
    end: String,
    ids: Ids<R>,
}

impl<R: Rng> Chunks<R> {
    pub(crate) fn new(answer: &Answer<'_>, style: ChunkStyle, ids: Ids<R>) -> Self {
        let first = format!(
            "data: {{\"choices\":[],\"created\":0,\"id\":\"\",\"model\":\"\",\"object\":\"\",\"prompt_filter_results\":{}}}\n\n",
            answer.prompt_filters_json(style.prompts)
        );
        let middle = format!(
            r#","created":{},"id":"{}","model":"{}","#,
            answer.created, answer.id, answer.model
        );
        let end = if style.chat {
            let fingerprint = answer.fingerprint_json();
            format!(r#""object":"chat.completion.chunk","system_fingerprint":{fingerprint}"#)
        } else {
            r#""object":"text_completion""#.to_owned()
        };
        // Padding came in 2025, with the usage chunk's details.
        let obfuscation = style.obfuscation
            && style.include_usage
            && style.chat
            && answer.profile == WireProfile::Documented;
        let style = ChunkStyle { obfuscation, ..style };
        Self { style, profile: answer.profile, first, middle, end, ids }
    }

    /// The first event: prompt filter results.
    pub(crate) fn opening(&self, out: &mut String) {
        out.push_str(&self.first);
    }

    /// The role of a chat choice; completions have none.
    pub(crate) fn role(&mut self, choice: usize, out: &mut String) {
        if !self.style.chat {
            return;
        }
        let delta = match self.profile {
            WireProfile::Documented => r#"{"content":"","refusal":null,"role":"assistant"}"#,
            WireProfile::Azure2024 => r#"{"content":"","role":"assistant"}"#,
        };
        self.chat_event("{}", delta, "null", choice, out);
    }

    /// One token.
    pub(crate) fn token(&mut self, choice: usize, piece: &str, out: &mut String) {
        let piece = json_string(piece);
        if self.style.chat {
            let delta = format!(r#"{{"content":{piece}}}"#);
            self.chat_event(SEVERITIES, &delta, "null", choice, out);
        } else {
            self.text_event(SEVERITIES, &piece, "null", choice, out);
        }
    }

    /// The end of a choice.
    pub(crate) fn finish(&mut self, choice: usize, reason: &str, out: &mut String) {
        let reason = format!("\"{reason}\"");
        if self.style.chat {
            self.chat_event("{}", "{}", &reason, choice, out);
        } else {
            self.text_event("{}", "\"\"", &reason, choice, out);
        }
    }

    /// Usage, when it was asked for, and the end of the stream.
    pub(crate) fn closing(&mut self, usage: Usage, out: &mut String) {
        if self.style.include_usage {
            out.push_str("data: {\"choices\":[]");
            self.tail(out);
            let usage =
                if self.style.chat { usage.chat_json(self.profile) } else { usage.totals_json() };
            let _ = write!(out, ",\"usage\":{usage}}}\n\n");
        }
        out.push_str("data: [DONE]\n\n");
    }

    fn chat_event(
        &mut self,
        filters: &str,
        delta: &str,
        finish: &str,
        choice: usize,
        out: &mut String,
    ) {
        let _ = write!(
            out,
            r#"data: {{"choices":[{{"content_filter_results":{filters},"delta":{delta},"finish_reason":{finish},"index":{choice},"logprobs":null}}]"#
        );
        self.close_event(out);
    }

    fn text_event(
        &mut self,
        filters: &str,
        text: &str,
        finish: &str,
        choice: usize,
        out: &mut String,
    ) {
        let _ = write!(
            out,
            r#"data: {{"choices":[{{"content_filter_results":{filters},"finish_reason":{finish},"index":{choice},"logprobs":null,"text":{text}}}]"#
        );
        self.close_event(out);
    }

    fn close_event(&mut self, out: &mut String) {
        self.tail(out);
        out.push_str(if self.style.include_usage { ",\"usage\":null}\n\n" } else { "}\n\n" });
    }

    fn tail(&mut self, out: &mut String) {
        out.push_str(&self.middle);
        if self.style.obfuscation {
            let padding = self.ids.obfuscation();
            let _ = write!(out, r#""obfuscation":"{padding}","#);
        }
        out.push_str(&self.end);
    }
}
