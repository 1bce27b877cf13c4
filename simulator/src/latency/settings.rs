//! Latency settings of a deployment, as the draws use them.

use crate::config::raw::ProfileName;

/// Latency settings of a deployment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Latency {
    pub shape: Shape,
    /// Least and greatest time to a refusal, ms.
    pub refusal_ms: (f64, f64),
}

/// The three ways to draw a latency.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Shape {
    /// No delay, no timer.
    Zero,
    /// Normal distributions per token or call, as microsoft/aoai-api-simulator has them.
    Compat(Compat),
    /// Time to first token and between tokens, from measurements.
    Measured(Measured),
}

impl Shape {
    pub(crate) fn profile(&self) -> ProfileName {
        match self {
            Shape::Zero => ProfileName::Zero,
            Shape::Compat(_) => ProfileName::AoaiSimulatorCompat,
            Shape::Measured(measured) => measured.profile,
        }
    }
}

/// Milliseconds per token (chat, completions), per call (embeddings) or per megabyte
/// of sound (translations).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Compat {
    pub chat: Spread,
    pub completions: Spread,
    pub embeddings: Spread,
    pub translations: Spread,
}

/// A normal distribution, cut at zero.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub mean: f64,
    pub std_dev: f64,
}

impl Spread {
    /// Sets the mean; the deviation keeps its proportion to it. A mean of 1 ms
    /// with the default deviation of 6 ms would, cut at zero, average 2.9 ms.
    pub(crate) fn move_mean(&mut self, mean: f64) {
        if 0.0 < self.mean {
            self.std_dev *= mean / self.mean;
        } else {
            self.std_dev = 0.0;
        }
        self.mean = mean;
    }
}

/// Parameters of specification section 5.3.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Measured {
    pub profile: ProfileName,
    pub overhead_ms: f64,
    pub base_ms: f64,
    pub sigma: f64,
    pub prefill_ms_per_1k: f64,
    pub per_extra_input_ms: f64,
    pub itl_ms: f64,
    pub itl_shape: f64,
    pub speed_sigma: f64,
    pub tail_probability: f64,
    pub tail_min_factor: f64,
    pub tail_max_factor: f64,
    pub load_slowdown: f64,
    pub daytime_slowdown: f64,
    pub utc_offset_hours: f64,
}
