//! The parts of a body that answers repeat, as they were written: with their
//! order of keys, which a parsed body has lost.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::layout::compact;

/// The body's own text of what answers repeat.
#[derive(Default, Deserialize)]
pub(super) struct Raw<'a> {
    #[serde(borrow, default)]
    tools: Option<&'a RawValue>,
    #[serde(borrow, default)]
    tool_choice: Option<&'a RawValue>,
    #[serde(borrow, default)]
    metadata: Option<&'a RawValue>,
    #[serde(borrow, default)]
    text: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct RawTool<'a> {
    #[serde(borrow, default)]
    parameters: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct RawText<'a> {
    #[serde(borrow, default)]
    format: Option<RawFormat<'a>>,
}

#[derive(Deserialize)]
struct RawFormat<'a> {
    #[serde(borrow, default)]
    schema: Option<&'a RawValue>,
}

impl<'a> Raw<'a> {
    /// Of a body that has been read as JSON. What cannot be found again (a key given
    /// twice, for instance) is written in our own order.
    pub(super) fn of(body: &'a [u8]) -> Self {
        serde_json::from_slice(body).unwrap_or_default()
    }

    /// `tools`, each as text.
    pub(super) fn tools(&self) -> Vec<&'a RawValue> {
        self.tools.and_then(|tools| serde_json::from_str(tools.get()).ok()).unwrap_or_default()
    }

    pub(super) fn tool_choice(&self, parsed: &Value) -> String {
        text_of(self.tool_choice, parsed)
    }

    pub(super) fn metadata(&self, parsed: &Value) -> String {
        text_of(self.metadata, parsed)
    }

    /// `text.format.schema`.
    pub(super) fn schema(&self, parsed: &Value) -> String {
        let schema = self
            .text
            .and_then(|text| serde_json::from_str::<RawText<'a>>(text.get()).ok())
            .and_then(|text| text.format)
            .and_then(|format| format.schema);
        text_of(schema, parsed)
    }
}

/// `parameters` of a tool.
pub(super) fn parameters(tool: Option<&RawValue>, parsed: &Value) -> String {
    let raw = tool
        .and_then(|tool| serde_json::from_str::<RawTool<'_>>(tool.get()).ok())
        .and_then(|tool| tool.parameters);
    text_of(raw, parsed)
}

pub(super) fn text_of(raw: Option<&RawValue>, parsed: &Value) -> String {
    match raw {
        Some(raw) => compact(raw.get()),
        None => parsed.to_string(),
    }
}
