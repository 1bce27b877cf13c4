//! What short pieces of text count, remembered.
//!
//! Texts are made of the same words over and over. Each thread has a table of fixed
//! size, without locks; a piece whose places are taken takes the older one over. A
//! text itself is never remembered: every prompt is counted anew.

use std::cell::RefCell;

use crate::Encoding;

/// Pairs of places in a table; a power of two. A pair is a line of the cache, and the
/// pairs that words are found in fit a core's own.
const PAIRS: usize = 1 << 13;

/// The longest piece that is remembered.
const MOST_BYTES: usize = 22;

/// A piece with its length and encoding, in a form that is compared at once; and its
/// count. No piece is empty, so zeros are nobody's.
#[derive(Clone, Copy, Default)]
struct Place {
    piece: [u64; 3],
    tokens: u32,
}

/// The newer one first.
#[derive(Clone, Copy, Default)]
#[repr(align(64))]
struct Pair([Place; 2]);

/// A thread's memory.
#[derive(Default)]
pub(crate) struct Memory {
    pairs: Vec<Pair>,
}

thread_local! {
    static MEMORY: RefCell<Memory> = const { RefCell::new(Memory { pairs: Vec::new() }) };
}

/// Does something with this thread's memory; not in itself.
pub(crate) fn with_memory<T>(work: impl FnOnce(&mut Memory) -> T) -> T {
    MEMORY.with_borrow_mut(work)
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
        let Some(key) = key(encoding, text, length) else { return count() };
        if self.pairs.is_empty() {
            self.pairs.resize(PAIRS, Pair::default());
        }
        let Some(Pair([newer, older])) = self.pairs.get_mut(index(key)) else { return count() };
        if newer.piece == key {
            return newer.tokens as usize;
        }
        if older.piece == key {
            return older.tokens as usize;
        }
        let tokens = count();
        if let Ok(tokens) = u32::try_from(tokens) {
            *older = std::mem::replace(newer, Place { piece: key, tokens });
        }
        tokens
    }
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

fn index([first, second, third]: [u64; 3]) -> usize {
    // Odd numbers without a pattern: the golden ratio and two of SplitMix64's.
    let mixed = first.wrapping_mul(0x9e37_79b9_7f4a_7c15)
        ^ second.wrapping_mul(0xbf58_476d_1ce4_e5b9)
        ^ third.wrapping_mul(0x94d0_49bb_1331_11eb);
    // The high bits of a product depend on all of its factors' bits.
    (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - PAIRS.trailing_zeros())) as usize
}

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
        for piece in ["x", " twenty-two bytes long"] {
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
            let alone = key(Encoding::O200kBase, &long.as_bytes()[..length], length);
            assert_eq!(key(Encoding::O200kBase, long.as_bytes(), length), alone, "{length}");
        }
        assert_eq!(key(Encoding::O200kBase, b"short", 6), None, "there is no such piece");
    }
}
