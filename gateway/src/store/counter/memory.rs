//! The counters in this process's memory, bounded, on tokio's clock.

use std::future::ready;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::any::{Counter, Local};
use super::table::Table;
use super::{Admitted, CounterKey, CounterStore, Need, Refused, Rule};

/// Counters by key, each operation amortised O(1) for any number of keys: a
/// hand goes round and drops counters that count nothing any more; there is no
/// scan. When memory is used up all the same, the counter that would have been
/// idle first among a few makes room, and what it counted is forgotten.
pub struct MemoryCounters {
    capacity: usize,
    origin: Instant,
    table: Mutex<Table>,
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
        self.lock().len()
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
        table.operate(self.capacity, key, Local { rule, now, ends }, run)
    }

    fn local(&self, at: Instant) -> Duration {
        at.saturating_duration_since(self.origin)
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

    use super::super::sliding::SlidingLog;
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
        assert_eq!((table.weight(), table.len()), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn memory_is_bounded_and_what_ends_first_makes_room() {
        let counters = MemoryCounters::new(8);
        for n in 0..100 {
            counters.add(&key(n), sliding(5), 1);
            tokio::time::advance(Duration::from_secs(1)).await;
            assert!(counters.keys() <= 4 && counters.lock().weight() <= 8);
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
            let mut table = counters.lock();
            let counted = table.counted_weight();
            prop_assert_eq!(counted, table.weight());
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
