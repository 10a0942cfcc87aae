//! Where the host's own functions run. They must not make blocking calls: what they would wait for waits for them.

use std::cell::Cell;

use super::io_thread;
use crate::error::{Error, ErrorKind, Result};

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Runs a function of the host.
pub(crate) fn run<T>(callback: impl FnOnce() -> T) -> T {
    struct Leave(bool);
    impl Drop for Leave {
        fn drop(&mut self) {
            INSIDE.set(self.0);
        }
    }
    let _leave = Leave(INSIDE.replace(true));
    callback()
}

/// Whether a function of the host is running on this thread.
pub(crate) fn is_inside() -> bool {
    INSIDE.get()
}

/// Refuses `what` where waiting might never end.
pub(crate) fn refuse_within(what: &str) -> Result<()> {
    if is_inside() || io_thread::is_current() {
        return Err(Error::new(
            ErrorKind::WouldDeadlock,
            format!("{what} from within a callback of the library would wait for itself"),
        ));
    }
    Ok(())
}

/// Refuses a call that blocks.
pub(crate) fn refuse_to_block() -> Result<()> {
    refuse_within("a blocking call")
}
