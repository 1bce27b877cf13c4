//! One amount held against one limit, and the three ways to count it.
//!
//! The limit is not a meter's own: it may change between any two requests, and
//! what has been counted stays. Every operation takes constant time, amortised,
//! whatever went through before.

use std::time::Duration;

use tokio::time::Instant;

use super::fixed::FixedWindow;
use super::refill::RefillBucket;
use super::sliding::SlidingWindow;
use crate::config::LimiterKind;

/// How long until an amount fits. Ordered by length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wait {
    None,
    For(Duration),
    Forever,
}

/// A count of tokens or requests.
#[derive(Debug, Clone)]
pub(super) enum Meter {
    Fixed(FixedWindow),
    Sliding(SlidingWindow),
    Refill(RefillBucket),
}

impl Meter {
    pub(super) fn new(kind: LimiterKind, period: Duration) -> Self {
        match kind {
            LimiterKind::FixedWindow => Meter::Fixed(FixedWindow::new(period)),
            LimiterKind::SlidingWindow => Meter::Sliding(SlidingWindow::new(period)),
            LimiterKind::Refill => Meter::Refill(RefillBucket::new(period)),
        }
    }

    /// Forgets what time has forgiven, up to now, under the limit of that time.
    /// Comes before every other question about a moment.
    pub(super) fn pass(&mut self, now: Instant, limit: u64) {
        match self {
            Meter::Fixed(window) => window.pass(now),
            Meter::Sliding(window) => window.pass(now),
            Meter::Refill(bucket) => bucket.pass(now, limit),
        }
    }

    /// What counts at present.
    pub(super) fn used(&self) -> u64 {
        match self {
            Meter::Fixed(window) => window.used(),
            Meter::Sliding(window) => window.used(),
            Meter::Refill(bucket) => bucket.used(),
        }
    }

    pub(super) fn add(&mut self, now: Instant, amount: u64) {
        match self {
            Meter::Fixed(window) => window.add(now, amount),
            Meter::Sliding(window) => window.add(amount),
            Meter::Refill(bucket) => bucket.add(amount),
        }
    }

    /// Counts something that was refused. A window may overflow, since it ends;
    /// a bucket may not go below empty, or a storm of retries would put off the
    /// end of the refusals by any length.
    pub(super) fn add_refused(&mut self, now: Instant, amount: u64, limit: u64) {
        match self {
            Meter::Fixed(_) | Meter::Sliding(_) => self.add(now, amount),
            Meter::Refill(bucket) => bucket.add_within(amount, limit),
        }
    }

    /// How long until `amount` fits under `limit` if nothing else comes.
    pub(super) fn wait(&self, now: Instant, amount: u64, limit: u64) -> Wait {
        match self {
            Meter::Fixed(window) => window.wait(now, amount, limit),
            Meter::Sliding(window) => window.wait(amount, limit),
            Meter::Refill(bucket) => bucket.wait(amount, limit),
        }
    }

    /// The period a limit is for.
    pub(super) fn period(&self) -> Duration {
        match self {
            Meter::Fixed(window) => window.length(),
            Meter::Sliding(window) => window.length(),
            Meter::Refill(bucket) => bucket.period(),
        }
    }

    /// Changes the period; only of fixed windows can it follow from the limit.
    pub(super) fn set_period(&mut self, period: Duration) {
        if let Meter::Fixed(window) = self {
            window.set_length(period);
        }
    }

    /// When something changes for the better: the window's end, the oldest
    /// amount's leaving. A bucket gets better all the time.
    pub(super) fn reset(&self, now: Instant) -> Duration {
        match self {
            Meter::Fixed(window) => window.until_end(now),
            Meter::Sliding(window) => window.until_first_leaves(),
            Meter::Refill(_) => Duration::ZERO,
        }
    }
}
