//! `kal_set_log`: the library's log, for the host's own.

use std::ffi::c_void;
use std::ptr;

use super::export::fallible_unit;
use super::kit::status::kal_status;
use super::logger::{self, Sink, kal_log_callback};

/// Sets the callback for the library's log, which receives the lines of every client without a `log_callback`. When it
/// returns, the former callback is not running and will not be called again.
///
/// - `level`: `KAL_LOG_*`: the least severe messages to pass on. `KAL_LOG_OFF` disables the log.
/// - `callback`: NULL disables the log.
/// - `user_data`: passed to the callback; may be NULL.
///
/// There is one log per process, and none in a child made by `fork` until it is set there. It belongs to the program: a
/// plugin or a library, which may not be the only one in the process, sets `log_callback` of its clients instead.
///
/// Returns: `KAL_OK`; `KAL_INVALID_ARGUMENT` for an unknown level; `KAL_WOULD_DEADLOCK` from a callback; or a common
/// status.
///
/// Since: 0.1.0
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn kal_set_log(level: i32, callback: kal_log_callback, user_data: *mut c_void) -> kal_status {
    // SAFETY: no error is requested.
    unsafe { fallible_unit(ptr::null_mut(), || logger::set(Sink::new(level, callback, user_data, "level")?)) }
}
