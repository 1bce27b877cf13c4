//! What the limiter looks at, read without complaints: it runs before the model
//! layer's validation. `estimate` makes tokens of it.

use serde_json::{Map, Value};

use super::estimate::ESTIMATE_ENCODING;
use crate::catalogue::Operation;
use crate::config::TokenEstimate;

/// The most choices a request can ask for.
pub(super) const MOST_CHOICES: u64 = 128;

/// What the limiter looks at, read without complaints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Outline {
    /// Characters of prompt text; a token of a token array counts four.
    pub chars: u64,
    /// Sum over the inputs of `ceil(characters / 4)`.
    pub quarters: u64,
    /// Bytes beyond one for each character: none in ASCII.
    pub beyond_ascii: u64,
    /// Tokens of the texts, when the estimate counts them.
    pub tokens: u64,
    /// Messages of a chat, or items.
    pub messages: u64,
    pub max_tokens: Option<u64>,
    /// `max(n, best_of)`.
    pub choices: u64,
}

impl Outline {
    /// `most` is the model's own cap: what is beyond it is refused later, and
    /// must not fill a window before.
    pub(crate) fn of(
        operation: Operation,
        body: &Map<String, Value>,
        most: u64,
        estimate: TokenEstimate,
    ) -> Self {
        let mut outline = Reader {
            outline: Self { choices: 1, ..Self::default() },
            counts_tokens: estimate.counts_tokens(operation),
        };
        outline.read(operation, body, most);
        outline.outline
    }
}

/// Collects an outline.
struct Reader {
    outline: Outline,
    counts_tokens: bool,
}

impl Reader {
    fn read(&mut self, operation: Operation, body: &Map<String, Value>, most: u64) {
        match operation {
            Operation::Chat => {
                let messages = body.get("messages").and_then(Value::as_array);
                for message in messages.into_iter().flatten() {
                    self.outline.messages += 1;
                    if let Some(content) = message.get("content") {
                        self.add(content);
                    }
                }
            }
            Operation::Completions => {
                if let Some(prompt) = body.get("prompt") {
                    self.add(prompt);
                }
            }
            Operation::Responses => {
                if let Some(input) = body.get("input") {
                    self.add_items(input);
                }
            }
            Operation::Embeddings => {
                if let Some(input) = body.get("input") {
                    self.add(input);
                }
                return;
            }
            Operation::Images
            | Operation::ImageEdits
            | Operation::Transcriptions
            | Operation::Translations
            | Operation::Speech => {
                for text in ["prompt", "input"].iter().filter_map(|key| body.get(*key)) {
                    self.add(text);
                }
                return;
            }
        }
        let whole = |key: &str| body.get(key).and_then(Value::as_u64);
        let keys: &[&str] = match operation {
            Operation::Responses => &["max_output_tokens"],
            _ => &["max_completion_tokens", "max_tokens"],
        };
        let stated = keys.iter().find_map(|key| whole(key));
        self.outline.max_tokens = stated.map(|stated| stated.min(most));
        self.outline.choices = whole("n").max(whole("best_of")).unwrap_or(1).clamp(1, MOST_CHOICES);
    }

    fn add(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.add_text(text),
            Value::Array(items) if items.iter().any(Value::is_number) => {
                self.add_chars(4 * items.len() as u64);
                self.outline.tokens += items.len() as u64;
            }
            Value::Array(items) => items.iter().for_each(|item| self.add(item)),
            Value::Object(part) => {
                if let Some(Value::String(text)) = part.get("text") {
                    self.add_text(text);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Input of a Responses request: texts of messages, arguments of calls and their
    /// outputs; neither thoughts nor instructions nor tools (observed).
    fn add_items(&mut self, input: &Value) {
        let Value::Array(items) = input else {
            self.outline.messages += 1;
            return self.add(input);
        };
        for item in items {
            self.outline.messages += 1;
            for key in ["content", "arguments", "output"] {
                if let Some(value) = item.get(key)
                    && item.get("type").and_then(Value::as_str) != Some("reasoning")
                {
                    self.add(value);
                }
            }
        }
    }

    fn add_text(&mut self, text: &str) {
        let chars = text.chars().count();
        self.add_chars(chars as u64);
        self.outline.beyond_ascii += (text.len() - chars) as u64;
        if self.counts_tokens {
            self.outline.tokens += ESTIMATE_ENCODING.count(text) as u64;
        }
    }

    fn add_chars(&mut self, chars: u64) {
        self.outline.chars += chars;
        self.outline.quarters += chars.div_ceil(4);
    }
}
