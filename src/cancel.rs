//! Cancelling calls from another thread.

use std::sync::Arc;

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
    /// Cancels all calls made with it. Firing again has no effect.
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
    /// Completes when one of them is fired.
    pub(crate) async fn any([one, other]: [Option<Self>; 2]) {
        tokio::select! {
            () = Self::wait(one) => {}
            () = Self::wait(other) => {}
        }
    }

    /// Completes when it is fired. Never completes without one, or if it is dropped unfired.
    pub(crate) async fn wait(fired: Option<Self>) {
        if let Some(mut fired) = fired
            && fired.0.wait_for(|fired| *fired).await.is_ok()
        {
            return;
        }
        std::future::pending::<()>().await;
    }
}
