//! Values that are kept under a key, and one flight at a time to fetch what is missing.
//!
//! A flight belongs to those who wait for it: the entry only remembers it. What a flight brings is kept only while it is
//! still the entry's own, so a value that was asked for before `clear`, or that a refresh has overtaken, is not kept. One that
//! nobody waits for any more brings nothing: whoever made it says so when it is dropped.

use std::sync::{Arc, Weak};

use crate::sync::{PoisonError, RwLock, RwLockWriteGuard};

/// One more key drops the one that is there for the longest time: keys with parameters must not grow without end.
const MAX_ENTRIES: usize = 128;

/// `K` is what values are kept under, `V` what is kept, `F` what a flight is to those who wait for it.
pub(crate) struct SingleFlight<K, V, F> {
    /// A handful: looking at each is quicker than a hash. Whoever finds a kept value waits for nobody who does the same.
    entries: RwLock<Vec<(K, Entry<V, F>)>>,
}

struct Entry<V, F> {
    kept: Option<V>,
    flight: Weak<F>,
}

/// What `join` found.
pub(crate) enum Joined<V, F> {
    /// A value that was kept since the caller last looked.
    Kept(V),
    /// Someone else's flight, which this caller now waits for too.
    Theirs(Arc<F>),
    /// A new flight, which this caller started.
    Ours(Arc<F>),
}

impl<K, V, F> Default for SingleFlight<K, V, F> {
    fn default() -> Self {
        Self { entries: RwLock::new(Vec::new()) }
    }
}

impl<K: PartialEq, V: Clone, F> SingleFlight<K, V, F> {
    /// What is kept.
    pub(crate) fn get(&self, key: &K) -> Option<V> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.iter().find_map(|(known, entry)| (known == key).then_some(entry))?.kept.clone()
    }

    /// Forgets everything, and what is under way will not be kept.
    pub(crate) fn clear(&self) {
        let before = std::mem::take(&mut *self.lock());
        // Values may be large: not under the lock.
        drop(before);
    }

    /// Forgets what is kept under these keys, and what is under way for them will not be kept.
    pub(crate) fn clear_if(&self, is_dropped: impl Fn(&K) -> bool) {
        let mut entries = self.lock();
        let (dropped, others) = std::mem::take(&mut *entries).into_iter().partition(|(key, _)| is_dropped(key));
        *entries = others;
        drop(entries);
        let dropped: Vec<_> = dropped;
        drop(dropped);
    }

    /// Gives what is kept if it is `fresh`, joins the flight under way if it is `alive`, or starts one. A refresh always
    /// starts one: what is under way may have been answered before the caller asked.
    pub(crate) fn join(
        &self,
        key: K,
        refresh: bool,
        fresh: impl Fn(&V) -> bool,
        alive: impl Fn(&F) -> bool,
        start: impl FnOnce() -> Arc<F>,
    ) -> Joined<V, F> {
        let mut over = None;
        let mut entries = self.lock();
        let mut oldest = None;
        let at = entries.iter().position(|(known, _)| *known == key).unwrap_or_else(|| {
            if entries.len() == MAX_ENTRIES {
                oldest = Some(entries.remove(0));
            }
            entries.push((key, Entry { kept: None, flight: Weak::new() }));
            entries.len() - 1
        });
        let entry = &mut entries[at].1;
        if !refresh {
            if let Some(value) = entry.kept.as_ref().filter(|value| fresh(value)) {
                return Joined::Kept(value.clone());
            }
            match entry.flight.upgrade() {
                Some(flight) if alive(&flight) => return Joined::Theirs(flight),
                flight => over = flight,
            }
        }
        let flight = start();
        entry.flight = Arc::downgrade(&flight);
        drop(entries);
        // After the lock: this may be the last of those who had it, and a flight that is dropped lands.
        drop(over);
        drop(oldest);
        Joined::Ours(flight)
    }

    /// A flight is over: keeps what it brought, or, when it brought nothing, drops what it was to refresh. Landing again
    /// changes nothing.
    pub(crate) fn land(&self, key: &K, flight: &Weak<F>, brought: Option<V>) {
        let mut entries = self.lock();
        let before = match find(&mut entries, key) {
            Some(entry) if Weak::ptr_eq(&entry.flight, flight) => {
                entry.flight = Weak::new();
                std::mem::replace(&mut entry.kept, brought)
            }
            _ => brought,
        };
        drop(entries);
        drop(before);
    }

    fn lock(&self) -> RwLockWriteGuard<'_, Vec<(K, Entry<V, F>)>> {
        self.entries.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn find<'a, K: PartialEq, V, F>(entries: &'a mut [(K, Entry<V, F>)], key: &K) -> Option<&'a mut Entry<V, F>> {
    entries.iter_mut().find_map(|(known, entry)| (known == key).then_some(entry))
}

#[cfg(all(test, not(kal_loom)))]
mod tests {
    use super::*;

    fn keep(cache: &SingleFlight<usize, usize, ()>, key: usize) {
        if let Joined::Ours(flight) = cache.join(key, false, |_| true, |()| true, || Arc::new(())) {
            cache.land(&key, &Arc::downgrade(&flight), Some(key));
        }
    }

    /// Red without the bound: `Some(0)`.
    #[test]
    fn the_oldest_key_makes_room_for_one_too_many() {
        let cache = SingleFlight::default();
        for key in 0..=MAX_ENTRIES {
            keep(&cache, key);
        }
        assert_eq!((cache.get(&0), cache.get(&1), cache.get(&MAX_ENTRIES)), (None, Some(1), Some(MAX_ENTRIES)));
    }

    /// Red when the entry stays for its flight: what was asked for before the write is kept after it.
    #[test]
    fn what_is_under_way_for_a_dropped_key_is_not_kept() {
        let cache = SingleFlight::default();
        keep(&cache, 1);
        keep(&cache, 2);
        let Joined::Ours(flight) = cache.join(3, false, |_| true, |()| true, || Arc::new(())) else { panic!("new") };
        cache.clear_if(|key| *key != 2);
        cache.land(&3, &Arc::downgrade(&flight), Some(3));
        assert_eq!((cache.get(&1), cache.get(&2), cache.get(&3)), (None, Some(2), None));
    }
}

#[cfg(all(test, kal_loom))]
mod loom_tests {
    use super::*;
    use loom::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use loom::thread;

    type Cache = SingleFlight<&'static str, usize, ()>;

    fn join(cache: &Cache, refresh: bool) -> Joined<usize, ()> {
        cache.join("k", refresh, |_| true, |()| true, || Arc::new(()))
    }

    /// Red when `land` keeps without looking whose flight the entry has: `Some(0)` after `clear`.
    #[test]
    fn loom_what_was_asked_for_before_clear_is_not_kept_after_it() {
        loom::model(|| {
            let cache = Arc::new(Cache::default());
            // What the server would answer: it changes, and then the caches are cleared.
            let server = Arc::new(AtomicUsize::new(0));
            let fetcher = {
                let (cache, server) = (Arc::clone(&cache), Arc::clone(&server));
                thread::spawn(move || {
                    if let Joined::Ours(flight) = join(&cache, false) {
                        let value = server.load(SeqCst);
                        cache.land(&"k", &Arc::downgrade(&flight), Some(value));
                    }
                })
            };
            server.store(1, SeqCst);
            cache.clear();
            assert_ne!(cache.get(&"k"), Some(0));
            fetcher.join().expect("no panic");
            assert_ne!(cache.get(&"k"), Some(0));
        });
    }

    /// Red when `join` does not look for a flight: two requests.
    #[test]
    fn loom_three_who_miss_at_once_send_one_request() {
        loom::model(|| {
            let cache = Arc::new(Cache::default());
            let requests = Arc::new(AtomicUsize::new(0));
            let caller = |cache: Arc<Cache>, requests: Arc<AtomicUsize>| {
                // The flight is kept alive by whoever waits for it: here, until every caller is done.
                match join(&cache, false) {
                    Joined::Ours(flight) => {
                        requests.fetch_add(1, SeqCst);
                        cache.land(&"k", &Arc::downgrade(&flight), Some(7));
                    }
                    Joined::Theirs(_) => {}
                    Joined::Kept(value) => assert_eq!(value, 7),
                }
            };
            let others: Vec<_> = (0..2)
                .map(|_| {
                    let (cache, requests) = (Arc::clone(&cache), Arc::clone(&requests));
                    thread::spawn(move || caller(cache, requests))
                })
                .collect();
            caller(Arc::clone(&cache), Arc::clone(&requests));
            for other in others {
                other.join().expect("no panic");
            }
            assert_eq!(requests.load(SeqCst), 1);
            assert_eq!(cache.get(&"k"), Some(7));
        });
    }

    /// A flight as the cache makes them: dropped by the last one who waited, it lands without a value.
    struct Owned {
        cache: Arc<SingleFlight<&'static str, usize, Owned>>,
        this: Weak<Owned>,
    }

    impl Owned {
        fn begin(cache: &Arc<SingleFlight<&'static str, usize, Self>>) -> Arc<Self> {
            Arc::new_cyclic(|this| Self { cache: Arc::clone(cache), this: Weak::clone(this) })
        }

        fn join(
            cache: &Arc<SingleFlight<&'static str, usize, Self>>,
            refresh: bool,
            alive: bool,
        ) -> Joined<usize, Self> {
            let alive = |_: &Self| {
                thread::yield_now();
                alive
            };
            cache.join("k", refresh, |_| true, alive, || Self::begin(cache))
        }
    }

    impl Drop for Owned {
        fn drop(&mut self) {
            self.cache.land(&"k", &self.this, None);
        }
    }

    /// Red when a flight that is dropped lands without the look whose flight the entry has: `None`.
    #[test]
    fn loom_a_refresh_that_is_given_up_does_not_drop_what_a_later_one_brought() {
        loom::model(|| {
            let cache = Arc::new(SingleFlight::default());
            let Joined::Ours(given_up) = Owned::join(&cache, true, true) else { panic!("a refresh is always its own") };
            let refreshing = {
                let cache = Arc::clone(&cache);
                thread::spawn(move || {
                    let Joined::Ours(later) = Owned::join(&cache, true, true) else { panic!("as above") };
                    cache.land(&"k", &Arc::downgrade(&later), Some(2));
                })
            };
            drop(given_up);
            refreshing.join().expect("no panic");
            assert_eq!(cache.get(&"k"), Some(2));
        });
    }

    /// Red when `join` lets a flight that is over go under the lock: loom reports a deadlock.
    #[test]
    fn loom_who_finds_a_flight_that_is_over_may_be_the_last_to_have_it() {
        loom::model(|| {
            let cache = Arc::new(SingleFlight::default());
            let Joined::Ours(first) = Owned::join(&cache, false, true) else { panic!("nothing is kept yet") };
            let second = {
                let cache = Arc::clone(&cache);
                thread::spawn(move || {
                    let Joined::Ours(flight) = Owned::join(&cache, false, false) else { panic!("the first is over") };
                    cache.land(&"k", &Arc::downgrade(&flight), Some(2));
                })
            };
            thread::yield_now();
            drop(first);
            second.join().expect("no panic");
            assert_eq!(cache.get(&"k"), Some(2));
        });
    }

    /// Red when a failed flight leaves the entry as it was: the old value comes back.
    #[test]
    fn loom_a_failed_refresh_leaves_nothing() {
        loom::model(|| {
            let cache = Arc::new(Cache::default());
            let Joined::Ours(first) = join(&cache, false) else { panic!("nothing is kept yet") };
            cache.land(&"k", &Arc::downgrade(&first), Some(1));
            let refreshing = {
                let cache = Arc::clone(&cache);
                thread::spawn(move || {
                    let Joined::Ours(refresh) = join(&cache, true) else { panic!("a refresh is always its own") };
                    cache.land(&"k", &Arc::downgrade(&refresh), None);
                })
            };
            assert!(matches!(cache.get(&"k"), Some(1) | None));
            refreshing.join().expect("no panic");
            assert_eq!(cache.get(&"k"), None);
        });
    }
}
