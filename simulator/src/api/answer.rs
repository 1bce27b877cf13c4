//! What answers to chat and completions have in common: identity, and the
//! annotations of content filters (specification, sections 2.1 and 2.3).

use std::borrow::Cow;
use std::fmt::Write as _;

use super::object::{Object, json_string};
use crate::config::{Layout, WireProfile};
use crate::filter::{Findings, SEVERITIES, completion_categories, prompt_categories};

/// The only category of a streamed chunk under the policy that recordings of 2026
/// show; the order inside is the service's.
const PROTECTED_TEXT: &str = r#"{"protected_material_text":{"detected":false,"filtered":false}}"#;

/// What every part of an answer states.
#[derive(Debug, Clone)]
pub(super) struct Answer<'a> {
    pub profile: WireProfile,
    pub id: &'a str,
    pub created: u64,
    pub model: &'a str,
    pub fingerprint: Option<&'a str>,
    /// What filters found in the prompt.
    pub prompt: &'a Findings,
    pub service_tier: Option<&'static str>,
}

impl Answer<'_> {
    pub(super) fn layout(&self) -> Layout {
        self.profile.layout()
    }

    pub(super) fn fingerprint_json(&self) -> String {
        self.fingerprint.map_or_else(|| "null".to_owned(), json_string)
    }

    /// `prompt_filter_results`; the order inside is the service's.
    pub(super) fn prompt_filters_json(&self, prompts: usize) -> String {
        let (categories, clean) = prompt_categories(self.layout());
        let results = self.prompt.results(categories, clean);
        let mut out = String::with_capacity(prompts * (results.len() + 50) + 2);
        for index in 0..prompts {
            out.push(if index == 0 { '[' } else { ',' });
            // Writing to a string does not fail.
            let _ = write!(out, r#"{{"prompt_index":{index},"content_filter_results":"#);
            out.push_str(&results);
            out.push('}');
        }
        out.push_str(if prompts == 0 { "[]" } else { "]" });
        out
    }

    /// `content_filter_results` of a whole choice.
    pub(super) fn completion_filters<'f>(&self, findings: &'f Findings) -> Cow<'f, str> {
        let (categories, clean) = completion_categories(self.layout());
        findings.results(categories, clean)
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

    /// One choice: its index, what it says if that may be shown, how it ended, its
    /// probabilities and filter results. All are JSON.
    pub(super) fn choice(
        &self,
        index: usize,
        says: Option<(&'static str, String)>,
        finish: &str,
        logprobs: &str,
        filters: &str,
    ) -> String {
        let number = index as u64;
        // OpenAI's legacy completions begin with the text.
        let object = match says {
            Some((key @ "text", json)) => Object::new().raw(key, json).number("index", number),
            Some((key, json)) => Object::new().number("index", number).raw(key, json),
            None => Object::new().number("index", number),
        };
        object
            .raw("logprobs", logprobs)
            .raw("finish_reason", finish)
            .when(self.layout() != Layout::OpenAi, |choice| {
                choice.raw("content_filter_results", filters)
            })
            .write(self.layout())
    }
}
