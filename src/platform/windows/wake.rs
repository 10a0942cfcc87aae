//! Wakes a task from a handler of `SetConsoleCtrlHandler` or `signal`, which runs on a thread of its own.

use std::io;
use std::sync::Arc;

use tokio::sync::Notify;

pub(crate) struct Wake(Arc<Notify>);

impl Wake {
    #[allow(clippy::unnecessary_wraps, reason = "it may fail on other systems")]
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self(Arc::new(Notify::new())))
    }

    /// Wakes the listener, now or when it listens.
    pub(crate) fn wake(&self) {
        self.0.notify_one();
    }

    /// For one task of a runtime.
    #[allow(clippy::unnecessary_wraps, reason = "it may fail on other systems")]
    pub(crate) fn listen(&self) -> io::Result<Listener> {
        Ok(Listener(Arc::clone(&self.0)))
    }
}

/// What a task waits with.
pub(crate) struct Listener(Arc<Notify>);

impl Listener {
    /// Returns after each [`Wake::wake`], or once after several.
    pub(crate) async fn woken(&self) -> io::Result<()> {
        self.0.notified().await;
        Ok(())
    }
}
