//! A count that starts anew when its window is over, as the service's page
//! describes pay-as-you-go.
//!
//! A window begins with the first amount after the last one ended.
//! <https://learn.microsoft.com/azure/ai-foundry/openai/how-to/quota>, read in
//! the edition of 2026-05.

use std::time::Duration;

use tokio::time::Instant;

use super::meter::Wait;

/// A fixed window.
#[derive(Debug, Clone)]
pub(super) struct FixedWindow {
    length: Duration,
    started: Option<Instant>,
    count: u64,
}

impl FixedWindow {
    pub(super) fn new(length: Duration) -> Self {
        Self { length, started: None, count: 0 }
    }

    pub(super) fn length(&self) -> Duration {
        self.length
    }

    /// Changes the length; a window under way ends by the new one.
    pub(super) fn set_length(&mut self, length: Duration) {
        self.length = length;
    }

    /// Forgets a window that has ended.
    pub(super) fn pass(&mut self, now: Instant) {
        if self.started.is_some_and(|started| started + self.length <= now) {
            (self.started, self.count) = (None, 0);
        }
    }

    pub(super) fn used(&self) -> u64 {
        self.count
    }

    pub(super) fn add(&mut self, now: Instant, amount: u64) {
        self.started.get_or_insert(now);
        self.count = self.count.saturating_add(amount);
    }

    /// How long until `amount` fits.
    pub(super) fn wait(&self, now: Instant, amount: u64, limit: u64) -> Wait {
        if self.count.saturating_add(amount) <= limit {
            Wait::None
        } else if limit < amount {
            Wait::Forever
        } else {
            Wait::For(self.until_end(now))
        }
    }

    pub(super) fn until_end(&self, now: Instant) -> Duration {
        self.started.map_or(Duration::ZERO, |started| (started + self.length) - now)
    }
}
