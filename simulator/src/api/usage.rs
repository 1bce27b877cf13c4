//! `usage`, in the forms of chat and completions, and `latency_checkpoint` in it.

use std::time::Duration;

use super::object::Object;
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

/// How fast an answer is made, measured from the request's arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Timing {
    /// Before the engine begins.
    pub overhead: Duration,
    /// To the first token, and to the last.
    pub first: Duration,
    pub last: Duration,
    /// Tokens of the choice that has most.
    pub tokens: u64,
    /// The second at which the answer is over, since the Unix epoch.
    pub over_second: u64,
}

impl Usage {
    /// The chat object's `usage`: with details since 2025, three totals before.
    pub(super) fn chat_json(&self, profile: WireProfile, timing: Option<&Timing>) -> String {
        let Self { cached_tokens, reasoning_tokens, .. } = *self;
        let layout = profile.layout();
        if layout == Layout::Azure2024 {
            return self.totals_json(layout);
        }
        let prompt = Object::new().number("cached_tokens", cached_tokens).number("audio_tokens", 0);
        let completion = Object::new()
            .number("reasoning_tokens", reasoning_tokens)
            .number("audio_tokens", 0)
            .number("accepted_prediction_tokens", 0)
            .number("rejected_prediction_tokens", 0);
        let object = self
            .totals()
            .raw("prompt_tokens_details", prompt.write(layout))
            .raw("completion_tokens_details", completion.write(layout));
        match timing {
            Some(timing) => object.raw("latency_checkpoint", timing.json()),
            None => object,
        }
        .write(layout)
    }

    /// Three totals.
    pub(super) fn totals_json(&self, layout: Layout) -> String {
        self.totals().write(layout)
    }

    fn totals(&self) -> Object<'static> {
        let Self { prompt_tokens, completion_tokens, .. } = *self;
        Object::new()
            .number("prompt_tokens", prompt_tokens)
            .number("completion_tokens", completion_tokens)
            .number("total_tokens", prompt_tokens.saturating_add(completion_tokens))
    }
}

/// What `total_duration_ms` has beyond the last token, in the recorded samples.
const AFTER_LAST_TOKEN_MS: u64 = 10;

impl Timing {
    /// `latency_checkpoint`. The recorded samples hold two identities:
    /// `user_visible_ttft = service_ttft - pre_inference`, and `total_duration` is
    /// `service_ttlt - pre_inference + 10` or so (specification, section 2.5). The
    /// user-visible times are the schedule's, so a client can check them; what of
    /// them is the engine's is our reading: all after the overhead.
    fn json(&self) -> String {
        let (first, last) = (millis(self.first), millis(self.last));
        let overhead = millis(self.overhead).min(first);
        let gaps = self.tokens.saturating_sub(1).max(1);
        let between = (last - first + gaps / 2) / gaps;
        Object::new()
            .number("engine_tbt_ms", between)
            .number("engine_ttft_ms", first - overhead)
            .number("engine_ttlt_ms", last - overhead)
            .number("pre_inference_ms", overhead)
            .number("service_tbt_ms", between)
            .number("service_ttft_ms", first + overhead)
            .number("service_ttlt_ms", last + overhead)
            .number("total_duration_ms", last + AFTER_LAST_TOKEN_MS)
            .number("user_visible_ttft_ms", first)
            .write(Layout::Azure)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX / 4)
}
