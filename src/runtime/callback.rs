//! Tracks whether a callback of the host is running on the current thread. Blocking calls fail there: they could wait for
//! themselves.

use std::cell::Cell;
use std::ptr;
use std::sync::Arc;

use super::gate::{Entered, Gate};
use super::{epoch, io_thread};
use crate::error::{Error, ErrorKind, Result};

thread_local! {
    /// Where on the stack the innermost callback was called; 0 outside.
    static CALLED_AT: Cell<usize> = const { Cell::new(0) };
    /// The gate that it has passed. Here, because what a `longjmp` skips on the stack is never dropped.
    static ENTERED: Cell<Option<Entered>> = const { Cell::new(None) };
}

/// Runs a callback of the host. In a frame of its own, behind that of the host's call.
#[inline(never)]
pub(crate) fn run<T>(callback: impl FnOnce() -> T) -> T {
    struct Restore(usize);
    impl Drop for Restore {
        fn drop(&mut self) {
            CALLED_AT.set(self.0);
        }
    }
    let here = 0_u8;
    let _restore = Restore(CALLED_AT.replace(ptr::from_ref(&here).addr()));
    let process = epoch();
    let result = callback();
    if epoch() != process && io_thread::is_current() {
        // The callback has forked, and returns in the child: as another I/O thread on the connections of the parent.
        std::process::abort();
    }
    result
}

/// Runs a callback that passes a gate, unless the gate is closed.
pub(crate) fn run_through<T>(gate: &Arc<Gate>, callback: impl FnOnce() -> T) -> Option<T> {
    struct Leave(Option<Entered>);
    impl Drop for Leave {
        fn drop(&mut self) {
            drop(ENTERED.replace(self.0.take()));
        }
    }
    let entered = gate.enter()?;
    // Fails while the thread ends and its thread-local data is destroyed.
    let _leave = Leave(ENTERED.try_with(|current| current.replace(Some(entered))).ok()?);
    Some(run(callback))
}

/// Whether a callback of the host is running on this thread.
pub(crate) fn is_inside() -> bool {
    CALLED_AT.get() != 0
}

/// To be called when the host calls: forgets a callback that it has left by `longjmp`, whose place on the stack is behind the
/// caller's. The stack grows towards lower addresses.
#[inline]
pub(crate) fn forget_abandoned() {
    let called_at = CALLED_AT.get();
    if called_at != 0 {
        let here = 0_u8;
        if ptr::from_ref(&here).addr() > called_at {
            CALLED_AT.set(0);
            drop(ENTERED.take());
        }
    }
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
