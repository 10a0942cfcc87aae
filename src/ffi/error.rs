//! `kal_error`: reading and freeing an error.

use std::ptr;

use super::error_info::kal_error_info;
use super::export::{infallible, release};
use super::kit::handles::get;
use super::types::kal_error;

/// Returns the details of an error.
///
/// - `error`: the error.
///
/// Returns: a struct that belongs to the error and is valid until that is freed; NULL for a handle that is none, stale
/// or of another type.
///
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn kal_error_get(error: kal_error) -> *const kal_error_info {
    infallible(ptr::null(), || {
        let text = get(error).ok()?;
        // The handle table owns the text until the error is freed.
        Some(&raw const text.info)
    })
}

/// Frees an error, with its strings.
///
/// - `error`: the error. None and stale handles are ignored.
///
/// Returns: nothing.
///
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn kal_error_free(error: kal_error) {
    release(error);
}
