//! Counters by key, each operation amortised O(1) for any number of keys: a
//! hand goes round and drops counters that count nothing any more; there is no
//! scan.
//!
//! What a call costs with a million keys is decided by how many places of memory
//! it has to wait for. Here that is one in the index, which holds numbers only,
//! and the slot with key and counter in it; the hand goes through slots in their
//! order, many at a time, which the processor fetches ahead.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use hashbrown::HashTable;

use super::CounterKey;
use super::any::{Counter, Local};
use super::key::Key;
use super::slots::{Slot, Slots};

/// Operations between two sweeps.
const PAUSE: usize = 10;

/// Counters a sweep looks at: more than were added since the last one, so that
/// they go faster than they come.
const SWEPT: usize = 2 * PAUSE;

/// Counters looked at to find the one that makes room.
const CANDIDATES: usize = 8;

/// See the module.
#[derive(Default)]
pub(super) struct Table {
    /// Keyed at random: clients choose keys, and must not choose collisions.
    hasher: RandomState,
    /// Never iterated: its order is random.
    index: HashTable<Entry>,
    slots: Slots,
    hand: usize,
    /// Operations since the last sweep.
    operations: usize,
    /// Entries of all counters.
    weight: usize,
}

/// Where a key's slot is. With the hash in it, neither a growing index nor a
/// search that meets another key looks at slots.
#[derive(Clone, Copy)]
struct Entry {
    hash: u32,
    place: u32,
}

impl Entry {
    /// The index takes a bucket from the low bits of a hash and a tag from the
    /// high ones: both get something of the 32.
    fn spread(hash: u32) -> u64 {
        u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

impl Table {
    /// Keys in memory.
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Runs one operation on a key's counter, and looks after the others.
    pub(super) fn operate<T>(
        &mut self,
        capacity: usize,
        key: &CounterKey,
        at: Local,
        run: impl FnOnce(&mut Counter, Local) -> T,
    ) -> T {
        let outcome = self.run(key, at, run);
        self.operations += 1;
        if PAUSE <= self.operations {
            self.operations = 0;
            self.sweep(at.now);
        }
        // A place has 32 bits.
        self.make_room(capacity.min(u32::MAX as usize));
        outcome
    }

    fn run<T>(
        &mut self,
        key: &CounterKey,
        at: Local,
        run: impl FnOnce(&mut Counter, Local) -> T,
    ) -> T {
        let hash = self.hash(key.kind, key.key.as_bytes());
        let slots = &self.slots;
        let known = self.index.find(Entry::spread(hash), |entry| {
            entry.hash == hash
                && slots.get(entry.place as usize).is_some_and(|slot| slot.key.is(key))
        });
        let known = known.map(|entry| entry.place as usize);
        if let Some(slot) = known.and_then(|place| self.slots.get_mut(place)) {
            let before = slot.counter.weight();
            slot.counter.fit(at.rule);
            let outcome = run(&mut slot.counter, at);
            self.weight = self.weight + slot.counter.weight() - before;
            return outcome;
        }
        let mut counter = Counter::new(at.rule);
        let outcome = run(&mut counter, at);
        // Nothing was counted: nothing to remember.
        if at.now < counter.idle_at()
            && let Ok(place) = u32::try_from(self.slots.len())
        {
            self.weight += counter.weight();
            let entry = Entry { hash, place };
            let rehash = |entry: &Entry| Entry::spread(entry.hash);
            self.index.insert_unique(Entry::spread(hash), entry, rehash);
            self.slots.push(Slot { key: Key::of(key), counter });
        }
        outcome
    }

    /// Any 32 bits of a hash are a hash.
    fn hash(&self, kind: &str, key: &[u8]) -> u32 {
        self.hasher.hash_one((kind, key)) as u32
    }

    /// The counter under the hand: when it is idle, and its place.
    fn under_hand(&mut self) -> Option<(Duration, usize)> {
        if self.slots.len() <= self.hand {
            self.hand = 0;
        }
        self.slots.get(self.hand).map(|slot| (slot.counter.idle_at(), self.hand))
    }

    fn sweep(&mut self, now: Duration) {
        for _ in 0..SWEPT {
            match self.under_hand() {
                Some((idle_at, place)) if idle_at <= now => self.remove(place),
                _ => self.hand += 1,
            }
        }
    }

    fn make_room(&mut self, capacity: usize) {
        while capacity < self.weight {
            let mut first: Option<(Duration, usize)> = None;
            for _ in 0..CANDIDATES.min(self.slots.len()) {
                let found = self.under_hand();
                self.hand += 1;
                first = match (first, found) {
                    (Some(first), Some(found)) if first.0 <= found.0 => Some(first),
                    (first, found) => found.or(first),
                };
            }
            match first {
                Some((_, place)) => self.remove(place),
                None => return,
            }
        }
    }

    fn remove(&mut self, place: usize) {
        let last = self.slots.len().saturating_sub(1);
        let Some(slot) = self.slots.swap_remove(place) else { return };
        self.weight -= slot.counter.weight();
        if let Some(entry) = self.entry(&slot.key, place) {
            entry.remove();
        }
        // The last one moved here.
        let moved = self.slots.get(place).map(|slot| self.hash(slot.key.kind(), slot.key.bytes()));
        if let (Some(hash), Ok(place)) = (moved, u32::try_from(place))
            && let Some(entry) =
                self.index.find_mut(Entry::spread(hash), |entry| entry.place as usize == last)
        {
            entry.place = place;
        }
    }

    fn entry(
        &mut self,
        key: &Key,
        place: usize,
    ) -> Option<hashbrown::hash_table::OccupiedEntry<'_, Entry>> {
        let hash = self.hash(key.kind(), key.bytes());
        self.index.find_entry(Entry::spread(hash), |entry| entry.place as usize == place).ok()
    }

    /// Entries of all counters.
    #[cfg(test)]
    pub(super) fn weight(&self) -> usize {
        self.weight
    }

    /// The same, counted one by one; every key must be found where it is.
    #[cfg(test)]
    pub(super) fn counted_weight(&mut self) -> usize {
        assert_eq!(self.index.len(), self.slots.len());
        let mut weight = 0;
        for place in 0..self.slots.len() {
            let slot = self.slots.get(place).unwrap();
            weight += slot.counter.weight();
            let hash = self.hash(slot.key.kind(), slot.key.bytes());
            let found = self.index.find(Entry::spread(hash), |entry| entry.place as usize == place);
            assert_eq!(found.unwrap().hash, hash);
        }
        weight
    }
}
