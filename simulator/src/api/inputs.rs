//! Prompts of completions and inputs of embeddings: texts, or their tokens.

use serde_json::Value;
use tokens::Encoding;

use super::fields::{self, Parsed};
use crate::catalogue::Model;

/// A text, or its tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Input {
    Text(String),
    Tokens(Vec<u32>),
}

impl Input {
    /// A token array costs its length.
    pub(super) fn tokens(&self, model: &Model) -> u64 {
        match self {
            Input::Text(text) => model.encoding.count(text) as u64,
            Input::Tokens(tokens) => tokens.len() as u64,
        }
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Input::Text(text) => Some(text),
            Input::Tokens(_) => None,
        }
    }

    /// The text; of tokens outside the vocabulary there is none.
    pub(super) fn text(&self, encoding: Encoding) -> String {
        match self {
            Input::Text(text) => text.clone(),
            Input::Tokens(tokens) => encoding.decode(tokens).unwrap_or_default(),
        }
    }

    /// The text, or a name for the tokens that no text shares.
    pub(super) fn key(&self) -> String {
        match self {
            Input::Text(text) => text.clone(),
            Input::Tokens(tokens) => format!("\u{0}{tokens:?}"),
        }
    }
}

/// A string, an array of strings, an array of tokens, or an array of those.
pub(super) fn read_inputs(path: &str, value: &Value) -> Parsed<Vec<Input>> {
    let items = match value {
        Value::String(text) => return Ok(vec![Input::Text(text.clone())]),
        Value::Array(items) if items.is_empty() => return Err(fields::empty_array(path)),
        Value::Array(items) => items,
        other => return Err(fields::wrong_type(path, "a string or an array", other)),
    };
    if items.iter().all(Value::is_number) {
        return Ok(vec![Input::Tokens(read_tokens(path, items)?)]);
    }
    items
        .iter()
        .enumerate()
        .map(|(index, item)| {
            let path = format!("{path}[{index}]");
            match item {
                Value::String(text) => Ok(Input::Text(text.clone())),
                Value::Array(tokens) => Ok(Input::Tokens(read_tokens(&path, tokens)?)),
                other => Err(fields::wrong_type(&path, "a string or an array of tokens", other)),
            }
        })
        .collect()
}

fn read_tokens(path: &str, items: &[Value]) -> Parsed<Vec<u32>> {
    items
        .iter()
        .map(|item| {
            let token = item.as_u64().and_then(|token| u32::try_from(token).ok());
            token.ok_or_else(|| fields::wrong_type(path, "an array of tokens", item))
        })
        .collect()
}
