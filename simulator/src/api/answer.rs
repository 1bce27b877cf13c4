//! What answers to chat and completions have in common: identity, and the
//! annotations of content filters (specification, sections 2.1 and 2.3).

use crate::config::{Layout, WireProfile};

/// Categories of a streamed chunk, and of everything in 2024.
pub(super) const SEVERITIES: &str = r#"{"hate":{"filtered":false,"severity":"safe"},"self_harm":{"filtered":false,"severity":"safe"},"sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,"severity":"safe"}}"#;
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
    pub(super) fn fingerprint_json(&self) -> String {
        self.fingerprint.map_or_else(|| "null".to_owned(), |text| format!("\"{text}\""))
    }

    pub(super) fn prompt_filters_json(&self, prompts: usize) -> String {
        let categories = match self.profile.layout() {
            Layout::Azure2024 => SEVERITIES,
            Layout::Azure | Layout::OpenAi => PROMPT_CATEGORIES,
        };
        let results: Vec<String> = (0..prompts)
            .map(|index| {
                format!(r#"{{"prompt_index":{index},"content_filter_results":{categories}}}"#)
            })
            .collect();
        format!("[{}]", results.join(","))
    }

    pub(super) fn completion_filters(&self) -> &'static str {
        match self.profile.layout() {
            Layout::Azure2024 => SEVERITIES,
            Layout::Azure | Layout::OpenAi => COMPLETION_CATEGORIES,
        }
    }
}

pub(super) fn json_string(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_else(|_| "\"\"".to_owned())
}

pub(super) fn comma(index: usize) -> &'static str {
    if index == 0 { "" } else { "," }
}
