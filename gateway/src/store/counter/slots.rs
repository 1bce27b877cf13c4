//! The counters side by side, without gaps and in pieces: one more never moves
//! the others, and memory goes back when there are few.

use super::any::Counter;
use super::key::Key;

/// A counter and its key: the two cache lines that a call with a rare key has to
/// fetch from memory.
#[repr(align(64))]
pub(super) struct Slot {
    pub(super) key: Key,
    pub(super) counter: Counter,
}

/// Slots in a piece.
const PIECE: usize = 1024;

/// Slots by place: 0, 1, 2 and so on.
#[derive(Default)]
pub(super) struct Slots {
    /// All but the last are full, and none is empty.
    pieces: Vec<Vec<Slot>>,
}

impl Slots {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        let last = self.pieces.last().map_or(0, Vec::len);
        self.pieces.len().saturating_sub(1) * PIECE + last
    }

    /// The one at a place.
    pub(super) fn get(&self, place: usize) -> Option<&Slot> {
        self.pieces.get(place / PIECE)?.get(place % PIECE)
    }

    /// The one at a place.
    pub(super) fn get_mut(&mut self, place: usize) -> Option<&mut Slot> {
        self.pieces.get_mut(place / PIECE)?.get_mut(place % PIECE)
    }

    /// One more, at the end.
    pub(super) fn push(&mut self, slot: Slot) {
        match self.pieces.last_mut() {
            Some(last) if last.len() < PIECE => last.push(slot),
            _ => {
                let mut piece = Vec::with_capacity(PIECE);
                piece.push(slot);
                self.pieces.push(piece);
            }
        }
    }

    /// Takes one out; the last one takes its place.
    pub(super) fn swap_remove(&mut self, place: usize) -> Option<Slot> {
        if self.len() <= place {
            return None;
        }
        let last = self.pieces.last_mut()?;
        let moved = last.pop()?;
        if last.is_empty() {
            self.pieces.pop();
        }
        match self.get_mut(place) {
            Some(slot) => Some(std::mem::replace(slot, moved)),
            None => Some(moved),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{CounterKey, Rule};
    use super::*;

    fn slot(number: usize) -> Slot {
        let key = CounterKey { kind: "test", key: number.to_string() };
        Slot {
            key: Key::of(&key),
            counter: Counter::new(Rule::FixedWindow { limit: 1, ends: None }),
        }
    }

    fn number(slot: Option<&Slot>) -> Option<usize> {
        slot.map(|slot| std::str::from_utf8(slot.key.bytes()).unwrap().parse().unwrap())
    }

    #[test]
    fn places_have_no_gaps() {
        let mut slots = Slots::default();
        let mut plain = Vec::new();
        for at in 0..2 * PIECE + 1 {
            slots.push(slot(at));
            plain.push(at);
        }
        while !plain.is_empty() {
            let place = 7_919 * plain.len() % plain.len().min(1_500);
            let taken = slots.swap_remove(place);
            assert_eq!(number(taken.as_ref()), Some(plain.swap_remove(place)));
            assert_eq!(slots.len(), plain.len());
            for at in [0, place, plain.len().saturating_sub(1), plain.len()] {
                assert_eq!(number(slots.get(at)), plain.get(at).copied(), "{at}");
            }
        }
        assert!(slots.pieces.is_empty() && slots.swap_remove(0).is_none());
    }

    #[test]
    fn a_slot_is_two_cache_lines() {
        assert_eq!(size_of::<Slot>(), 128);
    }
}
