//! Server-sent events of chat and completions: what stands around the choices.
//!
//! A token is spliced into a template made once per request.

use std::fmt::Write as _;

use rand::Rng;

use super::answer::Answer;
use crate::config::Layout;
use crate::wire::Ids;

/// What the request wants of its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct StreamOptions {
    pub include_usage: bool,
    pub obfuscation: bool,
}

/// Writes the frame of every event of one answer.
pub(super) struct Envelope<R> {
    include_usage: bool,
    obfuscation: bool,
    /// The event of the prompt filter results.
    first: String,
    /// After the choices: `"created":…,"id":…,"model":…`.
    middle: String,
    /// After the padding: the object, and the fingerprint of chat.
    end: String,
    ids: Ids<R>,
}

impl<R: Rng> Envelope<R> {
    /// `end` is what follows the model; `prompts` of a completions request have a
    /// filter result each.
    pub(super) fn new(
        answer: &Answer<'_>,
        options: StreamOptions,
        prompts: usize,
        end: String,
        ids: Ids<R>,
    ) -> Self {
        let first = format!(
            "data: {{\"choices\":[],\"created\":0,\"id\":\"\",\"model\":\"\",\"object\":\"\",\"prompt_filter_results\":{}}}\n\n",
            answer.prompt_filters_json(prompts)
        );
        let middle = format!(
            r#","created":{},"id":"{}","model":"{}","#,
            answer.created, answer.id, answer.model
        );
        // Padding came in 2025, with the usage chunk's details.
        let obfuscation = options.obfuscation
            && options.include_usage
            && answer.profile.layout() != Layout::Azure2024;
        Self { include_usage: options.include_usage, obfuscation, first, middle, end, ids }
    }

    /// The first event: prompt filter results.
    pub(super) fn opening(&self, out: &mut String) {
        out.push_str(&self.first);
    }

    /// Ends an event whose choices are written.
    pub(super) fn close_event(&mut self, out: &mut String) {
        self.tail(out);
        out.push_str(if self.include_usage { ",\"usage\":null}\n\n" } else { "}\n\n" });
    }

    /// Usage, when it was asked for, and the end of the stream.
    pub(super) fn closing(&mut self, usage: &str, out: &mut String) {
        if self.include_usage {
            out.push_str("data: {\"choices\":[]");
            self.tail(out);
            let _ = write!(out, ",\"usage\":{usage}}}\n\n");
        }
        out.push_str("data: [DONE]\n\n");
    }

    fn tail(&mut self, out: &mut String) {
        out.push_str(&self.middle);
        if self.obfuscation {
            let padding = self.ids.obfuscation();
            let _ = write!(out, r#""obfuscation":"{padding}","#);
        }
        out.push_str(&self.end);
    }
}
