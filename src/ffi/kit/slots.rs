//! Slots for objects, each found by a key that no later object of the slot has.
//!
//! The slots are sharded. A thread inserts into its own shard, so that threads which make and free results do not
//! contend; lookups take a shared lock.

use slotmap::{DefaultKey, Key, KeyData, SlotMap};

use crate::runtime::{SHARD_BITS, SHARDS, Sharded, own_shard};
use crate::sync::{PoisonError, RwLock};

/// The bits of a key for the shard and the slot in it; the upper half of a key is the slot's version.
pub(in crate::ffi::kit) const INDEX_BITS: u32 = SHARD_BITS + SLOT_BITS;
const SLOT_BITS: u32 = 20;
pub(in crate::ffi::kit) const SLOT_MASK: u64 = (1 << SLOT_BITS) - 1;

/// Objects and their keys: `version << 32 | shard << SLOT_BITS | slot`.
pub(in crate::ffi::kit) struct Slots<T>(Sharded<RwLock<SlotMap<DefaultKey, T>>>);

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self(Sharded::new(|| RwLock::new(SlotMap::new())))
    }
}

impl<T> Slots<T> {
    /// Inserts an object and returns its key; none when all slots are taken.
    pub(in crate::ffi::kit) fn insert(&self, object: T) -> Option<u64> {
        let own = own_shard();
        match self.insert_into(own, object) {
            Ok(key) => Some(key),
            Err(object) => self.insert_elsewhere(own, object),
        }
    }

    /// For a shard that is full.
    #[cold]
    fn insert_elsewhere(&self, full: usize, mut object: T) -> Option<u64> {
        for shard in full + 1..full + SHARDS {
            match self.insert_into(shard % SHARDS, object) {
                Ok(key) => return Some(key),
                Err(returned) => object = returned,
            }
        }
        None
    }

    /// Returns the object if the shard is full.
    #[inline]
    fn insert_into(&self, shard: usize, object: T) -> Result<u64, T> {
        let mut slots = self.0.at(shard).write().unwrap_or_else(PoisonError::into_inner);
        if slots.len() as u64 == SLOT_MASK {
            return Err(object);
        }
        let id = slots.insert(object).data().as_ffi();
        Ok(id | (shard as u64) << SLOT_BITS)
    }

    /// What `read` returns for the object with this key.
    pub(in crate::ffi::kit) fn get<R>(&self, key: u64, read: impl FnOnce(&T) -> Option<R>) -> Option<R> {
        self.shard(key).read().unwrap_or_else(PoisonError::into_inner).get(slot(key)?).and_then(read)
    }

    /// The same, and frees the slot, unless `read` returns none.
    pub(in crate::ffi::kit) fn take<R>(&self, key: u64, read: impl FnOnce(&T) -> Option<R>) -> Option<R> {
        let mut taken = None;
        self.remove(key, |object| {
            taken = read(object);
            taken.is_some()
        })?;
        taken
    }

    /// Drops the object with this key and frees its slot, if `is_it` returns true for it.
    pub(in crate::ffi::kit) fn remove(&self, key: u64, is_it: impl FnOnce(&T) -> bool) -> Option<()> {
        let slot = slot(key)?;
        let mut slots = self.shard(key).write().unwrap_or_else(PoisonError::into_inner);
        slots.get(slot).filter(|object| is_it(object))?;
        let removed = slots.remove(slot);
        // Dropped after the lock: freeing the last reference may take long.
        drop(slots);
        removed.map(drop)
    }

    fn shard(&self, key: u64) -> &RwLock<SlotMap<DefaultKey, T>> {
        #[allow(clippy::cast_possible_truncation, reason = "`at` takes the lowest bits")]
        let shard = (key >> SLOT_BITS) as usize;
        self.0.at(shard)
    }
}

/// The slot of a key. None for one that was never returned: the slot map would correct it, as it makes every version
/// odd.
pub(in crate::ffi::kit) fn slot(key: u64) -> Option<DefaultKey> {
    let key = key >> 32 << 32 | key & SLOT_MASK;
    let data = KeyData::from_ffi(key);
    (data.as_ffi() == key).then(|| data.into())
}

#[cfg(all(test, kal_loom))]
mod loom_tests {
    use super::*;
    use loom::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use loom::thread;
    use std::sync::Arc;

    /// Red when `take` reads in one critical section and removes in another: two threads get the object.
    #[test]
    fn loom_an_object_is_taken_by_one_thread_only() {
        loom::model(|| {
            let slots = Arc::new(Slots::default());
            let key = slots.insert(Arc::new(7)).expect("room");
            let takers: Vec<_> = (0..2)
                .map(|_| {
                    let slots = Arc::clone(&slots);
                    thread::spawn(move || slots.take(key, |object: &Arc<i32>| Some(Arc::clone(object))).is_some())
                })
                .collect();
            let mine = slots.take(key, |object| Some(Arc::clone(object))).is_some();
            let theirs: Vec<bool> = takers.into_iter().map(|taker| taker.join().expect("no panic")).collect();
            assert_eq!(theirs.iter().filter(|taken| **taken).count() + usize::from(mine), 1);
        });
    }

    /// Red when keys have no version: the reader sees 2 under the key of 1.
    #[test]
    fn loom_an_old_key_never_reaches_the_slots_next_object() {
        loom::model(|| {
            let slots = Arc::new(Slots::default());
            let old = slots.insert(1).expect("room");
            let wrong = Arc::new(AtomicUsize::new(0));
            let reader = {
                let (slots, wrong) = (Arc::clone(&slots), Arc::clone(&wrong));
                thread::spawn(move || {
                    if slots.get(old, |object| Some(*object)).is_some_and(|object| object != 1) {
                        wrong.fetch_add(1, SeqCst);
                    }
                })
            };
            let replacer = {
                let slots = Arc::clone(&slots);
                thread::spawn(move || {
                    slots.take(old, |_| Some(()));
                    slots.insert(2)
                })
            };
            reader.join().expect("no panic");
            let new = replacer.join().expect("no panic").expect("room");
            assert_eq!(wrong.load(SeqCst), 0);
            assert_ne!(old, new);
            assert_eq!(slots.get(old, |object| Some(*object)), None);
        });
    }
}
