//! The counters in this process's memory, bounded, on tokio's clock.

use std::collections::HashMap;
use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::bucket::TokenBucket;
use super::sliding::SlidingLog;
use super::window::FixedWindow;
use super::{Admitted, CounterKey, CounterStore, Need, Refused, Rule};

/// Counters each operation looks at, to drop those that count nothing: more
/// than one, so that they go faster than they come.
const SWEPT: usize = 2;

/// Counters looked at to find the one that makes room.
const CANDIDATES: usize = 8;

/// Counters by key, each operation amortised O(1) for any number of keys: a
/// hand goes round and drops counters that count nothing any more; there is no
/// scan. When memory is used up all the same, the counter that would have been
/// idle first among a few makes room, and what it counted is forgotten.
pub struct MemoryCounters {
    capacity: usize,
    origin: Instant,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    /// Never iterated: its order is random.
    index: HashMap<Arc<CounterKey>, usize>,
    /// Without gaps: the last one takes a removed one's place.
    slots: Vec<Slot>,
    hand: usize,
    /// Entries of all counters.
    weight: usize,
}

struct Slot {
    key: Arc<CounterKey>,
    counter: Counter,
    idle_at: Duration,
    weight: usize,
}

#[derive(Clone, Debug)]
enum Counter {
    Sliding(SlidingLog),
    Bucket(TokenBucket),
    Fixed(FixedWindow),
}

/// A rule, its times on the store's scale.
#[derive(Clone, Copy)]
struct Local {
    rule: Rule,
    now: Duration,
    ends: Option<Duration>,
}

impl Counter {
    fn new(rule: Rule) -> Self {
        match rule {
            Rule::SlidingWindow { .. } => Self::Sliding(SlidingLog::default()),
            Rule::TokenBucket { .. } => Self::Bucket(TokenBucket::default()),
            Rule::FixedWindow { .. } => Self::Fixed(FixedWindow::default()),
        }
    }

    /// A counter belongs to one kind of rule; with another it starts anew.
    fn fit(&mut self, rule: Rule) {
        let fits = matches!(
            (&*self, rule),
            (Self::Sliding(_), Rule::SlidingWindow { .. })
                | (Self::Bucket(_), Rule::TokenBucket { .. })
                | (Self::Fixed(_), Rule::FixedWindow { .. })
        );
        if !fits {
            *self = Self::new(rule);
        }
    }

    fn remaining(&mut self, at: Local) -> u64 {
        match (self, at.rule) {
            (Self::Sliding(log), Rule::SlidingWindow { limit, period }) => {
                limit.saturating_sub(log.used(at.now, period))
            }
            (Self::Bucket(bucket), Rule::TokenBucket { limit, period }) => {
                bucket.remaining(at.now, limit, period)
            }
            (Self::Fixed(window), Rule::FixedWindow { limit, .. }) => {
                limit.saturating_sub(window.used(at.now, at.ends))
            }
            _ => 0,
        }
    }

    fn wait(&mut self, at: Local, need: Need) -> Option<Duration> {
        match (self, at.rule) {
            (Self::Sliding(log), Rule::SlidingWindow { limit, period }) => {
                log.wait(at.now, limit, period, need)
            }
            (Self::Bucket(bucket), Rule::TokenBucket { limit, period }) => {
                bucket.wait(at.now, limit, period, need)
            }
            (Self::Fixed(window), Rule::FixedWindow { limit, .. }) => {
                window.wait(at.now, limit, at.ends, need)
            }
            _ => None,
        }
    }

    fn add(&mut self, at: Local, units: u64) {
        match (self, at.rule) {
            (Self::Sliding(log), Rule::SlidingWindow { period, .. }) => {
                log.add(at.now, period, units);
            }
            (Self::Bucket(bucket), Rule::TokenBucket { limit, period }) => {
                bucket.add(at.now, limit, period, units);
            }
            (Self::Fixed(window), Rule::FixedWindow { .. }) => window.add(at.now, at.ends, units),
            _ => {}
        }
    }

    fn refund(&mut self, at: Local, counted_at: Duration, units: u64) {
        match (self, at.rule) {
            (Self::Sliding(log), Rule::SlidingWindow { .. }) => log.refund(counted_at, units),
            (Self::Bucket(bucket), Rule::TokenBucket { limit, period }) => {
                bucket.refund(at.now, limit, period, units);
            }
            (Self::Fixed(window), Rule::FixedWindow { .. }) => {
                window.refund(at.now, at.ends, units);
            }
            _ => {}
        }
    }

    fn idle_at(&self) -> Duration {
        match self {
            Self::Sliding(log) => log.idle_at(),
            Self::Bucket(bucket) => bucket.idle_at(),
            Self::Fixed(window) => window.idle_at(),
        }
    }

    fn weight(&self) -> usize {
        match self {
            Self::Sliding(log) => 1 + log.len(),
            Self::Bucket(_) | Self::Fixed(_) => 1,
        }
    }
}

impl MemoryCounters {
    /// No counters yet, and at most `capacity` entries: one for each key, and
    /// one for each moment in a sliding window.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { capacity, origin: Instant::now(), table: Mutex::default() }
    }

    /// Keys in memory.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.lock().index.len()
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs one operation on a key's counter.
    fn with<T>(
        &self,
        key: &CounterKey,
        rule: Rule,
        run: impl FnOnce(&mut Counter, Local) -> T,
    ) -> T {
        let mut table = self.lock();
        // Read under the lock: for the counters time never goes back.
        let now = self.local(Instant::now());
        let ends = match rule {
            Rule::FixedWindow { ends, .. } => ends.map(|end| self.local(end)),
            _ => None,
        };
        let outcome = table.run(key, Local { rule, now, ends }, run);
        table.sweep(now);
        table.make_room(self.capacity);
        outcome
    }

    fn local(&self, at: Instant) -> Duration {
        at.saturating_duration_since(self.origin)
    }
}

impl Table {
    fn run<T>(
        &mut self,
        key: &CounterKey,
        at: Local,
        run: impl FnOnce(&mut Counter, Local) -> T,
    ) -> T {
        let known = self.index.get(key).copied();
        if let Some(slot) = known.and_then(|place| self.slots.get_mut(place)) {
            slot.counter.fit(at.rule);
            let outcome = run(&mut slot.counter, at);
            slot.idle_at = slot.counter.idle_at();
            let before = std::mem::replace(&mut slot.weight, slot.counter.weight());
            self.weight = self.weight + slot.weight - before;
            return outcome;
        }
        let mut counter = Counter::new(at.rule);
        let outcome = run(&mut counter, at);
        let idle_at = counter.idle_at();
        // Nothing was counted: nothing to remember.
        if at.now < idle_at {
            let key = Arc::new(key.clone());
            let weight = counter.weight();
            self.weight += weight;
            self.index.insert(Arc::clone(&key), self.slots.len());
            self.slots.push(Slot { key, counter, idle_at, weight });
        }
        outcome
    }

    /// The counter under the hand: its place, and when it is idle.
    fn under_hand(&mut self) -> Option<(Duration, usize)> {
        if self.slots.len() <= self.hand {
            self.hand = 0;
        }
        self.slots.get(self.hand).map(|slot| (slot.idle_at, self.hand))
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
        let slot = self.slots.swap_remove(place);
        self.index.remove(&slot.key);
        self.weight -= slot.weight;
        if let Some(moved) = self.slots.get(place)
            && let Some(index) = self.index.get_mut(&moved.key)
        {
            *index = place;
        }
    }
}

impl CounterStore for MemoryCounters {
    fn acquire<'a>(
        &'a self,
        key: &'a CounterKey,
        rule: Rule,
        need: Need,
        units: u64,
    ) -> BoxFuture<'a, Result<Admitted, Refused>> {
        let outcome = self.with(key, rule, |counter, at| {
            let wait = counter.wait(at, need);
            if wait != Some(Duration::ZERO) {
                return Err(Refused { remaining: counter.remaining(at), wait });
            }
            counter.add(at, units);
            Ok(Admitted { remaining: counter.remaining(at), at: self.origin + at.now })
        });
        Box::pin(ready(outcome))
    }

    fn add(&self, key: &CounterKey, rule: Rule, units: u64) {
        if units != 0 {
            self.with(key, rule, |counter, at| counter.add(at, units));
        }
    }

    fn refund(&self, key: &CounterKey, rule: Rule, at: Instant, units: u64) {
        let counted_at = self.local(at);
        if units != 0 {
            self.with(key, rule, |counter, at| counter.refund(at, counted_at, units));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn key(key: impl ToString) -> CounterKey {
        CounterKey { kind: "test", key: key.to_string() }
    }

    fn sliding(limit: u64) -> Rule {
        Rule::SlidingWindow { limit, period: MINUTE }
    }

    async fn take(counters: &MemoryCounters, name: &str, rule: Rule) -> Result<u64, Option<u64>> {
        let outcome = counters.acquire(&key(name), rule, Need::Units(1), 1).await;
        outcome.map(|a| a.remaining).map_err(|refused| refused.wait.map(|wait| wait.as_secs()))
    }

    #[tokio::test(start_paused = true)]
    async fn keys_count_apart_and_rules_may_change() {
        let counters = MemoryCounters::new(100);
        assert_eq!(take(&counters, "a", sliding(2)).await, Ok(1));
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(take(&counters, "a", sliding(2)).await, Ok(0));
        assert_eq!(take(&counters, "a", sliding(2)).await, Err(Some(50)));
        assert_eq!(take(&counters, "b", sliding(2)).await, Ok(1));
        assert_eq!(take(&counters, "a", sliding(3)).await, Ok(0));
        assert_eq!(take(&counters, "a", sliding(0)).await, Err(None));
        let bucket = Rule::TokenBucket { limit: 2, period: MINUTE };
        assert_eq!(take(&counters, "c", bucket).await, Ok(1));
        assert_eq!(take(&counters, "c", bucket).await, Ok(0));
        assert_eq!(take(&counters, "c", bucket).await, Err(Some(30)));
        let window = Rule::FixedWindow { limit: 1, ends: Some(Instant::now() + MINUTE) };
        assert_eq!(take(&counters, "d", window).await, Ok(0));
        assert_eq!(take(&counters, "d", window).await, Err(Some(60)));
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_counted_can_be_taken_back() {
        let counters = MemoryCounters::new(100);
        for rule in [sliding(10), Rule::TokenBucket { limit: 10, period: MINUTE }] {
            let key = CounterKey { kind: "refund", key: format!("{rule:?}") };
            let first = counters.acquire(&key, rule, Need::Units(8), 8).await.unwrap();
            counters.refund(&key, rule, first.at, 5);
            let second = counters.acquire(&key, rule, Need::Units(7), 7).await;
            assert_eq!(second.map(|admitted| admitted.remaining), Ok(0));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn idle_counters_do_not_stay_in_memory() {
        let counters = MemoryCounters::new(1_000_000);
        for n in 0..1_000 {
            counters.add(&key(n), sliding(5), 1);
        }
        assert_eq!(counters.keys(), 1_000);
        tokio::time::advance(MINUTE).await;
        // Asking leaves nothing behind, and sweeps.
        for n in 0..500 {
            assert!(counters.acquire(&key(n + 5_000), sliding(5), Need::Any, 0).await.is_ok());
        }
        assert_eq!(counters.keys(), 0);
        let table = counters.lock();
        assert_eq!((table.weight, table.slots.len()), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn memory_is_bounded_and_what_ends_first_makes_room() {
        let counters = MemoryCounters::new(8);
        for n in 0..100 {
            counters.add(&key(n), sliding(5), 1);
            tokio::time::advance(Duration::from_secs(1)).await;
            assert!(counters.keys() <= 4 && counters.lock().weight <= 8);
        }
        let remaining = |n| {
            let counters = &counters;
            async move {
                let asked = counters.acquire(&key(n), sliding(5), Need::Any, 0).await;
                asked.map(|admitted| admitted.remaining).ok()
            }
        };
        assert_eq!(
            (remaining(99).await, remaining(96).await, remaining(95).await),
            (Some(4), Some(4), Some(5))
        );
        let none = MemoryCounters::new(0);
        none.add(&key(1), sliding(5), 1);
        assert_eq!(none.keys(), 0);
    }

    /// What one step of the property below does: key, pause in ms, units, kind.
    type Step = (u8, u64, u64, u8);

    /// Plain logs that nobody sweeps.
    async fn agrees_with_plain_logs(steps: Vec<Step>, limit: u64) -> Result<(), TestCaseError> {
        let counters = MemoryCounters::new(1_000_000);
        let started = Instant::now();
        let mut plain: BTreeMap<u8, SlidingLog> = BTreeMap::new();
        for (name, pause, units, kind) in steps {
            tokio::time::advance(Duration::from_millis(pause)).await;
            let (now, key, rule) = (started.elapsed(), key(name), sliding(limit));
            let log = plain.entry(name).or_default();
            match kind {
                0 => {
                    counters.add(&key, rule, units);
                    log.add(now, MINUTE, units);
                }
                1 => {
                    counters.refund(&key, rule, Instant::now(), units);
                    log.refund(now, units);
                }
                _ => {
                    let wait = log.wait(now, limit, MINUTE, Need::Units(units));
                    let fits = wait == Some(Duration::ZERO);
                    if fits {
                        log.add(now, MINUTE, units);
                    }
                    let remaining = limit.saturating_sub(log.used(now, MINUTE));
                    let expected = if fits { Ok(remaining) } else { Err((remaining, wait)) };
                    let found = counters.acquire(&key, rule, Need::Units(units), units).await;
                    let found = found.map(|a| a.remaining).map_err(|r| (r.remaining, r.wait));
                    prop_assert_eq!(found, expected);
                }
            }
            let table = counters.lock();
            let weight: usize = table.slots.iter().map(|slot| slot.counter.weight()).sum();
            prop_assert_eq!((weight, table.slots.len()), (table.weight, table.index.len()));
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn sweeping_changes_no_answer(
            steps in proptest::collection::vec((0_u8..12, 0_u64..15_000, 0_u64..30, 0_u8..6), 1..120),
            limit in 1_u64..60,
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .build()
                .unwrap();
            runtime.block_on(agrees_with_plain_logs(steps, limit))?;
        }
    }
}
