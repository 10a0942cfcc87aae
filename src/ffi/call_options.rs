//! `kal_call_options`: how one call is made.

use super::cache::{KAL_CACHE_ONLY, KAL_CACHE_REFRESH, KAL_CACHE_USE};
use super::kit::handles;
use super::kit::millis::millis;
use super::kit::versioned::{self, Versioned, size_through};
use super::types::kal_cancel;
use crate::cancel::Cancel;
use crate::client::{CacheUse, CallOptions};
use crate::error::{Error, Result};
use crate::platform::DeferCancel;
use crate::runtime::from_signal;

/// For every `timeout_ms`: no limit. `kal_stream_next` and `kal_queue_next` then return only with a page, a completion,
/// the end or an error; a call without a limit still ends by `max_attempts`, by `kal_cancel_fire` or by
/// `kal_client_close`.
pub const KAL_WAIT_FOREVER: u32 = 4_294_967_295;

/// How to make one call. Start with `kal_call_options o = KAL_CALL_OPTIONS_INIT;`. NULL instead of a pointer to one
/// means the defaults.
///
/// May grow at its end: `struct_size` says which version the program was compiled with.
#[repr(C)]
pub struct kal_call_options {
    /// `sizeof(kal_call_options)`, set by the initialiser.
    pub struct_size: usize,
    /// Milliseconds for the whole call; 0: `timeout_ms` of the client; `KAL_WAIT_FOREVER`: no limit.
    pub timeout_ms: u32,
    /// A `KAL_CACHE_*` value; default `KAL_CACHE_USE`. It has no effect on calls that are not cached, except that
    /// `KAL_CACHE_ONLY` fails with `KAL_NOT_FOUND`.
    pub cache: i32,
    /// Cancels the call when fired. None: the call cannot be cancelled.
    pub cancel: kal_cancel,
}

// SAFETY: integers.
unsafe impl Versioned for kal_call_options {}

/// Initialises a `kal_call_options` as `KAL_CALL_OPTIONS_INIT` does, for languages that have no macros of C.
///
/// - `options`: the struct, of which the fields of 0.2.0 are written, also by later versions; see OPTIONS. NULL is
///   ignored.
///
/// Returns: nothing.
///
/// Since: 0.2.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kal_call_options_init(options: *mut kal_call_options) {
    // SAFETY: the pointer is as the header requires.
    unsafe { versioned::init(options, size_through!(kal_call_options, cancel)) }
}

/// # Safety
/// `options` is as the header requires.
pub(super) unsafe fn call_options(options: *const kal_call_options) -> Result<CallOptions> {
    // SAFETY: required of the caller.
    let Some(options) = (unsafe { versioned::read(options, "options")? }) else { return Ok(CallOptions::default()) };
    Ok(CallOptions {
        timeout: millis(options.timeout_ms),
        cache: match options.cache {
            KAL_CACHE_USE => CacheUse::Use,
            KAL_CACHE_REFRESH => CacheUse::Refresh,
            KAL_CACHE_ONLY => CacheUse::Only,
            other => return Err(Error::argument("options.cache", format_args!("{other} is not a KAL_CACHE_* value"))),
        },
        cancel: if options.cancel.id == 0 { None } else { Some(token(options.cancel)?) },
    })
}

fn token(cancel: kal_cancel) -> Result<Cancel> {
    let cancel = handles::get(cancel)?;
    // A signal handler may just have fired it. Waking its calls is a write to a descriptor.
    let _cancel = DeferCancel::new();
    from_signal::serve();
    Ok(Cancel::clone(&cancel))
}
