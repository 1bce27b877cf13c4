//! Events of a streamed legacy completion: as chat's, without a role
//! (specification, sections 2.4 and 2.7).

use rand::Rng;

use super::choice::Choice;
use crate::api::annotations::Annotations;
use crate::api::call::Events;
use crate::api::envelope::Envelope;
use crate::api::object::json_string;
use crate::content::Scorer;

/// Writes the events of one answer.
pub(super) struct Chunks<R> {
    envelope: Envelope<R>,
    annotations: Annotations,
    scorer: Option<Scorer>,
    choices: Vec<Choice>,
    /// Characters of each choice's text that have been sent.
    sent: Vec<usize>,
    usage: String,
}

impl<R: Rng> Chunks<R> {
    pub(super) fn new(
        envelope: Envelope<R>,
        choices: Vec<Choice>,
        annotations: Annotations,
        scorer: Option<Scorer>,
        usage: String,
    ) -> Self {
        let sent = vec![0; choices.len()];
        Self { envelope, annotations, scorer, choices, sent, usage }
    }

    fn finish(&mut self, place: usize, out: &mut String) {
        let Some(choice) = self.choices.get(place) else { return };
        let finish = format!("\"{}\"", choice.completion.finish.name());
        let filters = self.annotations.of_end(place);
        self.envelope.choice(filters, ("text", "\"\""), &finish, "null", place, out);
        self.annotations.ended(place, out);
    }
}

impl<R: Rng + Send> Events for Chunks<R> {
    fn open(&mut self, out: &mut String) {
        self.envelope.opening(out);
        for (place, choice) in self.choices.iter().enumerate() {
            if let Some(prompt) = &choice.echo {
                let text = json_string(prompt);
                let logprobs = choice.echo_logprobs(place, self.scorer.as_ref());
                let filters = self.annotations.of_nothing();
                self.envelope.choice(filters, ("text", &text), "null", &logprobs, place, out);
            }
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
        let text = json_string(piece);
        let offset = self.sent.get(place).copied().unwrap_or(0);
        let logprobs = choice.piece_logprobs(place, index, offset, self.scorer.as_ref());
        if let Some(sent) = self.sent.get_mut(place) {
            *sent += piece.chars().count();
        }
        let filters = self.annotations.of_token();
        self.envelope.choice(filters, ("text", &text), "null", &logprobs, place, out);
        self.annotations.told(place, piece, out);
        if last {
            self.finish(place, out);
        }
    }

    fn close(&mut self, out: &mut String) {
        self.envelope.closing(&self.usage, out);
    }
}
