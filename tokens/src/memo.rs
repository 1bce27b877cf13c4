//! What short pieces of text count, remembered.
//!
//! Texts are made of the same words over and over. Each thread has a table of fixed
//! size, without locks; a piece whose places are taken takes the older one over. A text itself is
//! never remembered: every prompt is counted anew.

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

thread_local! {
    static PAIRS_OF_THREAD: RefCell<Vec<Pair>> = const { RefCell::new(Vec::new()) };
}

/// How many tokens a piece is: as remembered, or as `count` says.
pub(crate) fn remembered(encoding: Encoding, piece: &str, count: impl FnOnce() -> usize) -> usize {
    let Some(key) = key(encoding, piece.as_bytes()) else { return count() };
    let index = index(key);
    let known = PAIRS_OF_THREAD.with_borrow(|pairs| {
        let place = pairs.get(index)?.0.iter().find(|place| place.piece == key);
        place.map(|place| place.tokens as usize)
    });
    if let Some(tokens) = known {
        return tokens;
    }
    let tokens = count();
    PAIRS_OF_THREAD.with_borrow_mut(|pairs| {
        if pairs.is_empty() {
            pairs.resize(PAIRS, Pair::default());
        }
        if let (Some(Pair([newer, older])), Ok(tokens)) =
            (pairs.get_mut(index), u32::try_from(tokens))
        {
            *older = std::mem::replace(newer, Place { piece: key, tokens });
        }
    });
    tokens
}

/// The bytes, their number and the encoding; `None` for a piece that is too long.
fn key(encoding: Encoding, piece: &[u8]) -> Option<[u64; 3]> {
    let mut bytes = [0_u8; 24];
    bytes.get_mut(..piece.len()).filter(|own| own.len() <= MOST_BYTES)?.copy_from_slice(piece);
    let [.., length, kind] = &mut bytes;
    *length = u8::try_from(piece.len()).ok()?;
    *kind = encoding as u8;
    let (words, _) = bytes.as_chunks::<8>();
    let [first, second, third] = words else { return None };
    Some([first, second, third].map(|word| u64::from_le_bytes(*word)))
}

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
}
