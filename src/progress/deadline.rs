//! The deadline of a request that several calls can share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

/// When a request must be over. It moves back when calls with a later deadline join the request.
pub(crate) struct Deadline(Mutex<State>);

struct State {
    at: Instant,
    /// The deadlines of the requests that wait for this one. Those that gave up have been dropped.
    followed: Vec<Weak<Deadline>>,
}

impl State {
    fn latest_followed(&self) -> Option<Instant> {
        self.followed.iter().filter_map(Weak::upgrade).map(|deadline| deadline.at()).max()
    }
}

impl Deadline {
    pub(crate) fn new(at: Instant) -> Self {
        Self(Mutex::new(State { at, followed: Vec::new() }))
    }

    /// A call with this deadline joins the request.
    pub(crate) fn extend(&self, at: Instant) {
        let mut state = self.lock();
        state.at = at.max(state.at);
    }

    /// Another request waits for this one: this deadline is then at least `other`, also when `other` is extended. Cycles are not
    /// allowed.
    pub(crate) fn follow(&self, other: &Arc<Self>) {
        let mut state = self.lock();
        state.followed.retain(|known| known.strong_count() > 0 && !std::ptr::eq(known.as_ptr(), Arc::as_ptr(other)));
        state.followed.push(Arc::downgrade(other));
    }

    pub(crate) fn at(&self) -> Instant {
        let state = self.lock();
        state.latest_followed().map_or(state.at, |followed| followed.max(state.at))
    }

    /// The latest deadline of the requests that wait for this one, or its own if there are none.
    pub(crate) fn latest_waiter(&self) -> Instant {
        let state = self.lock();
        state.latest_followed().unwrap_or(state.at)
    }

    pub(crate) fn remaining(&self) -> Duration {
        self.at().saturating_duration_since(Instant::now())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_the_latest_of_those_that_it_follows() {
        let now = Instant::now();
        let after = |seconds| now + Duration::from_secs(seconds);
        let shared = Deadline::new(after(2));
        let [short, long] = [1, 9].map(|seconds| Arc::new(Deadline::new(after(seconds))));
        shared.follow(&short);
        assert_eq!((shared.at(), shared.latest_waiter()), (after(2), after(1)));
        shared.follow(&long);
        shared.follow(&long);
        assert_eq!(shared.at(), after(9));
        short.extend(after(20));
        assert_eq!(shared.at(), after(20), "a call with a later deadline joined a waiting request");
        drop(short);
        assert_eq!(shared.at(), after(9), "that request was cancelled");
        drop(long);
        assert_eq!((shared.at(), shared.latest_waiter()), (after(2), after(2)));
    }
}
