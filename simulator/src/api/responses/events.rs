//! Events of a streamed response (specification, section 2.6): numbered without
//! gaps, no `[DONE]`, keys in the era's order.

use std::fmt::Write as _;
use std::sync::Arc;

use rand::Rng;

use super::answer::{Answer, Item, Output};
use super::era::Era;
use super::object::{Shown, Stage, refusal_part, summary_part, text_part};
use crate::api::call::Events;
use crate::api::object::json_string;
use crate::api::usage::Timing;
use crate::wire::Ids;

/// Writes the events of one response.
pub(super) struct Writer<R> {
    answer: Arc<Answer>,
    /// Pads the deltas, when they are to be padded.
    padding: Option<Ids<R>>,
    /// Events up to this one are counted, not written.
    after: Option<u64>,
    sequence: u64,
    /// The item being written, and the piece that comes next in it.
    item: usize,
    piece: usize,
    /// The part of a summary, and the piece that comes next in it.
    part: usize,
    part_piece: usize,
    /// The second at which the response is over.
    over_second: u64,
}

/// A value in an event.
#[derive(Clone, Copy)]
enum Value<'a> {
    Number(u64),
    /// To be quoted.
    Text(&'a str),
    /// JSON already.
    Json(&'a str),
}

use Value::{Json, Number, Text};

/// Where the number of the event goes.
const SEQUENCE: (&str, Value<'static>) = ("sequence_number", Number(0));

impl<R: Rng> Writer<R> {
    /// `padding` draws what pads the deltas.
    pub(super) fn new(answer: Arc<Answer>, padding: Option<Ids<R>>) -> Self {
        let over_second = answer.created;
        Self {
            answer,
            padding,
            after: None,
            sequence: 0,
            item: 0,
            piece: 0,
            part: 0,
            part_piece: 0,
            over_second,
        }
    }

    /// Leaves out the events up to this one.
    pub(super) fn after(mut self, sequence: Option<u64>) -> Self {
        self.after = sequence;
        self
    }

    /// Knows when the response is over.
    pub(super) fn over_at(mut self, second: u64) -> Self {
        self.over_second = second;
        self
    }

    /// One event. `fields` are in the order of 2025, with [`SEQUENCE`] first.
    fn event(&mut self, name: &str, fields: &mut [(&str, Value<'_>)], out: &mut String) {
        let sequence = self.sequence;
        self.sequence += 1;
        if self.after.is_some_and(|after| sequence <= after) {
            return;
        }
        if self.answer.era == Era::Y2026 {
            fields.sort_unstable_by_key(|&(key, _)| key);
        }
        let _ = write!(out, "event: {name}\ndata: {{\"type\":\"{name}\"");
        for (key, value) in fields {
            let _ = match value {
                Number(_) if *key == SEQUENCE.0 => write!(out, ",\"{key}\":{sequence}"),
                Number(number) => write!(out, ",\"{key}\":{number}"),
                Text(text) => write!(out, ",\"{key}\":{}", json_string(text)),
                Json(json) => write!(out, ",\"{key}\":{json}"),
            };
        }
        out.push_str("}\n\n");
    }

    fn response(&mut self, name: &str, stage: &Stage, out: &mut String) {
        let object = self.answer.object(stage, false);
        self.event(name, &mut [SEQUENCE, ("response", Json(&object))], out);
    }

    /// The response has failed: the last event of a stream that goes wrong.
    #[cfg_attr(not(test), expect(dead_code, reason = "until faults end streams"))]
    pub(super) fn failed(&mut self, code: &str, message: &str, out: &mut String) {
        let stage = Stage::Failed { code: code.to_owned(), message: message.to_owned() };
        self.response("response.failed", &stage, out);
    }

    /// Begins items until one waits for a token, ending those that have none.
    fn begin_items(&mut self, answer: &Answer, out: &mut String) {
        while let Some(item) = answer.items.get(self.item) {
            self.begin(item, out);
            if 0 < item.content.pieces() {
                return;
            }
            self.end(item, out);
        }
    }

    fn item_event(&mut self, name: &str, item: &Item, shown: Shown, out: &mut String) {
        let mut text = String::new();
        self.answer.write_item(item, shown, &mut text);
        let index = Number(self.item as u64);
        self.event(name, &mut [SEQUENCE, ("output_index", index), ("item", Json(&text))], out);
    }

    fn begin(&mut self, item: &Item, out: &mut String) {
        (self.piece, self.part, self.part_piece) = (0, 0, 0);
        self.item_event("response.output_item.added", item, Shown::Begun, out);
        let part = match item.content {
            Output::Text(_) => text_part(""),
            Output::Refusal(_) => refusal_part(""),
            Output::Reasoning { .. } | Output::Call { .. } => return,
        };
        self.part_event("response.content_part.added", item, &part, out);
    }

    fn part_event(&mut self, name: &str, item: &Item, part: &str, out: &mut String) {
        let mut fields = [
            SEQUENCE,
            ("item_id", Text(&item.id)),
            ("output_index", Number(self.item as u64)),
            ("content_index", Number(0)),
            ("part", Json(part)),
        ];
        self.event(name, &mut fields, out);
    }

    fn summary_event(
        &mut self,
        name: &str,
        item: &Item,
        rest: (&str, Value<'_>),
        out: &mut String,
    ) {
        let mut fields = [
            SEQUENCE,
            ("item_id", Text(&item.id)),
            ("output_index", Number(self.item as u64)),
            ("summary_index", Number(self.part as u64)),
            rest,
        ];
        self.event(name, &mut fields, out);
    }

    /// The next piece of an item.
    fn delta(&mut self, item: &Item, out: &mut String) {
        let index = Number(self.item as u64);
        let id = ("item_id", Text(&item.id));
        match &item.content {
            Output::Text(pieces) => {
                let Some(piece) = pieces.get(self.piece) else { return };
                let padding = self.pad(piece);
                let mut fields = [
                    SEQUENCE,
                    id,
                    ("output_index", index),
                    ("content_index", Number(0)),
                    ("delta", Text(piece)),
                    ("logprobs", Json("[]")),
                    ("obfuscation", Text(padding.as_deref().unwrap_or_default())),
                ];
                self.padded("response.output_text.delta", &mut fields, padding.is_some(), out);
            }
            Output::Call { arguments, .. } => {
                let Some(piece) = arguments.get(self.piece) else { return };
                let padding = self.pad(piece);
                let mut fields = [
                    SEQUENCE,
                    id,
                    ("output_index", index),
                    ("delta", Text(piece)),
                    ("obfuscation", Text(padding.as_deref().unwrap_or_default())),
                ];
                let name = "response.function_call_arguments.delta";
                self.padded(name, &mut fields, padding.is_some(), out);
            }
            // Recorded refusals are not padded.
            Output::Refusal(pieces) => {
                let Some(piece) = pieces.get(self.piece) else { return };
                let mut fields = [
                    SEQUENCE,
                    id,
                    ("output_index", index),
                    ("content_index", Number(0)),
                    ("delta", Text(piece)),
                ];
                self.event("response.refusal.delta", &mut fields, out);
            }
            Output::Reasoning { summary, .. } => self.summary_delta(item, summary, out),
        }
        self.piece += 1;
    }

    fn summary_delta(
        &mut self,
        item: &Item,
        summary: &[Vec<super::answer::Piece>],
        out: &mut String,
    ) {
        let Some(part) = summary.get(self.part) else { return };
        if self.part_piece == 0 {
            let empty = summary_part("");
            let added = "response.reasoning_summary_part.added";
            self.summary_event(added, item, ("part", Json(&empty)), out);
        }
        let Some(piece) = part.get(self.part_piece) else { return };
        let padding = self.pad(piece);
        let mut fields = [
            SEQUENCE,
            ("item_id", Text(&item.id)),
            ("output_index", Number(self.item as u64)),
            ("summary_index", Number(self.part as u64)),
            ("delta", Text(piece)),
            ("obfuscation", Text(padding.as_deref().unwrap_or_default())),
        ];
        let name = "response.reasoning_summary_text.delta";
        self.padded(name, &mut fields, padding.is_some(), out);
        self.part_piece += 1;
        if self.part_piece < part.len() {
            return;
        }
        let text = part.concat();
        self.summary_event(
            "response.reasoning_summary_text.done",
            item,
            ("text", Text(&text)),
            out,
        );
        let done = summary_part(&text);
        self.summary_event(
            "response.reasoning_summary_part.done",
            item,
            ("part", Json(&done)),
            out,
        );
        (self.part, self.part_piece) = (self.part + 1, 0);
    }

    /// An event whose last field is the padding, if there is any.
    fn padded(
        &mut self,
        name: &str,
        fields: &mut [(&str, Value<'_>)],
        padded: bool,
        out: &mut String,
    ) {
        let end = if padded { fields.len() } else { fields.len().saturating_sub(1) };
        if let Some(fields) = fields.get_mut(..end) {
            self.event(name, fields, out);
        }
    }

    /// What makes the delta as long as any other of 1 to 16 characters.
    fn pad(&mut self, piece: &str) -> Option<String> {
        let length = (16 - piece.chars().count() % 16) % 16;
        self.padding.as_mut().map(|ids| ids.padding(length))
    }

    /// Ends an item whose pieces are all written.
    fn end(&mut self, item: &Item, out: &mut String) {
        let index = Number(self.item as u64);
        let id = ("item_id", Text(&item.id));
        match &item.content {
            Output::Reasoning { .. } => {}
            Output::Text(pieces) => {
                let text = pieces.concat();
                let mut fields = [
                    SEQUENCE,
                    id,
                    ("output_index", index),
                    ("content_index", Number(0)),
                    ("text", Text(&text)),
                    ("logprobs", Json("[]")),
                ];
                self.event("response.output_text.done", &mut fields, out);
                self.part_event("response.content_part.done", item, &text_part(&text), out);
            }
            Output::Refusal(pieces) => {
                let text = pieces.concat();
                let mut fields = [
                    SEQUENCE,
                    id,
                    ("output_index", index),
                    ("content_index", Number(0)),
                    ("refusal", Text(&text)),
                ];
                self.event("response.refusal.done", &mut fields, out);
                self.part_event("response.content_part.done", item, &refusal_part(&text), out);
            }
            Output::Call { arguments, .. } => {
                let text = arguments.concat();
                let mut fields =
                    [SEQUENCE, id, ("output_index", index), ("arguments", Text(&text))];
                self.event("response.function_call_arguments.done", &mut fields, out);
            }
        }
        self.item_event("response.output_item.done", item, Shown::Done, out);
        self.item += 1;
    }
}

impl<R: Rng + Send> Events for Writer<R> {
    fn open(&mut self, out: &mut String) {
        let answer = Arc::clone(&self.answer);
        if answer.settings.background {
            self.response("response.created", &Stage::Queued, out);
            self.response("response.queued", &Stage::Queued, out);
        } else {
            self.response("response.created", &Stage::InProgress, out);
        }
        self.response("response.in_progress", &Stage::InProgress, out);
        // Thoughts begin at once; what else there is begins with its first token.
        if let Some(item) = answer.items.first()
            && matches!(item.content, Output::Reasoning { .. })
        {
            self.begin(item, out);
        }
    }

    fn token(&mut self, _choice: usize, index: usize, out: &mut String) {
        let answer = Arc::clone(&self.answer);
        if index == 0 {
            // Thoughts that show nothing end here.
            match answer.items.first() {
                Some(item) if matches!(item.content, Output::Reasoning { .. }) => {
                    if item.content.pieces() == 0 {
                        self.end(item, out);
                        self.begin_items(&answer, out);
                    }
                }
                _ => self.begin_items(&answer, out),
            }
        }
        let Some(item) = answer.items.get(self.item) else { return };
        self.delta(item, out);
        if self.piece == item.content.pieces() {
            self.end(item, out);
            self.begin_items(&answer, out);
        }
    }

    fn opens_early(&self) -> bool {
        true
    }

    fn timed(&mut self, timing: &Timing) {
        self.over_second = timing.over_second;
    }

    fn close(&mut self, out: &mut String) {
        let answer = Arc::clone(&self.answer);
        if answer.pieces() == 0 {
            // No token ever came: items without any still begin and end.
            if let Some(item) = answer.items.first()
                && matches!(item.content, Output::Reasoning { .. })
            {
                self.end(item, out);
            }
            self.begin_items(&answer, out);
        }
        let name =
            if answer.incomplete.is_some() { "response.incomplete" } else { "response.completed" };
        self.response(name, &Stage::Over(self.over_second), out);
    }
}
