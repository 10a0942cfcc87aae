//! Cached reads: one answer per operation and parameters, and one request for all who miss it at the same time.
//!
//! A request belongs to those who wait for it: the last one to give up ends it, and then it has failed like any other that
//! brings no answer. What it was to refresh is dropped.

mod single_flight;

pub(crate) use self::single_flight::Joined;

use std::future::Future;
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::task::AbortHandle;

use self::single_flight::SingleFlight;
use crate::answer::Answer;
use crate::error::{Error, ErrorKind, Result};
use crate::retry::Tracking;
use crate::service::{CacheKey, Operation};

/// The cache of one client.
pub(crate) struct Cache {
    ttl: Option<Duration>,
    entries: SingleFlight<CacheKey, Kept, Flight>,
}

/// An answer and since when it is kept.
#[derive(Clone)]
pub(crate) struct Kept {
    pub(crate) answer: Arc<Answer>,
    since: Instant,
}

/// A request under way, and those who wait for it.
pub(crate) struct Flight {
    pub(crate) tracking: Arc<Tracking>,
    outcome: Arc<Outcome>,
    task: AbortHandle,
    thread: u64,
    cache: Weak<Cache>,
    key: CacheKey,
    this: Weak<Self>,
}

/// What a request brought, once it is over.
#[derive(Default)]
struct Outcome {
    brought: OnceLock<Result<Arc<Answer>>>,
    arrived: Notify,
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.task.abort();
        // Now, and not when the task is dropped: who gave up may look at the cache next. One that has landed changes nothing.
        if let Some(cache) = self.cache.upgrade() {
            cache.entries.land(&self.key, &self.this, None);
        }
    }
}

impl Cache {
    pub(crate) fn new(ttl: Option<Duration>) -> Self {
        Self { ttl, entries: SingleFlight::default() }
    }

    /// The cached answer, unless there is none or it is too old.
    pub(crate) fn get(&self, key: &CacheKey) -> Option<Arc<Answer>> {
        self.entries.get(key).filter(|kept| self.is_fresh(kept)).map(|kept| kept.answer)
    }

    /// Forgets everything, and what is under way will not be kept.
    pub(crate) fn clear(&self) {
        self.entries.clear();
    }

    /// Forgets what these operations answered, and what is under way for them will not be kept.
    pub(crate) fn clear_of(&self, is_dropped: impl Fn(&'static Operation) -> bool) {
        self.entries.clear_if(|key| is_dropped(key.operation));
    }

    /// Joins the request under way, or starts one with `fetch`; on the I/O thread.
    pub(crate) fn join<F>(
        self: &Arc<Self>,
        key: &CacheKey,
        refresh: bool,
        until: Instant,
        thread: u64,
        fetch: impl FnOnce(Arc<Tracking>) -> F,
    ) -> Joined<Kept, Flight>
    where
        F: Future<Output = Result<Arc<Answer>>> + Send + 'static,
    {
        let start = || {
            let tracking = Arc::new(Tracking::until(until));
            // It is large, and would be moved with the task.
            let fetch = Box::pin(fetch(Arc::clone(&tracking)));
            let outcome = Arc::new(Outcome::default());
            Arc::new_cyclic(|this| {
                let landing = Landing {
                    cache: Arc::downgrade(self),
                    key: key.clone(),
                    flight: Weak::clone(this),
                    outcome: Arc::clone(&outcome),
                };
                let task = tokio::spawn(async move { landing.land(fetch.await) });
                let (cache, this) = (Arc::downgrade(self), Weak::clone(this));
                Flight { tracking, outcome, task: task.abort_handle(), thread, cache, key: key.clone(), this }
            })
        };
        let joined = self.entries.join(
            key.clone(),
            refresh,
            |kept| self.is_fresh(kept),
            |flight| flight.is_alive(thread),
            start,
        );
        if let Joined::Theirs(flight) = &joined {
            flight.tracking.deadline.extend(until);
        }
        joined
    }

    fn is_fresh(&self, kept: &Kept) -> bool {
        self.ttl.is_none_or(|ttl| kept.since.elapsed() < ttl)
    }
}

impl Flight {
    /// Waits for the request that is under way.
    pub(crate) async fn outcome(&self) -> Result<Arc<Answer>> {
        // Made before the look, so that nothing arrives unnoticed between the two.
        let arrived = self.outcome.arrived.notified();
        if self.outcome.brought.get().is_none() {
            arrived.await;
        }
        let brought = self.outcome.brought.get();
        brought.cloned().unwrap_or_else(|| Err(Error::internal("a request ended without an outcome")))
    }

    /// Not when it ended, by a panic or with the I/O thread it was on. Nor when its time is up, but the busy thread has not
    /// come to end it: who joined would wait for what kept it busy.
    fn is_alive(&self, thread: u64) -> bool {
        self.thread == thread && self.outcome.brought.get().is_none() && !self.tracking.deadline.remaining().is_zero()
    }
}

/// What a request does when it is over. It does not keep its flight alive: that is for those who wait.
struct Landing {
    cache: Weak<Cache>,
    key: CacheKey,
    flight: Weak<Flight>,
    outcome: Arc<Outcome>,
}

impl Landing {
    /// Keeps a good answer, drops what a failed one was to refresh, and tells those who wait.
    fn land(self, outcome: Result<Arc<Answer>>) {
        if let Some(cache) = self.cache.upgrade() {
            let kept = outcome.as_ref().ok().map(|answer| Kept { answer: Arc::clone(answer), since: Instant::now() });
            cache.entries.land(&self.key, &self.flight, kept);
        }
        self.tell(outcome);
    }

    fn tell(&self, outcome: Result<Arc<Answer>>) {
        // The first one counts.
        let _ = self.outcome.brought.set(outcome);
        self.outcome.arrived.notify_waiters();
    }
}

/// A task that ends by a panic has failed, and tells those who wait, too.
impl Drop for Landing {
    fn drop(&mut self) {
        if self.outcome.brought.get().is_none() {
            // One that was aborted has landed with its flight.
            if std::thread::panicking()
                && let Some(cache) = self.cache.upgrade()
            {
                cache.entries.land(&self.key, &self.flight, None);
            }
            self.tell(Err(Error::new(ErrorKind::Panic, "the library's task for this request panicked")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Fetched = std::pin::Pin<Box<dyn Future<Output = Result<Arc<Answer>>> + Send>>;

    fn key() -> CacheKey {
        let members = crate::service::Params::new(&crate::service::workspace::GET_MEMBERS);
        members.cache_key().expect("it is cached")
    }

    /// A request that never ends, given this much time.
    fn join(cache: &Arc<Cache>, time: Duration) -> Joined<Kept, Flight> {
        cache.join(&key(), false, Instant::now() + time, 1, |_| std::future::pending())
    }

    fn refresh(cache: &Arc<Cache>, fetched: Fetched) -> Arc<Flight> {
        match cache.join(&key(), true, Instant::now() + Duration::from_mins(1), 1, |_| fetched) {
            Joined::Ours(flight) => flight,
            Joined::Kept(_) | Joined::Theirs(_) => panic!("a refresh is always its own"),
        }
    }

    fn answer() -> Arc<Answer> {
        let shape = crate::service::Shape::Users;
        Arc::new(Answer::new(shape, crate::records::Table::empty(shape.schema().0)))
    }

    /// A cache that has an answer.
    async fn filled() -> Arc<Cache> {
        let cache = Arc::new(Cache::new(None));
        let flight = refresh(&cache, Box::pin(async { Ok(answer()) }));
        flight.outcome().await.expect("an answer");
        drop(flight);
        assert!(cache.get(&key()).is_some());
        cache
    }

    #[tokio::test]
    async fn who_asks_while_a_request_is_under_way_joins_it() {
        let cache = Arc::new(Cache::new(None));
        let _first = join(&cache, Duration::from_mins(1));
        assert!(matches!(join(&cache, Duration::from_mins(1)), Joined::Theirs(_)));
    }

    /// Seen red without the look at the deadline. Where a server kept the thread busy, those who asked again waited for the
    /// request that it kept busy with, until their own time was up.
    #[tokio::test]
    async fn a_request_whose_time_is_up_is_not_joined() {
        let cache = Arc::new(Cache::new(None));
        let _first = join(&cache, Duration::ZERO);
        assert!(matches!(join(&cache, Duration::from_mins(1)), Joined::Ours(_)));
    }

    /// Red when a flight that is dropped does not land: the old answer is still there. At once, before the task is dropped.
    #[tokio::test]
    async fn a_refresh_that_all_gave_up_drops_what_it_was_to_refresh() {
        let cache = filled().await;
        let given_up = refresh(&cache, Box::pin(std::future::pending()));
        assert!(cache.get(&key()).is_some(), "it may still succeed");
        drop(given_up);
        assert!(cache.get(&key()).is_none());
    }

    #[tokio::test]
    async fn a_refresh_goes_on_for_the_one_who_still_waits_and_is_kept() {
        let cache = filled().await;
        cache.clear();
        let (send, receive) = tokio::sync::oneshot::channel();
        let first = refresh(&cache, Box::pin(async { receive.await.expect("an answer") }));
        let Joined::Theirs(second) = join(&cache, Duration::from_mins(1)) else { panic!("it is under way") };
        drop(first);
        assert!(send.send(Ok(answer())).is_ok());
        second.outcome().await.expect("an answer");
        drop(second);
        assert!(cache.get(&key()).is_some());
    }

    #[tokio::test]
    async fn a_refresh_that_was_overtaken_drops_nothing() {
        let cache = filled().await;
        let given_up = refresh(&cache, Box::pin(std::future::pending()));
        let later = refresh(&cache, Box::pin(async { Ok(answer()) }));
        let brought = later.outcome().await.expect("an answer");
        drop(given_up);
        assert!(cache.get(&key()).is_some_and(|kept| Arc::ptr_eq(&kept, &brought)));
    }

    /// Red when a task that panics lands not: the old answer is still there.
    #[tokio::test]
    async fn a_refresh_that_panics_drops_what_it_was_to_refresh() {
        let cache = filled().await;
        let flight = refresh(&cache, Box::pin(async { panic!("seen by the test of the cache") }));
        assert_eq!(flight.outcome().await.expect_err("a panic").kind(), ErrorKind::Panic);
        assert!(cache.get(&key()).is_none());
    }
}
