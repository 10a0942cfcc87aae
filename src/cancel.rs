//! Cancelling calls from another thread.

use std::sync::Arc;

use tokio::sync::watch;

/// Cancels the calls that were made with it, once it is fired; calls made later with it are cancelled at once.
#[derive(Clone)]
pub struct Cancel(Arc<watch::Sender<bool>>);

impl Default for Cancel {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Cancel {
    /// Cancels. Firing again changes nothing.
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

/// What a call under way listens to.
#[derive(Clone)]
pub(crate) struct Fired(watch::Receiver<bool>);

impl Fired {
    /// Returns when one of them was fired.
    pub(crate) async fn any([one, other]: [Option<Self>; 2]) {
        tokio::select! {
            () = Self::wait(one) => {}
            () = Self::wait(other) => {}
        }
    }

    /// Returns when it was fired; never, when there is nothing that could be, or it was closed unfired.
    pub(crate) async fn wait(fired: Option<Self>) {
        if let Some(mut fired) = fired
            && fired.0.wait_for(|fired| *fired).await.is_ok()
        {
            return;
        }
        std::future::pending::<()>().await;
    }
}
