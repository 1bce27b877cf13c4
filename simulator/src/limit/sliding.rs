//! The sum of the last so many milliseconds, as microsoft/aoai-api-simulator
//! limits.
//!
//! Time is cut into milliseconds and amounts of one millisecond share an
//! entry, so a window holds at most as many entries as it has milliseconds.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::meter::Wait;

/// A sliding window.
#[derive(Debug, Clone)]
pub(super) struct SlidingWindow {
    length: u64,
    /// Milliseconds are counted from the first request.
    started: Option<Instant>,
    /// The latest millisecond seen.
    tick: u64,
    entries: VecDeque<Entry>,
    /// Total of everything that ever left the window.
    left: u64,
    /// Total of everything ever added.
    total: u64,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    tick: u64,
    /// Total ever added, this entry included: the sum of any stretch of
    /// entries is a difference, and a wait is found by bisection.
    total: u64,
}

impl SlidingWindow {
    pub(super) fn new(length: Duration) -> Self {
        let length = u64::try_from(length.as_millis()).unwrap_or(60_000);
        Self { length, started: None, tick: 0, entries: VecDeque::new(), left: 0, total: 0 }
    }

    pub(super) fn length(&self) -> Duration {
        Duration::from_millis(self.length)
    }

    /// Forgets what is no longer younger than the window. Each entry is removed
    /// once: constant time amortised.
    pub(super) fn pass(&mut self, now: Instant) {
        let started = *self.started.get_or_insert(now);
        let elapsed = now.saturating_duration_since(started).as_millis();
        // Callers on several threads may bring their times out of order.
        self.tick = u64::try_from(elapsed).unwrap_or(u64::MAX / 2).max(self.tick);
        while let Some(first) = self.entries.front()
            && first.tick.saturating_add(self.length) <= self.tick
        {
            self.left = first.total;
            self.entries.pop_front();
        }
    }

    pub(super) fn used(&self) -> u64 {
        self.total - self.left
    }

    pub(super) fn add(&mut self, amount: u64) {
        self.total = self.total.saturating_add(amount);
        match self.entries.back_mut() {
            Some(last) if last.tick == self.tick => last.total = self.total,
            _ => self.entries.push_back(Entry { tick: self.tick, total: self.total }),
        }
    }

    /// How long until `amount` fits under `limit` if nothing else comes.
    pub(super) fn wait(&self, amount: u64, limit: u64) -> Wait {
        let wanted = self.used().saturating_add(amount);
        if wanted <= limit {
            return Wait::None;
        }
        if limit < amount {
            return Wait::Forever;
        }
        let must_leave = self.left.saturating_add(wanted - limit);
        let index = self.entries.partition_point(|entry| entry.total < must_leave);
        match self.entries.get(index) {
            Some(entry) => Wait::For(self.until_leaves(*entry)),
            None => Wait::Forever,
        }
    }

    /// How long until the oldest amount leaves.
    pub(super) fn until_first_leaves(&self) -> Duration {
        self.entries.front().map_or(Duration::ZERO, |first| self.until_leaves(*first))
    }

    fn until_leaves(&self, entry: Entry) -> Duration {
        Duration::from_millis((entry.tick + self.length).saturating_sub(self.tick))
    }

    #[cfg(test)]
    pub(super) fn entries(&self) -> usize {
        self.entries.len()
    }
}
