//! `kal_error`: reading and freeing an error.

use std::ffi::c_char;
use std::ptr;

use super::error_info::kal_error_info;
use super::export::{infallible, release};
use super::kit::handles::get;
use super::kit::pointer::with_len;
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

/// Returns the details of an error as JSON text, for languages without structs: an object with every field of
/// `kal_error_info` by its name, in its order, and `null` for a NULL.
///
/// - `error`: the error.
/// - `len`: receives the length in bytes, without the NUL. May be NULL.
///
/// Bytes of `body` that are not UTF-8 are U+FFFD; `body_len` is the length of the body itself.
///
/// Returns: NUL-terminated UTF-8 that belongs to the error and is valid until that is freed; NULL, with `*len` 0, for a
/// handle that is none, stale or of another type. The first call makes the text, later ones return the same.
///
/// Since: 0.2.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kal_error_json(error: kal_error, len: *mut usize) -> *const c_char {
    let text = infallible((ptr::null(), 0), || {
        let text = get(error).ok()?;
        // The handle table owns the text until the error is freed.
        let json = text.json_with_nul();
        Some((json.as_ptr().cast(), json.len() - 1))
    });
    // SAFETY: `len` is NULL or points to the caller's variable.
    unsafe { with_len(text, len) }
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
