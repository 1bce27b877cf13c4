//! Server-sent events of chat and completions: what stands around the choices.
//!
//! A token is spliced into a template made once per request.

use std::fmt::Write as _;

use rand::Rng;

use super::answer::Answer;
use super::object::{Object, json_string};
use crate::config::Layout;
use crate::wire::Ids;

/// What the request wants of its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct StreamOptions {
    pub include_usage: bool,
    pub obfuscation: bool,
}

/// What kind of events these are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Chat,
    Completions,
}

/// Where the padding goes, and the usage, in a template.
const PADDING: char = '\u{1}';
const USAGE: char = '\u{2}';

/// Writes the frame of every event of one answer.
pub(super) struct Envelope<R> {
    layout: Layout,
    obfuscation: bool,
    include_usage: bool,
    /// The event of the prompt filter results; OpenAI has none.
    first: String,
    /// Up to the choices.
    before: String,
    /// From after the choices: pieces between which padding and usage stand.
    after: Vec<Piece>,
    ids: Ids<R>,
}

enum Piece {
    Text(String),
    Padding,
    Usage,
}

impl<R: Rng> Envelope<R> {
    /// `prompts` of a completions request have a filter result each.
    pub(super) fn new(
        answer: &Answer<'_>,
        options: StreamOptions,
        prompts: usize,
        kind: Kind,
        ids: Ids<R>,
    ) -> Self {
        let layout = answer.layout();
        let first = match layout {
            Layout::OpenAi => String::new(),
            Layout::Azure | Layout::Azure2024 => format!(
                "data: {{\"choices\":[],\"created\":0,\"id\":\"\",\"model\":\"\",\"object\":\"\",\"prompt_filter_results\":{}}}\n\n",
                answer.prompt_filters_json(prompts)
            ),
        };
        // Azure pads since 2025, and only streams with usage; recorded for chat only.
        let obfuscation = options.obfuscation
            && kind == Kind::Chat
            && match layout {
                Layout::OpenAi => true,
                Layout::Azure => options.include_usage,
                Layout::Azure2024 => false,
            };
        let template = template(answer, options.include_usage, obfuscation, kind);
        let (before, after) = template.split_once("\"choices\":[]").unwrap_or_default();
        Self {
            layout,
            obfuscation,
            include_usage: options.include_usage,
            first,
            before: format!("data: {before}\"choices\":["),
            after: pieces(after),
            ids,
        }
    }

    /// The first event: prompt filter results.
    pub(super) fn opening(&self, out: &mut String) {
        out.push_str(&self.first);
    }

    /// Begins an event, up to its choices.
    pub(super) fn open_event(&self, out: &mut String) {
        out.push_str(&self.before);
    }

    /// An event about one choice: what it says, how it ended, and its
    /// probabilities, as JSON.
    pub(super) fn choice(
        &mut self,
        filters: Option<&str>,
        (key, says): (&str, &str),
        finish: &str,
        logprobs: &str,
        index: usize,
        out: &mut String,
    ) {
        self.open_event(out);
        if self.layout != Layout::OpenAi {
            out.push('{');
            if let Some(filters) = filters {
                let _ = write!(out, r#""content_filter_results":{filters},"#);
            }
        }
        let _ = match self.layout {
            Layout::OpenAi if key == "text" => write!(
                out,
                r#"{{"text":{says},"index":{index},"logprobs":{logprobs},"finish_reason":{finish}}}"#
            ),
            Layout::OpenAi => write!(
                out,
                r#"{{"index":{index},"{key}":{says},"logprobs":{logprobs},"finish_reason":{finish}}}"#
            ),
            Layout::Azure | Layout::Azure2024 if key == "delta" => write!(
                out,
                r#""delta":{says},"finish_reason":{finish},"index":{index},"logprobs":{logprobs}}}"#
            ),
            Layout::Azure | Layout::Azure2024 => write!(
                out,
                r#""finish_reason":{finish},"index":{index},"logprobs":{logprobs},"{key}":{says}}}"#
            ),
        };
        self.close_event(out);
    }

    /// Ends an event whose choices are written.
    pub(super) fn close_event(&mut self, out: &mut String) {
        self.close_with("null", out);
    }

    /// Usage, when it was asked for, and the end of the stream.
    pub(super) fn closing(&mut self, usage: &str, out: &mut String) {
        if self.include_usage {
            self.open_event(out);
            self.close_with(usage, out);
        }
        out.push_str("data: [DONE]\n\n");
    }

    fn close_with(&mut self, usage: &str, out: &mut String) {
        let padding = if self.obfuscation { self.ids.obfuscation() } else { String::new() };
        out.push(']');
        for piece in &self.after {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Padding => {
                    let _ = write!(out, "\"{padding}\"");
                }
                Piece::Usage => out.push_str(usage),
            }
        }
        out.push_str("\n\n");
    }
}

/// An event without choices, with marks for what changes.
fn template(answer: &Answer<'_>, usage: bool, obfuscation: bool, kind: Kind) -> String {
    let object = match kind {
        Kind::Chat => Object::new()
            .text("id", answer.id)
            .text("object", "chat.completion.chunk")
            .number("created", answer.created)
            .text("model", answer.model)
            .maybe("service_tier", answer.service_tier)
            .raw("system_fingerprint", answer.fingerprint_json())
            .raw("choices", "[]"),
        Kind::Completions => Object::new()
            .text("id", answer.id)
            .text("object", "text_completion")
            .number("created", answer.created)
            .raw("choices", "[]")
            .text("model", answer.model),
    };
    object
        .when(usage, |object| object.raw("usage", USAGE.to_string()))
        .when(obfuscation, |object| object.raw("obfuscation", PADDING.to_string()))
        .write(answer.layout())
}

fn pieces(after: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = after;
    while let Some(at) = rest.find([PADDING, USAGE]) {
        let (text, mark) = rest.split_at(at);
        pieces.push(Piece::Text(text.to_owned()));
        let padding = mark.starts_with(PADDING);
        pieces.push(if padding { Piece::Padding } else { Piece::Usage });
        rest = mark.get(1..).unwrap_or_default();
    }
    pieces.push(Piece::Text(rest.to_owned()));
    pieces
}

/// A token as a piece of the answer: `{"content":…}`.
pub(super) fn content(text: &str) -> String {
    format!(r#"{{"content":{}}}"#, json_string(text))
}
