//! The profile that fits measurements best.

use super::Measurement;
use super::mixture::Mixture;
use crate::config::raw::{Latency as Settings, ProfileName};

/// How a deployment is sold: provisioned ones have no slow tail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offer {
    Payg,
    Provisioned,
}

/// Parameters of specification section 5.3, to four digits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Fit {
    pub overhead_ms: f64,
    pub base_ms: f64,
    pub sigma: f64,
    pub itl_ms: f64,
    pub itl_shape: f64,
    /// Whether the measurements tell it; otherwise it is the profile's own.
    pub shape_known: bool,
    pub speed_sigma: f64,
    pub tail_probability: f64,
}

impl Fit {
    /// Keys and values as a configuration has them. What the measurements contain
    /// without telling it apart is switched off: it would count twice.
    pub(crate) fn settings(&self) -> [(&'static str, f64); 10] {
        [
            ("overhead_ms", self.overhead_ms),
            ("base_ms", self.base_ms),
            ("sigma", self.sigma),
            ("prefill_ms_per_1k", 0.0),
            ("itl_ms", self.itl_ms),
            ("itl_shape", self.itl_shape),
            ("speed_sigma", self.speed_sigma),
            ("tail_probability", self.tail_probability),
            ("load_slowdown", 0.0),
            ("daytime_slowdown", 0.0),
        ]
    }

    /// The same as a deployment's settings.
    pub(crate) fn raw(&self, profile: ProfileName) -> Settings {
        Settings {
            profile: Some(profile),
            overhead_ms: Some(self.overhead_ms),
            base_ms: Some(self.base_ms),
            sigma: Some(self.sigma),
            prefill_ms_per_1k: Some(0.0),
            itl_ms: Some(self.itl_ms),
            itl_shape: Some(self.itl_shape),
            speed_sigma: Some(self.speed_sigma),
            tail_probability: Some(self.tail_probability),
            load_slowdown: Some(0.0),
            daytime_slowdown: Some(0.0),
            ..Settings::default()
        }
    }
}

/// More measurements than this are thinned out evenly: the fit would be no better,
/// but late.
const MOST_ROWS: usize = 20_000;

/// Overheads tried from none to nearly the shortest time to a first token.
const STEPS: u32 = 16;

/// Rounds for an overhead (it starts from its neighbour's) and for the best one.
const ROUNDS: usize = 6;
const LAST_ROUNDS: usize = 60;

/// Fits the model; `shape` is what to take where the measurements do not tell how
/// steady the times between tokens are.
pub(crate) fn fit(rows: &[Measurement], offer: Offer, shape: f64) -> Fit {
    let stride = rows.len().div_ceil(MOST_ROWS).max(1);
    let rows: Vec<Measurement> = rows.iter().step_by(stride).copied().collect();
    let shortest = rows.iter().map(|row| row.ttft_ms).fold(f64::INFINITY, f64::min);
    let tail = match offer {
        Offer::Payg => 0.02,
        Offer::Provisioned => 0.0,
    };
    let start = Mixture::begin(&rows, 1.0 / shape, tail).improve(&rows, 0.0, LAST_ROUNDS / 2);
    let mut best = (0.0, start);
    let mut near = start;
    for step in 1..STEPS {
        // Never the whole of it: the likelihood has no bound there.
        let overhead = 0.9 * shortest * f64::from(step) / f64::from(STEPS - 1);
        near = near.improve(&rows, overhead, ROUNDS);
        if best.1.likelihood < near.likelihood {
            best = (overhead, near);
        }
    }
    let (overhead, mixture) = best;
    let mixture = mixture.improve(&rows, overhead, LAST_ROUNDS);
    // Less than one request of those seen is no tail.
    let tail = if mixture.tail * (rows.len() as f64) < 1.0 { 0.0 } else { mixture.tail };
    let paced = rows.iter().any(|row| row.mean_gap().is_some());
    Fit {
        overhead_ms: rounded(overhead),
        base_ms: rounded(mixture.base.exp()),
        sigma: rounded(mixture.base_variance.sqrt().min(3.0)),
        itl_ms: if paced { rounded(mixture.gap.exp()) } else { 0.0 },
        itl_shape: if mixture.roughness_known { rounded(1.0 / mixture.roughness) } else { shape },
        shape_known: mixture.roughness_known,
        speed_sigma: if paced { rounded(mixture.speed_variance.sqrt().min(3.0)) } else { 0.0 },
        tail_probability: rounded(tail),
    }
}

/// To four digits.
fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return 0.0;
    }
    let scale = 10_f64.powf(3.0 - value.abs().log10().floor());
    (value * scale).round() / scale
}
