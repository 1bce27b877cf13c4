//! Means and ratios of values that come one after the other and may hang
//! together: neighbours are kept in one block, and blocks are taken as
//! independent.
//!
//! The bounds use Student's t with one degree of freedom less than blocks, not
//! the bootstrap's own percentiles: with 20 blocks those cannot reach the
//! 1-in-10,000 tails a verdict needs.

use rand::{Rng, RngExt as _};

use super::location::{Statistic, mean};
use super::special::student_quantile;

/// Resamples of the block bootstrap. The standard error they estimate is itself
/// uncertain by 1/√(2·1000), 2 %.
const RESAMPLES: u32 = 1_000;

/// Into how many blocks `n` values are cut: 20, more from 400 values on, 50 at
/// most. `None` when there are fewer than 20 values: too few to say anything.
#[must_use]
pub fn block_count(n: usize) -> Option<usize> {
    (20 <= n).then(|| (n / 20).clamp(20, 50))
}

/// Into how many blocks `n` values are cut for the bounds of a statistic: fewer
/// than 20 values are a block each, so that Student's t has what freedom there
/// is. `None` below [`Statistic::least_values`].
fn value_blocks(n: usize, statistic: Statistic) -> Option<usize> {
    (statistic.least_values() <= n).then(|| block_count(n).unwrap_or(n))
}

/// Cuts values, in the order in which they came, into `count` blocks whose
/// sizes differ by at most one.
#[must_use]
pub fn blocks<T>(values: &[T], count: usize) -> Vec<&[T]> {
    let edge = |index: usize| index * values.len() / count.max(1);
    (0..count).filter_map(|index| values.get(edge(index)..edge(index + 1))).collect()
}

/// Bounds of a mean by the method of batch means (Conway 1963): mean ± t·s/√k
/// over the means of k blocks. `None` for fewer than 8 values.
#[must_use]
pub fn mean_bounds(values: &[f64], tail: f64) -> Option<(f64, f64)> {
    let count = value_blocks(values.len(), Statistic::Mean)?;
    let centre = mean(values)?;
    let means: Vec<f64> = blocks(values, count).into_iter().filter_map(mean).collect();
    let half = student_quantile(tail, real(count) - 1.0) * deviation(&means)? / real(count).sqrt();
    Some((centre - half, centre + half))
}

/// A ratio of two statistics and how sure it is; see [`ratio`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratio {
    /// The ratio itself.
    pub value: f64,
    /// Standard error of its logarithm.
    error: f64,
    freedom: f64,
}

impl Ratio {
    /// Bounds, each wrong with probability `tail`: the logarithm of the ratio ± t
    /// times its standard error.
    #[must_use]
    pub fn bounds(&self, tail: f64) -> (f64, f64) {
        let factor = (student_quantile(tail, self.freedom) * self.error).exp();
        (self.value / factor, self.value * factor)
    }
}

/// `statistic(above) / statistic(below)`, both in the order in which they came,
/// with its standard error by a block bootstrap (Künsch 1989; Efron & Tibshirani
/// 1993, chapter 6). `None` for fewer than [`Statistic::least_values`] on either
/// side or a statistic that is not above zero.
#[must_use]
pub fn ratio(
    above: &[f64],
    below: &[f64],
    statistic: Statistic,
    rng: &mut impl Rng,
) -> Option<Ratio> {
    let above = Resampler::new(above, statistic)?;
    let below = Resampler::new(below, statistic)?;
    let value = above.observed()? / below.observed()?;
    if !(value.is_finite() && 0.0 < value) {
        return None;
    }
    let draws: Vec<f64> = (0..RESAMPLES)
        .filter_map(|_| Some((above.resample(rng)? / below.resample(rng)?).ln()))
        .filter(|draw| draw.is_finite())
        .collect();
    let freedom = real(above.blocks.min(below.blocks)) - 1.0;
    Some(Ratio { value, error: deviation(&draws)?, freedom })
}

/// Draws blocks with replacement and takes a statistic of what they hold.
struct Resampler {
    statistic: Statistic,
    blocks: usize,
    /// (sum, size) of each block, for the mean.
    sums: Vec<(f64, usize)>,
    /// Every value with its block, sorted by value, for percentiles: a resample
    /// is then one pass over the values, without sorting again.
    sorted: Vec<(f64, usize)>,
}

impl Resampler {
    fn new(values: &[f64], statistic: Statistic) -> Option<Self> {
        let count = value_blocks(values.len(), statistic)?;
        let cut = blocks(values, count);
        let sums = cut.iter().map(|block| (block.iter().sum(), block.len())).collect();
        let mut sorted: Vec<(f64, usize)> = Vec::new();
        if let Statistic::Percentile(_) = statistic {
            for (index, block) in cut.iter().enumerate() {
                sorted.extend(block.iter().map(|&value| (value, index)));
            }
            sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
        }
        Some(Self { statistic, blocks: count, sums, sorted })
    }

    fn observed(&self) -> Option<f64> {
        self.weighted(&vec![1; self.blocks])
    }

    fn resample(&self, rng: &mut impl Rng) -> Option<f64> {
        let mut times = vec![0_usize; self.blocks];
        for _ in 0..self.blocks {
            if let Some(slot) = times.get_mut(rng.random_range(0..self.blocks)) {
                *slot += 1;
            }
        }
        self.weighted(&times)
    }

    /// The statistic when block i is taken `times[i]` times.
    fn weighted(&self, times: &[usize]) -> Option<f64> {
        let size: usize = self.sums.iter().zip(times).map(|(block, times)| block.1 * times).sum();
        match self.statistic {
            Statistic::Mean => {
                let sum: f64 =
                    self.sums.iter().zip(times).map(|(block, &times)| block.0 * real(times)).sum();
                (0 < size).then(|| sum / real(size))
            }
            Statistic::Percentile(q) => {
                let target = super::location::rank(size, q);
                let mut passed = 0;
                self.sorted.iter().find_map(|&(value, block)| {
                    passed += times.get(block).copied().unwrap_or(0);
                    (target < passed).then_some(value)
                })
            }
        }
    }
}

/// Sample standard deviation; `None` of fewer than two values.
fn deviation(values: &[f64]) -> Option<f64> {
    let centre = mean(values)?;
    let squares: f64 = values.iter().map(|value| (value - centre) * (value - centre)).sum();
    (1 < values.len()).then(|| (squares / (real(values.len()) - 1.0)).sqrt())
}

#[expect(clippy::cast_precision_loss, reason = "counts of requests stay far below 2^52")]
fn real(count: usize) -> f64 {
    count as f64
}

/// Percentile of unsorted values, for tests of the resampler.
#[cfg(test)]
fn percentile_of(values: &[f64], q: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    super::location::percentile(&sorted, q)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand_chacha::ChaCha8Rng;
    use seam::rng::Seed;

    use super::*;

    fn exponential(rng: &mut ChaCha8Rng, n: usize) -> Vec<f64> {
        (0..n).map(|_| -(1.0 - rng.random::<f64>()).ln()).collect()
    }

    /// At 2.5 % a side 95 % should be covered; skewed values with 20 blocks give a
    /// little less. Of 500 samples the standard error is 1 point: a correct
    /// interval stays within 90..99 % in all but one of 10^5 seeds.
    #[test]
    fn mean_bounds_cover_as_often_as_they_say() {
        let mut rng = Seed(11).stream("mean");
        let covered = (0..500)
            .filter(|_| {
                let (lower, upper) = mean_bounds(&exponential(&mut rng, 200), 0.025).unwrap();
                lower <= 1.0 && 1.0 <= upper
            })
            .count();
        assert!((450..=495).contains(&covered), "{covered} of 500");
    }

    /// Waves: each value repeats nine times over. Blocks see it, a plain standard
    /// error would cover about half. Same odds as above, wider on the low side.
    #[test]
    fn mean_bounds_hold_for_values_that_hang_together() {
        let mut rng = Seed(11).stream("waves");
        let covered = (0..500)
            .filter(|_| {
                let waves: Vec<f64> =
                    exponential(&mut rng, 100).into_iter().flat_map(|v| [v; 10]).collect();
                let (lower, upper) = mean_bounds(&waves, 0.025).unwrap();
                lower <= 1.0 && 1.0 <= upper
            })
            .count();
        assert!(440 <= covered, "{covered} of 500");
    }

    /// 100 samples at 2.5 % a side; 86 or fewer covered has odds of 1 in 5,000.
    #[test]
    fn ratio_bounds_cover_as_often_as_they_say() {
        for statistic in [Statistic::Mean, Statistic::Percentile(0.5)] {
            let mut rng = Seed(5).stream("ratio");
            let covered = (0..100)
                .filter(|_| {
                    let above: Vec<f64> =
                        exponential(&mut rng, 200).into_iter().map(|v| 3.0 * v).collect();
                    let below = exponential(&mut rng, 200);
                    let estimate = ratio(&above, &below, statistic, &mut rng).unwrap();
                    let (lower, upper) = estimate.bounds(0.025);
                    lower <= 3.0 && 3.0 <= upper
                })
                .count();
            assert!((87..=100).contains(&covered), "{statistic}: {covered} of 100");
        }
    }

    /// Ten latencies that hardly differ, as of a deployment with a steady pace:
    /// uniform within 10 %. At 2.5 % a side 95 % should be covered; the bootstrap
    /// of ten blocks errs low by 5 % of the width, which leaves some 94 %. 440 of
    /// 500 or fewer has odds below 1 in 10^6.
    #[test]
    fn few_values_have_honest_bounds() {
        let mut rng = Seed(3).stream("few");
        let covered = (0..500)
            .filter(|_| {
                let few: Vec<f64> = (0..10).map(|_| 0.95 + 0.1 * rng.random::<f64>()).collect();
                let many: Vec<f64> = (0..100).map(|_| 0.095 + 0.01 * rng.random::<f64>()).collect();
                let estimate = ratio(&few, &many, Statistic::Mean, &mut rng).unwrap();
                let (lower, upper) = estimate.bounds(0.025);
                let (least, most) = mean_bounds(&few, 0.025).unwrap();
                lower <= 10.0 && 10.0 <= upper && least <= 1.001 && 0.999 <= most
            })
            .count();
        assert!(440 < covered, "{covered} of 500");
    }

    #[test]
    fn equal_values_leave_no_doubt() {
        let mut rng = Seed(1).stream("equal");
        let estimate = ratio(&[1.0; 55], &[0.1; 100], Statistic::Mean, &mut rng).unwrap();
        let (lower, upper) = estimate.bounds(1e-4);
        assert!((estimate.value - 10.0).abs() < 1e-9 && (lower - 10.0).abs() < 1e-6, "{lower}");
        assert!((upper - 10.0).abs() < 1e-6);
        let none = ratio(&[1.0; 55], &[0.0; 100], Statistic::Mean, &mut rng);
        assert!(none.is_none());
        assert!(ratio(&[1.0; 8], &[1.0; 100], Statistic::Mean, &mut rng).is_some());
        assert!(ratio(&[1.0; 7], &[1.0; 100], Statistic::Mean, &mut rng).is_none());
        let median = Statistic::Percentile(0.5);
        assert!(ratio(&[1.0; 19], &[1.0; 100], median, &mut rng).is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn blocks_hold_every_value_once(n in 0_usize..500, count in 1_usize..60) {
            let values: Vec<usize> = (0..n).collect();
            let cut = blocks(&values, count);
            prop_assert_eq!(cut.concat(), values.clone());
            let sizes: Vec<usize> = cut.iter().map(|block| block.len()).collect();
            prop_assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1);
        }

        #[test]
        fn resampler_takes_the_plain_statistic(values in proptest::collection::vec(0.1_f64..100.0, 20..200), q in 0.01_f64..0.99) {
            let percentile = Resampler::new(&values, Statistic::Percentile(q)).unwrap();
            prop_assert_eq!(percentile.observed(), percentile_of(&values, q));
            let average = Resampler::new(&values, Statistic::Mean).unwrap().observed().unwrap();
            prop_assert!((average - mean(&values).unwrap()).abs() < 1e-9);
        }
    }
}
