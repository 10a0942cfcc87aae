//! The deadline of a request, and its progress, for the error of a call that times out or is cancelled.

mod deadline;
pub(crate) mod waiting;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::error::Error;
use deadline::Deadline;
pub(crate) use waiting::{Step, Waiting};

/// The deadline and the progress of a request. Calls that join the request share both.
pub(crate) struct Tracking {
    pub(crate) deadline: Arc<Deadline>,
    pub(crate) progress: Arc<Progress>,
}

impl Tracking {
    pub(crate) fn until(at: Instant) -> Self {
        Self { deadline: Arc::new(Deadline::new(at)), progress: Arc::default() }
    }

    /// Tracks a request that is part of this one. It has the same deadline, sets its steps in `waiting`, and its failures are
    /// reported for this one too.
    pub(crate) fn part(&self, waiting: &Arc<Waiting>) -> Self {
        let progress = Arc::new(Progress { state: Mutex::default(), waiting: Arc::clone(waiting) });
        self.progress.set_waits_for(&progress);
        Self { deadline: Arc::clone(&self.deadline), progress }
    }
}

/// What a request has done so far.
#[derive(Default)]
pub(crate) struct Progress {
    state: Mutex<State>,
    waiting: Arc<Waiting>,
}

#[derive(Default)]
struct State {
    /// Verb and URL.
    request: Option<(&'static str, String)>,
    attempts: u32,
    /// The next attempt is a retry.
    is_retry: bool,
    last_error: Option<Error>,
    /// The request that this one waits for, or waited for last.
    waits_for: Option<Arc<Progress>>,
}

/// Attempts made so far, and the last error.
pub(crate) struct Snapshot {
    pub(crate) attempts: u32,
    /// The error of the last failed attempt, or else of the request that this one waits for.
    pub(crate) last_error: Option<Error>,
}

impl Progress {
    pub(crate) fn set_request(&self, verb: &'static str, url: String) {
        self.lock().request = Some((verb, url));
    }

    /// The step that the request is at.
    pub(crate) fn waiting(&self) -> &Arc<Waiting> {
        &self.waiting
    }

    /// Verb and URL, after the first attempt was made.
    pub(crate) fn request(&self) -> Option<(&'static str, String)> {
        let state = self.lock();
        state.request.clone().filter(|_| state.attempts > 0)
    }

    pub(crate) fn count_attempt(&self) {
        self.lock().attempts += 1;
    }

    pub(crate) fn attempts(&self) -> u32 {
        self.lock().attempts
    }

    /// What is sent next is a retry.
    pub(crate) fn begin_retry(&self) {
        self.lock().is_retry = true;
    }

    /// Whether what is being sent is a retry. Only once for each: a request that is repeated with a new token is none.
    pub(crate) fn take_retry(&self) -> bool {
        std::mem::take(&mut self.lock().is_retry)
    }

    pub(crate) fn record_error(&self, error: &Error) {
        self.lock().last_error = Some(error.clone());
    }

    /// This request now waits for `other`.
    pub(crate) fn set_waits_for(&self, other: &Arc<Self>) {
        self.lock().waits_for = Some(Arc::clone(other));
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let state = self.lock();
        let (attempts, last_error) = (state.attempts, state.last_error.clone());
        let waits_for = state.waits_for.clone();
        // Not under the lock: the other request has its own.
        drop(state);
        let last_error = last_error.or_else(|| waits_for.and_then(|other| other.snapshot().last_error));
        Snapshot { attempts, last_error }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
