//! Shares: intervals, the sample they need, and what waves cost them.
//!
//! Counts are real numbers here: a sample of waves counts for fewer requests
//! than it has (see [`design_effect`]).

use super::special::{beta_quantile, normal_quantile};

/// Wilson's score bounds of a share of `k` in `n` at the normal quantile `z`:
/// `(p + z²/2n ± z·√(p(1−p)/n + z²/4n²)) / (1 + z²/n)` (Wilson 1927).
#[must_use]
pub fn wilson(k: f64, n: f64, z: f64) -> (f64, f64) {
    if n <= 0.0 {
        return (0.0, 1.0);
    }
    let p = (k / n).clamp(0.0, 1.0);
    let square = z * z;
    let centre = p + square / (2.0 * n);
    let half = z * (p * (1.0 - p) / n + square / (4.0 * n * n)).sqrt();
    let scale = 1.0 + square / n;
    let lower = if k <= 0.0 { 0.0 } else { (centre - half) / scale };
    let upper = if n <= k { 1.0 } else { (centre + half) / scale };
    (lower.clamp(0.0, 1.0), upper.clamp(0.0, 1.0))
}

/// Clopper and Pearson's bounds (1934): the shares at which `k` or more, `k` or
/// fewer, in `n` would have probability `tail`; Beta quantiles. Never too narrow.
#[must_use]
pub fn clopper_pearson(k: f64, n: f64, tail: f64) -> (f64, f64) {
    if n <= 0.0 {
        return (0.0, 1.0);
    }
    let k = k.clamp(0.0, n);
    let lower = if k <= 0.0 { 0.0 } else { beta_quantile(tail, k, n - k + 1.0) };
    let upper = if n <= k { 1.0 } else { beta_quantile(1.0 - tail, k + 1.0, n - k) };
    (lower, upper)
}

/// Bounds of a share, each wrong with probability `tail`: Wilson's, or Clopper
/// and Pearson's where fewer than ten requests lie on either side.
#[must_use]
pub fn proportion_bounds(k: f64, n: f64, tail: f64) -> (f64, f64) {
    if k.min(n - k) < 10.0 {
        clopper_pearson(k, n, tail)
    } else {
        wilson(k, n, normal_quantile(tail))
    }
}

/// Requests needed to show, with 99 % power, that a share near `p` lies within
/// `tolerance` of an edge: `(z + 2.33)²·p(1−p)/tolerance²`. The ceiling of
/// infinity is `None`: no sample settles a share that lies on the edge.
#[must_use]
pub fn sample_size(p: f64, tolerance: f64, tail: f64) -> Option<u64> {
    let power = normal_quantile(0.01);
    let z = normal_quantile(tail) + power;
    whole(z * z * p * (1.0 - p) / (tolerance * tolerance))
}

/// Requests needed when none so far was on the wrong side of an edge at `share`:
/// the least n with `(1 − share)^n ≤ tail`.
#[must_use]
pub fn sample_size_at_extreme(share: f64, tail: f64) -> Option<u64> {
    whole(tail.ln() / (-share).ln_1p())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "bounded below by zero and above by 1e15"
)]
fn whole(n: f64) -> Option<u64> {
    (n.is_finite() && (0.0..1e15).contains(&n)).then(|| n.ceil() as u64)
}

/// How many times more a share varies between blocks than independent requests
/// would: `max(1, var(sᵢ) / (p(1−p)/n_b))`, over blocks of `(hits, size)`. With
/// blocks of unequal size this is Pearson's χ² over its degrees of freedom. The
/// sample counts for `n / design_effect` requests (Kish 1965).
#[must_use]
pub fn design_effect(blocks: &[(u64, u64)]) -> f64 {
    let (hits, size) = blocks.iter().fold((0, 0), |sum, block| (sum.0 + block.0, sum.1 + block.1));
    if blocks.len() < 2 || hits == 0 || hits == size {
        return 1.0;
    }
    let p = real(hits) / real(size);
    let spread: f64 = blocks
        .iter()
        .filter(|block| 0 < block.1)
        .map(|&(hits, size)| {
            let deviation = real(hits) / real(size) - p;
            real(size) * deviation * deviation
        })
        .sum();
    (spread / (p * (1.0 - p)) / (real(blocks.len() as u64) - 1.0)).max(1.0)
}

/// A count as a real number.
#[expect(clippy::cast_precision_loss, reason = "counts of requests stay far below 2^52")]
fn real(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use seam::rng::Seed;

    use super::*;

    #[track_caller]
    fn close(got: f64, want: f64, tolerance: f64) {
        assert!((got - want).abs() <= tolerance, "got {got}, want {want}");
    }

    #[test]
    fn intervals_of_textbooks() {
        // Newcombe 1998, table I: 81 of 263 at 95 %: 0.2553 to 0.3662.
        let (lower, upper) = wilson(81.0, 263.0, normal_quantile(0.025));
        close(lower, 0.2553, 5e-5);
        close(upper, 0.3662, 5e-5);
        // The same paper, Clopper–Pearson: 0.2527 to 0.3676; 0 of 20: 0 to 0.1684.
        let (lower, upper) = clopper_pearson(81.0, 263.0, 0.025);
        close(lower, 0.2527, 5e-5);
        close(upper, 0.3676, 5e-5);
        let (lower, upper) = clopper_pearson(0.0, 20.0, 0.025);
        close(lower, 0.0, 0.0);
        close(upper, 0.1684, 5e-5);
    }

    #[test]
    fn sample_sizes_of_the_specification() {
        // measuring.md, section 3, at α = 1e-3: within a request of rounding.
        for (p, tolerance, n) in
            [(0.7, 0.05, 2650), (0.7, 0.10, 663), (0.5, 0.05, 3155), (0.99, 0.01, 3123)]
        {
            let got = sample_size(p, tolerance, 5e-4).unwrap();
            assert!(got.abs_diff(n) <= 3, "{p} ± {tolerance}: {got}, not {n}");
        }
        // Section 4: least n for an upper bound of a percentile.
        for (over, n) in [(0.10, 66), (0.05, 135), (0.01, 688)] {
            assert_eq!(sample_size_at_extreme(over, 1e-3), Some(n));
        }
        // Section 3: zero seen in 1,000 shows only p < 0.7 %.
        close(clopper_pearson(0.0, 1000.0, 1e-3).1, 0.0069, 5e-5);
        assert_eq!(sample_size(0.5, 0.0, 5e-4), None);
    }

    /// Of 2,000 samples of 200, bounds at 2.5 % a side should hold 95 %. The
    /// standard error is 0.5 points; a correct interval leaves 93..98.5 % less
    /// often than once in ten thousand seeds, and the seed is fixed.
    #[test]
    fn bounds_cover_as_often_as_they_say() {
        for (p, stream) in [(0.5, "half"), (0.9, "most"), (0.02, "few")] {
            let mut rng = Seed(7).stream(stream);
            let covered = (0..2_000)
                .filter(|_| {
                    let k = (0..200).filter(|_| rng.random::<f64>() < p).count();
                    let (lower, upper) = proportion_bounds(real(k as u64), 200.0, 0.025);
                    lower <= p && p <= upper
                })
                .count();
            assert!((1_860..=1_990).contains(&covered), "{p}: {covered} of 2000");
        }
    }

    #[test]
    fn waves_count_for_fewer_requests() {
        let independent = [(5, 10), (4, 10), (6, 10), (5, 10), (5, 10)];
        close(design_effect(&independent), 1.0, 0.0);
        // Whole blocks one way: ten requests tell no more than one.
        let waves = [(10, 10), (0, 10)].repeat(10);
        close(design_effect(&waves), 10.0 * 20.0 / 19.0, 1e-9);
        close(design_effect(&[(10, 10), (10, 10)]), 1.0, 0.0);
    }

    proptest! {
        #[test]
        fn bounds_lie_around_the_share_within_zero_and_one(n in 1_u32..5_000, part in 0.0_f64..=1.0, tail in 1e-6_f64..0.4) {
            let n = f64::from(n);
            let k = (n * part).floor();
            for (lower, upper) in [wilson(k, n, normal_quantile(tail)), clopper_pearson(k, n, tail), proportion_bounds(k, n, tail)] {
                prop_assert!((0.0..=1.0).contains(&lower) && (0.0..=1.0).contains(&upper));
                prop_assert!(lower <= k / n + 1e-12 && k / n <= upper + 1e-12);
            }
        }

        #[test]
        fn bounds_rise_with_hits_and_narrow_with_doubt(n in 2_u32..2_000, part in 0.0_f64..0.99, tail in 1e-6_f64..0.2) {
            let n = f64::from(n);
            let k = (n * part).floor();
            let now = clopper_pearson(k, n, tail);
            let more = clopper_pearson(k + 1.0, n, tail);
            prop_assert!(now.0 <= more.0 + 1e-9 && now.1 <= more.1 + 1e-9);
            let looser = clopper_pearson(k, n, tail * 2.0);
            prop_assert!(now.0 <= looser.0 + 1e-9 && looser.1 <= now.1 + 1e-9);
        }

        #[test]
        fn design_effect_is_at_least_one(blocks in proptest::collection::vec((0_u64..20, 0_u64..20), 0..30)) {
            let blocks: Vec<_> = blocks.into_iter().map(|(hits, more)| (hits, hits + more)).collect();
            prop_assert!(1.0 <= design_effect(&blocks));
        }
    }
}
