//! `errno`.

use std::io;

use nix::errno::Errno;

/// Whether a system call failed because the process or the system is out of what it needs.
pub(crate) fn is_exhaustion(error: &io::Error) -> bool {
    use Errno::{EMFILE, ENFILE, ENOBUFS, ENOMEM, ENOSPC};
    // ENOSPC: of epoll, which has a limit of its own.
    error
        .raw_os_error()
        .is_some_and(|code| matches!(Errno::from_raw(code), EMFILE | ENFILE | ENOBUFS | ENOMEM | ENOSPC))
}

/// Restores the `errno` of the caller when it is dropped, last of all: freeing memory may set it too.
pub(crate) struct KeepLastError(i32);

impl KeepLastError {
    #[inline]
    pub(crate) fn new() -> Self {
        Self(Errno::last_raw())
    }
}

impl Drop for KeepLastError {
    #[inline]
    fn drop(&mut self) {
        Errno::set_raw(self.0);
    }
}
