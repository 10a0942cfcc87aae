//! Tracks whether a callback of the host is running on the current thread. Blocking calls fail there: they could wait for
//! themselves.

use std::cell::Cell;

use super::io_thread;
use crate::error::{Error, ErrorKind, Result};

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Runs a callback of the host.
pub(crate) fn run<T>(callback: impl FnOnce() -> T) -> T {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            INSIDE.set(self.0);
        }
    }
    let _restore = Restore(INSIDE.replace(true));
    callback()
}

/// Whether a callback of the host is running on this thread.
pub(crate) fn is_inside() -> bool {
    INSIDE.get()
}

/// Fails with `WouldDeadlock` if `operation` would block a callback or the I/O thread.
pub(crate) fn ensure_can_run(operation: &str) -> Result<()> {
    if is_inside() || io_thread::is_current() {
        return Err(Error::new(
            ErrorKind::WouldDeadlock,
            format!("{operation} cannot be made from within a callback of the library: it would wait for itself"),
        ));
    }
    Ok(())
}

/// Fails with `WouldDeadlock` where a call must not block.
pub(crate) fn ensure_can_block() -> Result<()> {
    ensure_can_run("a blocking call")
}
