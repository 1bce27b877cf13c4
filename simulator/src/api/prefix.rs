//! A prompt as the prompt cache knows it: a hash for each whole block of tokens
//! from its start (specification, section 4.2).
//!
//! Read without complaints, as [`super::Outline`] is. What stands before the
//! messages in every prompt (tools, the response's schema) and what decides where
//! a prompt is routed (`prompt_cache_key`) is where the chain begins: prompts that
//! differ in them share nothing.

use serde_json::{Map, Value};
use tokens::Encoding;

use crate::catalogue::{Model, Operation};

/// Tokens of a message beside its role and texts.
const FRAME: [u32; 3] = [u32::MAX, u32::MAX - 1, u32::MAX - 2];
/// Stands for an image or sound, followed by its hash.
const MEDIA: u32 = u32::MAX - 3;
/// Fields that come before the messages, or decide who reads the prompt.
const BEFORE: [&str; 5] = ["prompt_cache_key", "tools", "functions", "response_format", "text"];

/// The blocks of a request's prompt, each hash covering those before it. Empty
/// where nothing can be cached.
pub(crate) fn prefix(
    operation: Operation,
    body: &Map<String, Value>,
    model: &Model,
    block_tokens: u64,
) -> Vec<u64> {
    // A response that goes on from an earlier one has a prompt that is not here.
    let continued = body.get("previous_response_id").is_some_and(|id| !id.is_null());
    if matches!(operation, Operation::Completions | Operation::Embeddings) || continued {
        return Vec::new();
    }
    let mut chain = Chain {
        encoding: model.encoding,
        block: block_tokens.max(1),
        filled: 0,
        hash: 0xcbf2_9ce4_8422_2325,
        blocks: Vec::new(),
    };
    for value in BEFORE.iter().filter_map(|key| body.get(*key)) {
        chain.mix_json(value);
    }
    if let Some(Value::String(text)) = body.get("instructions") {
        chain.message("developer", &Value::String(text.clone()));
    }
    let messages = body.get("messages").or_else(|| body.get("input"));
    match messages {
        Some(Value::String(text)) => chain.message("user", &Value::String(text.clone())),
        Some(Value::Array(messages)) => {
            for message in messages {
                let role = message.get("role").and_then(Value::as_str).unwrap_or_default();
                match message.get("content") {
                    Some(content) => chain.message(role, content),
                    None => chain.media(message),
                }
                if let Some(calls) = message.get("tool_calls") {
                    chain.media(calls);
                }
            }
        }
        _ => {}
    }
    chain.blocks
}

/// Collects tokens into blocks.
struct Chain {
    encoding: Encoding,
    block: u64,
    filled: u64,
    hash: u64,
    blocks: Vec<u64>,
}

impl Chain {
    fn message(&mut self, role: &str, content: &Value) {
        FRAME.iter().for_each(|&token| self.token(token));
        self.text(role);
        self.content(content);
    }

    fn content(&mut self, content: &Value) {
        match content {
            Value::String(text) => self.text(text),
            Value::Array(parts) => {
                for part in parts {
                    match part.get("text") {
                        Some(Value::String(text)) => self.text(text),
                        _ => self.media(part),
                    }
                }
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if !text.is_empty() {
            self.encoding.encode(text).into_iter().for_each(|token| self.token(token));
        }
    }

    /// What is not text: as one token that is like no other.
    fn media(&mut self, value: &Value) {
        self.token(MEDIA);
        self.mix_json(value);
    }

    fn mix_json(&mut self, value: &Value) {
        // Objects keep their keys sorted, so equal values have equal texts.
        for byte in value.to_string().bytes() {
            self.mix(u64::from(byte));
        }
    }

    fn token(&mut self, token: u32) {
        self.mix(u64::from(token));
        self.filled += 1;
        if self.filled == self.block {
            self.filled = 0;
            self.blocks.push(finish(self.hash));
        }
    }

    fn mix(&mut self, value: u64) {
        self.hash = (self.hash ^ value).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(29);
    }
}

/// Spreads a hash over all bits (SplitMix64's finish).
fn finish(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn blocks(body: Value) -> Vec<u64> {
        let model = Model::find("gpt-4o").unwrap();
        prefix(Operation::Chat, body.as_object().unwrap(), &model, 128)
    }

    fn chat(system: &str, user: &str) -> Value {
        json!({"messages": [
            {"role": "system", "content": system},
            {"role": "user", "content": user},
        ]})
    }

    #[test]
    fn prompts_share_blocks_as_far_as_they_agree() {
        let long = "word ".repeat(1_300);
        let (one, two) = (blocks(chat(&long, "first")), blocks(chat(&long, "second thing")));
        assert_eq!(one.len(), 1_300 / 128);
        assert_eq!(one, two, "they differ in the last, unfinished block");
        let other = blocks(chat(&format!("x{long}"), "first"));
        assert!(one.iter().zip(&other).all(|(a, b)| a != b), "nothing after a difference");
        let longer = blocks(chat(&long, &"more ".repeat(300)));
        assert_eq!(longer.get(..one.len()), Some(&one[..]));
        assert_ne!(blocks(chat(&"word ".repeat(1_000), "first"))[..7], one[..8]);
    }

    #[test]
    fn keys_tools_and_media_keep_prompts_apart() {
        let long = "word ".repeat(300);
        let base = blocks(chat(&long, "hi"));
        let with = |key: &str, value: Value| {
            let mut body = chat(&long, "hi");
            body.as_object_mut().unwrap().insert(key.to_owned(), value);
            blocks(body)
        };
        assert_ne!(with("prompt_cache_key", json!("a")), with("prompt_cache_key", json!("b")));
        assert_ne!(with("tools", json!([{"type": "function"}])), base);
        assert_eq!(with("max_tokens", json!(3)), base);
        assert!(with("previous_response_id", json!("resp_1")).is_empty());
        let image = |url: &str| {
            blocks(json!({"messages": [
                {"role": "user", "content": [
                    {"type": "image_url", "image_url": {"url": url}},
                    {"type": "text", "text": long},
                ]},
            ]}))
        };
        assert_ne!(image("https://a/1.png"), image("https://a/2.png"));
        let array =
            json!({"messages": [{"role": "user", "content": [{"type": "text", "text": long}]}]});
        let text = json!({"messages": [{"role": "user", "content": long}]});
        assert_eq!(blocks(array), blocks(text), "the same text in either form");
        assert!(blocks(json!({"messages": 7})).is_empty());
    }
}
