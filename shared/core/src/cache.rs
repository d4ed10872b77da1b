//! A small cache with a time to live: configuration holds for at most a minute in a function.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use crate::time::UnixMillis;

/// Longest age of cached configuration in milliseconds (keys, sources, pixels, connections).
pub const CONFIG_TTL_MS: i64 = 60_000;

struct Entry<V> {
    value: Arc<V>,
    read_at: UnixMillis,
}

/// Values by key, each for `ttl_ms`, at most `capacity` of them.
pub struct TtlCache<K, V> {
    entries: Mutex<HashMap<K, Entry<V>>>,
    ttl_ms: i64,
    capacity: usize,
}

impl<K: Eq + Hash + Clone, V> TtlCache<K, V> {
    /// An empty cache.
    #[must_use]
    pub fn new(ttl_ms: i64, capacity: usize) -> Self {
        Self { entries: Mutex::new(HashMap::new()), ttl_ms, capacity: capacity.max(1) }
    }

    /// The value, where it was put less than the time to live before `now`.
    #[must_use]
    pub fn get(&self, key: &K, now: UnixMillis) -> Option<Arc<V>> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.get(key)?;
        (now.ms_since(entry.read_at) < self.ttl_ms).then(|| Arc::clone(&entry.value))
    }

    /// Keeps `value` as read at `now`. A full cache first drops what is over age, then its oldest entry.
    pub fn put(&self, key: K, value: V, now: UnixMillis) -> Arc<V> {
        let value = Arc::new(value);
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= self.capacity && !entries.contains_key(&key) {
            entries.retain(|_, entry| now.ms_since(entry.read_at) < self.ttl_ms);
            if entries.len() >= self.capacity {
                let oldest =
                    entries.iter().min_by_key(|(_, entry)| entry.read_at).map(|(key, _)| key.clone());
                if let Some(oldest) = oldest {
                    entries.remove(&oldest);
                }
            }
        }
        entries.insert(key, Entry { value: Arc::clone(&value), read_at: now });
        value
    }

    /// Forgets a value.
    pub fn forget(&self, key: &K) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_holds_for_less_than_its_time_to_live() {
        let cache = TtlCache::new(60_000, 10);
        cache.put("k", 1, UnixMillis(0));
        assert_eq!(cache.get(&"k", UnixMillis(59_999)).as_deref(), Some(&1));
        assert_eq!(cache.get(&"k", UnixMillis(60_000)), None);
    }

    #[test]
    fn a_full_cache_drops_the_oldest() {
        let cache = TtlCache::new(60_000, 2);
        for (at, key) in [(0, "a"), (1, "b"), (2, "c")] {
            cache.put(key, at, UnixMillis(at));
        }
        assert_eq!(cache.get(&"a", UnixMillis(3)), None);
        assert_eq!(cache.get(&"b", UnixMillis(3)).as_deref(), Some(&1));
        assert_eq!(cache.get(&"c", UnixMillis(3)).as_deref(), Some(&2));
    }
}
