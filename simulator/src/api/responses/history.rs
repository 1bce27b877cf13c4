//! How items belong together: calls and their outputs, reasoning and what follows
//! it; and what all of it costs in the prompt.

use tokens::tool_call_tokens;

use super::complaint::{input, item_not_found};
use super::input::{Content, InputItem, Part};
use super::store::{Past, Record};
use crate::api::fields::Parsed;
use crate::catalogue::Model;

/// What a conversation so far means for the next request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Context {
    /// Prompt tokens of its items.
    pub tokens: u64,
    /// Calls that no output has answered.
    pub open_calls: Vec<String>,
}

impl Context {
    /// After these items.
    pub(super) fn follow(&mut self, items: &[InputItem]) {
        for item in items {
            match &item.content {
                Content::Call { call_id, .. } => self.open_calls.push(call_id.clone()),
                Content::CallOutput { call_id, .. } => {
                    self.open_calls.retain(|open| open != call_id)
                }
                _ => {}
            }
        }
    }
}

/// Puts referenced items in place, and complains about what does not belong together.
pub(super) fn resolve(
    items: Vec<InputItem>,
    previous: Option<&Record>,
    past: &dyn Past,
    store: bool,
) -> Parsed<Vec<InputItem>> {
    let mut resolved = Vec::with_capacity(items.len());
    for item in items {
        let id = item.id.as_deref().unwrap_or_default();
        let known = match item.content {
            Content::Reference => Some(past.item(id).ok_or_else(|| item_not_found(id, store))?),
            // An id alone costs a look-up only where reasoning may be missing.
            Content::Message { .. } | Content::Call { .. }
                if previous.is_none() && !id.is_empty() =>
            {
                past.item(id)
            }
            _ => None,
        };
        if let Some(needs) = known.as_ref().and_then(|known| known.needs.as_deref())
            && previous.is_none()
            && !resolved.iter().any(|earlier: &InputItem| earlier.id.as_deref() == Some(needs))
        {
            let kind = match item.content {
                Content::Call { .. } => "function_call",
                _ => "message",
            };
            return Err(input(format!(
                "Item '{id}' of type '{kind}' was provided without its required 'reasoning' item: '{needs}'."
            )));
        }
        resolved.push(match (item.content, known) {
            (Content::Reference, Some(known)) => known.item,
            (content, _) => InputItem { id: item.id, content },
        });
    }
    check_reasoning(&resolved)?;
    check_calls(&resolved, previous)?;
    Ok(resolved)
}

/// Reasoning stands before something else that the model made.
fn check_reasoning(items: &[InputItem]) -> Parsed<()> {
    for (at, item) in items.iter().enumerate() {
        let (Content::Reasoning { .. }, Some(id)) = (&item.content, &item.id) else { continue };
        let followed = match items.get(at + 1).map(|next| &next.content) {
            None | Some(Content::CallOutput { .. } | Content::Reference) => false,
            Some(Content::Message { role, .. }) => role == "assistant",
            Some(Content::Call { .. } | Content::Reasoning { .. } | Content::Other { .. }) => true,
        };
        if !followed {
            return Err(input(format!(
                "Item '{id}' of type 'reasoning' was provided without its required following item."
            )));
        }
    }
    Ok(())
}

/// Every call has its output, every output its call.
fn check_calls(items: &[InputItem], previous: Option<&Record>) -> Parsed<()> {
    let mut open = previous.map(|record| record.context.open_calls.clone()).unwrap_or_default();
    for item in items {
        match &item.content {
            Content::Call { call_id, .. } => open.push(call_id.clone()),
            Content::CallOutput { call_id, .. } => {
                let Some(at) = open.iter().position(|id| id == call_id) else {
                    return Err(input(format!(
                        "No tool call found for function call output with call_id {call_id}."
                    )));
                };
                open.remove(at);
            }
            _ => {}
        }
    }
    match open.first() {
        None => Ok(()),
        Some(id) => Err(input(format!("No tool output found for function call {id}."))),
    }
}

/// Prompt tokens of items: each message 3, its role and its texts (specification,
/// section 6.1); calls as those of an assistant's history (6.2).
pub(super) fn tokens(items: &[InputItem], model: &Model) -> u64 {
    let mut total = 0_u64;
    let mut in_call = false;
    for item in items {
        let was_in_call =
            std::mem::replace(&mut in_call, matches!(item.content, Content::Call { .. }));
        total += match &item.content {
            Content::Message { role, parts } => message(role, parts, model),
            Content::CallOutput { parts, .. } => message("tool", parts, model),
            Content::Call { name, arguments, .. } => {
                // Calls in a row are one message of the assistant.
                let frame = if was_in_call { 0 } else { message("assistant", &[], model) };
                frame + tool_call_tokens(model.encoding, name, arguments) as u64
            }
            // Thoughts of earlier turns are not shown to the model again.
            Content::Reasoning { .. } | Content::Reference | Content::Other { .. } => 0,
        };
    }
    total
}

fn message(role: &str, parts: &[Part], model: &Model) -> u64 {
    let parts = parts.iter().map(|part| match part {
        Part::Medium { tokens, .. } => *tokens,
        part => model.encoding.count(part.text()) as u64,
    });
    (model.overhead.per_message + model.encoding.count(role)) as u64 + parts.sum::<u64>()
}

/// Prompt tokens of `instructions`: a leading system message.
pub(super) fn instruction_tokens(instructions: Option<&str>, model: &Model) -> u64 {
    instructions.map_or(0, |text| message("system", &[Part::Text(text.to_owned())], model))
}
