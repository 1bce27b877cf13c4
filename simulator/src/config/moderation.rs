//! What moderation flags: as people write it → checked.

use schemars::JsonSchema;
use seam::diagnostic::{Diagnostic, Source};
use serde::Deserialize;
use serde_spanned::Spanned;

use super::filter::matcher;
use crate::filter::{CATEGORIES, Flag};

/// How sure a rule is when the file does not say.
const DEFAULT_SCORE: f64 = 0.9;

/// A text that moderation flags.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModerationRule {
    /// Text to look for, upper or lower case. Without this and `regex`: any text.
    #[schemars(with = "Option<String>")]
    pub contains: Option<Spanned<String>>,
    /// Pattern to look for.
    #[schemars(with = "Option<String>")]
    pub regex: Option<Spanned<String>>,
    /// What it is flagged as: "violence", "self-harm/intent" and so on.
    #[schemars(with = "Vec<String>")]
    pub categories: Spanned<Vec<Spanned<String>>>,
    /// The score of those categories, 0 to 1; from 0.5 they are flagged. Default 0.9.
    #[schemars(with = "Option<f64>")]
    pub score: Option<Spanned<f64>>,
}

pub(super) fn check(
    source: &Source,
    rules: &[Spanned<ModerationRule>],
    problems: &mut Vec<Diagnostic>,
) -> Vec<Flag> {
    rules.iter().filter_map(|rule| flag(source, rule.get_ref(), problems)).collect()
}

fn flag(source: &Source, rule: &ModerationRule, problems: &mut Vec<Diagnostic>) -> Option<Flag> {
    let known = || CATEGORIES.iter().map(|harm| harm.name);
    let list = rule.categories.get_ref();
    if list.is_empty() {
        let names = known().collect::<Vec<_>>().join(", ");
        problems.push(
            Diagnostic::error(source, rule.categories.span(), "a rule without a category")
                .help(format!("known: {names}")),
        );
    }
    let mut categories = Vec::new();
    for name in list {
        match known().find(|known| known == name.get_ref()) {
            Some(name) => categories.push(name),
            None => problems.push(
                Diagnostic::error(
                    source,
                    name.span(),
                    format!("unknown category `{}`", name.get_ref()),
                )
                .did_you_mean(name.get_ref(), known())
                .help(format!("known: {}", known().collect::<Vec<_>>().join(", "))),
            ),
        }
    }
    let mut report = |span, message: String, help: &str| {
        problems.push(Diagnostic::error(source, span, message).help(help));
    };
    let score = rule.score.as_ref().map_or(DEFAULT_SCORE, |own| *own.get_ref());
    if let Some(own) = rule.score.as_ref().filter(|own| !(0.0..=1.0).contains(own.get_ref())) {
        report(own.span(), "`score` must be from 0 to 1".into(), "an example: 0.9");
    }
    let matcher = matcher(rule.contains.as_ref(), rule.regex.as_ref(), &mut report)?;
    Some(Flag { matcher, categories, score })
}
