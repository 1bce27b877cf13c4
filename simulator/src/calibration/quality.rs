//! How well a profile fits: answers drawn from it beside the measured ones.

use seam::rng::Seed;

use super::Measurement;
use crate::catalogue::Operation;
use crate::latency::{Conditions, Latency, Work, draw};

/// One quantity, measured and drawn.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Comparison {
    pub name: &'static str,
    pub measured: usize,
    /// Median and 95th percentile, ms.
    pub measured_p50_p95: [f64; 2],
    pub fitted_p50_p95: [f64; 2],
    /// Kolmogorov and Smirnov's distance: the greatest difference between the two
    /// distribution functions.
    pub distance: f64,
    /// What chance alone exceeds once in twenty times.
    pub chance: f64,
}

/// Drawn answers: enough that the measured ones are what limits the comparison.
const MOST_DRAWN: u64 = 20_000;

/// Tokens drawn for them: a second of work at most.
const MOST_TOKENS: u64 = 1_000_000;

/// Compares measurements with what a deployment of this latency would do, asked for
/// the same numbers of tokens.
pub(crate) fn compare(
    rows: &[Measurement],
    latency: &Latency,
    utilization: Option<f64>,
) -> Vec<Comparison> {
    let drawn = drawn(rows, latency, utilization);
    let gaps = |rows: &[Measurement]| rows.iter().filter_map(Measurement::mean_gap).collect();
    let of = |time: fn(&Measurement) -> f64, rows: &[Measurement]| rows.iter().map(time).collect();
    let ttft: fn(&Measurement) -> f64 = |row| row.ttft_ms;
    let total: fn(&Measurement) -> f64 = |row| row.total_ms;
    let all = [
        ("ttft", of(ttft, rows), of(ttft, &drawn)),
        ("time per token", gaps(rows), gaps(&drawn)),
        ("total", of(total, rows), of(total, &drawn)),
    ];
    all.into_iter().filter_map(|(name, measured, fitted)| beside(name, measured, fitted)).collect()
}

fn drawn(rows: &[Measurement], latency: &Latency, utilization: Option<f64>) -> Vec<Measurement> {
    let conditions = Conditions { utilization, utc_hour: 0.0 };
    let seed = Seed(1);
    let len = rows.len() as u64;
    let tokens: u64 = rows.iter().map(|row| u64::from(row.tokens)).sum();
    let count = (MOST_TOKENS * len).checked_div(tokens).unwrap_or_default().clamp(1, MOST_DRAWN);
    // Each measurement in turn, or evenly some of them: files are often sorted.
    let at = |number: u64| if count < len { number * len / count } else { number % len.max(1) };
    let mut out = Vec::new();
    for number in 0..count {
        let Some(row) = usize::try_from(at(number)).ok().and_then(|at| rows.get(at)) else {
            break;
        };
        let choices = [row.tokens as usize];
        let work = Work {
            operation: Operation::Chat,
            prompt_tokens: 0,
            inputs: 1,
            file_bytes: 0,
            reasoning_tokens: 0,
            choices: &choices,
        };
        let schedule = draw(latency, work, conditions, &mut seed.numbered("calibrate", number));
        out.push(Measurement {
            ttft_ms: schedule.first().as_secs_f64() * 1e3,
            total_ms: schedule.end().as_secs_f64() * 1e3,
            ..*row
        });
    }
    out
}

fn beside(name: &'static str, mut measured: Vec<f64>, mut fitted: Vec<f64>) -> Option<Comparison> {
    measured.sort_by(f64::total_cmp);
    fitted.sort_by(f64::total_cmp);
    let quantiles = |values: &[f64]| Some([quantile(values, 0.5)?, quantile(values, 0.95)?]);
    let (n, m) = (measured.len() as f64, fitted.len() as f64);
    Some(Comparison {
        name,
        measured: measured.len(),
        measured_p50_p95: quantiles(&measured)?,
        fitted_p50_p95: quantiles(&fitted)?,
        distance: distance(&measured, &fitted),
        chance: 1.358 * ((n + m) / (n * m)).sqrt(),
    })
}

/// Of sorted values, between its neighbours.
pub(super) fn quantile(values: &[f64], share: f64) -> Option<f64> {
    let place = share * values.len().checked_sub(1)? as f64;
    let (below, above) = (values.get(place.floor() as usize)?, values.get(place.ceil() as usize)?);
    Some(below + (above - below) * place.fract())
}

/// Greatest difference between the distribution functions of two sorted samples.
fn distance(a: &[f64], b: &[f64]) -> f64 {
    let share = |sample: &[f64], at: f64| {
        sample.partition_point(|value| *value <= at) as f64 / sample.len() as f64
    };
    a.iter().chain(b).map(|&at| (share(a, at) - share(b, at)).abs()).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_and_quantiles_are_those_of_the_textbook() {
        assert_eq!(distance(&[1.0, 2.0, 3.0, 4.0], &[1.0, 2.0, 3.0, 4.0]), 0.0);
        assert_eq!(distance(&[1.0, 2.0], &[3.0, 4.0]), 1.0);
        assert_eq!(distance(&[1.0, 2.0, 3.0, 4.0], &[2.5, 3.5]), 0.5);
        assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.5), Some(2.0));
        assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.75), Some(3.0));
        assert_eq!(quantile(&[], 0.5), None);
    }
}
