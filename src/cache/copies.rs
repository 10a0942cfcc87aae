//! Copies of cached values: each shard of threads has its own, so that cache hits of several threads do not contend.

use crate::runtime::{SHARDS, Sharded};
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// A value that can be cached.
pub(crate) trait Value: Clone {
    /// A copy whose clones have no memory to write to in common with those of the original.
    fn copy(&self) -> Self;
}

pub(super) struct Copies<K, V>(Sharded<Mutex<Shard<K, V>>>);

struct Shard<K, V> {
    values: Vec<(K, V)>,
    /// How many values were returned.
    hits: u64,
}

/// Which shards may have copies.
pub(super) type HasCopies = [bool; SHARDS];

impl<K, V> Default for Copies<K, V> {
    fn default() -> Self {
        Self(Sharded::new(|| Mutex::new(Shard { values: Vec::new(), hits: 0 })))
    }
}

impl<K: PartialEq + Clone, V: Value> Copies<K, V> {
    /// Returns the shard's copy of a value if it has one that `is_fresh`.
    #[inline]
    pub(super) fn get(&self, shard: usize, key: &K, is_fresh: impl Fn(&V) -> bool) -> Option<V> {
        let mut shard = lock(self.0.at(shard));
        let (_, value) = shard.values.iter().find(|(known, value)| known == key && is_fresh(value))?;
        let value = value.clone();
        shard.hits += 1;
        Some(value)
    }

    /// Adds a copy to a shard that has none.
    pub(super) fn add(&self, shard: usize, key: &K, value: &V) {
        let mut shard = lock(self.0.at(shard));
        if !shard.values.iter().any(|(known, _)| known == key) {
            shard.values.push((key.clone(), value.copy()));
        }
    }

    /// Takes the copies of the keys for which `is_dropped` is true.
    #[must_use]
    pub(super) fn take(&self, has_copies: &mut HasCopies, is_dropped: impl Fn(&K) -> bool) -> Vec<(K, V)> {
        let mut taken = Vec::new();
        for (shard, has_copies) in self.0.iter().zip(has_copies).filter(|(_, has)| **has) {
            let mut shard = lock(shard);
            while let Some(at) = shard.values.iter().position(|(key, _)| is_dropped(key)) {
                taken.push(shard.values.swap_remove(at));
            }
            *has_copies = !shard.values.is_empty();
        }
        taken
    }

    /// How many values were returned.
    pub(super) fn hits(&self) -> u64 {
        self.0.iter().map(|shard| lock(shard).hits).sum()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
