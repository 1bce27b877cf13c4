//! What a model call costs in tokens: as the service reports it in `usage`, or
//! estimated where it does not.
//!
//! A [`Meter`] listens to the bytes of a backend's response on their way to the
//! client (`tap`), whole or streamed, and keeps a bounded amount of them:
//! `json` finds `usage` in a JSON body, `events` in server-sent events, where
//! the texts are counted too. `request` reads the request: its model, whether it
//! asks for a stream, and what its prompt costs.

mod events;
mod json;
mod request;
mod tap;

use serde::Deserialize;

pub(crate) use request::{Counter, ModelRequest};
pub(crate) use tap::Meter;

/// Token counts of one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Of the prompt.
    pub(crate) prompt: u64,
    /// Of the answer; 0 for embeddings.
    pub(crate) completion: u64,
    /// As reported; else the sum.
    pub(crate) total: u64,
}

/// What a [`Meter`] knows of a backend's response.
#[allow(dead_code, reason = "limits need a part of it; token metrics need the rest")]
#[derive(Clone, Debug)]
pub(crate) struct TokenReport {
    /// The backend's status.
    pub(crate) status: u16,
    /// Whether the response is a stream of server-sent events.
    pub(crate) streamed: bool,
    /// Whether its body was read to its end.
    pub(crate) whole: bool,
    /// `usage`, as far as read.
    pub(crate) usage: Option<Usage>,
    /// Tokens of the texts streamed so far, counted here; 0 for other bodies.
    pub(crate) completion_estimate: u64,
    /// The request it answers.
    pub(crate) request: ModelRequest,
}

#[allow(dead_code, reason = "limits need a part of it; token metrics need the rest")]
impl TokenReport {
    /// Prompt and streamed texts, both counted here: what the platform goes by
    /// for streams.
    pub(crate) fn estimate(&self) -> Usage {
        let prompt = self.request.prompt_tokens();
        let completion = self.completion_estimate;
        Usage { prompt, completion, total: prompt.saturating_add(completion) }
    }
}

/// `usage` as services write it: the names of chat, completions and embeddings,
/// and those of the Responses API.
#[derive(Clone, Copy, Debug, Deserialize)]
struct RawUsage {
    #[serde(default, alias = "input_tokens")]
    prompt_tokens: Option<u64>,
    #[serde(default, alias = "output_tokens")]
    completion_tokens: Option<u64>,
    #[serde(default)]
    total_tokens: Option<u64>,
}

impl RawUsage {
    /// `None` for an object without a single count.
    fn usage(self) -> Option<Usage> {
        self.prompt_tokens.or(self.completion_tokens).or(self.total_tokens)?;
        let prompt = self.prompt_tokens.unwrap_or_default();
        let completion = self.completion_tokens.unwrap_or_default();
        let total = self.total_tokens.unwrap_or_else(|| prompt.saturating_add(completion));
        Some(Usage { prompt, completion, total })
    }
}
