//! `kal_cancel`: cancelling calls from another thread.

use std::sync::Arc;

use super::export::{fallible, infallible_io, release};
use super::kit::handles::{self, handle};
use super::kit::status::kal_status;
use super::types::{kal_cancel, kal_error};
use crate::cancel::Cancel;
use crate::platform::{DeferCancel, KeepLastError};
use crate::runtime::{from_signal, io_thread};

handle!(kal_cancel, 4, Cancel);

/// Opens a cancellation token, to be set as `kal_call_options.cancel` of any number of calls.
///
/// - `cancel`: receives the token, to be closed with `kal_cancel_close`; on failure none.
/// - `error`: receives the error, to be freed with `kal_error_free`, or none. May be NULL.
///
/// The first token of a process opens two descriptors, for `kal_cancel_fire_from_signal`, which stay open; on Windows
/// none.
///
/// Returns: `KAL_OK`; `KAL_OUT_OF_RESOURCES` when no descriptor is left; `KAL_INVALID_STATE` when no handle is left; or
/// a common status.
///
/// Since: 0.1.0
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kal_cancel_open(cancel: *mut kal_cancel, error: *mut kal_error) -> kal_status {
    // SAFETY: the pointers are as the header requires.
    unsafe {
        fallible(error, cancel, "cancel", || {
            io_thread::serve_signals(|id| kal_cancel_fire(kal_cancel { id }))?;
            handles::insert(Arc::new(Cancel::default()))
        })
    }
}

/// Cancels every call made with the token, and every later one: each fails with `KAL_CANCELLED`. A request that other
/// calls share continues for them. Not for signal handlers: `kal_cancel_fire_from_signal` is.
///
/// - `cancel`: the token. A fired token and handles that are none or stale are ignored.
///
/// Returns: nothing.
///
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn kal_cancel_fire(cancel: kal_cancel) {
    infallible_io((), || handles::get(cancel).ok().map(|cancel| cancel.fire()));
}

/// Fires a token from a signal handler: as `kal_cancel_fire`, but async-signal-safe. On Windows, from a handler of
/// `signal` or `SetConsoleCtrlHandler`.
///
/// - `cancel`: the token. A fired token and handles that are none or stale are ignored.
///
/// The calls made with the token end as soon as the library's thread runs; a call that is made after this is cancelled
/// immediately. Ctrl-C ends every call that `interrupted` was passed to:
///
/// ```c
/// static kal_cancel interrupted;     // opened before the handler is installed
///
/// static void on_interrupt(int signal)
/// {
///     (void)signal;
///     kal_cancel_fire_from_signal(interrupted);
/// }
/// ```
///
/// At most 64 open tokens can wait for the library's thread at one time; more are ignored.
///
/// Returns: nothing. `errno`, or the last error of Windows, is unchanged.
///
/// Since: 0.2.0
#[unsafe(no_mangle)]
pub extern "C" fn kal_cancel_fire_from_signal(cancel: kal_cancel) {
    // Not in the guard, which may wait for another thread and allocates after a panic. Nothing here panics.
    let _last_error = KeepLastError::new();
    // The write is a cancellation point.
    let _cancel = DeferCancel::new();
    if handles::may_exist(cancel) {
        from_signal::request(cancel.id);
    }
}

/// Closes a cancellation token without firing it.
///
/// - `cancel`: the token. None and stale handles are ignored.
///
/// Returns: nothing.
///
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn kal_cancel_close(cancel: kal_cancel) {
    release(cancel);
    from_signal::forget(cancel.id);
}
