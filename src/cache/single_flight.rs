//! Single flight: values cached by key, and at most one fetch in flight per key for concurrent misses.
//!
//! A fetch is owned by the callers that wait for it; its entry holds a weak reference. The result is cached only if the fetch is
//! still that of its entry. So a value requested before `clear`, or before a refresh that has since started, is not cached. When
//! the last waiter gives up, the fetch is dropped, and its owner completes it without a value.
//!
//! What a thread reads is a copy that its shard of threads has of the value. Copies are made and dropped with the entries locked, so
//! none outlives its value.

use std::sync::{Arc, Weak};

use super::copies::{Copies, HasCopies, Value};
use crate::runtime::own_shard;
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// Above this, the oldest entry is evicted: keys contain parameters, so there can be any number of them.
const MAX_ENTRIES: usize = 128;

/// `K` is the key, `V` the cached value, `F` a fetch in flight as its waiters see it.
pub(crate) struct SingleFlight<K, V, F> {
    state: Mutex<State<K, V, F>>,
    copies: Copies<K, V>,
}

struct State<K, V, F> {
    /// There are few, so a linear search beats hashing.
    entries: Vec<(K, Entry<V, F>)>,
    has_copies: HasCopies,
}

struct Entry<V, F> {
    cached: Option<V>,
    in_flight: Weak<F>,
}

/// The result of [`SingleFlight::join_or_start`].
pub(crate) enum Lookup<V, F> {
    /// A value that was cached since the caller's [`SingleFlight::get`].
    Cached(V),
    /// The fetch of an earlier caller.
    Joined(Arc<F>),
    /// A new fetch.
    Started(Arc<F>),
}

impl<K, V, F> Default for SingleFlight<K, V, F> {
    fn default() -> Self {
        Self {
            state: Mutex::new(State { entries: Vec::new(), has_copies: HasCopies::default() }),
            copies: Copies::default(),
        }
    }
}

impl<K: PartialEq + Clone, V: Value, F> SingleFlight<K, V, F> {
    /// Returns the cached value if it `is_fresh`.
    #[inline]
    pub(crate) fn get(&self, key: &K, is_fresh: impl Fn(&V) -> bool) -> Option<V> {
        let shard = own_shard();
        self.copies.get(shard, key, &is_fresh).or_else(|| {
            self.copy(key, shard)?;
            self.copies.get(shard, key, is_fresh)
        })
    }

    /// Copies the cached value to a shard; none if there is no value.
    #[cold]
    fn copy(&self, key: &K, shard: usize) -> Option<()> {
        let mut state = self.lock();
        let value = find(&mut state.entries, key)?.cached.as_ref()?;
        self.copies.add(shard, key, value);
        state.has_copies[shard] = true;
        Some(())
    }

    /// How many times [`SingleFlight::get`] has returned a value.
    pub(crate) fn hits(&self) -> u64 {
        self.copies.hits()
    }

    /// Drops all values. The results of fetches in flight will not be cached.
    pub(crate) fn clear(&self) {
        self.clear_if(|_| true);
    }

    /// Drops the values of the keys for which `is_dropped` is true. The results of their fetches in flight will not be cached.
    pub(crate) fn clear_if(&self, is_dropped: impl Fn(&K) -> bool) {
        let mut guard = self.lock();
        let state = &mut *guard;
        let (dropped, others): (Vec<_>, _) =
            std::mem::take(&mut state.entries).into_iter().partition(|(key, _)| is_dropped(key));
        state.entries = others;
        let copies = self.copies.take(&mut state.has_copies, is_dropped);
        drop(guard);
        // Values may be large: dropped after unlocking.
        drop((dropped, copies));
    }

    /// Returns the cached value if it `is_fresh`, joins the fetch in flight if it `is_alive`, or starts one. A refresh always starts
    /// one: the server may have answered the fetch in flight before the caller asked for a refresh.
    pub(crate) fn join_or_start(
        &self,
        key: K,
        refresh: bool,
        is_fresh: impl Fn(&V) -> bool,
        is_alive: impl Fn(&F) -> bool,
        start: impl FnOnce() -> Arc<F>,
    ) -> Lookup<V, F> {
        let mut dead = None;
        let mut guard = self.lock();
        let state = &mut *guard;
        let (mut evicted, mut copies) = (None, Vec::new());
        let entries = &mut state.entries;
        let at = entries.iter().position(|(known, _)| *known == key).unwrap_or_else(|| {
            if entries.len() == MAX_ENTRIES {
                evicted = Some(entries.remove(0));
            }
            entries.push((key, Entry { cached: None, in_flight: Weak::new() }));
            entries.len() - 1
        });
        let entry = &mut entries[at].1;
        if !refresh {
            if let Some(value) = entry.cached.as_ref().filter(|value| is_fresh(value)) {
                return Lookup::Cached(value.clone());
            }
            match entry.in_flight.upgrade() {
                Some(fetch) if is_alive(&fetch) => return Lookup::Joined(fetch),
                fetch => dead = fetch,
            }
        }
        let fetch = start();
        entry.in_flight = Arc::downgrade(&fetch);
        if let Some((key, _)) = &evicted {
            copies = self.copies.take(&mut state.has_copies, |copied| copied == key);
        }
        drop(guard);
        // After unlocking: this may be the last reference, and dropping a fetch completes it.
        drop(dead);
        drop((evicted, copies));
        Lookup::Started(fetch)
    }

    /// Ends a fetch: caches its value, or without one drops the value that it was to refresh. Does nothing if the fetch is no
    /// longer that of its entry, so completing it twice is harmless.
    pub(crate) fn complete(&self, key: &K, fetch: &Weak<F>, value: Option<V>) {
        let mut state = self.lock();
        let mut copies = Vec::new();
        let unused = match find(&mut state.entries, key) {
            Some(entry) if Weak::ptr_eq(&entry.in_flight, fetch) => {
                entry.in_flight = Weak::new();
                let replaced = std::mem::replace(&mut entry.cached, value);
                copies = self.copies.take(&mut state.has_copies, |copied| copied == key);
                replaced
            }
            _ => value,
        };
        drop(state);
        drop((unused, copies));
    }

    fn lock(&self) -> MutexGuard<'_, State<K, V, F>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn find<'a, K: PartialEq, V, F>(entries: &'a mut [(K, Entry<V, F>)], key: &K) -> Option<&'a mut Entry<V, F>> {
    entries.iter_mut().find_map(|(known, entry)| (known == key).then_some(entry))
}

#[cfg(test)]
impl Value for usize {
    fn copy(&self) -> Self {
        *self
    }
}

#[cfg(all(test, not(kal_loom)))]
mod tests {
    use super::*;
    use crate::runtime::SHARDS;
    use std::sync::Barrier;

    fn get<V: Value>(cache: &SingleFlight<usize, V, ()>, key: usize) -> Option<V> {
        cache.get(&key, |_| true)
    }

    fn fetch<V: Value>(cache: &SingleFlight<usize, V, ()>, key: usize) -> Arc<()> {
        match cache.join_or_start(key, true, |_| true, |()| true, || Arc::new(())) {
            Lookup::Started(fetch) => fetch,
            Lookup::Cached(_) | Lookup::Joined(_) => panic!("a refresh"),
        }
    }

    fn fill<V: Value>(cache: &SingleFlight<usize, V, ()>, key: usize, value: V) {
        cache.complete(&key, &Arc::downgrade(&fetch(cache, key)), Some(value));
    }

    /// Red without the bound: `Some(0)`. Red when the copies of an evicted key stay: the same.
    #[test]
    fn the_oldest_key_is_evicted() {
        let cache = SingleFlight::default();
        fill(&cache, 0, 0);
        assert_eq!(get(&cache, 0), Some(0));
        for key in 1..=MAX_ENTRIES {
            fill(&cache, key, key);
        }
        assert_eq!((get(&cache, 0), get(&cache, 1), get(&cache, MAX_ENTRIES)), (None, Some(1), Some(MAX_ENTRIES)));
    }

    /// Red when the entry stays for its fetch: a value requested before the write is cached after it.
    #[test]
    fn a_fetch_in_flight_for_a_dropped_key_is_not_cached() {
        let cache = SingleFlight::default();
        fill(&cache, 1, 1);
        fill(&cache, 2, 2);
        let in_flight = fetch(&cache, 3);
        cache.clear_if(|key| *key != 2);
        cache.complete(&3, &Arc::downgrade(&in_flight), Some(3));
        assert_eq!((get(&cache, 1), get(&cache, 2), get(&cache, 3)), (None, Some(2), None));
    }

    /// Red when a value that is replaced, or one that is dropped, leaves its copies: the threads read 1.
    #[test]
    fn threads_that_have_read_a_value_read_the_next_one() {
        let cache = SingleFlight::default();
        fill(&cache, 7, 1);
        let turn = Barrier::new(SHARDS + 1);
        let read_in_turn = || {
            [(); 3].map(|()| {
                let read = get(&cache, 7);
                turn.wait();
                turn.wait();
                read
            })
        };
        let read: Vec<_> = std::thread::scope(|scope| {
            let readers: Vec<_> = (0..SHARDS).map(|_| scope.spawn(read_in_turn)).collect();
            for change in [|cache: &_| fill(cache, 7, 2), SingleFlight::clear, |_: &_| ()] {
                turn.wait();
                change(&cache);
                turn.wait();
            }
            readers.into_iter().map(|reader| reader.join().expect("no panic")).collect()
        });
        assert_eq!(read, [[Some(1), Some(2), None]; SHARDS]);
        assert_eq!(cache.hits(), 2 * SHARDS as u64);
    }

    /// Counts its references.
    #[derive(Clone)]
    struct Counted(Arc<()>);

    impl Value for Counted {
        fn copy(&self) -> Self {
            self.clone()
        }
    }

    /// Red when the copies stay until their shards are read again: 16 references are left.
    #[test]
    fn a_dropped_value_is_freed_for_all_threads_that_have_read_it() {
        let (cache, value) = (SingleFlight::default(), Arc::new(()));
        fill(&cache, 7, Counted(Arc::clone(&value)));
        std::thread::scope(|scope| {
            for _ in 0..SHARDS {
                scope.spawn(|| assert!(get(&cache, 7).is_some_and(|read: Counted| Arc::ptr_eq(&read.0, &value))));
            }
        });
        cache.clear();
        assert_eq!(Arc::strong_count(&value), 1);
    }
}

#[cfg(all(test, kal_loom))]
mod loom_tests {
    use super::*;
    use loom::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use loom::thread;

    type Cache = SingleFlight<&'static str, usize, ()>;

    fn join_or_start(cache: &Cache, refresh: bool) -> Lookup<usize, ()> {
        cache.join_or_start("k", refresh, |_| true, |()| true, || Arc::new(()))
    }

    /// Red when `complete` does not compare the fetch with that of the entry: `Some(0)` after `clear`.
    #[test]
    fn loom_a_value_requested_before_clear_is_not_cached_after_it() {
        loom::model(|| {
            let cache = Arc::new(Cache::default());
            // The server's value. It changes, and then the cache is cleared.
            let server = Arc::new(AtomicUsize::new(0));
            let fetcher = {
                let (cache, server) = (Arc::clone(&cache), Arc::clone(&server));
                thread::spawn(move || {
                    if let Lookup::Started(fetch) = join_or_start(&cache, false) {
                        let value = server.load(SeqCst);
                        cache.complete(&"k", &Arc::downgrade(&fetch), Some(value));
                    }
                })
            };
            server.store(1, SeqCst);
            cache.clear();
            assert_ne!(cache.get(&"k", |_| true), Some(0));
            fetcher.join().expect("no panic");
            assert_ne!(cache.get(&"k", |_| true), Some(0));
        });
    }

    #[test]
    fn loom_a_copy_does_not_outlive_its_value() {
        loom::model(|| {
            let cache = Arc::new(Cache::default());
            let Lookup::Started(fetch) = join_or_start(&cache, false) else { panic!("a miss") };
            cache.complete(&"k", &Arc::downgrade(&fetch), Some(1));
            let reader = {
                let cache = Arc::clone(&cache);
                thread::spawn(move || cache.get(&"k", |_| true))
            };
            cache.clear();
            assert_eq!(cache.get(&"k", |_| true), None);
            assert!(matches!(reader.join().expect("no panic"), Some(1) | None));
            assert_eq!(cache.get(&"k", |_| true), None);
        });
    }

    /// Red when `join_or_start` does not check for a fetch in flight: two requests.
    #[test]
    fn loom_three_concurrent_misses_send_one_request() {
        loom::model(|| {
            let cache = Arc::new(Cache::default());
            let requests = Arc::new(AtomicUsize::new(0));
            let caller = |cache: Arc<Cache>, requests: Arc<AtomicUsize>| match join_or_start(&cache, false) {
                Lookup::Started(fetch) => {
                    requests.fetch_add(1, SeqCst);
                    cache.complete(&"k", &Arc::downgrade(&fetch), Some(7));
                }
                Lookup::Joined(_) => {}
                Lookup::Cached(value) => assert_eq!(value, 7),
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
            assert_eq!(cache.get(&"k", |_| true), Some(7));
        });
    }

    /// A fetch like those of the cache: when its last waiter drops it, it completes without a value.
    struct Fetch {
        cache: Arc<SingleFlight<&'static str, usize, Fetch>>,
        this: Weak<Fetch>,
    }

    impl Fetch {
        fn start(cache: &Arc<SingleFlight<&'static str, usize, Self>>) -> Arc<Self> {
            Arc::new_cyclic(|this| Self { cache: Arc::clone(cache), this: Weak::clone(this) })
        }

        fn join_or_start(
            cache: &Arc<SingleFlight<&'static str, usize, Self>>,
            refresh: bool,
            is_alive: bool,
        ) -> Lookup<usize, Self> {
            let is_alive = |_: &Self| {
                thread::yield_now();
                is_alive
            };
            cache.join_or_start("k", refresh, |_| true, is_alive, || Self::start(cache))
        }
    }

    impl Drop for Fetch {
        fn drop(&mut self) {
            self.cache.complete(&"k", &self.this, None);
        }
    }

    /// Red when dropping a fetch does not compare it with that of the entry: `None`.
    #[test]
    fn loom_an_abandoned_refresh_does_not_drop_the_value_of_a_later_one() {
        loom::model(|| {
            let cache = Arc::new(SingleFlight::default());
            let Lookup::Started(abandoned) = Fetch::join_or_start(&cache, true, true) else { panic!("a refresh") };
            let refreshing = {
                let cache = Arc::clone(&cache);
                thread::spawn(move || {
                    let Lookup::Started(later) = Fetch::join_or_start(&cache, true, true) else { panic!("a refresh") };
                    cache.complete(&"k", &Arc::downgrade(&later), Some(2));
                })
            };
            drop(abandoned);
            refreshing.join().expect("no panic");
            assert_eq!(cache.get(&"k", |_| true), Some(2));
        });
    }

    /// Red when `join_or_start` drops a dead fetch under the lock: loom reports a deadlock.
    #[test]
    fn loom_a_dead_fetch_may_be_dropped_by_the_caller_that_replaces_it() {
        loom::model(|| {
            let cache = Arc::new(SingleFlight::default());
            let Lookup::Started(first) = Fetch::join_or_start(&cache, false, true) else { panic!("a miss") };
            let second = {
                let cache = Arc::clone(&cache);
                thread::spawn(move || {
                    let Lookup::Started(fetch) = Fetch::join_or_start(&cache, false, false) else {
                        panic!("a dead fetch")
                    };
                    cache.complete(&"k", &Arc::downgrade(&fetch), Some(2));
                })
            };
            thread::yield_now();
            drop(first);
            second.join().expect("no panic");
            assert_eq!(cache.get(&"k", |_| true), Some(2));
        });
    }

    /// Red when a failed fetch leaves the entry unchanged: the old value is returned.
    #[test]
    fn loom_a_failed_refresh_drops_the_old_value() {
        loom::model(|| {
            let cache = Arc::new(Cache::default());
            let Lookup::Started(first) = join_or_start(&cache, false) else { panic!("a miss") };
            cache.complete(&"k", &Arc::downgrade(&first), Some(1));
            let refreshing = {
                let cache = Arc::clone(&cache);
                thread::spawn(move || {
                    let Lookup::Started(refresh) = join_or_start(&cache, true) else { panic!("a refresh") };
                    cache.complete(&"k", &Arc::downgrade(&refresh), None);
                })
            };
            assert!(matches!(cache.get(&"k", |_| true), Some(1) | None));
            refreshing.join().expect("no panic");
            assert_eq!(cache.get(&"k", |_| true), None);
        });
    }
}
