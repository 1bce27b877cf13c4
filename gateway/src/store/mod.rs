//! State that outlives a request: the cache, the counters of limits, and who is
//! inside `limit-concurrency`.

mod concurrency;
pub mod counter;
mod memory;

use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::expr::Value;

pub(crate) use concurrency::{Gate, Permit};
pub(crate) use memory::MemoryCache;

/// The cache of `cache-lookup-value` and `cache-store-value`. Asynchronous, as
/// a store shared by several gateways would be.
pub(crate) trait CacheStore: Send + Sync {
    /// A value that has not expired: a copy, unless the settings share it.
    fn lookup<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Option<Value>>;

    /// Stores a value for a time: a copy, unless the settings share it.
    fn store<'a>(&'a self, key: &'a str, value: &'a Value, ttl: Duration) -> BoxFuture<'a, ()>;

    /// Forgets a value.
    fn remove<'a>(&'a self, key: &'a str) -> BoxFuture<'a, ()>;
}
