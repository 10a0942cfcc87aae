//! Cached reads: one answer per method, and one request for all who miss it at the same time.
//!
//! A request belongs to those who wait for it: the last one to give up ends it.

use std::future::Future;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::answer::Answer;
use crate::error::{Error, ErrorKind, Result};
use crate::retry::Tracking;
use crate::single_flight::{Joined, Key, SingleFlight};

type Outcome = Option<Result<Arc<Answer>>>;

/// The cache of one client.
pub(crate) struct Cache {
    ttl: Option<Duration>,
    entries: SingleFlight<Kept, Flight>,
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
    outcome: watch::Receiver<Outcome>,
    task: AbortHandle,
    thread: u64,
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Cache {
    pub(crate) fn new(ttl: Option<Duration>) -> Self {
        Self { ttl, entries: SingleFlight::default() }
    }

    /// The cached answer, unless there is none or it is too old.
    pub(crate) fn get(&self, key: Key) -> Option<Arc<Answer>> {
        self.entries.get(key).filter(|kept| self.is_fresh(kept)).map(|kept| kept.answer)
    }

    /// Forgets everything, and what is under way will not be kept.
    pub(crate) fn clear(&self) {
        self.entries.clear();
    }

    /// Joins the request under way, or starts one with `fetch`; on the I/O thread.
    pub(crate) fn join<F>(
        self: &Arc<Self>,
        key: Key,
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
            let fetch = fetch(Arc::clone(&tracking));
            let (tell, outcome) = watch::channel(None);
            Arc::new_cyclic(|this| {
                let landing = Landing { cache: Arc::downgrade(self), key, flight: Weak::clone(this), tell };
                let task = tokio::spawn(async move { landing.land(fetch.await) });
                Flight { tracking, outcome, task: task.abort_handle(), thread }
            })
        };
        let joined =
            self.entries.join(key, refresh, |kept| self.is_fresh(kept), |flight| flight.is_alive(thread), start);
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
        let mut outcome = self.outcome.clone();
        match outcome.wait_for(Option::is_some).await {
            Ok(outcome) => {
                outcome.clone().unwrap_or_else(|| Err(Error::internal("a request ended without an outcome")))
            }
            Err(_) => Err(Error::new(ErrorKind::Panic, "the library's task for this request panicked")),
        }
    }

    /// Not when it ended, by a panic or with the I/O thread it was on. Nor when its time is up, but the busy thread has not
    /// come to end it: who joined would wait for what kept it busy.
    fn is_alive(&self, thread: u64) -> bool {
        self.thread == thread
            && self.outcome.has_changed().is_ok()
            && self.outcome.borrow().is_none()
            && !self.tracking.deadline.remaining().is_zero()
    }
}

/// What a request does when it is over. It does not keep its flight alive: that is for those who wait.
struct Landing {
    cache: Weak<Cache>,
    key: Key,
    flight: Weak<Flight>,
    tell: watch::Sender<Outcome>,
}

impl Landing {
    /// Keeps a good answer, drops what a failed one was to refresh, and tells those who wait.
    fn land(self, outcome: Result<Arc<Answer>>) {
        if let Some(cache) = self.cache.upgrade() {
            let kept = outcome.as_ref().ok().map(|answer| Kept { answer: Arc::clone(answer), since: Instant::now() });
            cache.entries.land(self.key, &self.flight, kept);
        }
        self.tell.send_replace(Some(outcome));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A request that never ends, given this much time.
    fn join(cache: &Arc<Cache>, time: Duration) -> Joined<Kept, Flight> {
        cache.join("k", false, Instant::now() + time, 1, |_| std::future::pending())
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
}
