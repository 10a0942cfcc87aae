//! Until when a request may go on, and how far it has come: both are shared with callers that join it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::transport::Waiting;

/// When a request has to be over: as late as the last of those who wait for it.
pub(crate) struct Deadline(Mutex<Instant>);

impl Deadline {
    pub(crate) fn new(at: Instant) -> Self {
        Self(Mutex::new(at))
    }

    /// Someone with more time joins.
    pub(crate) fn extend(&self, at: Instant) {
        let mut deadline = self.lock();
        *deadline = at.max(*deadline);
    }

    pub(crate) fn remaining(&self) -> Duration {
        self.lock().saturating_duration_since(Instant::now())
    }

    fn lock(&self) -> MutexGuard<'_, Instant> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The two together.
pub(crate) struct Tracking {
    pub(crate) deadline: Deadline,
    pub(crate) progress: Progress,
}

impl Tracking {
    pub(crate) fn until(at: Instant) -> Self {
        Self { deadline: Deadline::new(at), progress: Progress::default() }
    }

    /// With another's steps.
    pub(crate) fn with_steps_of(mut self, waiting: &Arc<Waiting>) -> Self {
        self.progress.waiting = Arc::clone(waiting);
        self
    }
}

/// What a call that runs out of time can tell.
#[derive(Default)]
pub(crate) struct Progress {
    told: Mutex<Told>,
    waiting: Arc<Waiting>,
}

#[derive(Clone, Default)]
struct Told {
    url: Option<String>,
    attempts: u32,
    last: Option<Error>,
}

impl Progress {
    /// What is asked for.
    pub(crate) fn asks(&self, url: String) {
        self.lock().url = Some(url);
    }

    /// What it waits for.
    pub(crate) fn waiting(&self) -> &Arc<Waiting> {
        &self.waiting
    }

    /// What is asked for, once something was sent for it.
    pub(crate) fn url(&self) -> Option<String> {
        let told = self.lock();
        told.url.clone().filter(|_| told.attempts > 0)
    }

    pub(crate) fn attempt(&self) {
        self.lock().attempts += 1;
    }

    pub(crate) fn attempts(&self) -> u32 {
        self.lock().attempts
    }

    pub(super) fn failed(&self, error: &Error) {
        self.lock().last = Some(error.clone());
    }

    /// Tries made so far, and how the last one that ended failed.
    pub(crate) fn so_far(&self) -> (u32, Option<Error>) {
        let told = self.lock().clone();
        (told.attempts, told.last)
    }

    fn lock(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
