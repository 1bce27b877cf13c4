//! A choice of a legacy completion: its text, the prompt it echoes, and its
//! probabilities.

use crate::api::logprobs::{LegacyToken, legacy_json};
use crate::content::{Completion, Scored, Scorer};

/// One choice of an answer.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    pub completion: Completion,
    /// The prompt, where it is echoed.
    pub echo: Option<String>,
    /// Characters of its prompt: where the text begins.
    pub prompt_chars: usize,
}

impl Choice {
    pub(super) fn text(&self) -> String {
        let text = self.completion.text();
        match &self.echo {
            Some(prompt) => format!("{prompt}{text}"),
            None => text,
        }
    }

    /// `logprobs` of the whole choice.
    pub(super) fn logprobs(&self, place: usize, scorer: Option<&Scorer>) -> String {
        let Some(scorer) = scorer else { return "null".to_owned() };
        let echoed = self.echoed(place, scorer);
        let written =
            (0..self.completion.pieces.len()).flat_map(|index| self.piece(place, index, scorer));
        let scored: Vec<Scored> = echoed.into_iter().chain(written).collect();
        let offset = if self.echo.is_some() { 0 } else { self.prompt_chars };
        self.json(&scored, offset, self.echo.is_some())
    }

    /// `logprobs` of the echoed prompt.
    pub(super) fn echo_logprobs(&self, place: usize, scorer: Option<&Scorer>) -> String {
        let Some(scorer) = scorer else { return "null".to_owned() };
        self.json(&self.echoed(place, scorer), 0, true)
    }

    /// `logprobs` of one piece, `offset` characters after the prompt.
    pub(super) fn piece_logprobs(
        &self,
        place: usize,
        index: usize,
        offset: usize,
        scorer: Option<&Scorer>,
    ) -> String {
        let Some(scorer) = scorer else { return "null".to_owned() };
        let scored: Vec<Scored> = self.piece(place, index, scorer);
        self.json(&scored, self.prompt_chars + offset, false)
    }

    fn json(&self, scored: &[Scored], offset: usize, from_prompt: bool) -> String {
        let tokens: Vec<LegacyToken<'_>> = scored
            .iter()
            .enumerate()
            .map(|(index, scored)| LegacyToken { scored, first: from_prompt && index == 0 })
            .collect();
        legacy_json(&tokens, offset)
    }

    fn echoed(&self, place: usize, scorer: &Scorer) -> Vec<Scored> {
        // Numbered after any piece of the text.
        const ECHO: usize = u32::MAX as usize;
        self.echo.as_deref().map(|prompt| scorer.score(place, ECHO, prompt)).unwrap_or_default()
    }

    fn piece(&self, place: usize, index: usize, scorer: &Scorer) -> Vec<Scored> {
        let piece = self.completion.pieces.get(index);
        piece.map(|piece| scorer.score(place, index, piece)).unwrap_or_default()
    }
}
