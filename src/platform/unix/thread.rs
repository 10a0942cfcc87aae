//! What a thread masks and defers.

use std::ffi::c_int;
use std::io;

use nix::sys::signal::{SigSet, SigmaskHow, Signal};

/// Blocks signals on this thread while `start` spawns one. The new thread inherits the mask, so the host's mask never applies to
/// it.
pub(crate) fn with_signals_blocked<T>(start: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let mut blocked = SigSet::all();
    for fatal in [
        Signal::SIGSEGV,
        Signal::SIGBUS,
        Signal::SIGFPE,
        Signal::SIGILL,
        Signal::SIGTRAP,
        Signal::SIGABRT,
        Signal::SIGSYS,
    ] {
        blocked.remove(fatal);
    }
    let before = blocked.thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
    let started = start();
    before.thread_set_mask()?;
    started
}

// SAFETY: as `<pthread.h>` declares it. It writes to `before`, unless that is NULL.
unsafe extern "C" {
    /// Not in the crate `libc` for Linux.
    safe fn pthread_setcancelstate(state: c_int, before: Option<&mut c_int>) -> c_int;
}

/// The same number in glibc and musl.
#[cfg(any(target_os = "linux", target_os = "android"))]
const PTHREAD_CANCEL_DISABLE: c_int = 1;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const PTHREAD_CANCEL_DISABLE: c_int = libc::PTHREAD_CANCEL_DISABLE;

/// Defers `pthread_cancel` until it is dropped. A cancelled thread unwinds its stack, and that ends the process in Rust.
/// Async-signal-safe in glibc, musl and Apple's libc.
pub(crate) struct DeferCancel(c_int);

impl DeferCancel {
    #[inline]
    pub(crate) fn new() -> Self {
        let mut before = 0;
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, Some(&mut before));
        Self(before)
    }
}

impl Drop for DeferCancel {
    #[inline]
    fn drop(&mut self) {
        pthread_setcancelstate(self.0, None);
    }
}
