//! What short pieces of text count, remembered.
//!
//! Texts are made of the same words over and over. Each thread has a table of fixed
//! size, without locks; a piece whose places are taken takes the older one over. A
//! text itself is never remembered: every prompt is counted anew.

use std::cell::RefCell;

use crate::Encoding;

/// Sets of a table for words of up to seven bytes: most of prose. A set is a line of
/// the cache, and all that common words are found in fits a core's own.
const SHORT_SETS: usize = 1 << 11;
/// Bytes of the longest of them.
const SHORT_BYTES: usize = 7;

/// Pairs of places in a table for longer pieces; a power of two as well.
const PAIRS: usize = 1 << 12;
/// The longest piece that is remembered.
const MOST_BYTES: usize = 22;

/// A piece with its length and encoding, in a form that is compared at once; and its
/// count. No piece is empty, so zeros are nobody's.
#[derive(Clone, Copy, Default)]
struct Place<Key> {
    piece: Key,
    tokens: u32,
}

/// The newest first.
#[derive(Clone, Copy, Default)]
#[repr(align(64))]
struct Set<Key, const PLACES: usize>([Place<Key>; PLACES])
where
    [Place<Key>; PLACES]: Default;

type ShortSet = Set<u64, 4>;
type Pair = Set<[u64; 3], 2>;

impl<Key: Copy + PartialEq, const PLACES: usize> Set<Key, PLACES>
where
    [Place<Key>; PLACES]: Default,
{
    /// As remembered; or as `count` says, in place of the oldest.
    fn count(&mut self, piece: Key, count: impl FnOnce() -> usize) -> usize {
        if let Some(known) = self.0.iter().find(|place| place.piece == piece) {
            return known.tokens as usize;
        }
        let tokens = count();
        if let Ok(tokens) = u32::try_from(tokens) {
            self.0.rotate_right(1);
            if let Some(newest) = self.0.first_mut() {
                *newest = Place { piece, tokens };
            }
        }
        tokens
    }
}

/// A thread's memory.
#[derive(Default)]
pub(crate) struct Memory {
    short: Vec<ShortSet>,
    pairs: Vec<Pair>,
}

thread_local! {
    static MEMORY: RefCell<Memory> =
        const { RefCell::new(Memory { short: Vec::new(), pairs: Vec::new() }) };
}

/// Does something with this thread's memory; not in itself.
pub(crate) fn with_memory<T>(work: impl FnOnce(&mut Memory) -> T) -> T {
    MEMORY.with_borrow_mut(|memory| {
        if memory.short.is_empty() {
            memory.short.resize(SHORT_SETS, ShortSet::default());
            memory.pairs.resize(PAIRS, Pair::default());
        }
        work(memory)
    })
}

impl Memory {
    /// How many tokens the first `length` bytes of `text` are: as remembered, or as
    /// `count` says. What follows them in `text` is of no account, but the more
    /// there is, the faster this goes.
    pub(crate) fn count(
        &mut self,
        encoding: Encoding,
        text: &[u8],
        length: usize,
        count: impl FnOnce() -> usize,
    ) -> usize {
        if let Some(key) = short_key(encoding, text, length)
            && let Some(set) = self.short.get_mut(index(key, SHORT_SETS))
        {
            return set.count(key, count);
        }
        let Some(key) = key(encoding, text, length) else { return count() };
        let [first, second, third] = key;
        // Odd numbers without a pattern, of SplitMix64.
        let mixed = first
            ^ second.wrapping_mul(0xbf58_476d_1ce4_e5b9)
            ^ third.wrapping_mul(0x94d0_49bb_1331_11eb);
        match self.pairs.get_mut(index(mixed, PAIRS)) {
            Some(pair) => pair.count(key, count),
            None => count(),
        }
    }
}

/// The place of a key in a table: the high bits of a product with an odd number
/// without a pattern (the golden ratio) depend on all of the key's bits.
fn index(key: u64, sets: usize) -> usize {
    (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - sets.trailing_zeros())) as usize
}

/// The first bytes, and in the last one their number and the encoding; `None` for a
/// piece of more than seven bytes.
fn short_key(encoding: Encoding, text: &[u8], length: usize) -> Option<u64> {
    if SHORT_BYTES < length {
        return None;
    }
    let bytes = match text.first_chunk::<8>() {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => {
            let mut bytes = [0; 8];
            bytes.get_mut(..length)?.copy_from_slice(text.get(..length)?);
            u64::from_le_bytes(bytes)
        }
    };
    let kept = bytes & !(u64::MAX << (8 * length));
    Some(kept | (length as u64) << 56 | u64::from(encoding as u8) << 60)
}

/// The first bytes, their number and the encoding; `None` for a piece that is too
/// long.
fn key(encoding: Encoding, text: &[u8], length: usize) -> Option<[u64; 3]> {
    let kept = KEPT.get(length)?;
    let words = match text.first_chunk::<24>() {
        Some(bytes) => words(bytes),
        None => {
            let mut bytes = [0; 24];
            bytes.get_mut(..length)?.copy_from_slice(text.get(..length)?);
            words(&bytes)
        }
    };
    let [first, second, third] = std::array::from_fn(|word| words[word] & kept[word]);
    let tag = u64::try_from(length).ok()? << 48 | u64::from(encoding as u8) << 56;
    Some([first, second, third | tag])
}

fn words(bytes: &[u8; 24]) -> [u64; 3] {
    let (words, _) = bytes.as_chunks::<8>();
    std::array::from_fn(|word| words.get(word).map_or(0, |word| u64::from_le_bytes(*word)))
}

/// Which bits of 24 bytes belong to a piece, by its length.
static KEPT: [[u64; 3]; MOST_BYTES + 1] = {
    let mut kept = [[0; 3]; MOST_BYTES + 1];
    let mut length = 0;
    while length <= MOST_BYTES {
        let mut byte = 0;
        while byte < length {
            kept[length][byte / 8] |= 0xff << (8 * (byte % 8));
            byte += 1;
        }
        length += 1;
    }
    kept
};

#[cfg(test)]
mod tests {
    use super::*;

    fn remembered(encoding: Encoding, piece: &str, count: impl FnOnce() -> usize) -> usize {
        with_memory(|memory| memory.count(encoding, piece.as_bytes(), piece.len(), count))
    }

    #[test]
    fn a_piece_is_counted_once_in_each_encoding() {
        let first = |encoding, piece| remembered(encoding, piece, || 7);
        let again = |encoding, piece| remembered(encoding, piece, || 9);
        for piece in ["x", "seven b", "eight by", " twenty-two bytes long"] {
            assert_eq!(first(Encoding::O200kBase, piece), 7);
            assert_eq!(again(Encoding::O200kBase, piece), 7);
            assert_eq!(again(Encoding::Cl100kBase, piece), 9);
        }
    }

    #[test]
    fn what_is_too_long_is_counted_each_time() {
        let piece = " twenty-three bytes long";
        assert_eq!(remembered(Encoding::O200kBase, piece, || 7), 7);
        assert_eq!(remembered(Encoding::O200kBase, piece, || 9), 9);
    }

    #[test]
    fn pieces_that_begin_alike_are_not_taken_for_each_other() {
        assert_eq!(remembered(Encoding::O200kBase, "a", || 1), 1);
        assert_eq!(remembered(Encoding::O200kBase, "a\0", || 2), 2);
        assert_eq!(remembered(Encoding::O200kBase, "a", || 3), 1);
    }

    #[test]
    fn what_follows_a_piece_does_not_matter() {
        let long = "a word and what follows it in the text";
        for length in 1..=MOST_BYTES {
            for key in [
                |text: &[u8], length| key(Encoding::O200kBase, text, length),
                |text: &[u8], length| {
                    short_key(Encoding::O200kBase, text, length).map(|key| [key, 0, 0])
                },
            ] {
                let alone = key(&long.as_bytes()[..length], length);
                assert_eq!(key(long.as_bytes(), length), alone, "{length}");
            }
        }
        assert_eq!(key(Encoding::O200kBase, b"short", 6), None, "there is no such piece");
        assert_eq!(short_key(Encoding::O200kBase, b"short", 6), None);
    }

    #[test]
    fn the_oldest_of_a_set_gives_way() {
        let mut set = ShortSet::default();
        for piece in 1..=5 {
            assert_eq!(set.count(piece, || 10 + piece as usize), 10 + piece as usize);
        }
        assert_eq!(set.count(2, || 99), 12, "of the first five four are left");
        assert_eq!(set.count(1, || 99), 99);
        assert_eq!(set.count(2, || 98), 98, "it was the oldest when that one came");
    }
}
