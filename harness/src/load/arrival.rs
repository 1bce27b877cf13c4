//! Arrival processes: a profile becomes due times. Pure, and drawn from the
//! seed before anything is sent, so that no answer can delay an arrival.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, Exp1};

use crate::scenario::Arrivals;

impl Arrivals {
    /// The integral of the rate over a stage: the expected number of requests.
    #[must_use]
    pub fn expected(self, duration: Duration) -> f64 {
        let mean = match self {
            Arrivals::Constant(rate) | Arrivals::Poisson(rate) => rate.as_per_second(),
            Arrivals::Ramp { from, to } => f64::midpoint(from.as_per_second(), to.as_per_second()),
        };
        mean * duration.as_secs_f64()
    }
}

/// How many due times an evenly spaced process has in a stage. The first is at
/// the stage's start, hence rounding up; the small margin keeps a count such as
/// 10/s × 60 s at 600 in spite of binary fractions.
pub(crate) fn count_below(arrivals: Arrivals, duration: Duration) -> u64 {
    let expected = arrivals.expected(duration);
    to_count((expected - 1e-9 * expected.max(1.0)).ceil())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float to integer cast saturates, which is what a count of requests needs"
)]
fn to_count(value: f64) -> u64 {
    value as u64
}

/// The due times of a process, as offsets from its stage's start: ascending and
/// within the stage.
pub(crate) fn due_times(
    arrivals: Arrivals,
    duration: Duration,
    rng: ChaCha8Rng,
) -> Box<dyn Iterator<Item = Duration> + Send> {
    match arrivals {
        Arrivals::Constant(rate) => {
            let per_second = rate.as_per_second();
            spaced(per_second, per_second, arrivals, duration)
        }
        Arrivals::Ramp { from, to } => {
            spaced(from.as_per_second(), to.as_per_second(), arrivals, duration)
        }
        Arrivals::Poisson(rate) => Box::new(poisson(rate.as_per_second(), duration, rng)),
    }
}

/// The k-th request is due when the integral of the rate reaches k:
/// `from·t + slope·t²/2 = k`, solved in the form that stays exact for a slope
/// of zero.
fn spaced(
    from: f64,
    to: f64,
    arrivals: Arrivals,
    duration: Duration,
) -> Box<dyn Iterator<Item = Duration> + Send> {
    let slope = (to - from) / duration.as_secs_f64();
    Box::new((0..count_below(arrivals, duration)).map(move |k| {
        if k == 0 {
            return Duration::ZERO;
        }
        let k = to_float(k);
        // Rounding may push the discriminant of a ramp's very end below zero.
        let root = (from * from + 2.0 * slope * k).max(0.0).sqrt();
        Duration::try_from_secs_f64(2.0 * k / (from + root)).unwrap_or(duration).min(duration)
    }))
}

#[expect(clippy::cast_precision_loss, reason = "a count of requests fits a double's precision")]
fn to_float(count: u64) -> f64 {
    count as f64
}

fn poisson(
    rate: f64,
    duration: Duration,
    mut rng: ChaCha8Rng,
) -> impl Iterator<Item = Duration> + Send {
    let end = duration.as_secs_f64();
    let mut at = 0.0_f64;
    std::iter::from_fn(move || {
        let gap: f64 = Exp1.sample(&mut rng);
        at += gap / rate;
        (at < end).then(|| Duration::from_secs_f64(at))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use seam::rng::Seed;

    use super::*;
    use crate::scenario::Rate;

    fn rate(per_second: f64) -> Rate {
        Rate::per_second(per_second).unwrap()
    }

    fn times(arrivals: Arrivals, seconds: f64, seed: u64) -> Vec<Duration> {
        let rng = Seed(seed).stream("test");
        due_times(arrivals, Duration::from_secs_f64(seconds), rng).collect()
    }

    #[test]
    fn constant_arrivals_are_evenly_spaced_from_the_start() {
        let all = times(Arrivals::Constant(rate(4.0)), 1.0, 1);
        assert_eq!(all, [0, 250, 500, 750].map(Duration::from_millis));
        assert_eq!(times(Arrivals::Constant(rate(10.0)), 60.0, 1).len(), 600);
    }

    #[test]
    fn a_ramp_gets_denser() {
        let all = times(Arrivals::Ramp { from: rate(0.0), to: rate(10.0) }, 10.0, 1);
        assert_eq!(all.len(), 50);
        // The integral t²/2 reaches 18 at t = 6 s.
        assert_eq!(all[18], Duration::from_secs(6));
        let falling = times(Arrivals::Ramp { from: rate(10.0), to: rate(0.0) }, 10.0, 1);
        assert_eq!(falling.len(), 50);
        assert_eq!(falling.iter().filter(|t| t.as_secs() < 5).count(), 38);
    }

    #[test]
    fn poisson_gaps_are_exponential() {
        let all = times(Arrivals::Poisson(rate(100.0)), 1000.0, 7);
        let gaps: Vec<f64> = all.windows(2).map(|w| (w[1] - w[0]).as_secs_f64()).collect();
        let mean = gaps.iter().sum::<f64>() / to_float(gaps.len() as u64);
        let over = gaps.iter().filter(|gap| 0.01 < **gap).count();
        // Of exponential gaps a share of 1/e exceeds the mean. Seed fixed; 5 sigma is 0.8 points.
        let share = to_float(over as u64) / to_float(gaps.len() as u64);
        assert!((mean - 0.01).abs() < 0.0002, "{mean}");
        assert!((share - (-1.0_f64).exp()).abs() < 0.008, "{share}");
    }

    proptest! {
        #[test]
        fn the_count_is_the_integral(from in 0.0_f64..200.0, to in 0.1_f64..200.0, seconds in 0.1_f64..50.0, seed: u64) {
            for arrivals in [
                Arrivals::Constant(rate(to)),
                Arrivals::Ramp { from: rate(from), to: rate(to) },
                Arrivals::Poisson(rate(to)),
            ] {
                let duration = Duration::from_secs_f64(seconds);
                let all = times(arrivals, seconds, seed);
                let expected = arrivals.expected(duration);
                let count = to_float(all.len() as u64);
                // A Poisson count: 8 sigma and some, false alarm far below 1e-9.
                let slack = match arrivals {
                    Arrivals::Poisson(_) => 8.0 * expected.sqrt() + 20.0,
                    _ => 1.0,
                };
                prop_assert!((count - expected).abs() <= slack, "{arrivals:?}: {count} vs {expected}");
                prop_assert!(all.is_sorted());
                prop_assert!(all.iter().all(|due| *due <= duration));
            }
        }
    }
}
