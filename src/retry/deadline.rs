//! Until when a request may go on, and how far it has come: both are shared with callers that join it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::http::Waiting;

/// When a request has to be over: as late as the last of those who wait for it.
pub(crate) struct Deadline(Mutex<Until>);

struct Until {
    at: Instant,
    /// Requests that wait for this one; who gives up is gone from here.
    waiting: Vec<Weak<Deadline>>,
}

impl Until {
    fn waited_for(&self) -> Option<Instant> {
        self.waiting.iter().filter_map(Weak::upgrade).map(|waiting| waiting.at()).max()
    }
}

impl Deadline {
    pub(crate) fn new(at: Instant) -> Self {
        Self(Mutex::new(Until { at, waiting: Vec::new() }))
    }

    /// Someone with more time joins.
    pub(crate) fn extend(&self, at: Instant) {
        let mut until = self.lock();
        until.at = at.max(until.at);
    }

    /// Another request waits for this one: it goes on for as long as that one lasts, and later when that one is extended. That
    /// one must not wait for itself.
    pub(crate) fn follow(&self, other: &Arc<Self>) {
        let mut until = self.lock();
        until.waiting.retain(|known| known.strong_count() > 0 && !std::ptr::eq(known.as_ptr(), Arc::as_ptr(other)));
        until.waiting.push(Arc::downgrade(other));
    }

    pub(crate) fn at(&self) -> Instant {
        let until = self.lock();
        until.waited_for().map_or(until.at, |waited_for| waited_for.max(until.at))
    }

    /// Until when someone waits; without anybody, when it has to be over.
    pub(crate) fn waited_for(&self) -> Instant {
        let until = self.lock();
        until.waited_for().unwrap_or(until.at)
    }

    pub(crate) fn remaining(&self) -> Duration {
        self.at().saturating_duration_since(Instant::now())
    }

    fn lock(&self) -> MutexGuard<'_, Until> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The two together.
pub(crate) struct Tracking {
    pub(crate) deadline: Arc<Deadline>,
    pub(crate) progress: Arc<Progress>,
}

impl Tracking {
    pub(crate) fn until(at: Instant) -> Self {
        Self { deadline: Arc::new(Deadline::new(at)), progress: Arc::default() }
    }

    /// A part of this: until the same time, with steps that go to `waiting`, and failures that say why this one waits.
    pub(crate) fn part(&self, waiting: &Arc<Waiting>) -> Self {
        let progress = Arc::new(Progress { told: Mutex::default(), waiting: Arc::clone(waiting) });
        self.progress.waits_for(&progress);
        Self { deadline: Arc::clone(&self.deadline), progress }
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
    /// Verb and URL.
    request: Option<(&'static str, String)>,
    attempts: u32,
    last: Option<Error>,
    /// What it waits for, or waited for last.
    waits_for: Option<Arc<Progress>>,
}

impl Progress {
    /// What is asked for.
    pub(crate) fn asks(&self, verb: &'static str, url: String) {
        self.lock().request = Some((verb, url));
    }

    /// What it waits for.
    pub(crate) fn waiting(&self) -> &Arc<Waiting> {
        &self.waiting
    }

    /// Verb and URL of what is asked for, once something was sent for it.
    pub(crate) fn request(&self) -> Option<(&'static str, String)> {
        let told = self.lock();
        told.request.clone().filter(|_| told.attempts > 0)
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

    /// It waits for another request, whose failures say why.
    pub(crate) fn waits_for(&self, other: &Arc<Self>) {
        self.lock().waits_for = Some(Arc::clone(other));
    }

    /// Tries made so far, and how the last one that ended failed, of this or of what it waits for.
    pub(crate) fn so_far(&self) -> (u32, Option<Error>) {
        let told = self.lock().clone();
        let last = told.last.or_else(|| told.waits_for.and_then(|other| other.so_far().1));
        (told.attempts, last)
    }

    fn lock(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_that_of_the_last_who_waits() {
        let now = Instant::now();
        let after = |seconds| now + Duration::from_secs(seconds);
        let shared = Deadline::new(after(2));
        let [brief, patient] = [1, 9].map(|seconds| Arc::new(Deadline::new(after(seconds))));
        shared.follow(&brief);
        assert_eq!((shared.at(), shared.waited_for()), (after(2), after(1)));
        shared.follow(&patient);
        shared.follow(&patient);
        assert_eq!(shared.at(), after(9));
        brief.extend(after(20));
        assert_eq!(shared.at(), after(20), "someone with more time has joined one that waits");
        drop(brief);
        assert_eq!(shared.at(), after(9), "that one was cancelled");
        drop(patient);
        assert_eq!((shared.at(), shared.waited_for()), (after(2), after(2)));
    }
}
