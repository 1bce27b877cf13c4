//! One number for many values: mean and percentiles.

use std::fmt;

/// Which number stands for many.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Statistic {
    /// Arithmetic mean.
    Mean,
    /// A percentile, as a fraction strictly between 0 and 1.
    Percentile(f64),
}

impl Statistic {
    /// How many values it takes before bounds mean anything. Of few values a mean
    /// still has bounds by Student's t, wide as they are; a percentile of fewer
    /// than 20 hangs on one or two of them.
    #[must_use]
    pub fn least_values(self) -> usize {
        match self {
            Statistic::Mean => 8,
            Statistic::Percentile(_) => 20,
        }
    }
}

impl fmt::Display for Statistic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Statistic::Mean => f.write_str("mean"),
            // 99.9 / 100 * 100 is not 99.9: print no more digits than a file would hold.
            Statistic::Percentile(q) => write!(f, "p{}", (q * 1e6).round() / 1e4),
        }
    }
}

/// Arithmetic mean; `None` of nothing.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts of requests stay far below 2^52")]
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Percentile of sorted values by nearest rank: the smallest value that at least
/// the fraction `q` of them does not exceed (Hyndman & Fan 1996, definition 1).
/// Always a value that was seen; `None` of nothing.
#[must_use]
pub fn percentile(sorted: &[f64], q: f64) -> Option<f64> {
    sorted.get(rank(sorted.len(), q)).copied()
}

/// Index of the nearest rank of `q` among `n` values.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a rank lies between 0 and n"
)]
pub(super) fn rank(n: usize, q: f64) -> usize {
    // 0.95 * 20 is 19.000000000000004 in doubles: a hair is taken off before rounding up.
    let rank = (q.clamp(0.0, 1.0) * n as f64 - 1e-9).ceil().max(1.0) as usize;
    rank.min(n).saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn percentiles_are_values_that_were_seen() {
        let twenty: Vec<f64> = (1..=20).map(f64::from).collect();
        assert_eq!(percentile(&twenty, 0.5), Some(10.0));
        assert_eq!(percentile(&twenty, 0.95), Some(19.0));
        assert_eq!(percentile(&twenty, 0.99), Some(20.0));
        assert_eq!(percentile(&twenty, 0.0), Some(1.0));
        assert_eq!(percentile(&[], 0.5), None);
        assert_eq!(mean(&twenty), Some(10.5));
        assert_eq!(mean(&[]), None);
    }

    proptest! {
        #[test]
        fn percentiles_rise(mut values in proptest::collection::vec(0.0_f64..1e6, 1..200), a in 0.0_f64..1.0, b in 0.0_f64..1.0) {
            values.sort_by(f64::total_cmp);
            prop_assert!(percentile(&values, a.min(b)) <= percentile(&values, a.max(b)));
            let below = values.iter().filter(|v| **v <= percentile(&values, a).unwrap()).count();
            prop_assert!(a * values.len() as f64 <= below as f64 + 1e-6);
        }
    }
}
