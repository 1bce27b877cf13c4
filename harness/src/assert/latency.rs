//! Latency claims, from the scheduled time to the end of the answer.
//!
//! A claim about a percentile is a claim about a share: `p95 ≤ X` says that at
//! most 5 % take longer than X. Its interval is found by asking which X the
//! share's bounds would pass and which they would fail, so that it holds for any
//! distribution.

use seam::rng::Seed;

use super::check::{Band, Check, Finding, Hits, Why, real, scaled, share_size};
use super::evaluate::Ask;
use super::joined::{EXAMPLES, Joined, Request};
use super::result::{Interval, Observed, Unit, Verdict};
use super::words;
use crate::scenario::assertion::{Assertion, Latency, LatencyRatio, Sample, Scope};
use crate::stats::{self, Statistic};

impl Ask for Latency {
    /// A percentile or the mean within limits.
    fn ask(&self, joined: &Joined<'_>, assertion: &Assertion) -> Check {
        let Latency { statistic, sample, limits } = self;
        let band = Band {
            lower: limits.at_least.map(|limit| limit.as_secs_f64()),
            upper: limits.at_most.map(|limit| limit.as_secs_f64()),
        };
        let threshold = band_words(&band, words::latency);
        let taken = match Latencies::take(joined, &assertion.scope, *sample) {
            Ok(taken) => taken,
            Err(why) => return Check::nothing(threshold, why),
        };
        match statistic {
            Statistic::Percentile(q) => percentile(taken, *q, band, threshold),
            Statistic::Mean => mean(taken, band, threshold),
        }
    }
}

/// Latencies of a scope's requests, in the order in which they were sent.
struct Latencies {
    /// Seconds; infinite without a 2xx answer.
    values: Vec<f64>,
    /// (latency, correlation id, place) of the slowest.
    slowest: Vec<(f64, String, String)>,
    errors: u64,
}

impl Latencies {
    fn take(joined: &Joined<'_>, scope: &Scope, sample: Sample) -> Result<Self, Why> {
        let mut requests = joined.select(scope)?;
        let sent = requests.len() as u64;
        if sample == Sample::Successes {
            requests.retain(Request::succeeded);
        }
        if requests.is_empty() {
            let sent = words::counted(sent, "request", "requests");
            return Err(format!("{sent}, but not one was answered 2xx").into());
        }
        let latency = |request: &Request<'_>| {
            if request.succeeded() { request.latency() } else { f64::INFINITY }
        };
        let values: Vec<f64> = requests.iter().map(latency).collect();
        let errors = values.iter().filter(|value| value.is_infinite()).count() as u64;
        let mut by_latency = requests;
        by_latency.sort_by(|a, b| latency(b).total_cmp(&latency(a)));
        let slowest = by_latency
            .iter()
            .take(EXAMPLES)
            .map(|one| (latency(one), one.row.correlation_id.clone(), one.place()))
            .collect();
        Ok(Self { values, slowest, errors })
    }

    fn n(&self) -> u64 {
        self.values.len() as u64
    }

    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.values.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }

    /// Correlation ids of the slowest requests beyond a limit.
    fn examples(&self, limit: f64) -> Vec<String> {
        let beyond = self.slowest.iter().filter(|one| limit < one.0);
        beyond.map(|one| one.1.clone()).collect()
    }

    fn slowest_words(&self) -> String {
        match self.slowest.first() {
            None => String::new(),
            Some((latency, _, place)) if latency.is_infinite() => {
                format!("; without a 2xx answer {} (first at {place})", words::count(self.errors))
            }
            Some((latency, _, place)) => {
                format!("; the slowest took {} (sent at {place})", words::latency(*latency))
            }
        }
    }
}

fn percentile(taken: Latencies, q: f64, band: Band, threshold: String) -> Check {
    let name = Statistic::Percentile(q).to_string();
    let sorted = taken.sorted();
    let n = sorted.len();
    let Some(observed) = stats::percentile(&sorted, q) else {
        return Check::nothing(threshold, "no latency to look at");
    };
    let flags = taken.values.iter().map(|value| observed < *value).collect();
    let effect = Hits { flags }.design_effect();
    let longer = |limit: f64| n - sorted.partition_point(|value| *value <= limit);
    let limit = band.upper.or(band.lower).unwrap_or_default();
    let over = longer(limit) as u64;
    let as_long = n - sorted.partition_point(|value| *value < limit);
    let text = format!("{name} {}", words::latency(observed));
    Check::Estimate(Box::new(move |alpha| {
        let tail = band.tail(alpha);
        let (lower, upper) = percentile_bounds(&sorted, q, effect, tail);
        let verdict = band.judge(lower, upper);
        let upper_claim = band.upper.is_some();
        let share = if upper_claim { real(over) } else { real(as_long as u64) } / real(n as u64);
        let edge = Band {
            lower: (!upper_claim).then_some(1.0 - q),
            upper: upper_claim.then_some(1.0 - q),
        };
        let n_to_settle = share_size(share, &edge, tail, effect);
        let message = match verdict {
            Verdict::Passed => format!("{text}, {}", interval_words(lower, upper)),
            Verdict::Failed if observed.is_infinite() => format!(
                "expected {name} {threshold}, but {} of {} had no 2xx answer and count as slower than any limit{}",
                words::count(taken.errors),
                words::counted(n as u64, "request", "requests"),
                taken
                    .slowest
                    .first()
                    .map(|one| format!(" (first at {})", one.2))
                    .unwrap_or_default()
            ),
            Verdict::Failed if upper_claim && band.upper.is_some_and(|edge| edge < observed) => {
                format!(
                    "expected {name} {threshold}, but it is {}: {} of {} took longer ({}, allowed {}){}",
                    words::latency(observed),
                    words::count(over),
                    words::counted(n as u64, "request", "requests"),
                    words::percent(real(over) / real(n as u64)),
                    words::percent(1.0 - q),
                    taken.slowest_words(),
                )
            }
            Verdict::Failed => {
                format!("expected {name} {threshold}, but it is {}", words::latency(observed))
            }
            Verdict::Inconclusive if upper.is_none() && taken.errors == 0 => format!(
                "{} are too few for an upper bound of {name}",
                words::counted(n as u64, "request", "requests")
            ),
            Verdict::Inconclusive | Verdict::Skipped => format!(
                "{} are too few to tell {name} {} from {threshold}",
                words::counted(n as u64, "request", "requests"),
                words::latency(observed)
            ),
        };
        let examples = match verdict {
            Verdict::Passed => Vec::new(),
            _ => band.upper.map(|limit| taken.examples(limit)).unwrap_or_default(),
        };
        Finding {
            n: n as u64,
            observed: Some(Observed { value: observed, unit: Unit::Seconds, text: text.clone() }),
            interval: Some(Interval { lower, upper, alpha }),
            n_to_settle: n_to_settle.filter(|_| verdict == Verdict::Inconclusive),
            examples,
            ..Finding::new(verdict, threshold.clone(), message)
        }
    }))
}

/// Bounds of a percentile by order statistics: the least value that the share's
/// bounds would pass as an upper limit, and the greatest they would fail.
fn percentile_bounds(sorted: &[f64], q: f64, effect: f64, tail: f64) -> (Option<f64>, Option<f64>) {
    let n = sorted.len();
    let bounds =
        |k: usize| stats::proportion_bounds(real(k as u64) / effect, real(n as u64) / effect, tail);
    let allowed = 1.0 - q;
    // The bounds rise with k: those passed come first, those failed last.
    let passed = first_where(n + 1, |k| allowed < bounds(k).1);
    let failed = first_where(n + 1, |k| allowed < bounds(k).0);
    let upper = passed.checked_sub(1).and_then(|most| sorted.get((n - 1).checked_sub(most)?));
    let lower = n.checked_sub(failed).and_then(|index| sorted.get(index));
    (lower.copied(), upper.copied().filter(|bound| bound.is_finite()))
}

/// The first number below `end` for which `holds`, which never turns back; else `end`.
fn first_where(end: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, end);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

fn mean(taken: Latencies, band: Band, threshold: String) -> Check {
    let n = taken.n();
    if 0 < taken.errors {
        return without_value(&taken, "mean", "the span", threshold);
    }
    let (Some(observed), true) =
        (stats::mean(&taken.values), Statistic::Mean.least_values() <= taken.values.len())
    else {
        return too_few(n, "a mean", Statistic::Mean, threshold);
    };
    let text = format!("mean {}", words::latency(observed));
    Check::Estimate(Box::new(move |alpha| {
        let bounds = stats::mean_bounds(&taken.values, band.tail(alpha));
        let (lower, upper) = (bounds.map(|b| b.0.max(0.0)), bounds.map(|b| b.1));
        let verdict = band.judge(lower, upper);
        let message = match verdict {
            Verdict::Passed => format!("{text}, {}", interval_words(lower, upper)),
            Verdict::Failed => format!(
                "expected a mean {threshold}, but it is {} over {}{}",
                words::latency(observed),
                words::counted(n, "request", "requests"),
                taken.slowest_words()
            ),
            Verdict::Inconclusive | Verdict::Skipped => format!(
                "{} are too few to tell a mean of {} from {threshold}",
                words::counted(n, "request", "requests"),
                words::latency(observed)
            ),
        };
        let examples = match (verdict, band.upper) {
            (Verdict::Failed, Some(limit)) => taken.examples(limit),
            _ => Vec::new(),
        };
        Finding {
            n,
            observed: Some(Observed { value: observed, unit: Unit::Seconds, text: text.clone() }),
            interval: Some(Interval { lower, upper, alpha }),
            n_to_settle: size_to_settle(verdict, n, observed, lower, upper, &band),
            examples,
            ..Finding::new(verdict, threshold.clone(), message)
        }
    }))
}

impl Ask for LatencyRatio {
    /// The span's statistic over the baseline's.
    fn ask(&self, joined: &Joined<'_>, assertion: &Assertion) -> Check {
        let LatencyRatio { statistic, sample, baseline, limits } = self;
        let (statistic, band) =
            (*statistic, Band { lower: limits.at_least, upper: limits.at_most });
        let threshold = band_words(&band, words::ratio);
        let below_scope = Scope { span: baseline.clone(), ..assertion.scope.clone() };
        let taken = Latencies::take(joined, &assertion.scope, *sample).and_then(|above| {
            let below = Latencies::take(joined, &below_scope, *sample);
            Ok((above, below.map_err(|why| why.about("baseline"))?))
        });
        let (above, below) = match taken {
            Ok(taken) => taken,
            Err(why) => return Check::nothing(threshold, why),
        };
        for (part, name) in [(&above, "the span"), (&below, "the baseline")] {
            if 0 < part.errors {
                return without_value(part, &statistic.to_string(), name, threshold);
            }
            if part.values.len() < statistic.least_values() {
                return too_few(part.n(), &format!("a ratio (in {name})"), statistic, threshold);
            }
        }
        let mut rng = Seed(joined.dataset.seed).stream(&format!("assert/{}", assertion.id));
        let Some(ratio) = stats::ratio(&above.values, &below.values, statistic, &mut rng) else {
            return Check::nothing(threshold, format!("a {statistic} of zero has no ratio"));
        };
        let of = |part: &Latencies| {
            let value = match statistic {
                Statistic::Mean => stats::mean(&part.values),
                Statistic::Percentile(q) => stats::percentile(&part.sorted(), q),
            };
            words::latency(value.unwrap_or(f64::NAN))
        };
        let text = format!("{} ({} over {})", words::ratio(ratio.value), of(&above), of(&below));
        let n = above.n().min(below.n());
        Check::Estimate(Box::new(move |alpha| {
            let (lower, upper) = ratio.bounds(band.tail(alpha));
            let verdict = band.judge(Some(lower), Some(upper));
            let message = match verdict {
                Verdict::Passed => format!("the {statistic} changed by a factor of {text}"),
                Verdict::Failed => {
                    format!(
                        "expected the {statistic} to change by a factor of {threshold}, but it is {text}"
                    )
                }
                Verdict::Inconclusive | Verdict::Skipped => format!(
                    "{} and {} requests are too few to tell a factor of {} from {threshold}",
                    words::count(above.n()),
                    words::count(below.n()),
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

/// Errors have no latency: a mean over them has no value, so the claim is not kept.
fn without_value(taken: &Latencies, statistic: &str, part: &str, threshold: String) -> Check {
    let message = format!(
        "no {statistic} over all requests of {part}: {} of {} had no 2xx answer{} (`successes_only = true` leaves them out)",
        words::count(taken.errors),
        words::count(taken.n()),
        taken.slowest.first().map(|one| format!(", first at {}", one.2)).unwrap_or_default()
    );
    Check::Fact(Finding {
        n: taken.n(),
        examples: taken.examples(f64::MAX),
        ..Finding::new(Verdict::Failed, threshold, message)
    })
}

fn too_few(n: u64, what: &str, statistic: Statistic, threshold: String) -> Check {
    let least = statistic.least_values();
    let message = format!(
        "{} are too few for {what}: at least {least} are needed",
        words::counted(n, "request", "requests")
    );
    let n_to_settle = Some(least as u64);
    Check::Fact(Finding {
        n,
        n_to_settle,
        ..Finding::new(Verdict::Inconclusive, threshold, message)
    })
}

/// An interval narrows with the root of n: so many would bring it to the edge.
pub(super) fn size_to_settle(
    verdict: Verdict,
    n: u64,
    value: f64,
    lower: Option<f64>,
    upper: Option<f64>,
    band: &Band,
) -> Option<u64> {
    let half = (upper? - lower?) / 2.0;
    let factor = (half / band.distance(value)).powi(2);
    (verdict == Verdict::Inconclusive && factor.is_finite()).then(|| scaled(n, factor.max(1.0)))
}

fn interval_words(lower: Option<f64>, upper: Option<f64>) -> String {
    match (lower, upper) {
        (Some(lower), Some(upper)) => {
            format!("interval {} to {}", words::latency(lower), words::latency(upper))
        }
        (None, Some(upper)) => format!("interval up to {}", words::latency(upper)),
        (Some(lower), None) => format!("interval from {}", words::latency(lower)),
        (None, None) => "interval without bounds".to_owned(),
    }
}

pub(super) fn band_words(band: &Band, number: fn(f64) -> String) -> String {
    match (band.lower, band.upper) {
        (Some(lower), Some(upper)) => format!("{} to {}", number(lower), number(upper)),
        (Some(lower), None) => format!("at least {}", number(lower)),
        (None, Some(upper)) => format!("at most {}", number(upper)),
        (None, None) => "any".to_owned(),
    }
}
