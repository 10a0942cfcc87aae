//! Slots for objects, found again by a key that no later object of the slot has.

use slotmap::{DefaultKey, Key, KeyData, SlotMap};

use crate::sync::{Mutex, MutexGuard, PoisonError};

/// How many bits of a key tell the slot; the upper half of a key is the slot's version.
pub(super) const INDEX_BITS: u32 = 24;
const INDEX_MASK: u64 = (1 << INDEX_BITS) - 1;

/// Objects and their keys: `version << 32 | index`, with an index below `1 << INDEX_BITS`.
pub(super) struct Slots<T>(Mutex<SlotMap<DefaultKey, T>>);

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self(Mutex::new(SlotMap::new()))
    }
}

impl<T> Slots<T> {
    /// Puts an object into a slot; none when all are taken.
    pub(super) fn insert(&self, object: T) -> Option<u64> {
        let mut slots = self.lock();
        let key = slots.insert(object);
        let id = key.data().as_ffi();
        if id & u64::from(u32::MAX) <= INDEX_MASK {
            return Some(id);
        }
        let refused = slots.remove(key);
        drop(slots);
        drop(refused);
        None
    }

    /// What `read` makes of the object with this key.
    pub(super) fn get<R>(&self, key: u64, read: impl FnOnce(&T) -> Option<R>) -> Option<R> {
        self.lock().get(slot(key)?).and_then(read)
    }

    /// The same, and the slot is free again; unless `read` has no use for the object.
    pub(super) fn take<R>(&self, key: u64, read: impl FnOnce(&T) -> Option<R>) -> Option<R> {
        let mut taken = None;
        self.remove(key, |object| {
            taken = read(object);
            taken.is_some()
        })?;
        taken
    }

    /// Drops the object with this key and frees its slot, if `is_it` says so.
    pub(super) fn remove(&self, key: u64, is_it: impl FnOnce(&T) -> bool) -> Option<()> {
        let slot = slot(key)?;
        let mut slots = self.lock();
        slots.get(slot).filter(|object| is_it(object))?;
        let removed = slots.remove(slot);
        // What goes with the last reference may be large, and other threads want the slots.
        drop(slots);
        removed.map(drop)
    }

    fn lock(&self) -> MutexGuard<'_, SlotMap<DefaultKey, T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The slot of a key that was given out; none for one that the slot map would mend: it makes every version odd.
fn slot(key: u64) -> Option<DefaultKey> {
    let key = key >> 32 << 32 | key & INDEX_MASK;
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
