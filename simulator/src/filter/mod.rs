//! Content filters: what configured rules find in prompts and completions, and how
//! findings are told (specification, sections 1.6, 2.3 and 2.4). Pure: draws take a
//! generator; nothing here knows requests, time or HTTP.

mod category;
mod findings;
mod moderation;
mod rule;

pub(crate) use category::{
    Category, SEVERITIES, Severity, completion_categories, prompt_categories,
};
pub(crate) use findings::Findings;
pub(crate) use moderation::{CATEGORIES, Flag, Harm, known_words};
pub(crate) use rule::{Filters, Matcher, Mode, Rule, Side};
