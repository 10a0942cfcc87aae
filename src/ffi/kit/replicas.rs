//! Slots for the few objects that all threads look up, such as clients. Each shard of threads has a table of its own, and all
//! tables are alike, so that lookups of several threads do not contend. Inserting and removing take longer.

use slotmap::{DefaultKey, Key, SlotMap};

use super::slots::{INDEX_BITS, SLOT_MASK, slot};
use crate::runtime::{Sharded, own_shard};
use crate::sync::{Mutex, PoisonError, RwLock};

const SHARD_MASK: u64 = ((1 << INDEX_BITS) - 1) & !SLOT_MASK;

/// Objects and their keys: `version << 32 | slot`.
pub(in crate::ffi::kit) struct Replicas<T> {
    /// Held while the tables change: the same changes in the same order result in the same keys.
    writer: Mutex<()>,
    tables: Sharded<RwLock<SlotMap<DefaultKey, T>>>,
}

impl<T> Default for Replicas<T> {
    fn default() -> Self {
        Self { writer: Mutex::new(()), tables: Sharded::new(|| RwLock::new(SlotMap::new())) }
    }
}

impl<T: Clone> Replicas<T> {
    /// Inserts an object and returns its key; none when all slots are taken.
    pub(in crate::ffi::kit) fn insert(&self, object: &T) -> Option<u64> {
        let _writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut inserted = None;
        for table in self.tables.iter() {
            let object = object.clone();
            let mut slots = table.write().unwrap_or_else(PoisonError::into_inner);
            if slots.len() as u64 == SLOT_MASK {
                return None;
            }
            inserted = Some(slots.insert(object).data().as_ffi());
        }
        inserted
    }

    /// What `read` returns for the object with this key. Closing an object waits for it.
    #[inline]
    pub(in crate::ffi::kit) fn get<R>(&self, key: u64, read: impl FnOnce(&T) -> Option<R>) -> Option<R> {
        let table = self.tables.at(own_shard()).read().unwrap_or_else(PoisonError::into_inner);
        table.get(only_slot(key)?).and_then(read)
    }

    /// The same, and frees the slot, unless `read` returns none.
    pub(in crate::ffi::kit) fn take<R>(&self, key: u64, read: impl FnOnce(&T) -> Option<R>) -> Option<R> {
        let slot = only_slot(key)?;
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody else changes the tables: what one has, all have.
        let taken = self.get(key, read)?;
        let tables = self.tables.iter().map(|table| table.write().unwrap_or_else(PoisonError::into_inner).remove(slot));
        let removed: Vec<_> = tables.collect();
        // Dropped after the lock: freeing the last reference may take long.
        drop(writer);
        drop(removed);
        Some(taken)
    }
}

/// The slot of a key, which has no shard.
fn only_slot(key: u64) -> Option<DefaultKey> {
    if key & SHARD_MASK == 0 { slot(key) } else { None }
}

#[cfg(all(test, not(kal_loom)))]
mod tests {
    use super::*;
    use crate::runtime::SHARDS;
    use std::sync::{Arc, Barrier};

    /// Red when only the table of the inserting thread is changed: other threads do not find it, or find it once it was taken.
    #[test]
    fn all_threads_find_an_object_until_it_is_taken() {
        let slots = Replicas::default();
        let object = Arc::new(7);
        let key = slots.insert(&object).expect("room");
        let (found, taken) = (Barrier::new(SHARDS + 1), Barrier::new(SHARDS + 1));
        std::thread::scope(|scope| {
            for _ in 0..SHARDS {
                scope.spawn(|| {
                    let before = slots.get(key, |object| Some(**object));
                    found.wait();
                    taken.wait();
                    assert_eq!((before, slots.get(key, |object| Some(**object))), (Some(7), None));
                });
            }
            found.wait();
            assert!(slots.take(key, |object| Some(Arc::clone(object))).is_some());
            taken.wait();
        });
        assert!(slots.take(key, |object| Some(Arc::clone(object))).is_none());
        assert_eq!(Arc::strong_count(&object), 1);
    }

    /// Lets other threads run between two tables.
    #[derive(Debug, PartialEq)]
    struct Yielding(u64);

    impl Clone for Yielding {
        fn clone(&self) -> Self {
            std::thread::yield_now();
            Self(self.0)
        }
    }

    /// Red when a change takes no lock for all tables: two tables have different objects under one key.
    #[test]
    fn concurrent_changes_leave_all_tables_alike() {
        let slots = Replicas::default();
        std::thread::scope(|scope| {
            for thread in 0..4_u64 {
                let slots = &slots;
                scope.spawn(move || {
                    for round in 0..200 {
                        let object = Yielding(thread << 32 | round);
                        let key = slots.insert(&object).expect("room");
                        for table in slots.tables.iter() {
                            let table = table.read().expect("no panic");
                            assert_eq!(slot(key).and_then(|slot| table.get(slot)), Some(&object));
                        }
                        assert!(slots.take(key, |found| (*found == object).then_some(())).is_some());
                    }
                });
            }
        });
    }
}
