//! Events of a streamed legacy completion: as chat's, without a role
//! (specification, sections 2.4 and 2.7).

use rand::Rng;

use crate::api::answer::Answer;
use crate::api::call::Events;
use crate::api::envelope::{Envelope, Kind, StreamOptions};
use crate::api::object::json_string;
use crate::api::usage::Usage;
use crate::content::Completion;
use crate::wire::Ids;

/// Writes the events of one answer.
pub(super) struct Chunks<R> {
    envelope: Envelope<R>,
    filters: &'static str,
    choices: Vec<Completion>,
    usage: String,
}

impl<R: Rng> Chunks<R> {
    pub(super) fn new(
        answer: &Answer<'_>,
        options: StreamOptions,
        prompts: usize,
        choices: Vec<Completion>,
        usage: Usage,
        ids: Ids<R>,
    ) -> Self {
        Self {
            envelope: Envelope::new(answer, options, prompts, Kind::Completions, ids),
            filters: answer.chunk_filters(),
            choices,
            usage: usage.totals_json(answer.layout()),
        }
    }

    fn finish(&mut self, choice: usize, out: &mut String) {
        let Some(completion) = self.choices.get(choice) else { return };
        let reason = format!("\"{}\"", completion.finish.name());
        self.envelope.choice("{}", ("text", "\"\""), &reason, choice, out);
    }
}

impl<R: Rng + Send> Events for Chunks<R> {
    fn open(&mut self, out: &mut String) {
        self.envelope.opening(out);
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
        let text = json_string(piece);
        self.envelope.choice(self.filters, ("text", &text), "null", choice, out);
        if last {
            self.finish(choice, out);
        }
    }

    fn close(&mut self, out: &mut String) {
        self.envelope.closing(&self.usage, out);
    }
}
