//! Rows → the parameters of specification section 5.3.
//!
//! Medians and quantiles throughout: measurements of a shared service have slow
//! outliers, and a mean would follow them. What the rows cannot tell keeps the
//! value of the profile that the fit starts from, and the report says so.

use rand::RngExt as _;
use seam::rng::Seed;

use super::read::Row;
use super::statistics::{quantile, robust_sigma, sorted};
use crate::latency::Measured;

/// What the user gives.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// The profile to start from.
    pub start: Measured,
    /// Constant part of the time to first token, ms; `None`: estimated.
    pub overhead_ms: Option<f64>,
}

/// A fitted profile.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fit {
    pub measured: Measured,
    /// What it rests on, and what it could not find: a line each.
    pub notes: Vec<String>,
}

/// Fewer rows say nothing about a distribution.
pub(crate) const LEAST_ROWS: usize = 20;
/// Fewer rows do not tell where a distribution begins.
const ROWS_FOR_OVERHEAD: usize = 100;
/// Pairs that the slope is the median of.
const MOST_PAIRS: usize = 1_000_000;
/// Prompts that differ by less show no slope.
const LEAST_SPREAD_TOKENS: f64 = 200.0;
/// Answers from this length on average their gaps well.
const LONG_ANSWER: u64 = 20;
const GROUPS: usize = 8;

/// Fits a profile; the error says why there is none.
pub(crate) fn fit(rows: &[Row], options: &Options) -> Result<Fit, String> {
    if rows.len() < LEAST_ROWS {
        return Err(format!(
            "{} measurements are too few for a distribution: at least {LEAST_ROWS} are needed",
            rows.len()
        ));
    }
    let mut fit = Fit { measured: options.start.clone(), notes: Vec::new() };
    // What was measured has the load and the hour of its time in it.
    fit.measured.load_slowdown = 0.0;
    fit.measured.daytime_slowdown = 0.0;
    fit.prefill(rows);
    fit.first_token(rows, options)?;
    fit.gaps(rows, options.start.itl_shape);
    Ok(fit)
}

impl Fit {
    fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// The slope of the time to first token over uncached prompt tokens: the
    /// median of the slopes of all pairs (Theil and Sen).
    fn prefill(&mut self, rows: &[Row]) {
        let points: Vec<(f64, f64)> = rows
            .iter()
            .filter_map(|row| Some((row.uncached_tokens? as f64, row.ttft_ms)))
            .collect();
        self.measured.prefill_ms_per_1k = 0.0;
        if points.len() < LEAST_ROWS {
            self.note("prefill: no `prompt_tokens`; its share is in base_ms");
            return;
        }
        let lengths = sorted(points.iter().map(|(tokens, _)| *tokens).collect());
        let (short, long) = (quantile(&lengths, 0.1), quantile(&lengths, 0.9));
        if long - short < LEAST_SPREAD_TOKENS {
            self.note(format!(
                "prefill: prompts of {short:.0} to {long:.0} tokens are too alike; its share is in base_ms"
            ));
            return;
        }
        let mut slopes = Vec::new();
        let mut agreeing = 0_i64;
        for_pairs(points.len(), |i, j| {
            let (Some((x1, y1)), Some((x2, y2))) = (points.get(i), points.get(j)) else { return };
            if (x1 - x2).abs() < 1.0 {
                return;
            }
            let slope = (y1 - y2) / (x1 - x2);
            agreeing += if 0.0 < slope { 1 } else { -1 };
            slopes.push(slope);
        });
        let n = points.len() as f64;
        let tau = agreeing as f64 / slopes.len().max(1) as f64;
        // Kendall's test: how far from none, in standard deviations.
        let significance = tau * 3.0 * (n * (n - 1.0)).sqrt() / (2.0 * (2.0 * n + 5.0)).sqrt();
        let slope = 1_000.0 * quantile(&sorted(slopes), 0.5);
        if significance < 2.0 || slope <= 0.0 {
            self.note(format!("prefill: no effect of the prompt's length found (tau {tau:.2})"));
            return;
        }
        self.measured.prefill_ms_per_1k = slope;
        self.note(format!(
            "prefill: median slope over prompts of {short:.0} to {long:.0} tokens (tau {tau:.2})"
        ));
    }

    /// A log-normal distribution, from where it begins: median and width of the
    /// logarithms.
    fn first_token(&mut self, rows: &[Row], options: &Options) -> Result<(), String> {
        let known = sorted(rows.iter().filter_map(|row| Some(row.uncached_tokens? as f64)).collect());
        let usual = quantile(&known, 0.5);
        let rest = |row: &Row| {
            let tokens = row.uncached_tokens.map_or(usual, |tokens| tokens as f64);
            row.ttft_ms - self.measured.prefill_ms_per_1k * tokens / 1_000.0
        };
        let rests = sorted(rows.iter().map(rest).collect());
        // One glitch must not decide where the distribution begins.
        let least = quantile(&rests, 0.005);
        let overhead = match options.overhead_ms {
            Some(given) if quantile(&rests, 0.05) <= given => {
                return Err(format!(
                    "an overhead of {given} ms is above one in twenty of the measured times to first token"
                ));
            }
            Some(given) => given,
            None if rows.len() < ROWS_FOR_OVERHEAD => {
                let overhead = options.start.overhead_ms.min(least / 2.0).max(0.0);
                self.notes.push(format!(
                    "overhead: the start profile's; {ROWS_FOR_OVERHEAD} measurements would tell"
                ));
                overhead
            }
            None => beginning(&rests).clamp(0.0, (0.95 * least).max(0.0)),
        };
        let logarithms = sorted(
            rests.iter().filter(|rest| overhead < **rest).map(|rest| (rest - overhead).ln()).collect(),
        );
        self.measured.overhead_ms = overhead;
        self.measured.base_ms = quantile(&logarithms, 0.5).exp();
        self.measured.sigma = robust_sigma(&logarithms).min(3.0);
        if logarithms.is_empty() {
            return Err("no time to first token is above the overhead".to_owned());
        }
        Ok(())
    }

    /// Mean, gamma shape and spread between requests of the times between tokens.
    fn gaps(&mut self, rows: &[Row], start_shape: f64) {
        let gaps: Vec<Gap> = rows.iter().filter_map(Gap::of).collect();
        self.measured.tail_probability = 0.0;
        if gaps.len() < LEAST_ROWS {
            self.measured.itl_ms = 0.0;
            self.measured.speed_sigma = 0.0;
            self.note("time between tokens: no answers of two tokens or more");
            return;
        }
        let long: Vec<f64> =
            gaps.iter().filter(|gap| LONG_ANSWER <= gap.count).map(|gap| gap.mean).collect();
        let all = || gaps.iter().map(|gap| gap.mean).collect();
        let means = sorted(if LEAST_ROWS <= long.len() { long } else { all() });
        let mean = quantile(&means, 0.5);
        self.measured.itl_ms = mean;
        if mean <= 0.0 {
            self.measured.speed_sigma = 0.0;
            self.note("time between tokens: the answers come at once");
            return;
        }
        let mut spreads: Vec<(f64, f64)> = gaps
            .iter()
            .filter(|gap| 0.0 < gap.mean)
            .map(|gap| (1.0 / gap.count as f64, (gap.mean / mean).ln()))
            .collect();
        let shape = match shape_by_moments(&gaps) {
            Some(shape) => {
                self.note("shape: by the moments of `itl_std_dev_ms`");
                shape
            }
            None => match shape_by_lengths(&mut spreads) {
                Some(shape) => {
                    self.note("shape: by how the spread shrinks with the answer's length");
                    shape
                }
                None => {
                    self.note("shape: the start profile's; answers of different lengths, or a column `itl_std_dev_ms`, would tell");
                    start_shape
                }
            },
        };
        self.measured.itl_shape = shape.clamp(0.1, 1_000.0);
        // What the shape does not explain differs between requests.
        let logarithms = sorted(spreads.iter().map(|(_, log)| *log).collect());
        let explained = quantile(&sorted(spreads.iter().map(|(x, _)| *x).collect()), 0.5)
            / self.measured.itl_shape;
        let between = robust_sigma(&logarithms).powi(2) - explained;
        self.measured.speed_sigma = between.max(0.0).sqrt().min(3.0);
        self.tail(&spreads);
    }

    /// The share of requests that are slower than their spread allows.
    fn tail(&mut self, spreads: &[(f64, f64)]) {
        let Measured { tail_min_factor, tail_max_factor, speed_sigma, itl_shape, .. } =
            self.measured;
        let mut slow = 0_u64;
        let mut found = 0.0;
        for (x, log) in spreads {
            let sigma = (speed_sigma.powi(2) + x / itl_shape).sqrt();
            // Above what 1 in 1,500 requests of usual speed exceeds.
            let bound = (3.2 * sigma).max(2.2_f64.ln());
            slow += u64::from(bound < *log);
            found += found_of_slow(tail_min_factor, tail_max_factor, sigma, bound);
        }
        let n = spreads.len().max(1) as f64;
        let share = (slow as f64 / n - 0.000_7).max(0.0);
        let found = found / n;
        if slow < 3 || found < 0.05 {
            return;
        }
        self.measured.tail_probability = (share / found).min(1.0);
        self.note(format!("tail: {slow} requests far slower than the rest"));
    }
}

/// The share of slow requests that a bound on the logarithm finds.
fn found_of_slow(least: f64, most: f64, sigma: f64, bound: f64) -> f64 {
    const STEPS: u32 = 20;
    let sum: f64 = (0..STEPS)
        .map(|step| {
            let factor = least + (most - least) * (f64::from(step) + 0.5) / f64::from(STEPS);
            let distance = (factor.ln() - bound) / sigma.max(1e-9);
            // Logistic approximation of the normal distribution, within 0.01.
            1.0 / (1.0 + (-1.702 * distance).exp())
        })
        .sum();
    sum / f64::from(STEPS)
}

/// Where a log-normal distribution begins: its outer quantiles multiply to the
/// square of its median when they count from there. The median of three pairs.
fn beginning(values: &[f64]) -> f64 {
    let median = quantile(values, 0.5);
    let of = |p: f64| {
        let (low, high) = (quantile(values, p), quantile(values, 1.0 - p));
        let width = low + high - 2.0 * median;
        if width <= 0.0 { 0.0 } else { (low * high - median * median) / width }
    };
    quantile(&sorted([0.025, 0.05, 0.1].map(of).to_vec()), 0.5)
}

/// Times between the tokens of one answer.
struct Gap {
    count: u64,
    mean: f64,
    deviation: Option<f64>,
}

impl Gap {
    fn of(row: &Row) -> Option<Self> {
        let count = row.completion_tokens.checked_sub(1).filter(|count| 0 < *count)?;
        let mean = (row.total_ms - row.ttft_ms) / count as f64;
        Some(Self { count, mean, deviation: row.itl_std_dev_ms })
    }
}

/// Mean squared over variance, of the middle answer.
fn shape_by_moments(gaps: &[Gap]) -> Option<f64> {
    let shapes: Vec<f64> = gaps
        .iter()
        .filter(|gap| 10 <= gap.count)
        .filter_map(|gap| Some((gap, gap.deviation?)))
        .filter(|(_, deviation)| 0.0 < *deviation)
        .map(|(gap, deviation)| (gap.mean / deviation).powi(2))
        .collect();
    (LEAST_ROWS <= shapes.len()).then(|| quantile(&sorted(shapes), 0.5))
}

/// The variance of the logarithm of a mean of `n` gaps is that between requests
/// plus `1 / (shape × n)`: the slope over `1 / n`, of groups of like lengths.
fn shape_by_lengths(spreads: &mut [(f64, f64)]) -> Option<f64> {
    spreads.sort_by(|a, b| a.0.total_cmp(&b.0));
    let size = spreads.len() / GROUPS;
    if size < LEAST_ROWS {
        return None;
    }
    let groups: Vec<(f64, f64)> = spreads
        .chunks(size)
        .filter(|group| LEAST_ROWS <= group.len())
        .map(|group| {
            let x = group.iter().map(|(x, _)| x).sum::<f64>() / group.len() as f64;
            let logarithms = sorted(group.iter().map(|(_, log)| *log).collect());
            (x, robust_sigma(&logarithms).powi(2))
        })
        .collect();
    let n = groups.len() as f64;
    let mean_x = groups.iter().map(|(x, _)| x).sum::<f64>() / n;
    let mean_y = groups.iter().map(|(_, y)| y).sum::<f64>() / n;
    let across: f64 = groups.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let along: f64 = groups.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    let (first, last) = (groups.first()?.0, groups.last()?.0);
    let slope = across / along;
    // Like lengths, or no more noise in short answers: the slope is chance.
    (3.0 * first < last && 0.0 < slope).then(|| 1.0 / slope)
}

/// Calls for every pair of `n`, or for a fixed choice of many.
fn for_pairs(n: usize, mut each: impl FnMut(usize, usize)) {
    if n.saturating_mul(n.saturating_sub(1)) / 2 <= MOST_PAIRS {
        for i in 0..n {
            for j in 0..i {
                each(i, j);
            }
        }
        return;
    }
    let mut rng = Seed(1).stream("calibrate/pairs");
    for _ in 0..MOST_PAIRS {
        let (i, j) = (rng.random_range(0..n), rng.random_range(0..n));
        if i != j {
            each(i, j);
        }
    }
}
