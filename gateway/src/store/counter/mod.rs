//! Counters of the limit policies: a library of its own.
//!
//! [`sliding::SlidingLog`] (classic tiers), [`bucket::TokenBucket`] (v2 tiers)
//! and [`window::FixedWindow`] (quotas) are pure state machines: the time is an
//! argument. [`memory::MemoryCounters`] keeps one for each key, on tokio's
//! clock, behind the trait [`CounterStore`].

mod any;
pub mod bucket;
mod key;
pub mod memory;
pub mod sliding;
mod slots;
mod table;
pub mod window;

use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::Instant;

/// Which counter: keys of different kinds are different counters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CounterKey {
    /// The kind: `rate-limit-by-key`.
    pub kind: &'static str,
    /// The key within it; clients often choose it.
    pub key: String,
}

/// How a counter counts, and how far. The limit and the period may change from
/// one call to the next; what was counted stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// At most `limit` within the last `period`.
    SlidingWindow {
        /// Units.
        limit: u64,
        /// The window's length.
        period: Duration,
    },
    /// Up to `limit` at once, refilled by `limit` in each `period`.
    TokenBucket {
        /// Units.
        limit: u64,
        /// The time in which an empty bucket fills.
        period: Duration,
    },
    /// At most `limit` until `ends`, then from 0 again; `None`: for ever.
    FixedWindow {
        /// Units.
        limit: u64,
        /// The present window's end.
        ends: Option<Instant>,
    },
}

/// What must be free for a call to be admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Anything at all.
    Any,
    /// So many units.
    Units(u64),
}

/// A call was admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// Units left after it, not below 0.
    pub remaining: u64,
    /// When it was counted.
    pub at: Instant,
}

/// A call was refused, and not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Units left, not below 0.
    pub remaining: u64,
    /// Until it would be admitted, were nothing else counted; `None`: never.
    pub wait: Option<Duration>,
}

/// Counters by key. Asking may wait, as for a store shared by several gateways;
/// corrections afterwards come from places that cannot.
pub trait CounterStore: Send + Sync {
    /// Counts `units` at once if what is needed is free. With 0 units it only asks.
    fn acquire<'a>(
        &'a self,
        key: &'a CounterKey,
        rule: Rule,
        need: Need,
        units: u64,
    ) -> BoxFuture<'a, Result<Admitted, Refused>>;

    /// Counts units now, whatever is free: the counter may go beyond its limit.
    fn add(&self, key: &CounterKey, rule: Rule, units: u64);

    /// Takes back units that were counted at a moment, as far as they still count.
    fn refund(&self, key: &CounterKey, rule: Rule, at: Instant, units: u64);
}
