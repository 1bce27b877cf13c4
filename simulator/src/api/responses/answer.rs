//! A response before it is written: what it says, whatever its form.

use std::sync::Arc;

use super::era::{Era, Vendor};
use super::input::{Content, InputItem, Part};
use super::settings::Settings;
use crate::api::usage::Usage;
use crate::filter::Findings;

/// One token of a text.
pub(super) type Piece = std::borrow::Cow<'static, str>;

/// A response, planned whole.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answer {
    pub era: Era,
    pub vendor: Vendor,
    pub id: String,
    /// Seconds since the Unix epoch.
    pub created: u64,
    pub model: String,
    pub settings: Arc<Settings>,
    pub items: Vec<Item>,
    pub usage: Usage,
    /// Why it is not complete.
    pub incomplete: Option<&'static str>,
    /// What content filters found in the prompt, and in what is said.
    pub findings: [Findings; 2],
    /// Characters of the prompt, for the offsets of content filters.
    pub prompt_chars: u64,
}

/// An item of the output.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Item {
    pub id: String,
    pub content: Output,
}

/// What an item of the output is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Output {
    /// Thoughts. Their summary may be shown, in parts; the thoughts themselves only
    /// sealed, as they are when the item begins and when it ends.
    Reasoning {
        summary: Vec<Vec<Piece>>,
        sealed: Option<[String; 2]>,
    },
    Text(Vec<Piece>),
    Refusal(Vec<Piece>),
    Call {
        call_id: String,
        name: String,
        arguments: Vec<Piece>,
    },
}

impl Output {
    /// The pieces it is streamed in.
    pub(super) fn pieces(&self) -> usize {
        match self {
            Output::Reasoning { summary, .. } => summary.iter().map(Vec::len).sum(),
            Output::Text(pieces) | Output::Refusal(pieces) => pieces.len(),
            Output::Call { arguments, .. } => arguments.len(),
        }
    }
}

impl Answer {
    /// Tokens that are paced: all pieces of all items.
    pub(super) fn pieces(&self) -> usize {
        self.items.iter().map(|item| item.content.pieces()).sum()
    }

    /// The output as the input of a later request.
    pub(super) fn as_input(&self) -> Vec<InputItem> {
        self.items
            .iter()
            .map(|item| {
                let content = match &item.content {
                    Output::Reasoning { summary, sealed } => Content::Reasoning {
                        json: super::object::reasoning(
                            summary,
                            sealed.as_ref().map(|[_, end]| end.as_str()),
                            self.era,
                        ),
                    },
                    Output::Text(pieces) => message(Part::Output(pieces.concat())),
                    Output::Refusal(pieces) => message(Part::Refusal(pieces.concat())),
                    Output::Call { call_id, name, arguments } => Content::Call {
                        call_id: call_id.clone(),
                        name: name.clone(),
                        arguments: arguments.concat(),
                    },
                };
                InputItem { id: Some(item.id.clone()), content }
            })
            .collect()
    }
}

fn message(part: Part) -> Content {
    Content::Message { role: "assistant".to_owned(), parts: vec![part] }
}
