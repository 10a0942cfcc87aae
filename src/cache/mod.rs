//! Cached reads: one cached answer per operation and parameters, and one request for concurrent misses.
//!
//! A request is owned by the calls that wait for it. When the last one gives up, the request is aborted and counts as failed: the
//! answer that it was to refresh is dropped.

mod copies;
mod single_flight;

pub(crate) use single_flight::Lookup;

use std::future::Future;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use tokio::task::AbortHandle;

use self::copies::Value;
use self::single_flight::SingleFlight;
use crate::answer::Answer;
use crate::cancel::{self, CancelSources, Waiters};
use crate::error::{Error, ErrorKind, Result};
use crate::progress::Tracking;
use crate::runtime::outcome::{self, Outcome, Publisher};
use crate::service::{CacheKey, Operation};

/// The cache of one client.
pub(crate) struct Cache {
    ttl: Option<Duration>,
    entries: SingleFlight<CacheKey, CachedAnswer, InFlight>,
}

#[derive(Clone)]
pub(crate) struct CachedAnswer {
    pub(crate) answer: Arc<Answer>,
    cached_at: Instant,
}

impl Value for CachedAnswer {
    fn copy(&self) -> Self {
        Self { answer: self.answer.with_own_count(), cached_at: self.cached_at }
    }
}

/// A request in flight, owned by the calls that wait for it.
pub(crate) struct InFlight {
    pub(crate) tracking: Arc<Tracking>,
    outcome: Outcome<Arc<Answer>>,
    task: AbortHandle,
    waiters: Arc<Waiters>,
    /// The I/O thread of the task; the task dies with it.
    thread: u64,
    cache: Weak<Cache>,
    key: CacheKey,
    this: Weak<Self>,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.task.abort();
        // Here, not when the task is dropped: the caller that gave up may read the cache next. No effect if already completed.
        if let Some(cache) = self.cache.upgrade() {
            cache.entries.complete(&self.key, &self.this, None);
        }
    }
}

impl Cache {
    pub(crate) fn new(ttl: Option<Duration>) -> Self {
        Self { ttl, entries: SingleFlight::default() }
    }

    /// Returns the cached answer if it is fresh.
    pub(crate) fn get(&self, key: &CacheKey) -> Option<Arc<Answer>> {
        self.entries.get(key, |cached| self.is_fresh(cached)).map(|cached| cached.answer)
    }

    /// How many times [`Cache::get`] has returned an answer.
    pub(crate) fn hits(&self) -> u64 {
        self.entries.hits()
    }

    /// Drops all answers. Those of requests in flight will not be cached.
    pub(crate) fn clear(&self) {
        self.entries.clear();
    }

    /// Drops the answers of the operations for which `is_dropped` is true. Those of their requests in flight will not be cached.
    pub(crate) fn clear_of(&self, is_dropped: impl Fn(&'static Operation) -> bool) {
        self.entries.clear_if(|key| is_dropped(key.operation));
    }

    /// Returns a fresh answer, joins the request in flight, or starts one with `fetch`, for the call that `cancelled` cancels. Called
    /// on the I/O thread.
    pub(crate) fn join_or_start<F>(
        self: &Arc<Self>,
        key: &CacheKey,
        refresh: bool,
        until: Instant,
        cancelled: &Arc<CancelSources>,
        thread: u64,
        fetch: impl FnOnce(Arc<Tracking>) -> F,
    ) -> Lookup<CachedAnswer, InFlight>
    where
        F: Future<Output = Result<Arc<Answer>>> + Send + 'static,
    {
        let start = || {
            let tracking = Arc::new(Tracking::until(until));
            let waiters = Arc::<Waiters>::default();
            waiters.add(cancelled);
            // Boxed: the future is large and would be moved with the task.
            let fetch = Box::pin(fetch(Arc::clone(&tracking)));
            let wanted = Arc::clone(&waiters);
            let fetch =
                async move { cancel::unless(|| wanted.have_left(), fetch).await.unwrap_or_else(|| Err(unwanted())) };
            let (publisher, outcome) = outcome::channel();
            Arc::new_cyclic(|this| {
                let (cache, this) = (Arc::downgrade(self), Weak::clone(this));
                let guard = CompletionGuard {
                    cache: Weak::clone(&cache),
                    key: key.clone(),
                    request: Weak::clone(&this),
                    publisher,
                };
                let task = tokio::spawn(async move { guard.complete(fetch.await) });
                InFlight {
                    tracking,
                    outcome,
                    task: task.abort_handle(),
                    waiters,
                    thread,
                    cache,
                    key: key.clone(),
                    this,
                }
            })
        };
        let is_alive = |request: &InFlight| request.is_alive(thread);
        let lookup = self.entries.join_or_start(key.clone(), refresh, |cached| self.is_fresh(cached), is_alive, start);
        if let Lookup::Joined(request) = &lookup {
            request.tracking.deadline.extend(until);
            request.waiters.add(cancelled);
        }
        lookup
    }

    fn is_fresh(&self, cached: &CachedAnswer) -> bool {
        self.ttl.is_none_or(|ttl| cached.cached_at.elapsed() < ttl)
    }
}

impl InFlight {
    /// Waits for the result of the request.
    pub(crate) async fn wait(&self) -> Result<Arc<Answer>> {
        let panicked = || Error::new(ErrorKind::Panic, "the library's task for this request panicked");
        self.outcome.wait().await.unwrap_or_else(|| Err(panicked()))
    }

    /// False if the task panicked or its I/O thread has ended. Also false past the deadline, when a busy I/O thread has not timed
    /// the request out yet: a new caller would have to wait until it does.
    fn is_alive(&self, thread: u64) -> bool {
        self.thread == thread && self.outcome.is_pending() && !self.tracking.deadline.remaining().is_zero()
    }
}

/// For the calls that wait for a request, which report their own error instead.
fn unwanted() -> Error {
    Error::new(ErrorKind::Cancelled, "every call that waited for this request was cancelled")
}

/// Completes the request, even if its task panics. It does not own the request: the waiting calls do.
struct CompletionGuard {
    cache: Weak<Cache>,
    key: CacheKey,
    request: Weak<InFlight>,
    publisher: Publisher<Arc<Answer>>,
}

impl CompletionGuard {
    /// Updates the cache, then wakes the waiting calls.
    fn complete(self, result: Result<Arc<Answer>>) {
        let answer = result.as_ref().ok().map(Arc::clone);
        self.update_cache(answer.map(|answer| CachedAnswer { answer, cached_at: Instant::now() }));
        self.publisher.publish(result);
    }

    fn update_cache(&self, answer: Option<CachedAnswer>) {
        if let Some(cache) = self.cache.upgrade() {
            cache.entries.complete(&self.key, &self.request, answer);
        }
    }
}

/// After a panic, the request has failed. After an abort, its [`InFlight`] has completed it.
impl Drop for CompletionGuard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.update_cache(None);
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

    /// A call that never ends.
    fn caller() -> Arc<CancelSources> {
        let [closing, token] = [(); 2].map(|()| crate::cancel::Cancel::default().fired());
        let caller = Arc::new(CancelSources { closing, tokens: [Some(token), None] });
        std::mem::forget(Arc::clone(&caller));
        caller
    }

    /// A read with this timeout, whose request never ends.
    fn read(cache: &Arc<Cache>, timeout: Duration) -> Lookup<CachedAnswer, InFlight> {
        cache.join_or_start(&key(), false, Instant::now() + timeout, &caller(), 1, |_| std::future::pending())
    }

    fn refresh(cache: &Arc<Cache>, fetched: Fetched) -> Arc<InFlight> {
        match cache.join_or_start(&key(), true, Instant::now() + Duration::from_secs(60), &caller(), 1, |_| fetched) {
            Lookup::Started(request) => request,
            Lookup::Cached(_) | Lookup::Joined(_) => panic!("a refresh always starts a request"),
        }
    }

    fn answer() -> Arc<Answer> {
        let shape = crate::service::Shape::Users;
        Arc::new(Answer::new(shape, crate::records::Table::empty(shape.schema().0)))
    }

    /// A cache with an answer.
    async fn filled() -> Arc<Cache> {
        let cache = Arc::new(Cache::new(None));
        let request = refresh(&cache, Box::pin(async { Ok(answer()) }));
        request.wait().await.expect("an answer");
        drop(request);
        assert!(cache.get(&key()).is_some());
        cache
    }

    #[tokio::test]
    async fn a_request_in_flight_is_joined() {
        let cache = Arc::new(Cache::new(None));
        let _first = read(&cache, Duration::from_secs(60));
        assert!(matches!(read(&cache, Duration::from_secs(60)), Lookup::Joined(_)));
    }

    /// Red without the check of the deadline. While a server kept the I/O thread busy, new calls joined the request that did so and
    /// timed out with it.
    #[tokio::test]
    async fn a_request_past_its_deadline_is_not_joined() {
        let cache = Arc::new(Cache::new(None));
        let _first = read(&cache, Duration::ZERO);
        assert!(matches!(read(&cache, Duration::from_secs(60)), Lookup::Started(_)));
    }

    /// Red when dropping a request does not complete it: the old answer is still cached. It must be gone before the task is dropped.
    #[tokio::test]
    async fn an_abandoned_refresh_drops_the_old_answer() {
        let cache = filled().await;
        let abandoned = refresh(&cache, Box::pin(std::future::pending()));
        assert!(cache.get(&key()).is_some(), "it may still succeed");
        drop(abandoned);
        assert!(cache.get(&key()).is_none());
    }

    #[tokio::test]
    async fn a_refresh_continues_for_the_remaining_caller_and_is_cached() {
        let cache = filled().await;
        cache.clear();
        let (send, receive) = tokio::sync::oneshot::channel();
        let first = refresh(&cache, Box::pin(async { receive.await.expect("an answer") }));
        let Lookup::Joined(second) = read(&cache, Duration::from_secs(60)) else { panic!("it is in flight") };
        drop(first);
        assert!(send.send(Ok(answer())).is_ok());
        second.wait().await.expect("an answer");
        drop(second);
        assert!(cache.get(&key()).is_some());
    }

    #[tokio::test]
    async fn an_abandoned_refresh_does_not_drop_a_later_answer() {
        let cache = filled().await;
        let abandoned = refresh(&cache, Box::pin(std::future::pending()));
        let later = refresh(&cache, Box::pin(async { Ok(answer()) }));
        let latest = later.wait().await.expect("an answer");
        drop(abandoned);
        assert!(cache.get(&key()).is_some_and(|cached| std::ptr::eq(cached.json(), latest.json())));
    }

    /// Red when a panicking task does not complete the request: the old answer is still cached.
    #[tokio::test]
    async fn a_panicking_refresh_drops_the_old_answer() {
        let cache = filled().await;
        let request = refresh(&cache, Box::pin(async { panic!("intended: cache test") }));
        assert_eq!(request.wait().await.expect_err("a panic").kind(), ErrorKind::Panic);
        assert!(cache.get(&key()).is_none());
    }
}
