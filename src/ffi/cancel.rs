//! `kal_cancel`: cancelling calls from another thread.

use std::sync::Arc;

use super::export::{fallible, infallible, release};
use super::kit::handles::{self, handle};
use super::kit::status::kal_status;
use super::types::{kal_cancel, kal_error};
use crate::cancel::Cancel;

handle!(kal_cancel, 4, Cancel);

/// Opens a cancellation token, to be set as `kal_call_options.cancel` of any number of calls.
///
/// - `cancel`: receives the token, to be closed with `kal_cancel_close`; on failure none.
/// - `error`: receives the error, to be freed with `kal_error_free`, or none. May be NULL.
///
/// Returns: `KAL_OK`; `KAL_INVALID_STATE` when no handle is left; or a common status.
///
/// Since: 0.1.0
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kal_cancel_open(cancel: *mut kal_cancel, error: *mut kal_error) -> kal_status {
    // SAFETY: the pointers are as the header requires.
    unsafe { fallible(error, cancel, "cancel", || handles::insert(Arc::new(Cancel::default()))) }
}

/// Cancels every call made with the token, and every later one: each fails with `KAL_CANCELLED`. A request that other
/// calls share continues for them.
///
/// - `cancel`: the token. A fired token and handles that are none or stale are ignored.
///
/// Returns: nothing.
///
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn kal_cancel_fire(cancel: kal_cancel) {
    infallible((), || handles::get(cancel).ok().map(|cancel| cancel.fire()));
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
}
