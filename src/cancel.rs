//! Cancelling calls from another thread.
//!
//! A fired token wakes the calls made with it one after another, and each that ends frees a slot for the next. So a call looks at
//! its tokens whenever it is polled: a request that waits for a slot, a token or a connection is not sent once they are fired.

use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::Poll;

use tokio::sync::watch;

/// A cancellation token. Firing it cancels the calls made with it; later calls with it are cancelled immediately.
#[derive(Clone)]
pub struct Cancel(Arc<watch::Sender<bool>>);

impl Default for Cancel {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Cancel {
    /// Cancels all calls made with it: they send no further request. Firing again has no effect.
    pub fn fire(&self) {
        self.0.send_replace(true);
    }

    pub(crate) fn is_fired(&self) -> bool {
        *self.0.borrow()
    }

    pub(crate) fn fired(&self) -> Fired {
        Fired(self.0.subscribe())
    }
}

/// Waits for a [`Cancel`] to be fired.
#[derive(Clone)]
pub(crate) struct Fired(watch::Receiver<bool>);

impl Fired {
    pub(crate) fn is_fired(&self) -> bool {
        *self.0.borrow()
    }

    /// Completes when it is fired. Never completes if it is dropped unfired.
    pub(crate) async fn wait(&self) {
        let mut notified = self.0.clone();
        let mut notified = pin!(async move {
            if notified.wait_for(|fired| *fired).await.is_err() {
                pending::<()>().await;
            }
        });
        // `wait_for` alone completes only once it was notified.
        poll_fn(|cx| if self.is_fired() { Poll::Ready(()) } else { notified.as_mut().poll(cx) }).await;
    }

    /// Completes when one of them is fired.
    pub(crate) async fn any(tokens: &[Option<Self>; 2]) {
        let wait = async |token: &Option<Self>| match token {
            Some(token) => token.wait().await,
            None => pending().await,
        };
        let [one, other] = tokens;
        tokio::select! {
            biased;
            () = wait(one) => {}
            () = wait(other) => {}
        }
    }
}

/// What cancels one call.
pub(crate) struct CancelSources {
    /// The client is closed.
    pub(crate) closing: Fired,
    /// A token that the call was made with, and one of the object that waits for its outcome.
    pub(crate) tokens: [Option<Fired>; 2],
}

/// Which source has cancelled a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CancelledBy {
    Closing,
    Token,
}

impl CancelSources {
    fn is_fired(&self) -> bool {
        self.closing.is_fired() || self.tokens.iter().flatten().any(Fired::is_fired)
    }

    /// Completes when one of them is fired.
    pub(crate) async fn wait(&self) -> CancelledBy {
        tokio::select! {
            biased;
            () = self.closing.wait() => CancelledBy::Closing,
            () = Fired::any(&self.tokens) => CancelledBy::Token,
        }
    }
}

/// The calls that wait for a request which runs on a task of its own.
#[derive(Default)]
pub(crate) struct Waiters(Mutex<Vec<Weak<CancelSources>>>);

impl Waiters {
    pub(crate) fn add(&self, call: &Arc<CancelSources>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(call));
    }

    /// Whether every call has ended or is cancelled.
    pub(crate) fn have_left(&self) -> bool {
        let calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        !calls.iter().any(|call| call.upgrade().is_some_and(|call| !call.is_fired()))
    }
}

/// Runs `work` until `is_cancelled`, which is checked before every poll. None: cancelled.
pub(crate) async fn unless<T>(is_cancelled: impl Fn() -> bool, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    poll_fn(|cx| if is_cancelled() { Poll::Ready(None) } else { work.as_mut().poll(cx).map(Some) }).await
}
