//! How much more of something there was in one span than in another.

use std::time::Duration;

use seam::rng::Seed;

use super::check::{Band, Check, Finding, Why, real};
use super::evaluate::Ask;
use super::events::{Events, bins, thing};
use super::joined::Joined;
use super::latency::{band_words, size_to_settle};
use super::result::{Interval, Observed, Unit, Verdict};
use super::words;
use crate::record::RunTime;
use crate::scenario::assertion::{Assertion, RateRatio, Scope};
use crate::stats::{self, Statistic};

/// Fewer bins do not tell how much a rate varies.
const LEAST_BINS: usize = 20;

/// A bin is a second, or longer so that a span has no more of them.
const MOST_BINS: u64 = 240;

impl Ask for RateRatio {
    /// The span's rate over the baseline's.
    fn ask(&self, joined: &Joined<'_>, assertion: &Assertion) -> Check {
        let band = Band { lower: self.limits.at_least, upper: self.limits.at_most };
        let threshold = band_words(&band, words::ratio);
        let below_scope = Scope { span: self.baseline.clone(), ..assertion.scope.clone() };
        let rates = |scope: &Scope, name: &str| {
            let events =
                Events::take(joined, scope, &self.counted).map_err(|why| why.about(name))?;
            let rates = per_second(&events);
            if rates.len() < LEAST_BINS {
                return Err(Why::from(format!(
                    "{name} is shorter than {LEAST_BINS} s, which a rate takes"
                )));
            }
            Ok((rates, events.n()))
        };
        let taken = rates(&assertion.scope, "the span")
            .and_then(|above| Ok((above, rates(&below_scope, "the baseline")?)));
        let ((above, n_above), (below, n_below)) = match taken {
            Ok(taken) => taken,
            Err(why) => return Check::nothing(threshold, why),
        };
        let n = n_above.min(n_below);
        let mut rng = Seed(joined.dataset.seed).stream(&format!("assert/{}", assertion.id));
        let Some(ratio) = stats::ratio(&above, &below, Statistic::Mean, &mut rng) else {
            return Check::nothing(threshold, "a rate of zero has no ratio");
        };
        let rate = |values: &[f64]| words::ratio(stats::mean(values).unwrap_or(f64::NAN));
        let text =
            format!("{} ({}/s over {}/s)", words::ratio(ratio.value), rate(&above), rate(&below));
        let what = thing(&self.counted);
        Check::Estimate(Box::new(move |alpha| {
            let (lower, upper) = ratio.bounds(band.tail(alpha));
            let verdict = band.judge(Some(lower), Some(upper));
            let message = match verdict {
                Verdict::Passed => format!("the rate of {what} differs by a factor of {text}"),
                Verdict::Failed => format!(
                    "expected the rate of {what} to differ by a factor of {threshold}, but it is {text}"
                ),
                Verdict::Inconclusive | Verdict::Skipped => format!(
                    "the spans are too short to tell a factor of {} from {threshold}",
                    words::ratio(ratio.value)
                ),
            };
            let (lower, upper) = (Some(lower), Some(upper));
            Finding {
                n,
                observed: Some(Observed {
                    value: ratio.value,
                    unit: Unit::Ratio,
                    text: text.clone(),
                }),
                interval: Some(Interval { lower, upper, alpha }),
                n_to_settle: size_to_settle(verdict, n, ratio.value, lower, upper, &band),
                ..Finding::new(verdict, threshold.clone(), message)
            }
        }))
    }
}

/// What is counted per second in each bin of a span.
fn per_second(events: &Events<'_>) -> Vec<f64> {
    let total: i128 = events.stretches.iter().map(|(from, to)| to.nanos - from.nanos).sum();
    let seconds = u64::try_from(total / 1_000_000_000).unwrap_or(u64::MAX);
    let length = Duration::from_secs(seconds.div_ceil(MOST_BINS).max(1));
    let all: Vec<(RunTime, RunTime)> = bins(&events.stretches, length);
    let mut sums = vec![0_u64; all.len()];
    for event in &events.counted {
        let index = all.partition_point(|bin| bin.1 <= event.earliest);
        let inside = all.get(index).is_some_and(|bin| bin.0 <= event.earliest);
        if let (true, Some(sum)) = (inside, sums.get_mut(index)) {
            *sum += event.weight;
        }
    }
    sums.into_iter().map(|sum| real(sum) / length.as_secs_f64()).collect()
}
