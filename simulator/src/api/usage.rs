//! `usage`, in the forms of chat and completions.

use crate::config::{Layout, WireProfile};

/// What a request used, in tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Usage {
    pub prompt_tokens: u64,
    /// Those of the prompt that the prompt cache held.
    pub cached_tokens: u64,
    pub completion_tokens: u64,
    /// Those of the completion that are hidden.
    pub reasoning_tokens: u64,
}

impl Usage {
    /// The chat object's `usage`: with details since 2025, three totals before.
    pub(super) fn chat_json(&self, profile: WireProfile) -> String {
        let Self { prompt_tokens, cached_tokens, completion_tokens, reasoning_tokens } = self;
        let total = prompt_tokens + completion_tokens;
        match profile.layout() {
            Layout::Azure2024 => self.totals_json(),
            Layout::Azure | Layout::OpenAi => format!(
                r#"{{"completion_tokens":{completion_tokens},"completion_tokens_details":{{"accepted_prediction_tokens":0,"audio_tokens":0,"reasoning_tokens":{reasoning_tokens},"rejected_prediction_tokens":0}},"prompt_tokens":{prompt_tokens},"prompt_tokens_details":{{"audio_tokens":0,"cached_tokens":{cached_tokens}}},"total_tokens":{total}}}"#
            ),
        }
    }

    /// Three totals.
    pub(super) fn totals_json(&self) -> String {
        let Self { prompt_tokens, completion_tokens, .. } = self;
        let total = prompt_tokens + completion_tokens;
        format!(
            r#"{{"completion_tokens":{completion_tokens},"prompt_tokens":{prompt_tokens},"total_tokens":{total}}}"#
        )
    }
}
