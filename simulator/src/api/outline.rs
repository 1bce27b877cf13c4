//! What the limiter looks at, read without complaints: it runs before the model
//! layer's validation.

use serde_json::{Map, Value};

use crate::catalogue::Operation;
use crate::config::WireProfile;

/// The most choices a request can ask for.
pub(super) const MOST_CHOICES: u64 = 128;

/// What the limiter looks at, read without complaints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Outline {
    /// Characters of prompt text; a token of a token array counts four.
    pub chars: u64,
    /// Sum over the inputs of `ceil(characters / 4)`.
    pub quarters: u64,
    pub max_tokens: Option<u64>,
    /// `max(n, best_of)`.
    pub choices: u64,
}

impl Outline {
    /// `most` is the model's own cap: what is beyond it is refused later, and
    /// must not fill a window before.
    pub(crate) fn of(operation: Operation, body: &Map<String, Value>, most: u64) -> Self {
        let mut outline = Self { choices: 1, ..Self::default() };
        match operation {
            Operation::Chat => {
                let messages = body.get("messages").and_then(Value::as_array);
                for message in messages.into_iter().flatten() {
                    if let Some(content) = message.get("content") {
                        outline.add(content);
                    }
                }
            }
            Operation::Completions => {
                if let Some(prompt) = body.get("prompt") {
                    outline.add(prompt);
                }
            }
            Operation::Responses => {
                if let Some(input) = body.get("input") {
                    outline.add_items(input);
                }
            }
            Operation::Embeddings => {
                if let Some(input) = body.get("input") {
                    outline.add(input);
                }
                return outline;
            }
        }
        let whole = |key: &str| body.get(key).and_then(Value::as_u64);
        let keys: &[&str] = match operation {
            Operation::Responses => &["max_output_tokens"],
            _ => &["max_completion_tokens", "max_tokens"],
        };
        let stated = keys.iter().find_map(|key| whole(key));
        outline.max_tokens = stated.map(|stated| stated.min(most));
        outline.choices = whole("n").max(whole("best_of")).unwrap_or(1).clamp(1, MOST_CHOICES);
        outline
    }

    fn add(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.add_chars(text.chars().count() as u64),
            Value::Array(items) if items.iter().any(Value::is_number) => {
                self.add_chars(4 * items.len() as u64);
            }
            Value::Array(items) => items.iter().for_each(|item| self.add(item)),
            Value::Object(part) => {
                if let Some(Value::String(text)) = part.get("text") {
                    self.add_chars(text.chars().count() as u64);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Input of a Responses request: texts of messages, arguments of calls and their
    /// outputs; neither thoughts nor instructions nor tools (observed).
    fn add_items(&mut self, input: &Value) {
        let Value::Array(items) = input else { return self.add(input) };
        for item in items {
            for key in ["content", "arguments", "output"] {
                if let Some(value) = item.get(key)
                    && item.get("type").and_then(Value::as_str) != Some("reasoning")
                {
                    self.add(value);
                }
            }
        }
    }

    fn add_chars(&mut self, chars: u64) {
        self.chars += chars;
        self.quarters += chars.div_ceil(4);
    }

    /// Tokens that pay-as-you-go counts at admission (specification, section 3.3).
    pub(crate) fn estimate(
        &self,
        operation: Operation,
        profile: WireProfile,
        default_max_tokens: u64,
    ) -> u64 {
        let completion = self.max_tokens.unwrap_or(default_max_tokens);
        match (operation, profile) {
            (Operation::Embeddings, WireProfile::Azure2024) => self.quarters,
            (Operation::Embeddings, _) => self.chars.div_ceil(4),
            (_, WireProfile::Azure2024) => completion,
            _ => self.chars.div_ceil(4).saturating_add(completion.saturating_mul(self.choices)),
        }
    }
}
