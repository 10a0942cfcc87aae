//! Pointers to arguments, and complete reads of results.

use std::ffi::{CStr, CString, c_char};
use std::ptr::null;

pub(super) fn pointer(text: Option<&CString>) -> *const c_char {
    text.map_or(null(), |text| text.as_ptr())
}

pub(super) fn pointer_to<T>(value: Option<&T>) -> *const T {
    value.map_or(null(), std::ptr::from_ref)
}

/// Reads a text of the library up to its NUL.
pub(super) fn read<'a>(text: *const c_char) -> Option<&'a str> {
    // SAFETY: the header guarantees a NUL-terminated text, which is read before anything is freed.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_str().expect("UTF-8"))
}

/// # Safety
/// `first` is NULL or has `len` elements.
pub(super) unsafe fn elements<'a, T>(first: *const *const T, len: usize) -> &'a [*const T] {
    if first.is_null() {
        assert_eq!(len, 0);
        return &[];
    }
    // SAFETY: required of the caller.
    unsafe { std::slice::from_raw_parts(first, len) }
}
