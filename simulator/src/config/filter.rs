//! Content filters of a deployment: as people write them → checked.

use std::sync::Arc;

use fancy_regex::Regex;
use schemars::JsonSchema;
use seam::diagnostic::{Diagnostic, Source};
use serde::Deserialize;
use serde_spanned::Spanned;

use super::model::WireProfile;
use super::raw;
use crate::filter::{Category, Filters, Matcher, Mode, Rule, Severity, Side};

/// How many tokens leave together when the file does not say (specification,
/// section 2.4; not published).
const DEFAULT_GROUP: (u64, u64) = (5, 10);
const MOST_GROUP: u64 = 1_000;

/// A content filter: what it looks for, and what it does then.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ContentFilter {
    /// Which text it looks at: "prompt" or "completion".
    #[schemars(with = "FilterSide")]
    pub on: Spanned<FilterSide>,
    /// Text to look for, upper or lower case. Without this and `regex`: any text.
    #[schemars(with = "Option<String>")]
    pub contains: Option<Spanned<String>>,
    /// Pattern to look for.
    #[schemars(with = "Option<String>")]
    pub regex: Option<Spanned<String>>,
    /// Probability that it acts on a text that matches, by the seed. Default 1.
    #[schemars(with = "Option<f64>")]
    pub probability: Option<Spanned<f64>>,
    /// What it finds.
    #[schemars(with = "FilterCategory")]
    pub category: Spanned<FilterCategory>,
    /// How bad that is. Only for "hate", "self_harm", "sexual" and "violence".
    /// Default "medium".
    #[schemars(with = "Option<FilterSeverity>")]
    pub severity: Option<Spanned<FilterSeverity>>,
    /// "block" (default), or "annotate": only say so in the answer's results.
    pub action: Option<FilterAction>,
}

/// Which text a filter looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FilterSide {
    /// What was sent.
    Prompt,
    /// What is answered.
    Completion,
}

/// What filters find.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FilterCategory {
    /// Hate and fairness.
    Hate,
    /// Instructions hidden in documents; on prompts only.
    IndirectAttack,
    /// An attempt to get around the model's rules; on prompts only.
    Jailbreak,
    /// Known source code; on completions only.
    ProtectedMaterialCode,
    /// Known text; on completions only.
    ProtectedMaterialText,
    /// Self-harm.
    SelfHarm,
    /// Sexual content.
    Sexual,
    /// Violence.
    Violence,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FilterSeverity {
    /// Mildly.
    Low,
    /// Clearly.
    Medium,
    /// Extremely.
    High,
}

/// What a filter does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FilterAction {
    /// The text is not shown.
    Block,
    /// The text is shown; the results say what was found.
    Annotate,
}

/// When filters of a stream speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ContentFilterMode {
    /// Before the text, which leaves in groups that were looked at.
    Default,
    /// After it: tokens leave at once, results follow in events of their own.
    Async,
}

/// The filters of a deployment.
pub(super) fn check(
    source: &Source,
    raw: &raw::Deployment,
    profile: WireProfile,
    problems: &mut Vec<Diagnostic>,
) -> Filters {
    let mut report = |span, message: String, help: &str| {
        problems.push(Diagnostic::error(source, span, message).help(help));
    };
    if profile == WireProfile::OpenAi {
        let spans = [
            ("content_filters", raw.content_filters.as_ref().map(Spanned::span)),
            ("content_filter_mode", raw.content_filter_mode.as_ref().map(Spanned::span)),
            ("content_filter_group", raw.content_filter_group.as_ref().map(Spanned::span)),
        ];
        for (key, span) in spans {
            if let Some(span) = span {
                let message = format!("`{key}` has no meaning with `wire_profile = \"openai\"`");
                report(span, message, "content filters are Azure's: remove the line");
            }
        }
        return Filters::none();
    }
    let mode = match raw.content_filter_mode.as_ref().map(|mode| *mode.get_ref()) {
        None | Some(ContentFilterMode::Default) => Mode::Buffered,
        Some(ContentFilterMode::Async) => Mode::Asynchronous,
    };
    let (least, most) = match &raw.content_filter_group {
        None => DEFAULT_GROUP,
        Some(group) => {
            let [least, most] = *group.get_ref();
            if least < 1 || most < least || MOST_GROUP < most {
                let message = format!(
                    "`content_filter_group` must be two numbers from 1 to {MOST_GROUP}, the smaller first"
                );
                report(group.span(), message, "an example: [5, 10]; [1, 1] sends token by token");
            }
            if mode == Mode::Asynchronous {
                let message = "`content_filter_group` has no meaning in asynchronous mode";
                report(group.span(), message.into(), "tokens leave at once there: remove the line");
            }
            (least, most)
        }
    };
    let list = raw.content_filters.iter().flat_map(|list| list.get_ref());
    let rules = list.filter_map(|raw| rule(raw.get_ref(), &mut report)).collect();
    Filters { mode, group: least..=most, rules }
}

fn rule(
    raw: &ContentFilter,
    report: &mut impl FnMut(std::ops::Range<usize>, String, &str),
) -> Option<Rule> {
    let matcher = matcher(raw.contains.as_ref(), raw.regex.as_ref(), report)?;
    let side = match raw.on.get_ref() {
        FilterSide::Prompt => Side::Prompt,
        FilterSide::Completion => Side::Completion,
    };
    let (category, only) = match raw.category.get_ref() {
        FilterCategory::Hate => (Category::Hate, None),
        FilterCategory::IndirectAttack => (Category::IndirectAttack, Some(Side::Prompt)),
        FilterCategory::Jailbreak => (Category::Jailbreak, Some(Side::Prompt)),
        FilterCategory::ProtectedMaterialCode => {
            (Category::ProtectedMaterialCode, Some(Side::Completion))
        }
        FilterCategory::ProtectedMaterialText => {
            (Category::ProtectedMaterialText, Some(Side::Completion))
        }
        FilterCategory::SelfHarm => (Category::SelfHarm, None),
        FilterCategory::Sexual => (Category::Sexual, None),
        FilterCategory::Violence => (Category::Violence, None),
    };
    if let Some(only) = only.filter(|only| *only != side) {
        let (here, there) = match only {
            Side::Prompt => ("completions", "prompt"),
            Side::Completion => ("prompts", "completion"),
        };
        let message = format!("`{}` is not looked for in {here}", category.name());
        report(raw.category.span(), message, &format!("write `on = \"{there}\"`"));
    }
    if let Some(severity) = raw.severity.as_ref().filter(|_| category.is_detector()) {
        let message = format!("`{}` is detected or not: it has no severity", category.name());
        report(severity.span(), message, "remove the line");
    }
    let probability = raw.probability.as_ref().map_or(1.0, |own| *own.get_ref());
    if let Some(own) = raw.probability.as_ref().filter(|own| !(0.0..=1.0).contains(own.get_ref())) {
        report(own.span(), "`probability` must be from 0 to 1".into(), "an example: 0.1");
    }
    let severity = match raw.severity.as_ref().map(|severity| *severity.get_ref()) {
        Some(FilterSeverity::Low) => Severity::Low,
        None | Some(FilterSeverity::Medium) => Severity::Medium,
        Some(FilterSeverity::High) => Severity::High,
    };
    let blocks = raw.action != Some(FilterAction::Annotate);
    Some(Rule { side, matcher, probability, category, severity, blocks })
}

/// What `contains` and `regex` say.
pub(super) fn matcher(
    contains: Option<&Spanned<String>>,
    regex: Option<&Spanned<String>>,
    report: &mut impl FnMut(std::ops::Range<usize>, String, &str),
) -> Option<Matcher> {
    match (contains, regex) {
        (Some(text), Some(_)) => {
            report(text.span(), "both `contains` and `regex`".into(), "write one of them");
            None
        }
        (Some(text), None) if text.get_ref().is_empty() => {
            report(text.span(), "`contains` is empty".into(), "remove the line to match any text");
            None
        }
        (Some(text), None) => Some(Matcher::Contains(text.get_ref().to_lowercase())),
        (None, Some(regex)) => match Regex::new(regex.get_ref()) {
            Ok(compiled) => Some(Matcher::Regex(Arc::new(compiled))),
            Err(error) => {
                report(regex.span(), format!("not a pattern: {error}"), "an example: \"(?i)bomb\"");
                None
            }
        },
        (None, None) => Some(Matcher::Any),
    }
}
