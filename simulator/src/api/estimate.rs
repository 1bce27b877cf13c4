//! What pay-as-you-go counts for a request at admission, by era (specification,
//! section 3.3). Never what is billed.

use tokens::Encoding;

use super::outline::Outline;
use crate::catalogue::Operation;
use crate::config::TokenEstimate;

/// In which estimates count tokens, whatever the model's own encoding is.
pub(crate) const ESTIMATE_ENCODING: Encoding = Encoding::Cl100kBase;
/// What the frame of a chat message costs beside its text, and the prompt at its
/// end: 6 for the recorded prompts of one message. How the two share it is a guess.
const FRAME_OF_MESSAGE: u64 = 4;
const FRAME_OF_PROMPT: u64 = 2;

impl TokenEstimate {
    /// Whether the estimate tokenises the request's texts.
    pub(crate) fn counts_tokens(self, operation: Operation) -> bool {
        self == TokenEstimate::Azure2026
            && matches!(operation, Operation::Chat | Operation::Completions)
    }
}

impl Outline {
    /// The estimate. `default_max_tokens` stands for a missing maximum where
    /// the maximum counts.
    pub(crate) fn estimate(
        &self,
        operation: Operation,
        estimate: TokenEstimate,
        default_max_tokens: u64,
    ) -> u64 {
        let most = self.max_tokens.unwrap_or(default_max_tokens);
        let quarters = self.chars.div_ceil(4);
        match (estimate, operation) {
            (TokenEstimate::Azure2024 | TokenEstimate::Azure2025, Operation::Embeddings) => {
                self.quarters
            }
            (TokenEstimate::OpenAi, Operation::Embeddings) => self.chars / 4,
            // Requests alone limit most models of the others; nothing is published.
            (
                _,
                Operation::Embeddings
                | Operation::Images
                | Operation::ImageEdits
                | Operation::Transcriptions
                | Operation::Translations
                | Operation::Speech,
            ) => quarters,
            (TokenEstimate::Documented, _) => {
                quarters.saturating_add(most.saturating_mul(self.choices))
            }
            (TokenEstimate::Azure2024, _) => most,
            (TokenEstimate::Azure2025, _) => quarters,
            (TokenEstimate::Azure2026, Operation::Chat) => self
                .tokens
                .saturating_add(self.messages.saturating_mul(FRAME_OF_MESSAGE))
                .saturating_add(FRAME_OF_PROMPT),
            (TokenEstimate::Azure2026, Operation::Completions) => self.tokens,
            // Observed: all characters as soon as one is not ASCII.
            (TokenEstimate::Azure2026, Operation::Responses) if self.beyond_ascii == 0 => {
                self.chars / 4
            }
            (TokenEstimate::Azure2026, Operation::Responses) => self.chars,
            (TokenEstimate::OpenAi, _) => {
                quarters.saturating_add(self.messages).saturating_add(self.choices)
            }
            (TokenEstimate::OpenAi2024, _) => {
                // Recorded: one more with a single choice than with two.
                let frame = if self.choices == 1 { 2 } else { 1 };
                quarters.saturating_add(frame).saturating_add(most.saturating_mul(self.choices))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[track_caller]
    fn check(estimate: TokenEstimate, operation: Operation, body: Value, expected: u64) {
        let outline = Outline::of(operation, body.as_object().unwrap(), 16_384, estimate);
        assert_eq!(outline.estimate(operation, estimate, 16), expected, "{body}");
    }

    fn chat(text: &str, more: &Value) -> Value {
        let mut body = json!({"messages": [{"role": "user", "content": text}]});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    }

    /// Conformance check 5: the rows of the specification's table of estimators,
    /// with the points that were recorded.
    #[test]
    fn conformance_5_estimators() {
        use Operation::{Chat, Completions, Embeddings};
        use TokenEstimate::{Azure2024, Azure2025, Azure2026, Documented, OpenAi, OpenAi2024};
        let none = json!({});
        let x = |n: usize| "x".repeat(n);
        // Documented: the page's words.
        check(Documented, Chat, chat(&x(41), &none), 11 + 16);
        check(Documented, Chat, chat(&x(41), &json!({"max_tokens": 300})), 311);
        check(Documented, Chat, chat(&x(41), &json!({"max_completion_tokens": 7})), 18);
        check(Documented, Chat, chat(&x(4), &json!({"max_tokens": 10, "n": 3})), 31);
        let best = json!({"prompt": x(8), "max_tokens": 10, "best_of": 4, "n": 2});
        check(Documented, Completions, best, 42);
        check(Documented, Embeddings, json!({"input": [x(5), x(5)]}), 3);
        // 2024: 16 per call for 34 characters; embeddings 34 to 9.
        check(Azure2024, Chat, chat(&x(34), &none), 16);
        check(Azure2024, Chat, chat(&x(34), &json!({"max_tokens": 50})), 50);
        check(Azure2024, Embeddings, json!({"input": "Tell me a joke about opentelemetry"}), 9);
        check(Azure2024, Embeddings, json!({"input": [x(5), "1", [7, 8, 9]]}), 2 + 1 + 3);
        // 2025: the maximum does not show.
        let nyc = "What's the weather like in NYC right now?";
        check(Azure2025, Chat, chat(nyc, &json!({"max_tokens": 300})), 11);
        check(Azure2025, Chat, chat("Count r's in strawberry", &none), 6);
        // 2026: 14 tokens less the frame of 6.
        check(Azure2026, Chat, chat("one two three four five six seven eight", &none), 14);
        check(
            Azure2026,
            Chat,
            chat("one two three four five six", &json!({"max_tokens": 900})),
            12,
        );
        // OpenAI: recorded 800000 to 799992, and 1000000 to 999992.
        let states = json!({"max_tokens": 50});
        check(OpenAi, Chat, chat("List all U.S. states.", &states), 8);
        check(OpenAi, Embeddings, json!({"input": "Ruby is a programmer's best friend"}), 8);
        check(OpenAi, Chat, chat("List all U.S. states.", &json!({"n": 3})), 10);
        // OpenAI before 2025: 60 characters, 33 with nothing, 48 with n = 2, 117 with 100.
        check(OpenAi2024, Chat, chat(&x(60), &none), 33);
        check(OpenAi2024, Chat, chat(&x(60), &json!({"n": 2})), 48);
        check(OpenAi2024, Chat, chat(&x(60), &json!({"max_tokens": 100})), 117);
    }

    /// The points recorded of the Responses API.
    #[test]
    fn conformance_5_estimators_of_responses() {
        let estimate = |body: Value, expected| {
            check(TokenEstimate::Azure2026, Operation::Responses, body, expected);
        };
        for (chars, expected) in [(31, 7), (39, 9), (24, 6), (43, 10), (72, 18), (104, 26)] {
            estimate(json!({ "input": "x".repeat(chars) }), expected);
        }
        estimate(json!({ "input": "é".to_owned() + &"x".repeat(138) }), 139);
        // Texts of both sides, arguments and outputs; nothing else.
        let input = json!([
            { "role": "user", "content": "1234" },
            { "type": "reasoning", "summary": [{ "text": "no" }], "content": "no", "encrypted_content": "no" },
            { "role": "assistant", "content": [{ "type": "output_text", "text": "5678" }] },
            { "type": "function_call", "call_id": "no", "name": "no", "arguments": "{\"a\"}" },
            { "type": "function_call_output", "call_id": "no", "output": "123" },
        ]);
        let tools = json!([{ "type": "function", "name": "not counted" }]);
        let more = json!({ "input": input, "instructions": "no", "tools": tools, "max_output_tokens": 900 });
        estimate(more.clone(), 4);
        check(TokenEstimate::Documented, Operation::Responses, more, 4 + 900);
        let one = json!({ "input": "12345678" });
        check(TokenEstimate::OpenAi, Operation::Responses, one, 2 + 1 + 1);
    }

    #[test]
    fn texts_in_parts_and_token_arrays_count() {
        use Operation::{Chat, Completions, Embeddings};
        let parts = json!({"messages": [
            {"role": "system", "content": "1234"},
            {"role": "user", "content": [
                {"type": "text", "text": "5678"},
                {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
            ]},
        ], "tools": [{"type": "function", "function": {"name": "not counted"}}]});
        check(TokenEstimate::Azure2025, Chat, parts.clone(), 2);
        check(TokenEstimate::OpenAi, Chat, parts, 2 + 2 + 1);
        check(TokenEstimate::Azure2025, Embeddings, json!({"input": [[1, 2, 3], [4]]}), 4);
        check(TokenEstimate::Azure2026, Completions, json!({"prompt": [1, 2, 3]}), 3);
        check(TokenEstimate::Documented, Chat, json!({"messages": "nonsense"}), 16);
    }
}
