//! The result of one operation, shared by any number of tasks that wait for it.

use tokio::sync::watch;

use crate::error::Result;

/// The side that completes the operation. Dropped without a result, it wakes the waiters too: `Outcome::wait` returns `None`.
pub(crate) struct Publisher<T>(watch::Sender<Option<Result<T>>>);

/// The side that waits. Clones wait for the same result.
#[derive(Clone)]
pub(crate) struct Outcome<T>(watch::Receiver<Option<Result<T>>>);

pub(crate) fn channel<T>() -> (Publisher<T>, Outcome<T>) {
    let (sender, receiver) = watch::channel(None);
    (Publisher(sender), Outcome(receiver))
}

impl<T> Publisher<T> {
    pub(crate) fn publish(&self, result: Result<T>) {
        self.0.send_replace(Some(result));
    }
}

impl<T: Clone> Outcome<T> {
    /// Waits for the result. `None`: the publisher was dropped without one.
    pub(crate) async fn wait(&self) -> Option<Result<T>> {
        self.0.clone().wait_for(Option::is_some).await.ok()?.clone()
    }

    /// Whether the operation may still publish a result.
    pub(crate) fn is_pending(&self) -> bool {
        self.0.has_changed().is_ok() && self.0.borrow().is_none()
    }
}

#[cfg(all(test, not(kal_loom)))]
mod tests {
    use super::*;

    /// Red when `wait` waits for the next change instead of a value: the late waiter hangs.
    #[tokio::test]
    async fn every_waiter_gets_the_result_early_or_late() {
        let (publisher, outcome) = channel();
        let early = tokio::spawn({
            let outcome = outcome.clone();
            async move { outcome.wait().await }
        });
        tokio::task::yield_now().await;
        assert!(outcome.is_pending());
        publisher.publish(Ok(7));
        assert!(!outcome.is_pending());
        assert_eq!(early.await.expect("no panic").expect("a result").expect("no error"), 7);
        assert_eq!(outcome.wait().await.expect("a result").expect("no error"), 7);
    }

    /// Red when `is_pending` only checks for a value: the outcome stays pending.
    #[tokio::test]
    async fn a_dropped_publisher_wakes_the_waiters() {
        let (publisher, outcome) = channel::<()>();
        drop(publisher);
        assert!(!outcome.is_pending() && outcome.wait().await.is_none());
    }
}
