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

    /// Tracks a request that this one waits for, with the same deadline.
    pub(crate) fn part(&self) -> Self {
        let progress = Arc::<Progress>::default();
        self.progress.set_waits_for(&progress);
        self.progress.waiting.set(Step::Token);
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
    /// The token request that this one waits for, or waited for last.
    waits_for: Option<Arc<Progress>>,
}

/// Attempts made so far, and the error of the last failed one.
pub(crate) struct Snapshot {
    pub(crate) attempts: u32,
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

    /// Verb and URL, whether or not an attempt was made.
    pub(crate) fn request(&self) -> Option<(&'static str, String)> {
        self.lock().request.clone()
    }

    /// An attempt begins: the request has its slot.
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

    /// The request in progress: this one or, while it waits for a token, the token request.
    pub(crate) fn current(self: &Arc<Self>) -> Arc<Self> {
        let waits_for = (self.waiting.step() == Step::Token).then(|| self.lock().waits_for.clone()).flatten();
        waits_for.map_or_else(|| Arc::clone(self), |other| other.current())
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let state = self.lock();
        Snapshot { attempts: state.attempts, last_error: state.last_error.clone() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
