//! Standard statistics: numbers in, numbers out, each function with its formula
//! and source. Knows nothing of requests, scenarios or reports.
//!
//! Bounds are asked for by their *tail*: the probability that the true value
//! lies beyond that bound. A two-sided interval at level `α` takes `α / 2` for
//! each tail, a one-sided claim `α`.

mod blocks;
mod holm;
mod location;
mod proportion;
mod sliding;
mod special;

pub use blocks::{Ratio, block_count, blocks, mean_bounds, ratio};
pub use holm::step_down;
pub use location::{Statistic, mean, percentile};
pub use proportion::{
    clopper_pearson, design_effect, proportion_bounds, sample_size, sample_size_at_extreme, wilson,
};
pub use sliding::{Fullest, Ranged, Running, fullest_perhaps, fullest_surely};
pub use special::{beta_quantile, normal_quantile, regularised_beta, student_quantile};
