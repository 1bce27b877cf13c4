//! Requests under way by key: the counters of `limit-concurrency`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many are inside, by key; a key with none is not in memory.
#[derive(Default)]
pub(crate) struct Gate {
    /// Never iterated: its order is random.
    inside: Mutex<HashMap<String, u32>>,
}

/// The right to be inside; dropping it is leaving.
pub(crate) struct Permit {
    gate: Arc<Gate>,
    key: String,
}

impl Gate {
    /// Lets one more in, if fewer than `most` are.
    pub(crate) fn enter(self: &Arc<Self>, key: &str, most: u32) -> Option<Permit> {
        let mut inside = self.lock();
        let count = inside.get(key).copied().unwrap_or_default();
        if most <= count {
            return None;
        }
        inside.insert(key.to_owned(), count + 1);
        drop(inside);
        Some(Permit { gate: Arc::clone(self), key: key.to_owned() })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, u32>> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut inside = self.gate.lock();
        match inside.get_mut(&self.key) {
            Some(count) if 1 < *count => *count -= 1,
            _ => {
                inside.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaving_makes_room_and_leaves_nothing_behind() {
        let gate = Arc::new(Gate::default());
        let first = gate.enter("a", 2);
        let second = gate.enter("a", 2);
        assert!(first.is_some() && second.is_some() && gate.enter("a", 2).is_none());
        assert!(gate.enter("b", 1).is_some());
        drop(first);
        assert!(gate.enter("a", 2).is_some());
        assert!(gate.enter("a", 0).is_none());
        drop(second);
        assert!(gate.lock().is_empty());
    }
}
