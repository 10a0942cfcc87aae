//! A one-shot channel from a task on the I/O thread to a thread of the host. Exactly one result is sent, even if the task
//! panics or is dropped.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use crate::error::{Error, ErrorKind, Result};
use crate::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The sending half. Dropped without a result (by a panic or a shutdown), it sends an error.
pub(crate) struct Sender<T> {
    deliver: Option<Box<dyn FnOnce(Result<T>) + Send>>,
    /// The error of a task that is dropped, once the task has something to report.
    dropped: Option<Arc<OnceLock<Error>>>,
}

/// The receiving half, held by a thread of the host. It blocks on a condition variable; it does not poll.
pub(crate) struct Receiver<T>(Arc<Shared<T>>);

struct Shared<T> {
    result: Mutex<Option<Result<T>>>,
    ready: Condvar,
}

/// A channel. A result that is not received is dropped.
pub(crate) fn channel<T: Send + 'static>() -> (Sender<T>, Receiver<T>) {
    let shared = Arc::new(Shared { result: Mutex::new(None), ready: Condvar::new() });
    let receiver = Receiver(Arc::clone(&shared));
    let sender = Sender::from_fn(move |result| {
        *shared.lock() = Some(result);
        shared.ready.notify_one();
    });
    (sender, receiver)
}

impl<T> Sender<T> {
    /// A sender without a receiver: calls `deliver` with the result, on the sending thread.
    pub(crate) fn from_fn(deliver: impl FnOnce(Result<T>) + Send + 'static) -> Self {
        Self { deliver: Some(Box::new(deliver)), dropped: None }
    }

    /// Sets where the task stores the error that is sent if the task is dropped.
    pub(crate) fn report_drop_with(mut self, error: Arc<OnceLock<Error>>) -> Self {
        self.dropped = Some(error);
        self
    }

    pub(crate) fn send(mut self, result: Result<T>) {
        if let Some(deliver) = self.deliver.take() {
            deliver(result);
        }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        if let Some(deliver) = self.deliver.take() {
            deliver(Err(if std::thread::panicking() {
                Error::new(ErrorKind::Panic, "the library's I/O thread panicked during this call")
            } else {
                let reported = self.dropped.as_ref().and_then(|error| error.get().cloned());
                reported
                    .unwrap_or_else(|| Error::new(ErrorKind::Cancelled, "the library was shut down during this call"))
            }));
        }
    }
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, Option<Result<T>>> {
        self.result.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Receiver<T> {
    /// Blocks until the result is sent. Returns `None` if that has not happened by `deadline`.
    pub(crate) fn recv_until(&self, deadline: Instant) -> Option<Result<T>> {
        let mut result = self.0.lock();
        loop {
            if result.is_some() {
                return result.take();
            }
            let remaining = deadline.saturating_duration_since(Instant::now());
            if remaining.is_zero() {
                return None;
            }
            result = self.0.ready.wait_timeout(result, remaining).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Blocks until the result is sent. For a result that was not received yet.
    pub(crate) fn recv(&self) -> Result<T> {
        let mut result = self.0.lock();
        loop {
            match result.take() {
                Some(result) => return result,
                None => result = self.0.ready.wait(result).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

#[cfg(all(test, kal_loom))]
mod loom_tests {
    use super::*;
    use loom::thread;
    use std::time::Duration;

    fn in_an_hour() -> Instant {
        Instant::now() + Duration::from_secs(60 * 60)
    }

    /// Red when the result is stored without `notify_one`: loom reports a deadlock.
    #[test]
    fn loom_the_receiver_always_gets_the_result() {
        loom::model(|| {
            let (sender, receiver) = channel();
            let task = thread::spawn(move || sender.send(Ok(7)));
            assert_eq!(receiver.recv_until(in_an_hour()).expect("in time").expect("no error"), 7);
            task.join().expect("no panic");
        });
    }

    /// Red without `Drop` for `Sender`: loom reports a deadlock.
    #[test]
    fn loom_a_dropped_sender_sends_an_error() {
        loom::model(|| {
            let (sender, receiver) = channel::<()>();
            let task = thread::spawn(move || drop(sender));
            assert!(receiver.recv_until(in_an_hour()).expect("in time").is_err());
            task.join().expect("no panic");
        });
    }
}

#[cfg(all(test, not(kal_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_sender_sends_an_error() {
        let (sender, receiver) = channel::<()>();
        drop(sender);
        let result = receiver.recv_until(Instant::now()).expect("in time");
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Cancelled);
    }

    #[test]
    fn a_panicking_task_sends_a_panic_error() {
        let (sender, receiver) = channel::<()>();
        let task = std::thread::spawn(move || {
            let _sender = sender;
            panic!("intended: oneshot test");
        });
        assert!(task.join().is_err());
        assert_eq!(receiver.recv_until(Instant::now()).expect("in time").unwrap_err().kind(), ErrorKind::Panic);
    }

    #[test]
    fn nothing_by_the_deadline_is_none() {
        let (_sender, receiver) = channel::<()>();
        assert!(receiver.recv_until(Instant::now()).is_none());
    }

    #[test]
    fn a_late_result_can_still_be_received() {
        let (sender, receiver) = channel();
        assert!(receiver.recv_until(Instant::now()).is_none());
        sender.send(Ok(7));
        assert_eq!(receiver.recv().expect("no error"), 7);
    }

    #[test]
    fn a_result_without_a_receiver_is_dropped() {
        let (sender, receiver) = channel();
        let result = Arc::new(());
        drop(receiver);
        sender.send(Ok(Arc::clone(&result)));
        assert_eq!(Arc::strong_count(&result), 1);
    }
}
