//! `counter`: a header tells what a limiter's counter has left.

use std::time::Duration;

use schemars::JsonSchema;
use seam::units::HumanDuration;
use serde::Deserialize;
use serde_spanned::Spanned;

use crate::scenario::assertion::RawKind;
use crate::scenario::assertion::validate::Checker;

/// A response header has what a sliding window's counter had left when the request
/// came: the limit less what counted within the last `period`, never below zero.
/// The counter is replayed from what clients saw: each 2xx answer of the
/// assertion's `workload` and `where`, at any time of the run, counts when it is
/// over, or as `counts` says. Every 2xx answer of the span must have the header; where
/// another has it, it must be right too.
///
/// On virtual time the value must be exact. In real time nobody outside knows the
/// moments to the millisecond: it must be one that the times allow.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawCounter {
    /// The header.
    #[schemars(with = "String")]
    pub header: Spanned<String>,
    /// The limit.
    pub limit: u64,
    /// What the limit grows by.
    #[schemars(with = "Option<RawCounterShare>")]
    pub plus: Option<Spanned<RawCounterShare>>,
    /// How long something counts.
    #[schemars(with = "HumanDuration")]
    pub period: Spanned<HumanDuration>,
    /// What an answer counts as: its `total` tokens, by its usage; otherwise `weight`.
    #[schemars(with = "Option<String>")]
    pub tokens: Option<Spanned<String>>,
    /// What every answer counts as; 1 when absent.
    #[schemars(with = "Option<u64>")]
    pub weight: Option<Spanned<u64>>,
    /// When a request counts: `answered`, once its answer is over (the default, as API
    /// Management counts), or `admitted`, from when it came, and in its own answer
    /// too (as Azure OpenAI's `x-ratelimit-remaining-*`).
    #[schemars(with = "Option<String>")]
    pub counts: Option<Spanned<String>>,
}

/// A share of what another header of the same answer says, rounded down.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawCounterShare {
    /// The other header.
    pub header: String,
    /// The share, from 0 to 1.
    #[schemars(with = "f64")]
    pub share: Spanned<f64>,
}

/// A counter told by a header.
#[derive(Debug, Clone, PartialEq)]
pub struct Counter {
    /// Lower-case name.
    pub header: String,
    /// The limit, without what it grows by.
    pub limit: u64,
    /// Header and share by which it grows.
    pub plus: Option<(String, f64)>,
    /// How long something counts.
    pub period: Duration,
    /// What an answer counts as; `None` is its total tokens.
    pub weight: Option<u64>,
    /// When a request counts.
    pub counts: Counts,
}

/// When a request counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counts {
    /// Once its answer is over; its own answer does not tell it.
    Answered,
    /// From when it came; its own answer tells it.
    Admitted,
}

impl RawKind for RawCounter {
    type Checked = Counter;

    fn check(checker: &mut Checker<'_>, table: &Spanned<Self>) -> Option<Self::Checked> {
        let raw = table.get_ref();
        let before = checker.problems();
        if raw.period.get_ref().0.is_zero() {
            checker.error(raw.period.span(), "a period of no length", "nothing would count");
        }
        if let (Some(tokens), Some(weight)) = (&raw.tokens, &raw.weight) {
            let diagnostic = checker
                .at(tokens.span(), "`tokens` contradicts `weight`")
                .label("counts what was used")
                .also(weight.span(), "counts a fixed number");
            checker.report(diagnostic);
        }
        if let Some(tokens) = &raw.tokens
            && tokens.get_ref() != "total"
        {
            let diagnostic = checker
                .at(tokens.span(), format!("unknown tokens `{}`", tokens.get_ref()))
                .label("`total`")
                .did_you_mean(tokens.get_ref(), ["total"]);
            checker.report(diagnostic);
        }
        if let Some(weight) = &raw.weight
            && *weight.get_ref() == 0
        {
            checker.error(weight.span(), "a weight of zero counts nothing", "1 counts answers");
        }
        if let Some(plus) = &raw.plus {
            let share = &plus.get_ref().share;
            if !(0.0 < *share.get_ref() && *share.get_ref() <= 1.0) {
                checker.error(share.span(), "`share` is not a share", "above 0 and up to 1");
            }
        }
        let counts = match raw.counts.as_ref().map(|counts| (counts, counts.get_ref().as_str())) {
            None | Some((_, "answered")) => Counts::Answered,
            Some((_, "admitted")) => Counts::Admitted,
            Some((counts, other)) => {
                let diagnostic = checker
                    .at(counts.span(), format!("unknown counts `{other}`"))
                    .label("`answered` or `admitted`")
                    .did_you_mean(other, ["answered", "admitted"]);
                checker.report(diagnostic);
                return None;
            }
        };
        let fixed = raw.weight.as_ref().map_or(1, |weight| *weight.get_ref());
        (before == checker.problems()).then(|| Counter {
            header: raw.header.get_ref().to_ascii_lowercase(),
            limit: raw.limit,
            plus: raw.plus.as_ref().map(|plus| {
                let plus = plus.get_ref();
                (plus.header.to_ascii_lowercase(), *plus.share.get_ref())
            }),
            period: raw.period.get_ref().0,
            weight: raw.tokens.is_none().then_some(fixed),
            counts,
        })
    }
}
