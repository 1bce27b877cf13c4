//! Events of a streamed chat completion, in the order Azure sends them: prompt
//! filter results, role, one event per token, finish, usage, `[DONE]`
//! (specification, section 2.4).

use rand::Rng;

use super::choice::{Choice, Writing};
use crate::api::annotations::Annotations;
use crate::api::answer::Answer;
use crate::api::call::Events;
use crate::api::envelope::{Envelope, Kind, StreamOptions, content};
use crate::api::object::json_string;
use crate::api::usage::{Timing, Usage};
use crate::config::{Layout, WireProfile};
use crate::content::Said;
use crate::wire::Ids;

/// Writes the events of one answer.
pub(super) struct Chunks<R> {
    envelope: Envelope<R>,
    writing: Writing,
    annotations: Annotations,
    choices: Vec<Choice>,
    usage: Usage,
    timing: Option<Timing>,
}

/// What an event says of a choice.
struct Delta<'a> {
    choice: usize,
    filters: Option<&'a str>,
    delta: &'a str,
    finish: &'a str,
    logprobs: &'a str,
}

impl<R: Rng> Chunks<R> {
    pub(super) fn new(
        answer: &Answer<'_>,
        options: StreamOptions,
        writing: Writing,
        choices: Vec<Choice>,
        usage: Usage,
        ids: Ids<R>,
    ) -> Self {
        let findings = choices.iter().map(|choice| &choice.completion.findings);
        let annotations = Annotations::new(answer, writing.mode, findings, writing.before);
        Self {
            envelope: Envelope::new(answer, options, 1, Kind::Chat, ids),
            writing,
            annotations,
            choices,
            usage,
            timing: None,
        }
    }

    /// The role, and with OpenAI whom the first call calls.
    fn role(&mut self, place: usize, out: &mut String) {
        let Some(choice) = self.choices.get(place) else { return };
        // A stream with probabilities begins with none.
        let logprobs = self.writing.logprobs(place, choice, 0..0);
        let role = self.writing.role(choice);
        let filters = self.annotations.of_nothing();
        let event = Delta { filters, logprobs: &logprobs, ..said(place, &role) };
        write_event(&mut self.envelope, &event, out);
        if choice.is_call() && self.writing.layout() == Layout::OpenAi {
            let start = self.writing.call_start(choice, 0);
            write_event(&mut self.envelope, &said(place, &start), out);
        }
    }

    fn finish(&mut self, place: usize, out: &mut String) {
        let Some(choice) = self.choices.get(place) else { return };
        let finish = format!("\"{}\"", choice.completion.finish.name());
        let filters = self.annotations.of_end(place);
        let event = Delta { filters, finish: &finish, ..said(place, "{}") };
        write_event(&mut self.envelope, &event, out);
        self.annotations.ended(place, out);
    }
}

impl<R: Rng + Send> Events for Chunks<R> {
    fn timed(&mut self, timing: &Timing) {
        self.timing = (self.writing.profile == WireProfile::Azure2026).then_some(*timing);
    }

    fn open(&mut self, out: &mut String) {
        self.envelope.opening(out);
        for choice in 0..self.choices.len() {
            self.role(choice, out);
        }
        for place in 0..self.choices.len() {
            if self.choices.get(place).is_some_and(|choice| choice.completion.pieces.is_empty()) {
                self.finish(place, out);
            }
        }
    }

    fn token(&mut self, place: usize, index: usize, out: &mut String) {
        let Some(choice) = self.choices.get(place) else { return };
        let Some(piece) = choice.completion.pieces.get(index) else { return };
        let last = index + 1 == choice.completion.pieces.len();
        let call = choice.call_of(index);
        // The first call has begun with the role.
        if let Some(call) = call.filter(|call| 0 < *call && choice.starts_call(index)) {
            let start = self.writing.call_start(choice, call);
            let filters = self.annotations.of_nothing();
            write_event(&mut self.envelope, &Delta { filters, ..said(place, &start) }, out);
        }
        let of_token = self.annotations.of_token();
        let (filters, delta) = match (call, &choice.completion.said) {
            (Some(call), _) => {
                (self.annotations.of_nothing(), self.writing.call_arguments(call, piece))
            }
            (None, Said::Refusal) => (of_token, format!(r#"{{"refusal":{}}}"#, json_string(piece))),
            (None, _) => (of_token, content(piece)),
        };
        let logprobs = self.writing.logprobs(place, choice, index..index + 1);
        let event = Delta { filters, logprobs: &logprobs, ..said(place, &delta) };
        write_event(&mut self.envelope, &event, out);
        if call.is_none() {
            self.annotations.told(place, piece, out);
        }
        if last {
            self.finish(place, out);
        }
    }

    fn close(&mut self, out: &mut String) {
        let usage = self.usage.chat_json(self.writing.profile, self.timing.as_ref());
        self.envelope.closing(&usage, out);
    }
}

/// An event without filter results, end and probabilities.
fn said(choice: usize, delta: &str) -> Delta<'_> {
    Delta { choice, filters: None, delta, finish: "null", logprobs: "null" }
}

fn write_event<R: Rng>(envelope: &mut Envelope<R>, event: &Delta<'_>, out: &mut String) {
    let Delta { choice, filters, delta, finish, logprobs } = *event;
    envelope.choice(filters, ("delta", delta), finish, logprobs, choice, out);
}
