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
    /// A copy of a value that has not expired; nothing shared with the cache.
    fn lookup<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Option<Value>>;

    /// Stores a copy of a value for a time.
    fn store<'a>(&'a self, key: &'a str, value: &'a Value, ttl: Duration) -> BoxFuture<'a, ()>;

    /// Forgets a value.
    fn remove<'a>(&'a self, key: &'a str) -> BoxFuture<'a, ()>;
}
