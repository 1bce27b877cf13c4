//! What filters look for.

use crate::config::Layout;

/// What a filter looks for: harm with a severity, or something that is detected or
/// not. In alphabetical order, as results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Category {
    Hate,
    IndirectAttack,
    Jailbreak,
    ProtectedMaterialCode,
    ProtectedMaterialText,
    SelfHarm,
    Sexual,
    Violence,
}

impl Category {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Hate => "hate",
            Self::IndirectAttack => "indirect_attack",
            Self::Jailbreak => "jailbreak",
            Self::ProtectedMaterialCode => "protected_material_code",
            Self::ProtectedMaterialText => "protected_material_text",
            Self::SelfHarm => "self_harm",
            Self::Sexual => "sexual",
            Self::Violence => "violence",
        }
    }

    /// Whether it is detected or not, without a severity.
    pub(crate) fn is_detector(self) -> bool {
        match self {
            Self::Hate | Self::SelfHarm | Self::Sexual | Self::Violence => false,
            Self::IndirectAttack
            | Self::Jailbreak
            | Self::ProtectedMaterialCode
            | Self::ProtectedMaterialText => true,
        }
    }
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    Safe,
    Low,
    Medium,
    High,
}

impl Severity {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// Results of a streamed chunk in which nothing was found, and of everything in 2024.
pub(crate) const SEVERITIES: &str = r#"{"hate":{"filtered":false,"severity":"safe"},"self_harm":{"filtered":false,"severity":"safe"},"sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,"severity":"safe"}}"#;
const HARM: &[Category] =
    &[Category::Hate, Category::SelfHarm, Category::Sexual, Category::Violence];

/// Results of a prompt in which nothing was found, since 2025.
const PROMPT: &str = r#"{"hate":{"filtered":false,"severity":"safe"},"jailbreak":{"filtered":false,"detected":false},"self_harm":{"filtered":false,"severity":"safe"},"sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,"severity":"safe"}}"#;
const PROMPT_CATEGORIES: &[Category] = &[
    Category::Hate,
    Category::Jailbreak,
    Category::SelfHarm,
    Category::Sexual,
    Category::Violence,
];

/// What is looked for in prompts, and how the results are written when nothing is
/// found.
pub(crate) fn prompt_categories(layout: Layout) -> (&'static [Category], &'static str) {
    match layout {
        Layout::Azure2024 => (HARM, SEVERITIES),
        Layout::Azure | Layout::OpenAi => (PROMPT_CATEGORIES, PROMPT),
    }
}

/// Results of a completion in which nothing was found, since 2025.
const COMPLETION: &str = r#"{"hate":{"filtered":false,"severity":"safe"},"protected_material_code":{"filtered":false,"detected":false},"protected_material_text":{"filtered":false,"detected":false},"self_harm":{"filtered":false,"severity":"safe"},"sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,"severity":"safe"}}"#;
const COMPLETION_CATEGORIES: &[Category] = &[
    Category::Hate,
    Category::ProtectedMaterialCode,
    Category::ProtectedMaterialText,
    Category::SelfHarm,
    Category::Sexual,
    Category::Violence,
];

/// The same for completions.
pub(crate) fn completion_categories(layout: Layout) -> (&'static [Category], &'static str) {
    match layout {
        Layout::Azure2024 => (HARM, SEVERITIES),
        Layout::Azure | Layout::OpenAi => (COMPLETION_CATEGORIES, COMPLETION),
    }
}
