//! The cache in this process's memory, bounded, on tokio's clock.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::{BoxFuture, ready};
use tokio::time::Instant;

use super::CacheStore;
use crate::config::settings::CacheValues;
use crate::expr::Value;

/// Values by key with their expiry. Each store drops what has expired; when the
/// cache is full all the same, the entry that expires first goes.
pub(crate) struct MemoryCache {
    capacity: usize,
    values: CacheValues,
    state: Mutex<State>,
}

/// `by_expiry` holds the same keys as `entries`: making room is a look at its
/// first element, not at all of them.
#[derive(Default)]
struct State {
    entries: BTreeMap<Arc<str>, Entry>,
    by_expiry: BTreeSet<(Instant, Arc<str>)>,
}

struct Entry {
    value: Value,
    expires: Instant,
}

impl MemoryCache {
    /// A cache of at most `capacity` entries.
    pub(crate) fn new(capacity: usize, values: CacheValues) -> Self {
        Self { capacity, values, state: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A value as it crosses the cache's border.
    fn cross(&self, value: &Value) -> Value {
        match self.values {
            CacheValues::Copied => value.deep_copy(),
            CacheValues::Shared => value.clone(),
        }
    }

    /// The stored value itself.
    fn get(&self, key: &str) -> Option<Value> {
        let now = Instant::now();
        let state = self.lock();
        state.entries.get(key).filter(|entry| now < entry.expires).map(|entry| entry.value.clone())
    }

    fn insert(&self, key: &str, value: Value, ttl: Duration) {
        let now = Instant::now();
        // A time beyond the clock's end means for ever, or near enough.
        let year = Duration::from_secs(365 * 24 * 3600);
        let expires = now.checked_add(ttl).unwrap_or(now + year);
        let mut state = self.lock();
        state.remove(key);
        while let Some((first, _)) = state.by_expiry.first()
            && (*first <= now || self.capacity <= state.entries.len())
        {
            if let Some((_, key)) = state.by_expiry.pop_first() {
                state.entries.remove(&key);
            }
        }
        if state.entries.len() < self.capacity {
            let key: Arc<str> = key.into();
            state.by_expiry.insert((expires, Arc::clone(&key)));
            state.entries.insert(key, Entry { value, expires });
        }
    }
}

impl State {
    fn remove(&mut self, key: &str) {
        if let Some((key, entry)) = self.entries.remove_entry(key) {
            self.by_expiry.remove(&(entry.expires, key));
        }
    }
}

/// Copies are made outside the lock: a large value holds up nobody.
impl CacheStore for MemoryCache {
    fn lookup<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Option<Value>> {
        Box::pin(ready(self.get(key).map(|value| self.cross(&value))))
    }

    fn store<'a>(&'a self, key: &'a str, value: &'a Value, ttl: Duration) -> BoxFuture<'a, ()> {
        self.insert(key, self.cross(value), ttl);
        Box::pin(ready(()))
    }

    fn remove<'a>(&'a self, key: &'a str) -> BoxFuture<'a, ()> {
        self.lock().remove(key);
        Box::pin(ready(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(capacity: usize) -> MemoryCache {
        MemoryCache::new(capacity, CacheValues::Copied)
    }

    async fn text(cache: &MemoryCache, key: &str) -> Option<String> {
        cache.lookup(key).await.map(|value| value.to_text())
    }

    #[tokio::test(start_paused = true)]
    async fn entries_expire_on_the_clock() {
        let cache = cache(8);
        cache.store("a", &Value::from_literal("1"), Duration::from_secs(10)).await;
        tokio::time::advance(Duration::from_millis(9_999)).await;
        assert_eq!(text(&cache, "a").await.as_deref(), Some("1"));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(text(&cache, "a").await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn expired_entries_do_not_stay_in_memory() {
        let cache = cache(1_000);
        for n in 0..100 {
            let key = format!("key-{}", n % 60);
            cache.store(&key, &Value::from_literal("x"), Duration::from_secs(1 + n % 7)).await;
        }
        assert_eq!(cache.lock().entries.len(), 60);
        tokio::time::advance(Duration::from_secs(7)).await;
        cache.store("last", &Value::from_literal("x"), Duration::from_secs(1)).await;
        let state = cache.lock();
        assert_eq!((state.entries.len(), state.by_expiry.len()), (1, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_removed_entry_is_gone() {
        let cache = cache(8);
        cache.store("a", &Value::from_literal("1"), Duration::from_secs(10)).await;
        cache.remove("a").await;
        cache.remove("never there").await;
        assert_eq!(text(&cache, "a").await, None);
        assert!(cache.lock().by_expiry.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_cache_of_no_entries_holds_none() {
        let cache = cache(0);
        cache.store("a", &Value::from_literal("1"), Duration::from_secs(10)).await;
        assert_eq!(text(&cache, "a").await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_cache_drops_what_expires_first() {
        let cache = cache(2);
        for (key, seconds) in [("a", 20), ("b", 10), ("c", 30)] {
            cache.store(key, &Value::from_literal(key), Duration::from_secs(seconds)).await;
        }
        assert_eq!(text(&cache, "a").await.as_deref(), Some("a"));
        assert_eq!(text(&cache, "b").await, None);
        cache.store("forever", &Value::from_literal("x"), Duration::MAX).await;
        assert_eq!(text(&cache, "forever").await.as_deref(), Some("x"));
    }
}
