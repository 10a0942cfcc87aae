//! Handing what a stream gives to a thread that waits for it, in such a way that it is not lost when that thread has gone.

use std::sync::Arc;
use std::time::Instant;

use crate::error::Result;
use crate::process::reply::Reply;
use crate::sync::{Condvar, Mutex, MutexGuard, PoisonError};

struct Shared<T> {
    state: Mutex<State<T>>,
    arrived: Condvar,
}

enum State<T> {
    Awaited,
    Here(Result<T>),
    /// The one who waited has gone.
    Abandoned,
}

/// The side that waits.
pub(super) struct Waiter<T>(Arc<Shared<T>>);

/// A reply and the waiter that gets it. What comes when the waiter has gone goes to `too_late`.
pub(super) fn pair<T: Send + 'static>(too_late: impl FnOnce(Result<T>) + Send + 'static) -> (Reply<T>, Waiter<T>) {
    let shared = Arc::new(Shared { state: Mutex::new(State::Awaited), arrived: Condvar::new() });
    let waiter = Waiter(Arc::clone(&shared));
    let reply = Reply::new(move |answer| {
        let mut state = shared.lock();
        if matches!(*state, State::Abandoned) {
            drop(state);
            too_late(answer);
        } else {
            *state = State::Here(answer);
            drop(state);
            shared.arrived.notify_one();
        }
    });
    (reply, waiter)
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Waiter<T> {
    /// The answer, or none when it has not come by `until`: then it goes to `too_late` when it comes.
    pub(super) fn wait(self, until: Instant) -> Option<Result<T>> {
        let mut state = self.0.lock();
        loop {
            if let State::Here(answer) = std::mem::replace(&mut *state, State::Awaited) {
                return Some(answer);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                *state = State::Abandoned;
                return None;
            }
            state = self.0.arrived.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

#[cfg(all(test, not(kal_loom)))]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn what_comes_too_late_is_not_lost() {
        let (sender, late) = mpsc::channel();
        let (reply, waiter) = pair(move |answer| sender.send(answer).expect("a receiver"));
        assert!(waiter.wait(Instant::now()).is_none());
        reply.send(Ok(7));
        assert_eq!(late.recv().expect("an answer").expect("no error"), 7);
    }

    #[test]
    fn what_comes_in_time_goes_to_the_one_who_waits() {
        let (reply, waiter) = pair(|_: Result<i32>| panic!("it was not late"));
        let waiting = std::thread::spawn(move || waiter.wait(Instant::now() + std::time::Duration::from_hours(1)));
        reply.send(Ok(7));
        assert_eq!(waiting.join().expect("no panic").expect("in time").expect("no error"), 7);
    }
}
