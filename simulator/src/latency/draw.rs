//! The draws of specification section 5.3.
//!
//! `TTFT = overhead + B × LN(0, sigma) + prefill`, `ITL ~ Gamma(k, m)`, a speed
//! factor per request, a slowdown by load. Every draw is cut at its 99.9th
//! percentile.

use std::f64::consts::PI;
use std::time::Duration;

use rand::{Rng, RngExt as _};
use rand_distr::{Distribution as _, Gamma, StandardNormal};

use super::{Compat, Latency, Measured, Schedule, Shape, Spread};
use crate::catalogue::Operation;

/// What is to be done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Work<'a> {
    pub operation: Operation,
    /// Prompt tokens that were not cached.
    pub prompt_tokens: u64,
    /// Inputs of an embeddings call.
    pub inputs: u64,
    /// Size of a sound that is written down.
    pub file_bytes: u64,
    /// Tokens before the first visible one, per choice.
    pub reasoning_tokens: u64,
    /// Visible tokens of each choice.
    pub choices: &'a [usize],
}

/// Under which circumstances.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Conditions {
    /// Utilisation of a provisioned deployment (1.0 is full); `None` for pay-as-you-go.
    pub utilization: Option<f64>,
    /// Hour of the day in UTC, with fraction.
    pub utc_hour: f64,
}

/// Draws one request's deadlines.
pub(crate) fn draw(
    latency: &Latency,
    work: Work<'_>,
    conditions: Conditions,
    rng: &mut impl Rng,
) -> Schedule {
    match &latency.shape {
        Shape::Zero => even(Duration::ZERO, work),
        Shape::Compat(compat) => even(compat_total(compat, work, rng), work),
        Shape::Measured(measured) => draw_measured(measured, work, conditions, rng),
    }
}

/// Time until a refusal is sent.
pub(crate) fn refusal_delay(latency: &Latency, rng: &mut impl Rng) -> Duration {
    let (least, most) = latency.refusal_ms;
    if most <= 0.0 {
        return Duration::ZERO;
    }
    millis(least + (most - least) * rng.random::<f64>())
}

/// The whole time of a compat answer: one draw per request, times its tokens.
fn compat_total(compat: &Compat, work: Work<'_>, rng: &mut impl Rng) -> Duration {
    let longest = work.choices.iter().max().copied().unwrap_or(0) as f64;
    let tokens = longest + work.reasoning_tokens as f64;
    match work.operation {
        Operation::Chat | Operation::Responses => millis(normal(compat.chat, rng) * tokens),
        Operation::Completions => millis(normal(compat.completions, rng) * tokens),
        // That project has translations only; a transcription is the same work.
        Operation::Transcriptions | Operation::Translations => {
            millis(normal(compat.translations, rng) * (work.file_bytes as f64 / MEGABYTE))
        }
        // Of images and speech it knows nothing.
        Operation::Embeddings | Operation::Images | Operation::ImageEdits | Operation::Speech => {
            millis(normal(compat.embeddings, rng))
        }
    }
}

/// Tokens spread evenly over a time.
fn even(total: Duration, work: Work<'_>) -> Schedule {
    let longest = work.choices.iter().max().copied().unwrap_or(0) as u64;
    let steps = longest + work.reasoning_tokens;
    let at = |step: u64| match (u32::try_from(step), u32::try_from(steps)) {
        (Ok(step), Ok(steps)) if 0 < steps => total * step / steps,
        _ => total,
    };
    let choice = |&tokens: &usize| match total {
        Duration::ZERO => vec![Duration::ZERO; tokens],
        _ => (1..=tokens as u64).map(|n| at(work.reasoning_tokens + n)).collect(),
    };
    let choices = work.choices.iter().map(choice).collect();
    let first = if longest == 0 { total } else { at(work.reasoning_tokens + 1) };
    let begin = at(1).min(first);
    Schedule::new(choices, first, work.reasoning_tokens * work.choices.len() as u64)
        .beginning(begin)
}

fn draw_measured(
    measured: &Measured,
    work: Work<'_>,
    conditions: Conditions,
    rng: &mut impl Rng,
) -> Schedule {
    let (slow_base, slow_tokens) = slowdown(measured, conditions, rng);
    let base = measured.base_ms * log_normal(measured.sigma, rng) * slow_base;
    let prefill = measured.prefill_ms_per_1k * work.prompt_tokens as f64 / 1000.0;
    let inputs = measured.per_extra_input_ms * work.inputs.saturating_sub(1) as f64;
    let ttft = measured.overhead_ms + base + prefill + inputs;
    let speed = log_normal(measured.speed_sigma, rng);
    let gaps = Gaps::new(measured.itl_ms * speed * slow_tokens, measured.itl_shape);
    let mut first = f64::INFINITY;
    let choices = work
        .choices
        .iter()
        .map(|&tokens| {
            let mut at = ttft;
            for _ in 0..work.reasoning_tokens {
                at += gaps.draw(rng);
            }
            first = first.min(at);
            let mut due = Vec::with_capacity(tokens);
            for index in 0..tokens {
                if 0 < index {
                    at += gaps.draw(rng);
                }
                due.push(millis(at));
            }
            due
        })
        .collect();
    let first = if first.is_finite() { first } else { ttft };
    Schedule::new(choices, millis(first), work.reasoning_tokens * work.choices.len() as u64)
        .beginning(millis(ttft))
}

/// Factors on the base and on the tokens' times.
fn slowdown(measured: &Measured, conditions: Conditions, rng: &mut impl Rng) -> (f64, f64) {
    match conditions.utilization {
        Some(utilization) => (1.0, 1.0 + measured.load_slowdown * utilization.clamp(0.0, 1.0)),
        None => {
            let hour = (conditions.utc_hour + measured.utc_offset_hours).rem_euclid(24.0);
            let day = if (8.0..=20.0).contains(&hour) {
                (PI * (hour - 8.0) / 12.0).sin().max(0.0)
            } else {
                0.0
            };
            let mut factor = 1.0 + measured.daytime_slowdown * day;
            // Both are drawn always, so that a changed probability shifts no other draw.
            let (chance, depth) = (rng.random::<f64>(), rng.random::<f64>());
            if chance < measured.tail_probability {
                let (least, most) = (measured.tail_min_factor, measured.tail_max_factor);
                factor *= least + (most - least) * depth;
            }
            (factor, factor)
        }
    }
}

/// What that project divides a file's size by.
const MEGABYTE: f64 = 1_048_576.0;

/// The 99.9th percentile of the standard normal distribution.
const Z_999: f64 = 3.090_232;

fn log_normal(sigma: f64, rng: &mut impl Rng) -> f64 {
    let z: f64 = StandardNormal.sample(rng);
    (sigma * z.min(Z_999)).exp()
}

fn normal(spread: Spread, rng: &mut impl Rng) -> f64 {
    let z: f64 = StandardNormal.sample(rng);
    (spread.mean + spread.std_dev * z.min(Z_999)).max(0.0)
}

/// Times between tokens.
struct Gaps {
    gamma: Option<Gamma<f64>>,
    cut: f64,
}

impl Gaps {
    fn new(mean: f64, shape: f64) -> Self {
        // Wilson and Hilferty's approximation of the 99.9th percentile.
        let cut = mean * (1.0 - 1.0 / (9.0 * shape) + Z_999 / (9.0 * shape).sqrt()).powi(3);
        let gamma = if 0.0 < mean { Gamma::new(shape, mean / shape).ok() } else { None };
        Self { gamma, cut }
    }

    fn draw(&self, rng: &mut impl Rng) -> f64 {
        self.gamma.as_ref().map_or(0.0, |gamma| gamma.sample(rng).min(self.cut))
    }
}

/// Milliseconds as a duration; a day at most, whatever the settings.
fn millis(value: f64) -> Duration {
    Duration::try_from_secs_f64((value / 1000.0).clamp(0.0, 86_400.0)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
