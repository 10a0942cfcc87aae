//! The library as a whole: its version, and shutting it down.

use std::ffi::c_char;
use std::ptr;

use super::export::fallible_unit;
use super::kit::millis::wait;
use super::kit::status::kal_status;
use crate::runtime::{callback, io_thread};

/// Returns the version of the library that is loaded, such as `"0.2.0"`; `KAL_VERSION` is that of the header.
///
/// Returns: a static string, never NULL.
///
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn kal_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// Returns the version of the library that is loaded as a number, to be compared with `KAL_VERSION_NUMBER`.
///
/// Returns: `major << 16 | minor << 8 | patch`.
///
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn kal_version_number() -> u32 {
    const fn number(text: &str) -> u32 {
        match u32::from_str_radix(text, 10) {
            Ok(number) => number,
            // Cargo only allows numbers; a test compares them with the text.
            Err(_) => 0,
        }
    }
    const {
        number(env!("CARGO_PKG_VERSION_MAJOR")) << 16
            | number(env!("CARGO_PKG_VERSION_MINOR")) << 8
            | number(env!("CARGO_PKG_VERSION_PATCH"))
    }
}

/// Ends the library's threads and waits for them. Calls in progress fail with `KAL_CANCELLED`. Handles stay valid, and
/// the next call starts the threads again.
///
/// - `timeout_ms`: milliseconds to wait; `KAL_WAIT_FOREVER` has no limit.
///
/// It is for the program, such as before a `fork` that is to leave a process without threads of the library. A plugin
/// does not call it: it would end the calls of others in the process, and `kal_client_shutdown` is what it needs
/// before a `dlclose`. A program need not call it before it exits, and the compiler does not warn where the status is not used.
///
/// Returns: `KAL_OK`; `KAL_TIMED_OUT` when the I/O thread or a name lookup, which cannot be interrupted, did not end in
/// time (it ends by itself); `KAL_WOULD_DEADLOCK` from a callback; or a common status.
///
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn kal_shutdown(timeout_ms: u32) -> kal_status {
    // SAFETY: no error is requested.
    unsafe {
        fallible_unit(ptr::null_mut(), || {
            callback::ensure_can_block()?;
            io_thread::shutdown(wait(timeout_ms))
        })
    }
}
