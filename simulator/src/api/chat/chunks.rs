//! Events of a streamed chat completion, in the order the services send them:
//! prompt filter results (Azure), role, one event per token, finish, usage,
//! `[DONE]` (specification, section 2.4).

use rand::Rng;

use crate::api::answer::Answer;
use crate::api::call::Events;
use crate::api::envelope::{Envelope, Kind, StreamOptions, content};
use crate::api::object::Object;
use crate::api::usage::{Timing, Usage};
use crate::config::{Layout, WireProfile};
use crate::content::Completion;
use crate::wire::Ids;

/// Writes the events of one answer.
pub(super) struct Chunks<R> {
    envelope: Envelope<R>,
    profile: WireProfile,
    role: String,
    filters: &'static str,
    choices: Vec<Completion>,
    usage: Usage,
    timing: Option<Timing>,
}

impl<R: Rng> Chunks<R> {
    pub(super) fn new(
        answer: &Answer<'_>,
        options: StreamOptions,
        choices: Vec<Completion>,
        usage: Usage,
        ids: Ids<R>,
    ) -> Self {
        let role = Object::new()
            .text("role", "assistant")
            .text("content", "")
            .when(answer.layout() != Layout::Azure2024, |delta| delta.raw("refusal", "null"))
            .write(answer.layout());
        Self {
            envelope: Envelope::new(answer, options, 1, Kind::Chat, ids),
            profile: answer.profile,
            role,
            filters: answer.chunk_filters(),
            choices,
            usage,
            timing: None,
        }
    }

    fn finish(&mut self, choice: usize, out: &mut String) {
        let Some(completion) = self.choices.get(choice) else { return };
        let reason = format!("\"{}\"", completion.finish.name());
        self.envelope.choice("{}", ("delta", "{}"), &reason, choice, out);
    }
}

impl<R: Rng + Send> Events for Chunks<R> {
    fn timed(&mut self, timing: &Timing) {
        self.timing = (self.profile == WireProfile::Azure2026).then_some(*timing);
    }

    fn open(&mut self, out: &mut String) {
        self.envelope.opening(out);
        for choice in 0..self.choices.len() {
            self.envelope.choice("{}", ("delta", &self.role), "null", choice, out);
        }
        for choice in 0..self.choices.len() {
            if self.choices.get(choice).is_some_and(|completion| completion.pieces.is_empty()) {
                self.finish(choice, out);
            }
        }
    }

    fn token(&mut self, choice: usize, index: usize, out: &mut String) {
        let Some(completion) = self.choices.get(choice) else { return };
        let Some(piece) = completion.pieces.get(index) else { return };
        let last = index + 1 == completion.pieces.len();
        let delta = content(piece);
        self.envelope.choice(self.filters, ("delta", &delta), "null", choice, out);
        if last {
            self.finish(choice, out);
        }
    }

    fn close(&mut self, out: &mut String) {
        let usage = self.usage.chat_json(self.profile, self.timing.as_ref());
        self.envelope.closing(&usage, out);
    }
}
