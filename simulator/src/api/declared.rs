//! What a request declares of its answer, on the chat and the responses surface
//! alike: functions that may be called, and the form of a text; and what both add to
//! the prompt.

use serde_json::Value;
use tokens::{
    ResponseSchema, ToolFunction, ToolPrompt, response_schema_tokens, tools_prompt_tokens,
};

use crate::catalogue::Model;
use crate::content::{Format, Json, ToolChoice};

/// A function as it was declared.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Declared {
    pub name: String,
    pub description: Option<String>,
    pub parameters: Option<Value>,
}

/// Tokens that functions add to a prompt; `system` is its first system text.
pub(super) fn tool_tokens(
    functions: &[Declared],
    choice: ToolChoice,
    model: &Model,
    system: Option<&str>,
) -> u64 {
    let functions: Vec<ToolFunction<'_>> = functions
        .iter()
        .map(|function| ToolFunction {
            name: &function.name,
            description: function.description.as_deref(),
            parameters: function.parameters.as_ref(),
        })
        .collect();
    let choice = match choice {
        ToolChoice::Auto | ToolChoice::Required => tokens::ToolChoice::Free,
        ToolChoice::None => tokens::ToolChoice::None,
        ToolChoice::Named(place) => functions
            .get(place)
            .map_or(tokens::ToolChoice::Free, |f| tokens::ToolChoice::Named(f.name)),
    };
    let prompt = ToolPrompt { functions: &functions, choice, system };
    tools_prompt_tokens(model.encoding, model.tools, prompt) as u64
}

/// The form that an answer's text shall have.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) enum TextForm {
    #[default]
    Text,
    /// Any JSON object.
    JsonObject,
    Schema(Box<NamedSchema>),
}

/// A schema, ordered to generate by and as it was sent to count.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct NamedSchema {
    pub name: String,
    pub ordered: Json,
    pub sent: Value,
}

impl TextForm {
    pub(super) fn wanted(&self) -> Format<'_> {
        match self {
            Self::Text => Format::Text,
            Self::JsonObject => Format::JsonObject,
            Self::Schema(schema) => Format::Schema(&schema.ordered),
        }
    }

    /// What it adds to the prompt, in tokens.
    pub(super) fn prompt_tokens(&self, model: &Model, has_system: bool) -> u64 {
        match self {
            Self::Text | Self::JsonObject => 0,
            Self::Schema(schema) => {
                let NamedSchema { name, sent, .. } = schema.as_ref();
                let schema = ResponseSchema { name, schema: sent, has_system };
                response_schema_tokens(model.encoding, schema) as u64
            }
        }
    }
}
