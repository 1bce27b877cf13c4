//! `answers`: answers of a status come in known shapes, told by their headers.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_spanned::Spanned;

use crate::scenario::assertion::RawKind;
use crate::scenario::assertion::validate::{Checker, StatusKeys};
use crate::scenario::assertion::values::Statuses;

/// Every answer of the span with one of these statuses fits one of the shapes.
///
/// Kept of an answer, and so fit for this, are `content-type`,
/// `azure-openai-deployment-utilization` and all headers that begin with
/// `x-ratelimit`, `retry-after`, `x-apim-` or `x-gw-`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawAnswers {
    /// One status.
    #[schemars(with = "Option<u16>")]
    pub code: Option<Spanned<u16>>,
    /// Any of these statuses.
    #[schemars(with = "Option<Vec<u16>>")]
    pub codes: Option<Spanned<Vec<u16>>>,
    /// Any status of a class: `2xx`, `3xx`, `4xx` or `5xx`.
    #[schemars(with = "Option<String>")]
    pub class: Option<Spanned<String>>,
    /// The shapes; the first that fits counts.
    #[schemars(with = "Vec<RawShape>")]
    pub one_of: Spanned<Vec<Spanned<RawShape>>>,
}

/// What an answer's headers are like: everything that is said here holds.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawShape {
    /// What it is called in reports.
    pub name: String,
    /// Headers it has.
    #[serde(default)]
    pub has: Vec<String>,
    /// Headers it has not.
    #[serde(default)]
    pub lacks: Vec<String>,
    /// Headers with these values.
    #[serde(default)]
    pub equals: BTreeMap<String, String>,
    /// Headers with a number below this.
    #[serde(default)]
    pub below: BTreeMap<String, u64>,
    /// Headers with this number or a greater one.
    #[serde(default)]
    pub not_below: BTreeMap<String, u64>,
    /// Headers with the value that another header of the same answer has.
    #[serde(default)]
    pub same: BTreeMap<String, String>,
    /// The body's text, to the letter but for `*`, which stands for a whole number;
    /// of answers of 400 and above, 1 KiB of which is kept.
    pub body: Option<String>,
    /// At least so many answers must fit; none when absent.
    #[schemars(with = "Option<u64>")]
    pub at_least: Option<Spanned<u64>>,
    /// At most so many answers may fit this shape and none before it: a rare case that
    /// is not a fault. Any number when absent.
    pub at_most: Option<u64>,
}

/// Shapes of answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answers {
    /// Of which statuses.
    pub statuses: Statuses,
    /// The shapes.
    pub shapes: Vec<Shape>,
}

/// A shape of answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// What it is called.
    pub name: String,
    /// What holds for its headers.
    pub conditions: Vec<Condition>,
    /// How many answers must fit.
    pub at_least: u64,
    /// How many may.
    pub at_most: Option<u64>,
}

/// What holds for a header, or the body; names are in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// It is there.
    Has(String),
    /// It is not there.
    Lacks(String),
    /// It has this value.
    Equals(String, String),
    /// It is a number below this.
    Below(String, u64),
    /// It is this number or a greater one.
    NotBelow(String, u64),
    /// It has the other header's value.
    Same(String, String),
    /// The body is this text, with a number at each `*`.
    Body(String),
}

impl RawKind for RawAnswers {
    type Checked = Answers;

    fn check(checker: &mut Checker<'_>, table: &Spanned<Self>) -> Option<Self::Checked> {
        let raw = table.get_ref();
        let before = checker.problems();
        let statuses = checker.statuses(&StatusKeys {
            code: raw.code.as_ref(),
            codes: raw.codes.as_ref(),
            class: raw.class.as_ref(),
            table: table.span(),
        });
        if raw.one_of.get_ref().is_empty() {
            checker.error(raw.one_of.span(), "`one_of` is empty", "every answer would fail");
        }
        let mut shapes = Vec::new();
        for own in raw.one_of.get_ref() {
            let shape = conditions(own.get_ref());
            if shape.is_empty() {
                let why = "say what its headers are like: `has`, `lacks`, `equals`, …";
                checker.error(own.span(), "every answer has this shape", why);
            }
            if let Some(least) = &own.get_ref().at_least
                && *least.get_ref() == 0
            {
                checker.always_true(least.span(), "no count is below zero");
            }
            let at_least = own.get_ref().at_least.as_ref().map_or(0, |least| *least.get_ref());
            let at_most = own.get_ref().at_most;
            if let Some(least) = own.get_ref().at_least.as_ref()
                && at_most.is_some_and(|most| most < at_least)
            {
                checker.error(least.span(), "`at_least` is above `at_most`", "no number is both");
            }
            let name = own.get_ref().name.clone();
            shapes.push(Shape { name, conditions: shape, at_least, at_most });
        }
        let statuses = statuses?;
        (before == checker.problems()).then_some(Answers { statuses, shapes })
    }
}

fn conditions(raw: &RawShape) -> Vec<Condition> {
    let lower = |name: &String| name.to_ascii_lowercase();
    let has = raw.has.iter().map(|name| Condition::Has(lower(name)));
    let lacks = raw.lacks.iter().map(|name| Condition::Lacks(lower(name)));
    let equals =
        raw.equals.iter().map(|(name, value)| Condition::Equals(lower(name), value.clone()));
    let below = raw.below.iter().map(|(name, most)| Condition::Below(lower(name), *most));
    let not_below =
        raw.not_below.iter().map(|(name, least)| Condition::NotBelow(lower(name), *least));
    let same = raw.same.iter().map(|(name, other)| Condition::Same(lower(name), lower(other)));
    let body = raw.body.iter().map(|text| Condition::Body(text.clone()));
    let headers = has.chain(lacks).chain(equals).chain(below).chain(not_below).chain(same);
    headers.chain(body).collect()
}
