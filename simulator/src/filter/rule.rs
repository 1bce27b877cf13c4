//! Rules, and what they find.

use std::ops::RangeInclusive;
use std::sync::Arc;

use fancy_regex::Regex;
use rand::{Rng, RngExt as _};

use super::category::{Category, Severity};
use super::findings::Findings;

/// Which text a rule looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Prompt,
    Completion,
}

/// When filters of a stream speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Before the text: it leaves in groups that were looked at.
    Buffered,
    /// After it: text leaves at once, results follow.
    Asynchronous,
}

/// What a rule looks for in a text.
#[derive(Debug, Clone)]
pub(crate) enum Matcher {
    /// Any text.
    Any,
    /// A piece of text, in lower case; upper and lower case are the same.
    Contains(String),
    Regex(Arc<Regex>),
}

/// One configured rule.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub side: Side,
    pub matcher: Matcher,
    /// Of a text that matches.
    pub probability: f64,
    pub category: Category,
    pub severity: Severity,
    /// Whether it blocks what it finds, or only says so.
    pub blocks: bool,
}

/// The filters of a deployment.
#[derive(Debug, Clone)]
pub(crate) struct Filters {
    pub mode: Mode,
    /// How many tokens of a stream leave together.
    pub group: RangeInclusive<u64>,
    pub rules: Vec<Rule>,
}

/// What was found in a completion.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Judged {
    pub findings: Findings,
    /// How many of its pieces may be shown; all, mostly.
    pub shown: Option<usize>,
}

impl Filters {
    /// None at all, as with OpenAI.
    pub(crate) fn none() -> Self {
        Self { mode: Mode::Asynchronous, group: 1..=1, rules: Vec::new() }
    }

    /// What the rules find in a prompt.
    pub(crate) fn judge_prompt(&self, texts: &[&str], rng: &mut impl Rng) -> Findings {
        let mut findings = Findings::default();
        for rule in self.of(Side::Prompt) {
            let found = texts.iter().any(|text| rule.matcher.find(text).is_some());
            if found && rule.happens(rng) {
                findings.add(rule.category, rule.severity, rule.blocks);
            }
        }
        findings
    }

    /// What the rules find in a completion of these pieces. Of a blocked one only
    /// what comes before the match is shown.
    pub(crate) fn judge_completion(
        &self,
        pieces: &[impl AsRef<str>],
        rng: &mut impl Rng,
    ) -> Judged {
        let mut judged = Judged::default();
        let mut text: Option<String> = None;
        for rule in self.of(Side::Completion) {
            let text = text.get_or_insert_with(|| pieces.iter().map(AsRef::as_ref).collect());
            let Some(at) = rule.matcher.find(text) else { continue };
            if !rule.happens(rng) {
                continue;
            }
            judged.findings.add(rule.category, rule.severity, rule.blocks);
            if rule.blocks {
                let shown = match rule.matcher {
                    // Anywhere: there is no place that a text decides.
                    Matcher::Any => rng.random_range(0..=pieces.len()),
                    Matcher::Contains(_) | Matcher::Regex(_) => whole_pieces(pieces, at),
                };
                judged.shown = Some(judged.shown.map_or(shown, |known| known.min(shown)));
            }
        }
        judged
    }

    fn of(&self, side: Side) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(move |rule| rule.side == side)
    }
}

impl Matcher {
    /// Where in a text it matches. A pattern that takes too many steps does not.
    pub(crate) fn find(&self, text: &str) -> Option<usize> {
        match self {
            Self::Any => Some(0),
            // In lower case a text may be longer; then the place is about.
            Self::Contains(wanted) => text.to_lowercase().find(wanted.as_str()),
            Self::Regex(regex) => regex.find(text).ok().flatten().map(|found| found.start()),
        }
    }

    /// What it matched in a text that it matches, then its groups. A group that
    /// took no part is empty.
    pub(crate) fn groups(&self, text: &str) -> Vec<String> {
        match self {
            Self::Any => vec![text.to_owned()],
            Self::Contains(wanted) => vec![wanted.clone()],
            Self::Regex(regex) => {
                let captures = regex.captures(text).ok().flatten();
                let groups = captures.iter().flat_map(|found| found.iter());
                groups.map(|group| group.map_or("", |own| own.as_str()).to_owned()).collect()
            }
        }
    }
}

impl Rule {
    fn happens(&self, rng: &mut impl Rng) -> bool {
        1.0 <= self.probability || rng.random_bool(self.probability.clamp(0.0, 1.0))
    }
}

/// How many pieces end at or before a place in their text.
fn whole_pieces(pieces: &[impl AsRef<str>], at: usize) -> usize {
    let mut end = 0_usize;
    pieces
        .iter()
        .take_while(|piece| {
            end = end.saturating_add(piece.as_ref().len());
            end <= at
        })
        .count()
}

#[cfg(test)]
mod tests {
    use seam::rng::Seed;

    use super::*;

    fn rule(side: Side, matcher: Matcher) -> Rule {
        Rule {
            side,
            matcher,
            probability: 1.0,
            category: Category::Violence,
            severity: Severity::High,
            blocks: true,
        }
    }

    fn filters(rules: Vec<Rule>) -> Filters {
        Filters { rules, ..Filters::none() }
    }

    #[test]
    fn a_completion_is_shown_up_to_the_match() {
        let mut rng = Seed(1).stream("x");
        let pieces = ["One", " bad", " word", "."];
        let shown = |matcher| {
            let filters = filters(vec![rule(Side::Completion, matcher)]);
            let judged = filters.judge_completion(&pieces, &mut Seed(1).stream("x"));
            (judged.findings.blocked(), judged.shown)
        };
        assert_eq!(shown(Matcher::Contains("bad w".into())), (true, Some(1)));
        assert_eq!(shown(Matcher::Regex(Arc::new(Regex::new("W|w").unwrap()))), (true, Some(2)));
        assert_eq!(shown(Matcher::Contains("good".into())), (false, None));
        assert!(shown(Matcher::Any).1.unwrap() <= 4);
        // A rule about prompts looks at prompts only.
        let of_prompts = filters(vec![rule(Side::Prompt, Matcher::Any)]);
        assert_eq!(of_prompts.judge_completion(&pieces, &mut rng), Judged::default());
        assert!(of_prompts.judge_prompt(&["x"], &mut rng).blocked());
        assert!(of_prompts.judge_prompt(&[], &mut rng).is_empty());
    }

    #[test]
    fn a_probability_is_the_share_of_findings() {
        let mut often = rule(Side::Prompt, Matcher::Contains("x".into()));
        often.probability = 0.25;
        let filters = filters(vec![often]);
        let mut rng = Seed(1).stream("x");
        let found = (0..4_000).filter(|_| filters.judge_prompt(&["aXb"], &mut rng).blocked());
        // Four standard errors of 27 either way.
        assert!((890..1_110).contains(&found.count()));
    }
}
