//! `kal_set_log`: the library's log, for the host's own.

use std::ffi::c_void;
use std::ptr;

use log::LevelFilter;

use super::export::fallible_unit;
use super::kit::status::kal_status;
use super::logger::{self, KAL_LOG_DEBUG, KAL_LOG_ERROR, KAL_LOG_INFO, KAL_LOG_OFF, KAL_LOG_WARN, kal_log_callback};
use crate::error::Error;

/// Sets the callback for the library's log. When it returns, the former callback is not running and will not be called
/// again.
///
/// - `level`: `KAL_LOG_*`: the least severe messages to pass on. `KAL_LOG_OFF` disables the log.
/// - `callback`: NULL disables the log.
/// - `user_data`: passed to the callback; may be NULL.
///
/// There is one log per process, and none in a child made by `fork` until it is set there.
///
/// Returns: `KAL_OK`; `KAL_INVALID_ARGUMENT` for an unknown level; `KAL_WOULD_DEADLOCK` from a callback; or a common
/// status.
///
/// Since: 0.1.0
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn kal_set_log(level: i32, callback: kal_log_callback, user_data: *mut c_void) -> kal_status {
    // SAFETY: no error is requested.
    unsafe {
        fallible_unit(ptr::null_mut(), || {
            let level = match level {
                KAL_LOG_OFF => LevelFilter::Off,
                KAL_LOG_ERROR => LevelFilter::Error,
                KAL_LOG_WARN => LevelFilter::Warn,
                KAL_LOG_INFO => LevelFilter::Info,
                KAL_LOG_DEBUG => LevelFilter::Debug,
                other => return Err(Error::argument("level", format_args!("{other} is not a KAL_LOG_* value"))),
            };
            logger::set(level, callback, user_data)
        })
    }
}
