//! Cached reads: one answer per method, and one request for all who miss it at the same time.
//!
//! An entry holds the last good answer and the request under way, if there is one. The request belongs to those who wait
//! for it: the last one to give up ends it. What a request brings is kept only while it is still the entry's own, so an
//! answer that was asked for before `clear`, or that a refresh has overtaken, is handed to its callers and forgotten.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::answer::Answer;
use crate::error::{Error, ErrorKind, Result};
use crate::retry::Tracking;

type Key = &'static str;
type Outcome = Option<Result<Arc<Answer>>>;

/// The cache of one client.
pub(crate) struct Cache {
    ttl: Option<Duration>,
    entries: Mutex<HashMap<Key, Entry>>,
}

#[derive(Default)]
struct Entry {
    kept: Option<(Arc<Answer>, Instant)>,
    flight: Weak<Flight>,
}

impl Entry {
    fn fresh(&self, ttl: Option<Duration>) -> Option<Arc<Answer>> {
        let (answer, since) = self.kept.as_ref()?;
        let too_old = ttl.is_some_and(|ttl| since.elapsed() >= ttl);
        (!too_old).then(|| Arc::clone(answer))
    }
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

/// What `join` found.
pub(crate) enum Joined {
    /// An answer that was kept since the caller last looked.
    Kept(Arc<Answer>),
    /// Someone else's request, which this caller now waits for too.
    Theirs(Arc<Flight>),
    /// A new request, which this caller started.
    Ours(Arc<Flight>),
}

/// What a request does when it is over. It does not keep its flight alive: that is for those who wait.
struct Landing {
    cache: Weak<Cache>,
    key: Key,
    flight: Weak<Flight>,
    outcome: watch::Sender<Outcome>,
}

impl Cache {
    pub(crate) fn new(ttl: Option<Duration>) -> Self {
        Self { ttl, entries: Mutex::default() }
    }

    /// The cached answer, unless there is none or it is too old.
    pub(crate) fn get(&self, key: Key) -> Option<Arc<Answer>> {
        self.lock().get(key)?.fresh(self.ttl)
    }

    /// Forgets everything, and what is under way will not be kept.
    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    /// Joins the request under way, or starts one with `fetch`. A refresh always starts one: what is under way may have been
    /// answered before the caller asked.
    pub(crate) fn join<F>(
        self: &Arc<Self>,
        key: Key,
        refresh: bool,
        until: Instant,
        thread: u64,
        fetch: impl FnOnce(Arc<Tracking>) -> F,
    ) -> Joined
    where
        F: Future<Output = Result<Arc<Answer>>> + Send + 'static,
    {
        let mut entries = self.lock();
        let entry = entries.entry(key).or_default();
        if !refresh {
            if let Some(answer) = entry.fresh(self.ttl) {
                return Joined::Kept(answer);
            }
            if let Some(flight) = entry.flight.upgrade()
                && flight.is_alive(thread)
            {
                flight.tracking.deadline.extend(until);
                return Joined::Theirs(flight);
            }
        }
        let (sender, outcome) = watch::channel(None);
        let tracking = Arc::new(Tracking::until(until));
        let fetch = fetch(Arc::clone(&tracking));
        let flight = Arc::new_cyclic(|this| {
            let landing = Landing { cache: Arc::downgrade(self), key, flight: Weak::clone(this), outcome: sender };
            let task = tokio::spawn(async move { landing.land(fetch.await) });
            Flight { tracking, outcome, task: task.abort_handle(), thread }
        });
        entry.flight = Arc::downgrade(&flight);
        Joined::Ours(flight)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flight {
    /// Waits for the request that is under way.
    pub(crate) async fn outcome(&self) -> Result<Arc<Answer>> {
        let mut outcome = self.outcome.clone();
        match outcome.wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone().unwrap_or_else(|| Err(Error::internal("a request ended without an outcome"))),
            Err(_) => Err(Error::new(ErrorKind::Panic, "the library's task for this request panicked")),
        }
    }

    /// Not when it ended, by a panic or with the I/O thread it was on.
    fn is_alive(&self, thread: u64) -> bool {
        self.thread == thread && self.outcome.has_changed().is_ok() && self.outcome.borrow().is_none()
    }
}

impl Landing {
    /// The request is over: keeps a good answer, drops what a failed one was to refresh, and tells those who wait.
    fn land(self, outcome: Result<Arc<Answer>>) {
        if let Some(cache) = self.cache.upgrade() {
            let mut entries = cache.lock();
            if let Some(entry) = entries.get_mut(self.key)
                && Weak::ptr_eq(&entry.flight, &self.flight)
            {
                entry.kept = outcome.as_ref().ok().map(|answer| (Arc::clone(answer), Instant::now()));
                entry.flight = Weak::new();
            }
        }
        self.outcome.send_replace(Some(outcome));
    }
}
