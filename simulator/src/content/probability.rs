//! Log probabilities of tokens, as `logprobs` and `top_logprobs` ask for.
//!
//! They are drawn: the written token is the likeliest, with a probability from a
//! half on, and the alternatives halve what is left. So they are sorted and never
//! add up to more than one.

use rand::RngExt as _;
use seam::rng::Seed;
use tokens::Encoding;

/// A token and how likely it was.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Likely {
    /// The token's own bytes; no UTF-8 if it is a part of a character.
    pub bytes: Vec<u8>,
    pub logprob: f64,
}

/// A written token with its alternatives.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scored {
    pub chosen: Likely,
    /// The likeliest first, the written one among them.
    pub top: Vec<Likely>,
}

/// Draws the probabilities of one answer. A token's are the same whenever they are
/// asked for.
#[derive(Debug, Clone)]
pub(crate) struct Scorer {
    pub seed: Seed,
    pub encoding: Encoding,
    /// How many alternatives each token has.
    pub top: usize,
}

/// Tokens that could have stood there.
const OTHERS: &[&str] = &[
    " the", " a", " and", " of", " to", " in", ".", ",", " is", " that", " it", " for", " with",
    " on", " as", " this", " was", " at", " by", " from", " or",
];

impl Scorer {
    /// The tokens of the piece at `index` of a choice.
    pub(crate) fn score(&self, choice: usize, index: usize, piece: &str) -> Vec<Scored> {
        let place = (choice as u64) << 32 | index as u64;
        let mut rng = self.seed.numbered("logprobs", place);
        self.encoding
            .slices(piece)
            .into_iter()
            .map(|bytes| {
                let spare = 0.5 * rng.random::<f64>().powi(3);
                let chosen = Likely { bytes: bytes.to_vec(), logprob: (1.0 - spare).ln() };
                let start = rng.random_range(0..OTHERS.len());
                let others = OTHERS.iter().cycle().skip(start).take(OTHERS.len());
                let mut left = spare.max(1e-9);
                let others = others.filter(|other| other.as_bytes() != bytes).map(|other| {
                    left /= 2.0;
                    Likely { bytes: other.as_bytes().to_vec(), logprob: left.ln() }
                });
                let top = std::iter::once(chosen.clone()).chain(others).take(self.top).collect();
                Scored { chosen, top }
            })
            .collect()
    }
}

impl Likely {
    /// The token as text; a part of a character as escapes, as the service writes it.
    pub(crate) fn text(&self) -> String {
        match std::str::from_utf8(&self.bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => self.bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_are_sorted_and_add_up() {
        let scorer = Scorer { seed: Seed(1), encoding: Encoding::O200kBase, top: 20 };
        for index in 0..200 {
            let scored = scorer.score(0, index, " the");
            assert_eq!(scored, scorer.score(0, index, " the"));
            let [token] = scored.as_slice() else { panic!("{scored:?}") };
            assert_eq!((token.chosen.text().as_str(), token.top.len()), (" the", 20));
            assert_eq!(token.top.first(), Some(&token.chosen));
            assert!(token.top.is_sorted_by(|a, b| a.logprob > b.logprob), "{token:?}");
            let sum: f64 = token.top.iter().map(|likely| likely.logprob.exp()).sum();
            assert!(sum <= 1.0 + 1e-9, "{sum}");
            let texts: std::collections::BTreeSet<String> =
                token.top.iter().map(Likely::text).collect();
            assert_eq!(texts.len(), 20);
        }
        assert_ne!(scorer.score(0, 1, " a"), scorer.score(1, 1, " a"));
    }

    #[test]
    fn parts_of_characters_have_bytes() {
        let scorer = Scorer { seed: Seed(1), encoding: Encoding::Cl100kBase, top: 0 };
        let scored = scorer.score(0, 0, "\u{1f9ff}");
        let bytes: Vec<u8> = scored.iter().flat_map(|token| token.chosen.bytes.clone()).collect();
        assert_eq!(bytes, "\u{1f9ff}".as_bytes());
        assert!(1 < scored.len());
        assert!(scored[0].chosen.text().starts_with("\\xf0"), "{scored:?}");
        assert!(scored[0].top.is_empty());
    }
}
