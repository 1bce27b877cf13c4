//! A bucket that refills continuously: it holds LIMIT and regains LIMIT a
//! period, as the recorded replies of 2026 and of OpenAI show (specification,
//! sections 3.2 and 3.5).
//!
//! Kept is what has been taken and not come back, in whole units times the
//! period's nanoseconds: integers, so that a million small steps are exact.

use std::time::Duration;

use tokio::time::Instant;

use super::meter::Wait;

/// A continuously refilling bucket.
#[derive(Debug, Clone)]
pub(super) struct RefillBucket {
    period: Duration,
    /// Units taken × nanoseconds of the period.
    taken: u128,
    passed_at: Option<Instant>,
}

impl RefillBucket {
    pub(super) fn new(period: Duration) -> Self {
        Self { period: period.max(Duration::from_nanos(1)), taken: 0, passed_at: None }
    }

    pub(super) fn period(&self) -> Duration {
        self.period
    }

    /// Refills up to now at `limit` a period.
    pub(super) fn pass(&mut self, now: Instant, limit: u64) {
        if let Some(before) = self.passed_at {
            let elapsed = now.saturating_duration_since(before).as_nanos();
            self.taken = self.taken.saturating_sub(elapsed.saturating_mul(u128::from(limit)));
        }
        self.passed_at = Some(self.passed_at.map_or(now, |before| before.max(now)));
    }

    /// Units missing, a part of one as a whole.
    pub(super) fn used(&self) -> u64 {
        u64::try_from(self.taken.div_ceil(self.period.as_nanos())).unwrap_or(u64::MAX)
    }

    pub(super) fn add(&mut self, amount: u64) {
        let amount = u128::from(amount).saturating_mul(self.period.as_nanos());
        self.taken = self.taken.saturating_add(amount);
    }

    /// Adds at most what the bucket still holds.
    pub(super) fn add_within(&mut self, amount: u64, limit: u64) {
        let full = u128::from(limit).saturating_mul(self.period.as_nanos());
        let before = self.taken;
        self.add(amount);
        self.taken = self.taken.min(full.max(before));
    }

    /// How long until `amount` fits: `(used + amount - limit) / (limit / period)`
    /// with whole units used, as in OpenAI's texts ("Limit 500, Used 500,
    /// Requested 1. Please try again in 120ms"); less than one unit's refill
    /// longer than needed.
    pub(super) fn wait(&self, amount: u64, limit: u64) -> Wait {
        let period = self.period.as_nanos();
        let (wanted, full) = (u128::from(amount), u128::from(limit));
        if self.taken.saturating_add(wanted.saturating_mul(period)) <= full.saturating_mul(period) {
            Wait::None
        } else if limit < amount {
            Wait::Forever
        } else {
            let missing = (u128::from(self.used()) + wanted).saturating_sub(full);
            Wait::For(self.refill(missing, limit))
        }
    }

    /// The time in which `units` come back, rounded up to a nanosecond.
    fn refill(&self, units: u128, limit: u64) -> Duration {
        let nanos = units.saturating_mul(self.period.as_nanos()).div_ceil(u128::from(limit.max(1)));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}
