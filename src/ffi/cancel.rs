//! `kal_cancel`: cancelling calls from another thread.

use std::sync::Arc;

use super::export::{fallible, infallible, release};
use super::kit::handles::{self, handle};
use super::kit::status::kal_status;
use super::types::{kal_cancel, kal_error};
use crate::cancel::Cancel;

handle!(kal_cancel, 4, Cancel);

/// Makes a means to cancel: put it into `kal_call_options.cancel` of any number of calls. Close it with `kal_cancel_close`.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kal_cancel_open(cancel: *mut kal_cancel, error: *mut kal_error) -> kal_status {
    // SAFETY: the pointers are as the header asks of the caller.
    unsafe { fallible(error, cancel, "cancel", || handles::insert(Arc::new(Cancel::default()))) }
}

/// Ends every call made with it with `KAL_CANCELLED`, and every call that is made with it later. A request that other calls
/// wait for too goes on for them. Firing again, or firing none or a stale handle, does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn kal_cancel_fire(cancel: kal_cancel) {
    infallible((), || handles::get(cancel).ok().map(|cancel| cancel.fire()));
}

/// Frees it without firing. None and stale handles are accepted quietly.
#[unsafe(no_mangle)]
pub extern "C" fn kal_cancel_close(cancel: kal_cancel) {
    release(cancel);
}
