//! A request to a model: what it asks for, and an estimate of its prompt.
//!
//! The platform's own tokenizer is not published. Texts are counted in the
//! model's encoding, or as a quarter of their characters (specification 4.3).

use bytes::Bytes;
use serde_json::Value;
use tokens::{ChatOverhead, Encoding};

use crate::config::settings::{Settings, TokenEstimator};
use crate::pipeline::context::{Context, MessageBody};

/// The most tokens an image is taken for (documented).
const IMAGE_TOKENS: u64 = 1_200;

/// Longer texts are not worth the time of a tokenizer.
const MAX_ENCODED_BYTES: usize = 256 * 1024;

/// Counts the tokens of texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counter {
    /// In a model's encoding.
    Encoding(Encoding),
    /// A token for every four characters, rounded up.
    Characters,
}

impl Counter {
    /// Tokens of a text.
    pub(crate) fn count(self, text: &str) -> u64 {
        match self {
            Self::Encoding(encoding) if text.len() <= MAX_ENCODED_BYTES => {
                encoding.count(text) as u64
            }
            _ => (text.chars().count() as u64).div_ceil(4),
        }
    }
}

/// A request to a model, as it is when it is forwarded.
#[derive(Clone, Debug, Default)]
pub(crate) struct ModelRequest {
    body: Bytes,
    /// The template parameter `deployment-id`: often the model's name.
    deployment: Option<String>,
    estimator: TokenEstimator,
}

impl ModelRequest {
    /// The present request; `received` is the client's body, for one that an
    /// expression consumed.
    pub(crate) fn of(context: &Context, received: &Bytes, settings: &Settings) -> Self {
        let request = &context.request;
        let deployment =
            request.matched_parameters.iter().find(|(name, _)| name == "deployment-id");
        let body = match &request.body {
            MessageBody::Bytes(bytes) => bytes.clone(),
            MessageBody::Consumed => received.clone(),
            MessageBody::Absent | MessageBody::Stream(_) => Bytes::new(),
        };
        Self {
            body,
            deployment: deployment.map(|(_, value)| value.clone()),
            estimator: settings.token_estimator,
        }
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Whether it asks for a stream.
    pub(crate) fn wants_stream(&self) -> bool {
        self.json()["stream"] == Value::Bool(true)
    }

    /// How texts of its model are counted.
    pub(crate) fn counter(&self) -> Counter {
        self.counter_of(self.model(&self.json()))
    }

    fn model<'j>(&'j self, json: &'j Value) -> &'j str {
        json["model"].as_str().or(self.deployment.as_deref()).unwrap_or_default()
    }

    fn counter_of(&self, model: &str) -> Counter {
        let known = [Some(model), self.deployment.as_deref()];
        let encoding = known.into_iter().flatten().find_map(Encoding::for_model);
        match (self.estimator, encoding) {
            (TokenEstimator::ByModel, Some(encoding)) => Counter::Encoding(encoding),
            _ => Counter::Characters,
        }
    }

    /// Tokens of its prompt, estimated: messages, `prompt` or `input`.
    pub(crate) fn prompt_tokens(&self) -> u64 {
        let json = self.json();
        let model = self.model(&json);
        let counter = self.counter_of(model);
        if let Some(messages) = json["messages"].as_array() {
            return chat(messages, counter, ChatOverhead::for_model(model));
        }
        let instructions = json["instructions"].as_str().map_or(0, |text| counter.count(text));
        let input = match &json["input"] {
            Value::Array(items) if items.iter().any(|item| item["role"].is_string()) => {
                chat(items, counter, ChatOverhead::for_model(model))
            }
            input => texts(input, counter),
        };
        texts(&json["prompt"], counter).saturating_add(input).saturating_add(instructions)
    }
}

/// A text, an array of texts, or token ids.
fn texts(value: &Value, counter: Counter) -> u64 {
    match value {
        Value::String(text) => counter.count(text),
        Value::Number(_) => 1,
        Value::Array(items) => {
            items.iter().map(|item| texts(item, counter)).fold(0, u64::saturating_add)
        }
        _ => 0,
    }
}

fn chat(messages: &[Value], counter: Counter, overhead: ChatOverhead) -> u64 {
    let text = |value: &Value| value.as_str().map_or(0, |text| counter.count(text));
    let part = |part: &Value| match part["type"].as_str() {
        Some("image_url" | "input_image") => IMAGE_TOKENS,
        _ => text(&part["text"]),
    };
    let message = |message: &Value| {
        let content = match &message["content"] {
            Value::Array(parts) => parts.iter().map(part).fold(0, u64::saturating_add),
            content => text(content),
        };
        content + text(&message["role"]) + text(&message["name"]) + overhead.per_message as u64
    };
    messages.iter().map(message).fold(overhead.reply as u64, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(body: &str, deployment: Option<&str>, estimator: TokenEstimator) -> ModelRequest {
        let body = Bytes::from(body.to_owned());
        ModelRequest { body, deployment: deployment.map(str::to_owned), estimator }
    }

    #[track_caller]
    fn check(body: &str, deployment: &str, by_model: u64, characters: u64) {
        let found = [TokenEstimator::ByModel, TokenEstimator::Characters]
            .map(|estimator| request(body, Some(deployment), estimator).prompt_tokens());
        assert_eq!(found, [by_model, characters], "{body}");
    }

    #[test]
    fn prompts_of_every_shape_have_an_estimate() {
        // Recorded: 14 for gpt-4o and gpt-35-turbo.
        let question =
            r#"{"messages":[{"role":"user","content":"What is the capital of France?"}]}"#;
        check(question, "gpt-4o", 14, 3 + 3 + 1 + 8);
        check(question, "a-name-of-my-own", 15, 15);
        let parts = r#"{"model":"gpt-4o","messages":[{"role":"user","content":[{"type":"text","text":"What is the capital of France?"},{"type":"image_url","image_url":{}}]}]}"#;
        check(parts, "any", 1_214, 1_215);
        check(r#"{"input":"Tell me a joke about opentelemetry"}"#, "text-embedding-ada-002", 8, 9);
        check(r#"{"prompt":["1234","12345"]}"#, "any", 3, 3);
        check(r#"{"prompt":[[1,2,3],[4]]}"#, "any", 4, 4);
        check(
            r#"{"input":[{"role":"user","content":"1234"}],"instructions":"12345678"}"#,
            "any",
            10,
            10,
        );
        check("no JSON", "any", 0, 0);
        check("", "any", 0, 0);
    }

    #[test]
    fn a_stream_is_asked_for_by_true_alone() {
        let asks = |body| request(body, None, TokenEstimator::ByModel).wants_stream();
        assert!(asks(r#"{"stream":true}"#));
        assert!(!asks(r#"{"stream":"true"}"#) && !asks("{}") && !asks(""));
    }

    #[test]
    fn a_long_text_is_not_encoded() {
        let text = "x".repeat(MAX_ENCODED_BYTES + 1);
        assert_eq!(Counter::Encoding(Encoding::Cl100kBase).count(&text), 64 * 1024 + 1);
    }
}
