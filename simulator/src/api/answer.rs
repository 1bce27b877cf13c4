//! What answers to chat and completions have in common: identity, and the
//! annotations of content filters (specification, sections 2.1 and 2.3).

use super::object::{Object, array};
use crate::config::{Layout, WireProfile};

/// Categories of a streamed chunk, and of everything in 2024.
pub(super) const SEVERITIES: &str = r#"{"hate":{"filtered":false,"severity":"safe"},"self_harm":{"filtered":false,"severity":"safe"},"sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,"severity":"safe"}}"#;
/// The only category of a streamed chunk under the policy that recordings of 2026
/// show; the order inside is the service's.
const PROTECTED_TEXT: &str = r#"{"protected_material_text":{"detected":false,"filtered":false}}"#;
/// Categories of a prompt since 2025; the order inside is the service's.
const PROMPT_CATEGORIES: &str = r#"{"hate":{"filtered":false,"severity":"safe"},"jailbreak":{"filtered":false,"detected":false},"self_harm":{"filtered":false,"severity":"safe"},"sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,"severity":"safe"}}"#;
/// Categories of a completion since 2025.
const COMPLETION_CATEGORIES: &str = r#"{"hate":{"filtered":false,"severity":"safe"},"protected_material_code":{"filtered":false,"detected":false},"protected_material_text":{"filtered":false,"detected":false},"self_harm":{"filtered":false,"severity":"safe"},"sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,"severity":"safe"}}"#;

/// What every part of an answer states.
#[derive(Debug, Clone)]
pub(super) struct Answer<'a> {
    pub profile: WireProfile,
    pub id: &'a str,
    pub created: u64,
    pub model: &'a str,
    pub fingerprint: Option<&'a str>,
}

impl Answer<'_> {
    pub(super) fn layout(&self) -> Layout {
        self.profile.layout()
    }

    pub(super) fn fingerprint_json(&self) -> String {
        self.fingerprint.map_or_else(|| "null".to_owned(), |text| format!("\"{text}\""))
    }

    /// `prompt_filter_results`; the order inside is the service's.
    pub(super) fn prompt_filters_json(&self, prompts: usize) -> String {
        let categories = match self.layout() {
            Layout::Azure2024 => SEVERITIES,
            Layout::Azure | Layout::OpenAi => PROMPT_CATEGORIES,
        };
        array((0..prompts).map(|index| {
            format!(r#"{{"prompt_index":{index},"content_filter_results":{categories}}}"#)
        }))
    }

    /// `content_filter_results` of a whole choice.
    pub(super) fn completion_filters(&self) -> &'static str {
        match self.layout() {
            Layout::Azure2024 => SEVERITIES,
            Layout::Azure | Layout::OpenAi => COMPLETION_CATEGORIES,
        }
    }

    /// `content_filter_results` of a streamed token.
    pub(super) fn chunk_filters(&self) -> &'static str {
        match self.profile {
            WireProfile::Azure2026 => PROTECTED_TEXT,
            WireProfile::Documented
            | WireProfile::Azure2024
            | WireProfile::Azure2025
            | WireProfile::OpenAi => SEVERITIES,
        }
    }

    /// One choice: its index, what it says, how it ended, its probabilities and filter
    /// results. All are JSON.
    pub(super) fn choice(
        &self,
        index: usize,
        says: (&'static str, String),
        finish: &str,
        logprobs: &str,
        filters: &str,
    ) -> String {
        let (key, json) = says;
        Object::new()
            .number("index", index as u64)
            .raw(key, json)
            .raw("logprobs", logprobs)
            .raw("finish_reason", finish)
            .when(self.layout() != Layout::OpenAi, |choice| {
                choice.raw("content_filter_results", filters)
            })
            .write(self.layout())
    }
}
