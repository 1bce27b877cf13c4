//! Events of a streamed chat completion, in the order Azure sends them: prompt
//! filter results, role, one event per token, finish, usage, `[DONE]`
//! (specification, section 2.4).

use rand::Rng;

use super::choice::{Choice, Writing};
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
    filters: &'static str,
    choices: Vec<Choice>,
    usage: Usage,
    timing: Option<Timing>,
}

/// What an event says of a choice.
struct Delta<'a> {
    choice: usize,
    filters: &'a str,
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
        Self {
            envelope: Envelope::new(answer, options, 1, Kind::Chat, ids),
            writing,
            filters: answer.chunk_filters(),
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
        write_event(&mut self.envelope, &Delta { logprobs: &logprobs, ..said(place, &role) }, out);
        if choice.is_call() && self.writing.layout() == Layout::OpenAi {
            let start = self.writing.call_start(choice, 0);
            write_event(&mut self.envelope, &said(place, &start), out);
        }
    }

    fn finish(&mut self, place: usize, out: &mut String) {
        let Some(choice) = self.choices.get(place) else { return };
        let finish = format!("\"{}\"", choice.completion.finish.name());
        write_event(&mut self.envelope, &Delta { finish: &finish, ..said(place, "{}") }, out);
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
            write_event(&mut self.envelope, &said(place, &start), out);
        }
        let (filters, delta) = match (call, &choice.completion.said) {
            (Some(call), _) => ("{}", self.writing.call_arguments(call, piece)),
            (None, Said::Refusal) => {
                (self.filters, format!(r#"{{"refusal":{}}}"#, json_string(piece)))
            }
            (None, _) => (self.filters, content(piece)),
        };
        let logprobs = self.writing.logprobs(place, choice, index..index + 1);
        let event = Delta { filters, logprobs: &logprobs, ..said(place, &delta) };
        write_event(&mut self.envelope, &event, out);
        if last {
            self.finish(place, out);
        }
    }

    fn close(&mut self, out: &mut String) {
        let usage = self.usage.chat_json(self.writing.profile, self.timing.as_ref());
        self.envelope.closing(&usage, out);
    }
}

/// An event that is not filtered, without an end and probabilities.
fn said(choice: usize, delta: &str) -> Delta<'_> {
    Delta { choice, filters: "{}", delta, finish: "null", logprobs: "null" }
}

fn write_event<R: Rng>(envelope: &mut Envelope<R>, event: &Delta<'_>, out: &mut String) {
    let Delta { choice, filters, delta, finish, logprobs } = *event;
    envelope.choice(filters, ("delta", delta), finish, logprobs, choice, out);
}
