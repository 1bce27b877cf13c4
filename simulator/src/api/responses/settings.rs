//! What a response repeats of its request. Texts are JSON.

use std::fmt::Write as _;

/// What a response repeats of its request.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Settings {
    pub background: bool,
    pub instructions: String,
    pub max_output_tokens: Option<u64>,
    pub max_tool_calls: Option<u64>,
    pub parallel_tool_calls: bool,
    pub presence_penalty: f64,
    pub frequency_penalty: f64,
    pub previous_response_id: String,
    pub prompt_cache_key: String,
    pub prompt_cache_retention: &'static str,
    pub reasoning: Reasoning,
    pub safety_identifier: String,
    pub tier: Tier,
    pub store: bool,
    pub temperature: f64,
    pub text: String,
    pub tool_choice: String,
    pub tools: String,
    pub top_logprobs: u64,
    pub top_p: f64,
    pub truncation: &'static str,
    pub user: String,
    pub metadata: String,
}

/// `reasoning`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Reasoning {
    /// Absent in models that do not reason.
    pub effort: Option<Effort>,
    pub summary: Option<&'static str>,
}

/// How much a model thinks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effort {
    None,
    Minimal,
    Low,
    Medium,
    High,
    XHigh,
    Max,
}

impl Effort {
    pub(super) const ALL: [Effort; 7] = [
        Effort::None,
        Effort::Minimal,
        Effort::Low,
        Effort::Medium,
        Effort::High,
        Effort::XHigh,
        Effort::Max,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Effort::None => "none",
            Effort::Minimal => "minimal",
            Effort::Low => "low",
            Effort::Medium => "medium",
            Effort::High => "high",
            Effort::XHigh => "xhigh",
            Effort::Max => "max",
        }
    }

    /// What the deployment's mean of reasoning tokens is multiplied by (our own
    /// proposal: recordings show none for `minimal`, nothing else is published).
    pub(super) fn factor(self) -> f64 {
        match self {
            Effort::None | Effort::Minimal => 0.0,
            Effort::Low => 0.5,
            Effort::Medium => 1.0,
            Effort::High => 2.0,
            Effort::XHigh => 3.0,
            Effort::Max => 4.0,
        }
    }
}

impl Reasoning {
    pub(super) fn json(self, era: super::era::Era) -> String {
        let quoted =
            |word: Option<&str>| word.map_or_else(|| "null".to_owned(), |w| format!("\"{w}\""));
        let effort = quoted(self.effort.map(Effort::name));
        let summary = quoted(self.summary);
        let mut out = String::from("{");
        // The two middle fields came in 2026, seen with models that reason.
        let newer = era == super::era::Era::Y2026 && self.effort.is_some();
        if newer {
            out.push_str(r#""context":"current_turn","#);
        }
        let _ = write!(out, r#""effort":{effort},"#);
        if newer {
            out.push_str(r#""mode":"standard","#);
        }
        let _ = write!(out, r#""summary":{summary}}}"#);
        out
    }
}

/// Which tier the request asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Tier {
    #[default]
    Auto,
    Default,
    Flex,
    Priority,
}

impl Tier {
    pub(super) fn asked(self) -> &'static str {
        match self {
            Tier::Auto => "auto",
            Tier::Default => "default",
            Tier::Flex => "flex",
            Tier::Priority => "priority",
        }
    }

    /// The tier that served.
    pub(super) fn served(self) -> &'static str {
        match self {
            Tier::Auto | Tier::Default => "default",
            Tier::Flex => "flex",
            Tier::Priority => "priority",
        }
    }
}
