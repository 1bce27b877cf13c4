//! Order statistics. Sorted slices in, numbers out.

/// Sorts; measurements are finite, and were checked to be.
pub(super) fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

/// The quantile at `p`, between neighbours linearly. Zero of nothing.
pub(super) fn quantile(sorted: &[f64], p: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let place = p.clamp(0.0, 1.0) * last as f64;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between zero and the last index"
    )]
    let below = place.floor() as usize;
    let at = |index: usize| sorted.get(index.min(last)).copied().unwrap_or_default();
    let (low, high) = (at(below), at(below + 1));
    low + (high - low) * (place - below as f64)
}

/// Half the width of the middle 68.27 %: sigma of a normal distribution, whatever
/// its tails do.
pub(super) fn robust_sigma(sorted: &[f64]) -> f64 {
    (quantile(sorted, 0.841_345) - quantile(sorted, 0.158_655)) / 2.0
}

/// The Kolmogorov-Smirnov distance between two samples.
pub(super) fn ks_distance(one: &[f64], other: &[f64]) -> f64 {
    if one.is_empty() || other.is_empty() {
        return 0.0;
    }
    let (mut i, mut j) = (0, 0);
    let mut distance: f64 = 0.0;
    while let (Some(a), Some(b)) = (one.get(i), other.get(j)) {
        let step = a.min(*b);
        while one.get(i).is_some_and(|value| *value <= step) {
            i += 1;
        }
        while other.get(j).is_some_and(|value| *value <= step) {
            j += 1;
        }
        let difference = i as f64 / one.len() as f64 - j as f64 / other.len() as f64;
        distance = distance.max(difference.abs());
    }
    distance
}

/// The distance that two samples of these sizes exceed once in twenty times when
/// they are of one distribution.
pub(super) fn ks_critical(one: usize, other: usize) -> f64 {
    let (one, other) = (one.max(1) as f64, other.max(1) as f64);
    1.358 * ((one + other) / (one * other)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_neighbours() {
        let values = sorted(vec![3.0, 1.0, 2.0, 4.0]);
        for (p, expected) in [(0.0, 1.0), (0.5, 2.5), (1.0, 4.0), (2.0, 4.0)] {
            assert!((quantile(&values, p) - expected).abs() < 1e-12, "{p}");
        }
        assert!(quantile(&[], 0.5).abs() < 1e-12);
        assert!((quantile(&[7.0], 0.3) - 7.0).abs() < 1e-12);
    }

    #[test]
    fn distance_is_the_largest_gap_between_the_steps() {
        let low: Vec<f64> = (0..100).map(f64::from).collect();
        let shifted: Vec<f64> = (0..100).map(|n| f64::from(n) + 25.0).collect();
        assert!(ks_distance(&low, &low).abs() < 1e-12);
        assert!((ks_distance(&low, &shifted) - 0.25).abs() < 1e-12);
        assert!((ks_distance(&[1.0], &[2.0]) - 1.0).abs() < 1e-12);
        assert!((ks_critical(100, 1_000_000) - 0.1358).abs() < 1e-4);
    }
}
