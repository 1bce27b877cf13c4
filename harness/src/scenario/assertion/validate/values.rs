//! Checks of single values: shares, bounds, statuses, statistics.

use std::ops::Range;
use std::time::Duration;

use seam::units::HumanDuration;
use serde_spanned::Spanned;

use super::Checker;
use crate::scenario::assertion::Statistic;
use crate::scenario::assertion::values::{Comparison, Limits, ShareBand, Statuses};

/// The keys of a share, wherever they stand.
pub(in crate::scenario::assertion) struct ShareKeys<'a> {
    pub equals: Option<&'a Spanned<f64>>,
    pub within: Option<&'a Spanned<f64>>,
    pub at_least: Option<&'a Spanned<f64>>,
    pub at_most: Option<&'a Spanned<f64>>,
    pub exact: bool,
    /// Span of the table that holds them.
    pub table: Range<usize>,
}

/// The keys that name statuses, wherever they stand.
pub(in crate::scenario::assertion) struct StatusKeys<'a> {
    pub code: Option<&'a Spanned<u16>>,
    pub codes: Option<&'a Spanned<Vec<u16>>>,
    pub class: Option<&'a Spanned<String>>,
    /// Span of the table that holds them.
    pub table: Range<usize>,
}

impl Checker<'_> {
    /// A length of time to look at: not zero, and no longer than the run.
    pub(in crate::scenario::assertion) fn length(
        &mut self,
        what: &str,
        length: &Spanned<HumanDuration>,
    ) -> Option<Duration> {
        let value = length.get_ref().0;
        if value.is_zero() {
            self.error(length.span(), format!("{what} of no length"), "such as `\"10s\"`");
            return None;
        }
        if let Some(end) = self.names.run_end()
            && end < value
        {
            let label = format!("the last stage ends at {}", HumanDuration(end));
            self.error(length.span(), format!("{what} longer than the run"), label);
            return None;
        }
        Some(value)
    }

    /// A simulator's name.
    pub(in crate::scenario::assertion) fn simulator(&mut self, name: &Spanned<String>) -> String {
        let known = self.names.simulators.clone();
        self.known("simulator", name, &known);
        name.get_ref().clone()
    }

    pub(in crate::scenario::assertion) fn statuses(
        &mut self,
        keys: &StatusKeys<'_>,
    ) -> Option<Statuses> {
        let given: Vec<_> = [
            ("code", keys.code.map(Spanned::span)),
            ("codes", keys.codes.map(Spanned::span)),
            ("class", keys.class.map(Spanned::span)),
        ]
        .into_iter()
        .filter_map(|(key, span)| span.map(|span| (key, span)))
        .collect();
        match given.as_slice() {
            [] => {
                let diagnostic = self
                    .at(keys.table.clone(), "no status is named")
                    .label("give `code`, `codes` or `class`");
                self.report(diagnostic);
                return None;
            }
            [_] => {}
            [(first, first_span), (second, second_span), ..] => {
                let diagnostic = self
                    .at(second_span.clone(), format!("`{second}` contradicts `{first}`"))
                    .label("names statuses again")
                    .also(first_span.clone(), "names them already");
                self.report(diagnostic);
                return None;
            }
        }
        let before = self.out.len();
        let mut codes = Vec::new();
        if let Some(code) = keys.code {
            self.status_code(*code.get_ref(), code.span());
            codes.push(*code.get_ref());
        }
        if let Some(several) = keys.codes {
            if several.get_ref().is_empty() {
                self.error(several.span(), "`codes` is empty", "no status would ever match");
            }
            for code in several.get_ref() {
                self.status_code(*code, several.span());
                codes.push(*code);
            }
        }
        if let Some(class) = keys.class {
            let digit = match class.get_ref().as_bytes() {
                [digit @ b'1'..=b'5', b'x' | b'X', b'x' | b'X'] => u16::from(digit - b'0'),
                _ => {
                    self.error(
                        class.span(),
                        format!("unknown class `{}`", class.get_ref()),
                        "one of `2xx`, `3xx`, `4xx`, `5xx`",
                    );
                    return None;
                }
            };
            return Some(Statuses::Class(digit));
        }
        codes.sort_unstable();
        codes.dedup();
        (before == self.out.len()).then_some(Statuses::Codes(codes))
    }

    pub(in crate::scenario::assertion) fn share_band(
        &mut self,
        keys: &ShareKeys<'_>,
    ) -> Option<ShareBand> {
        let before = self.out.len();
        for (key, value) in [
            ("equals", keys.equals),
            ("within", keys.within),
            ("at_least", keys.at_least),
            ("at_most", keys.at_most),
        ] {
            if let Some(value) = value {
                self.fraction(key, value);
            }
        }
        for (key, rival) in [("at_least", keys.at_least), ("at_most", keys.at_most)] {
            if let (Some(equals), Some(rival)) = (keys.equals, rival) {
                let diagnostic = self
                    .at(rival.span(), format!("`{key}` contradicts `equals`"))
                    .label("a share is either equal or bounded")
                    .also(equals.span(), "equal to this")
                    .help("for a tolerance around `equals` write `within`");
                self.report(diagnostic);
            }
        }
        if let (Some(within), None) = (keys.within, keys.equals) {
            self.error(within.span(), "`within` needs `equals`", "around which share?");
        }
        self.ordered(keys.at_least, keys.at_most);
        let given = [keys.equals, keys.within, keys.at_least, keys.at_most];
        if given.iter().all(Option::is_none) {
            let diagnostic = self
                .at(keys.table.clone(), "no share is asked for")
                .label("give `equals`, `at_least` or `at_most`");
            self.report(diagnostic);
        }
        if before < self.out.len() {
            return None;
        }
        let (lower, upper) = match (keys.equals, keys.within) {
            (Some(equals), within) => {
                let (share, within) = (*equals.get_ref(), within.map_or(0.0, |w| *w.get_ref()));
                ((share - within).max(0.0), (share + within).min(1.0))
            }
            (None, _) => (
                keys.at_least.map_or(0.0, |v| *v.get_ref()),
                keys.at_most.map_or(1.0, |v| *v.get_ref()),
            ),
        };
        let point = lower == upper;
        if point && 0.0 < lower && lower < 1.0 && !keys.exact {
            let at = keys.equals.or(keys.at_most).map_or(keys.table.clone(), Spanned::span);
            let diagnostic = self
                .at(at, format!("a share of {lower} needs a tolerance"))
                .label("no sample proves a share to the last digit")
                .help("add `within = 0.05`, or `exact = true` where routing is deterministic");
            self.report(diagnostic);
            return None;
        }
        if lower <= 0.0 && 1.0 <= upper {
            self.always_true(keys.table.clone(), "every share lies between 0 and 1");
            return None;
        }
        // "Always" and "never" are facts about the run: no interval reaches 1 or 0.
        let exact = keys.exact || lower == 1.0 || upper == 0.0;
        let comparison = if exact { Comparison::Exact } else { Comparison::Interval };
        Some(ShareBand { lower, upper, comparison })
    }

    fn fraction(&mut self, key: &str, value: &Spanned<f64>) {
        let number = *value.get_ref();
        if (0.0..=1.0).contains(&number) {
            if key == "within" && number == 0.0 {
                self.error(value.span(), "`within` is zero", "write `exact = true` instead");
            }
            return;
        }
        let mut diagnostic = self
            .at(value.span(), format!("`{key}` is not a share"))
            .label("a share lies between 0 and 1");
        if 1.0 < number && number <= 100.0 {
            diagnostic = diagnostic.help(format!("{number} % is {}", number / 100.0));
        }
        self.report(diagnostic);
    }

    /// `at_least` must not exceed `at_most`.
    pub(in crate::scenario::assertion) fn ordered<T: PartialOrd>(
        &mut self,
        at_least: Option<&Spanned<T>>,
        at_most: Option<&Spanned<T>>,
    ) {
        if let (Some(least), Some(most)) = (at_least, at_most)
            && most.get_ref() < least.get_ref()
        {
            let diagnostic = self
                .at(most.span(), "`at_most` is below `at_least`")
                .label("nothing can be both")
                .also(least.span(), "at least this");
            self.report(diagnostic);
        }
    }

    /// `at_least` and `at_most` of any quantity: one of them set, in order.
    pub(in crate::scenario::assertion) fn limits<T: PartialOrd + Clone>(
        &mut self,
        at_least: Option<&Spanned<T>>,
        at_most: Option<&Spanned<T>>,
        table: Range<usize>,
    ) -> Option<Limits<T>> {
        let before = self.out.len();
        self.ordered(at_least, at_most);
        if at_least.is_none() && at_most.is_none() {
            let diagnostic =
                self.at(table, "no limit is given").label("give `at_least` or `at_most`");
            self.report(diagnostic);
        }
        (before == self.out.len()).then(|| Limits {
            at_least: at_least.map(|value| value.get_ref().clone()),
            at_most: at_most.map(|value| value.get_ref().clone()),
        })
    }

    /// An assertion that cannot fail would make a run look checked.
    pub(in crate::scenario::assertion) fn always_true(&mut self, span: Range<usize>, why: &str) {
        self.error(span, "this assertion cannot fail", why);
    }

    pub(in crate::scenario::assertion) fn status_code(&mut self, status: u16, span: Range<usize>) {
        if !(100..600).contains(&status) {
            self.error(span, format!("{status} is not an HTTP status"), "from 100 to 599");
        }
    }

    pub(in crate::scenario::assertion) fn statistic(
        &mut self,
        text: &Spanned<String>,
    ) -> Option<Statistic> {
        let word = text.get_ref();
        if word == "mean" {
            return Some(Statistic::Mean);
        }
        let percent = word.strip_prefix('p').and_then(|rest| rest.parse::<f64>().ok());
        match percent {
            Some(percent) if 0.0 < percent && percent < 100.0 => {
                Some(Statistic::Percentile(percent / 100.0))
            }
            _ => {
                let diagnostic = self
                    .at(text.span(), format!("unknown statistic `{word}`"))
                    .label("`mean`, or a percentile such as `p50`, `p95`, `p99`, `p99.9`")
                    .did_you_mean(word, ["mean"]);
                self.report(diagnostic);
                None
            }
        }
    }
}
