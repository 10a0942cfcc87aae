//! There is nothing to mask: no signal is sent to a thread, and a thread is not cancelled.

use std::io;

pub(crate) fn with_signals_blocked<T>(start: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    start()
}

/// There is no `pthread_cancel`; what `TerminateThread` does to a process, no library can mend.
pub(crate) struct DeferCancel(());

impl DeferCancel {
    #[inline]
    pub(crate) fn new() -> Self {
        Self(())
    }
}
