//! What one check comes to, before its share of the error probability is known.

use super::result::{Interval, Observed, Unit, Verdict};
use super::words;
use crate::scenario::assertion::{Comparison, ShareBand};
use crate::stats;

/// A check of one assertion.
pub(super) enum Check {
    /// A fact about this run: no doubt, no interval.
    Fact(Finding),
    /// A statement about the gateway: the verdict depends on the error
    /// probability allowed to it.
    Estimate(Box<dyn Fn(f64) -> Finding>),
}

/// The outcome of a check; see `AssertionResult`, whose fields these are.
#[derive(Debug, Clone)]
pub(super) struct Finding {
    pub verdict: Verdict,
    pub n: u64,
    pub observed: Option<Observed>,
    pub interval: Option<Interval>,
    pub threshold: String,
    pub n_to_settle: Option<u64>,
    pub message: String,
    pub examples: Vec<String>,
}

impl Finding {
    /// A finding with a verdict and words, to be filled in by struct update.
    pub(super) fn new(
        verdict: Verdict,
        threshold: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            verdict,
            n: 0,
            observed: None,
            interval: None,
            threshold: threshold.into(),
            n_to_settle: None,
            message: message.into(),
            examples: Vec::new(),
        }
    }
}

/// Why a check has nothing to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Why {
    /// There was nothing to look at.
    Nothing(String),
    /// It needs simulators, and there are real endpoints.
    NeedsSimulators(String),
}

impl Why {
    pub(super) fn text(&self) -> &str {
        match self {
            Why::Nothing(text) | Why::NeedsSimulators(text) => text,
        }
    }

    /// Told of what: `the baseline: …`.
    pub(super) fn about(self, what: impl std::fmt::Display) -> Self {
        match self {
            Why::Nothing(text) => Why::Nothing(format!("{what}: {text}")),
            needs @ Why::NeedsSimulators(_) => needs,
        }
    }
}

impl From<String> for Why {
    fn from(text: String) -> Self {
        Why::Nothing(text)
    }
}

impl From<&str> for Why {
    fn from(text: &str) -> Self {
        Why::Nothing(text.to_owned())
    }
}

impl Check {
    /// There was nothing to look at: never passed.
    pub(super) fn nothing(threshold: impl Into<String>, why: impl Into<Why>) -> Self {
        let (verdict, why) = match why.into() {
            Why::Nothing(why) => (Verdict::Inconclusive, why),
            Why::NeedsSimulators(why) => (Verdict::Skipped, why),
        };
        Check::Fact(Finding::new(verdict, threshold, why))
    }

    /// The same question, left open for a reason.
    pub(super) fn skipped(self, why: impl Into<String>) -> Self {
        let asked = match self {
            Check::Fact(finding) => finding,
            // What it would have been asked does not depend on the level.
            Check::Estimate(judge) => judge(0.001),
        };
        Check::Fact(Finding::new(Verdict::Skipped, asked.threshold, why))
    }
}

/// An allowed range of any quantity; `None` is unbounded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Band {
    pub lower: Option<f64>,
    pub upper: Option<f64>,
}

impl Band {
    /// The error probability of each bound: both edges can be missed, or one.
    pub(super) fn tail(&self, alpha: f64) -> f64 {
        if self.lower.is_some() && self.upper.is_some() { alpha / 2.0 } else { alpha }
    }

    /// Passed when the interval lies inside, failed when it lies outside.
    pub(super) fn judge(&self, lower: Option<f64>, upper: Option<f64>) -> Verdict {
        let reaches =
            |edge: Option<f64>, bound: Option<f64>, holds: fn(f64, f64) -> bool| match edge {
                None => true,
                Some(edge) => bound.is_some_and(|bound| holds(edge, bound)),
            };
        if reaches(self.lower, lower, |edge, bound| edge <= bound)
            && reaches(self.upper, upper, |edge, bound| bound <= edge)
        {
            return Verdict::Passed;
        }
        let below = matches!((self.lower, upper), (Some(edge), Some(bound)) if bound < edge);
        let above = matches!((self.upper, lower), (Some(edge), Some(bound)) if edge < bound);
        if below || above { Verdict::Failed } else { Verdict::Inconclusive }
    }

    /// Distance from `value` to the nearest edge.
    pub(super) fn distance(&self, value: f64) -> f64 {
        [self.lower, self.upper]
            .into_iter()
            .flatten()
            .map(|edge| (edge - value).abs())
            .fold(f64::INFINITY, f64::min)
    }
}

/// Requests of which some were hits, in the order in which they were sent.
pub(super) struct Hits {
    pub flags: Vec<bool>,
}

impl Hits {
    pub(super) fn n(&self) -> u64 {
        self.flags.len() as u64
    }

    pub(super) fn k(&self) -> u64 {
        self.flags.iter().filter(|hit| **hit).count() as u64
    }

    pub(super) fn share(&self) -> f64 {
        if self.flags.is_empty() { 0.0 } else { real(self.k()) / real(self.n()) }
    }

    pub(super) fn observed(&self) -> Observed {
        let text = format!(
            "{} of {} ({})",
            words::count(self.k()),
            words::count(self.n()),
            words::percent(self.share())
        );
        Observed { value: self.share(), unit: Unit::Share, text }
    }

    /// How many times fewer requests the sample counts for, because routing comes in waves.
    pub(super) fn design_effect(&self) -> f64 {
        let Some(count) = stats::block_count(self.flags.len()) else {
            return 1.0;
        };
        let blocks: Vec<(u64, u64)> = stats::blocks(&self.flags, count)
            .into_iter()
            .map(|block| (block.iter().filter(|hit| **hit).count() as u64, block.len() as u64))
            .collect();
        stats::design_effect(&blocks)
    }
}

/// What an interval said of a share.
pub(super) struct ShareVerdict {
    pub verdict: Verdict,
    pub interval: Interval,
    pub n_to_settle: Option<u64>,
}

/// Holds a share against its band by a confidence interval.
pub(super) fn judge_share(hits: &Hits, effect: f64, band: &ShareBand, alpha: f64) -> ShareVerdict {
    let band = Band {
        lower: (0.0 < band.lower).then_some(band.lower),
        upper: (band.upper < 1.0).then_some(band.upper),
    };
    let tail = band.tail(alpha);
    let (k, n) = (real(hits.k()), real(hits.n()));
    let (lower, upper) = stats::proportion_bounds(k / effect, n / effect, tail);
    let verdict = band.judge(Some(lower), Some(upper));
    let n_to_settle = (verdict == Verdict::Inconclusive)
        .then(|| share_size(hits.share(), &band, tail, effect))
        .flatten();
    let interval = Interval { lower: Some(lower), upper: Some(upper), alpha };
    ShareVerdict { verdict, interval, n_to_settle }
}

/// Requests that would settle a share near `p`.
pub(super) fn share_size(p: f64, band: &Band, tail: f64, effect: f64) -> Option<u64> {
    let extreme = match (p, band.lower, band.upper) {
        (1.0, Some(lower), _) => stats::sample_size_at_extreme(1.0 - lower, tail),
        (0.0, _, Some(upper)) => stats::sample_size_at_extreme(upper, tail),
        _ => None,
    };
    extreme.or_else(|| stats::sample_size(p, band.distance(p), tail)).map(|n| scaled(n, effect))
}

/// Whether counts lie in a band, to the request.
pub(super) fn exact_share(hits: &Hits, band: &ShareBand) -> Verdict {
    let (k, n) = (real(hits.k()), real(hits.n()));
    let holds = if band.lower == band.upper && 0.0 < band.lower && band.upper < 1.0 {
        (k - band.lower * n).abs() < 1.0
    } else {
        // A count is off by rounding at most 1e-9 of a request.
        band.lower * n <= k + 1e-9 && k <= band.upper * n + 1e-9
    };
    if holds { Verdict::Passed } else { Verdict::Failed }
}

/// A band of shares in words: `exactly 100 %`, `at least 95 %`, `45 % to 55 %`.
pub(super) fn share_words(band: &ShareBand) -> String {
    let words = match (band.lower, band.upper) {
        (lower, upper) if lower == upper => words::percent(lower),
        (lower, upper) if upper >= 1.0 => format!("at least {}", words::percent(lower)),
        (lower, upper) if lower <= 0.0 => format!("at most {}", words::percent(upper)),
        (lower, upper) => format!("{} to {}", words::percent(lower), words::percent(upper)),
    };
    match band.comparison {
        Comparison::Exact => format!("exactly {words}"),
        Comparison::Interval => words,
    }
}

/// A count as a real number.
#[expect(clippy::cast_precision_loss, reason = "counts of requests stay far below 2^52")]
pub(super) fn real(count: u64) -> f64 {
    count as f64
}

/// `n` times `factor`, rounded up.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float to integer cast saturates, which is what is wanted"
)]
pub(super) fn scaled(n: u64, factor: f64) -> u64 {
    (real(n) * factor).ceil() as u64
}
