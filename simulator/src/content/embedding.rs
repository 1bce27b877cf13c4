//! Embeddings: unit vectors that depend on the text alone.

use rand_distr::{Distribution as _, StandardNormal};
use seam::rng::Seed;

/// The embedding of `text`: `full` normal draws seeded by the text, cut to
/// `dimensions`, scaled to length 1. The same text has the same vector in every
/// run, so a cache of answers can be tested.
pub(crate) fn embed(text: &str, full: usize, dimensions: usize) -> Vec<f32> {
    let mut rng = Seed(0).stream(text);
    let values: Vec<f64> =
        (0..full).map(|_| StandardNormal.sample(&mut rng)).take(dimensions).collect();
    let length = values.iter().map(|value| value * value).sum::<f64>().sqrt();
    #[expect(clippy::cast_possible_truncation, reason = "an embedding has single precision")]
    values.into_iter().map(|value| (value / length) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_are_of_unit_length_and_depend_on_the_text() {
        let length = |v: &[f32]| v.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
        let vector = embed("hello", 1_536, 1_536);
        assert_eq!(vector.len(), 1_536);
        assert!((length(&vector) - 1.0).abs() < 1e-5);
        assert_eq!(vector, embed("hello", 1_536, 1_536));
        assert_ne!(vector, embed("world", 1_536, 1_536));
        let short = embed("hello", 1_536, 256);
        assert_eq!(short.len(), 256);
        assert!((length(&short) - 1.0).abs() < 1e-5);
        // Cut and scaled again, not drawn anew.
        assert!((short[0] / short[1] - vector[0] / vector[1]).abs() < 1e-3);
    }
}
