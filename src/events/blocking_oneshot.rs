//! A one-shot channel with a blocking receiver. A value sent after the receiver has timed out is not lost.

use std::sync::Arc;
use std::time::Instant;

use crate::error::Result;
use crate::runtime::oneshot::Reply;
use crate::sync::{Condvar, Mutex, MutexGuard, PoisonError};

struct Shared<T> {
    state: Mutex<State<T>>,
    ready: Condvar,
}

enum State<T> {
    Pending,
    Ready(Result<T>),
    /// The receiver has timed out.
    Abandoned,
}

pub(super) struct Receiver<T>(Arc<Shared<T>>);

/// Creates a channel. A value sent after the receiver has timed out is passed to `on_abandoned`.
pub(super) fn channel<T: Send + 'static>(
    on_abandoned: impl FnOnce(Result<T>) + Send + 'static,
) -> (Reply<T>, Receiver<T>) {
    let shared = Arc::new(Shared { state: Mutex::new(State::Pending), ready: Condvar::new() });
    let receiver = Receiver(Arc::clone(&shared));
    let reply = Reply::new(move |result| {
        let mut state = shared.lock();
        if matches!(*state, State::Abandoned) {
            drop(state);
            on_abandoned(result);
        } else {
            *state = State::Ready(result);
            drop(state);
            shared.ready.notify_one();
        }
    });
    (reply, receiver)
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Receiver<T> {
    /// Blocks until the value arrives. None if `deadline` passes first.
    pub(super) fn wait(self, deadline: Instant) -> Option<Result<T>> {
        let mut state = self.0.lock();
        loop {
            if let State::Ready(result) = std::mem::replace(&mut *state, State::Pending) {
                return Some(result);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                *state = State::Abandoned;
                return None;
            }
            state = self.0.ready.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

#[cfg(all(test, not(kal_loom)))]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn a_value_sent_after_the_timeout_is_not_lost() {
        let (sender, abandoned) = mpsc::channel();
        let (reply, receiver) = channel(move |result| sender.send(result).expect("a receiver"));
        assert!(receiver.wait(Instant::now()).is_none());
        reply.send(Ok(7));
        assert_eq!(abandoned.recv().expect("a value").expect("no error"), 7);
    }

    #[test]
    fn a_value_sent_in_time_is_received() {
        let (reply, receiver) = channel(|_: Result<i32>| panic!("abandoned"));
        let waiting = std::thread::spawn(move || receiver.wait(Instant::now() + std::time::Duration::from_hours(1)));
        reply.send(Ok(7));
        assert_eq!(waiting.join().expect("no panic").expect("in time").expect("no error"), 7);
    }
}
