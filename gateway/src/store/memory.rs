//! The cache in this process's memory, bounded, on tokio's clock.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::{BoxFuture, ready};
use tokio::time::Instant;

use super::CacheStore;
use crate::expr::Value;

/// Values by key with their expiry. When full, the entry that expires first goes.
pub(crate) struct MemoryCache {
    capacity: usize,
    entries: Mutex<BTreeMap<String, Entry>>,
}

struct Entry {
    value: Value,
    expires: Instant,
}

impl MemoryCache {
    /// A cache of at most `capacity` entries.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, entries: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CacheStore for MemoryCache {
    fn lookup<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Option<Value>> {
        let now = Instant::now();
        let mut entries = self.lock();
        let found = match entries.get(key) {
            Some(entry) if now < entry.expires => Some(entry.value.deep_copy()),
            Some(_) => {
                entries.remove(key);
                None
            }
            None => None,
        };
        drop(entries);
        Box::pin(ready(found))
    }

    fn store<'a>(&'a self, key: &'a str, value: &'a Value, ttl: Duration) -> BoxFuture<'a, ()> {
        let now = Instant::now();
        // A time beyond the clock's end means for ever, or near enough.
        let year = Duration::from_secs(365 * 24 * 3600);
        let expires = now.checked_add(ttl).unwrap_or(now + year);
        let mut entries = self.lock();
        if self.capacity <= entries.len() && !entries.contains_key(key) {
            entries.retain(|_, entry| now < entry.expires);
            if self.capacity <= entries.len() {
                let first = entries.iter().min_by_key(|(_, entry)| entry.expires);
                if let Some(key) = first.map(|(key, _)| key.clone()) {
                    entries.remove(&key);
                }
            }
        }
        entries.insert(key.to_owned(), Entry { value: value.deep_copy(), expires });
        drop(entries);
        Box::pin(ready(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn text(cache: &MemoryCache, key: &str) -> Option<String> {
        cache.lookup(key).await.map(|value| value.to_text())
    }

    #[tokio::test(start_paused = true)]
    async fn entries_expire_on_the_clock() {
        let cache = MemoryCache::new(8);
        cache.store("a", &Value::from_literal("1"), Duration::from_secs(10)).await;
        tokio::time::advance(Duration::from_millis(9_999)).await;
        assert_eq!(text(&cache, "a").await.as_deref(), Some("1"));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(text(&cache, "a").await, None);
        assert!(cache.lock().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_cache_drops_what_expires_first() {
        let cache = MemoryCache::new(2);
        for (key, seconds) in [("a", 20), ("b", 10), ("c", 30)] {
            cache.store(key, &Value::from_literal(key), Duration::from_secs(seconds)).await;
        }
        assert_eq!(text(&cache, "a").await.as_deref(), Some("a"));
        assert_eq!(text(&cache, "b").await, None);
        cache.store("forever", &Value::from_literal("x"), Duration::MAX).await;
        assert_eq!(text(&cache, "forever").await.as_deref(), Some("x"));
    }
}
