//! How a task on the I/O thread answers a thread of the host: once, whatever happens to the task.

use std::sync::Arc;
use std::time::Instant;

use crate::error::{Error, ErrorKind, Result};
use crate::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The side that answers. Dropped without an answer (a panic, a shutdown) it answers with an error.
pub(crate) struct Reply<T>(Option<Box<dyn FnOnce(Result<T>) + Send>>);

impl<T> Reply<T> {
    /// A reply that hands its one answer to `deliver`, on the thread that gives it.
    pub(crate) fn new(deliver: impl FnOnce(Result<T>) + Send + 'static) -> Self {
        Self(Some(Box::new(deliver)))
    }

    /// Answers.
    pub(crate) fn send(mut self, answer: Result<T>) {
        if let Some(deliver) = self.0.take() {
            deliver(answer);
        }
    }
}

impl<T> Drop for Reply<T> {
    fn drop(&mut self) {
        if let Some(deliver) = self.0.take() {
            deliver(Err(if std::thread::panicking() {
                Error::new(ErrorKind::Panic, "the library's thread panicked while it worked on this call")
            } else {
                Error::new(ErrorKind::Cancelled, "the library was shut down while this call was under way")
            }));
        }
    }
}

/// The side that waits: a thread of the host. It sleeps on a condition variable and polls nothing.
pub(crate) struct Waiter<T>(Arc<Shared<T>>);

struct Shared<T> {
    answer: Mutex<Option<Result<T>>>,
    arrived: Condvar,
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, Option<Result<T>>> {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A reply and the waiter that gets it.
pub(crate) fn pair<T: Send + 'static>() -> (Reply<T>, Waiter<T>) {
    let shared = Arc::new(Shared { answer: Mutex::new(None), arrived: Condvar::new() });
    let waiter = Waiter(Arc::clone(&shared));
    let reply = Reply::new(move |answer| {
        *shared.lock() = Some(answer);
        shared.arrived.notify_one();
    });
    (reply, waiter)
}

impl<T> Waiter<T> {
    /// The answer, or none when it has not come by `until`.
    pub(crate) fn wait(self, until: Instant) -> Option<Result<T>> {
        let mut answer = self.0.lock();
        loop {
            if let Some(answer) = answer.take() {
                return Some(answer);
            }
            let left = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
            answer = self.0.arrived.wait_timeout(answer, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

#[cfg(all(test, kal_loom))]
mod loom_tests {
    use super::*;
    use loom::thread;
    use std::time::Duration;

    fn later() -> Instant {
        Instant::now() + Duration::from_hours(1)
    }

    /// Red when the answer is stored without `notify_one`: loom reports a deadlock.
    #[test]
    fn loom_the_waiter_always_gets_the_answer() {
        loom::model(|| {
            let (reply, waiter) = pair();
            let task = thread::spawn(move || reply.send(Ok(7)));
            assert_eq!(waiter.wait(later()).expect("an answer").expect("no error"), 7);
            task.join().expect("no panic");
        });
    }

    /// Red without the `Drop` of replies: loom reports a deadlock.
    #[test]
    fn loom_a_task_that_is_dropped_answers_too() {
        loom::model(|| {
            let (reply, waiter) = pair::<()>();
            let task = thread::spawn(move || drop(reply));
            assert!(waiter.wait(later()).expect("an answer").is_err());
            task.join().expect("no panic");
        });
    }
}

#[cfg(all(test, not(kal_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_reply_that_is_dropped_answers_with_an_error() {
        let (reply, waiter) = pair::<()>();
        drop(reply);
        let answer = waiter.wait(Instant::now()).expect("an answer");
        assert_eq!(answer.unwrap_err().kind(), ErrorKind::Cancelled);
    }

    #[test]
    fn a_panicking_task_answers_with_a_panic() {
        let (reply, waiter) = pair::<()>();
        let task = std::thread::spawn(move || {
            let _reply = reply;
            panic!("seen by the test of replies");
        });
        assert!(task.join().is_err());
        assert_eq!(waiter.wait(Instant::now()).expect("an answer").unwrap_err().kind(), ErrorKind::Panic);
    }

    #[test]
    fn nothing_by_the_deadline_is_none() {
        let (_reply, waiter) = pair::<()>();
        assert!(waiter.wait(Instant::now()).is_none());
    }
}
