//! Named random streams derived from the run's seed.
//!
//! Each concern draws from its own stream (`seed.stream("simulator/payg-1/latency")`),
//! so that a new component does not shift another's numbers. A draw that
//! belongs to a request is keyed by the request's own number
//! ([`Seed::numbered`]), never by which task came first.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// The seed of a run. The same seed gives the same numbers on every platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(pub u64);

impl Seed {
    /// The stream of this name.
    #[must_use]
    pub fn stream(self, name: &str) -> ChaCha8Rng {
        self.streams("").stream(name)
    }

    /// The streams whose names begin so.
    #[must_use]
    pub fn streams(self, prefix: &str) -> Streams {
        Streams { seed: self, hash: fnv1a(FNV_OFFSET, prefix.as_bytes()) }
    }

    /// The `number`-th independent stream of this name, for one request's draws.
    #[must_use]
    pub fn numbered(self, name: &str, number: u64) -> ChaCha8Rng {
        let mut rng = self.stream(name);
        rng.set_stream(number);
        rng
    }
}

/// Streams whose names begin alike: the beginning is put together and hashed once,
/// not with every request.
#[derive(Clone, Copy, Debug)]
pub struct Streams {
    seed: Seed,
    /// Of the beginning.
    hash: u64,
}

impl Streams {
    /// The stream of this name, which continues the beginning.
    #[must_use]
    pub fn stream(&self, name: &str) -> ChaCha8Rng {
        let mut state = self.seed.0 ^ fnv1a(self.hash, name.as_bytes());
        let mut key = [0_u8; 32];
        for chunk in key.chunks_exact_mut(8) {
            chunk.copy_from_slice(&splitmix64(&mut state).to_le_bytes());
        }
        ChaCha8Rng::from_seed(key)
    }

    /// As [`Seed::numbered`].
    #[must_use]
    pub fn numbered(&self, name: &str, number: u64) -> ChaCha8Rng {
        let mut rng = self.stream(name);
        rng.set_stream(number);
        rng
    }
}

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a, 64 bits (<http://www.isthe.com/chongo/tech/comp/fnv/>), continued.
fn fnv1a(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// SplitMix64 (Steele, Lea, Flood 2014), the usual expander of short seeds.
fn splitmix64(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use rand::Rng as _;

    use super::*;

    #[test]
    fn streams_depend_on_seed_name_and_number_only() {
        let draw = |mut rng: ChaCha8Rng| rng.next_u64();
        assert_eq!(draw(Seed(1).stream("a")), draw(Seed(1).stream("a")));
        assert_ne!(draw(Seed(1).stream("a")), draw(Seed(1).stream("b")));
        assert_ne!(draw(Seed(1).stream("a")), draw(Seed(2).stream("a")));
        assert_ne!(draw(Seed(1).numbered("a", 1)), draw(Seed(1).numbered("a", 2)));
        assert_eq!(draw(Seed(1).numbered("a", 7)), draw(Seed(1).numbered("a", 7)));
        let streams = Seed(1).streams("a/");
        assert_eq!(draw(streams.stream("b")), draw(Seed(1).stream("a/b")));
        assert_eq!(draw(streams.numbered("b", 7)), draw(Seed(1).numbered("a/b", 7)));
    }
}
