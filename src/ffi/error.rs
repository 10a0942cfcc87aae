//! `kal_error`: reading and freeing an error.

use std::ptr;

use super::error_info::kal_error_info;
use super::export::{infallible, release};
use super::kit::handles::get;
use super::types::kal_error;

/// Everything known about a failure; NULL when the handle is none or stale. Valid and unchanging until the error is freed.
#[unsafe(no_mangle)]
pub extern "C" fn kal_error_get(error: kal_error) -> *const kal_error_info {
    infallible(ptr::null(), || {
        let text = get(error).ok()?;
        // The handle table owns the text until the error is freed.
        Some(&raw const text.info)
    })
}

/// Frees an error and its strings. None and stale handles are accepted quietly.
#[unsafe(no_mangle)]
pub extern "C" fn kal_error_free(error: kal_error) {
    release(error);
}
