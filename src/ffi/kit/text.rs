//! Strings that C passes in: NUL-terminated UTF-8. Every error names the argument.

use std::ffi::{CStr, c_char};
use std::fmt::Display;

use super::pointer::{elements, null};
use crate::error::{Error, ErrorKind, Result};

/// # Safety
/// `text` is NULL or a NUL-terminated string that does not change for `'a`.
pub(in crate::ffi) unsafe fn optional<'a>(text: *const c_char, name: impl Display) -> Result<Option<&'a str>> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: required of the caller.
    unsafe { CStr::from_ptr(text) }.to_str().map(Some).map_err(|error| {
        Error::new(ErrorKind::InvalidUtf8, format!("{name}: not valid UTF-8 (at byte {})", error.valid_up_to()))
    })
}

/// # Safety
/// As [`optional`].
pub(in crate::ffi) unsafe fn required<'a>(text: *const c_char, name: &str) -> Result<&'a str> {
    // SAFETY: required of the caller.
    unsafe { optional(text, name)? }.ok_or_else(|| null(name))
}

/// A copy of an optional string.
///
/// # Safety
/// As [`optional`].
pub(in crate::ffi) unsafe fn owned(text: *const c_char, name: &str) -> Result<Option<String>> {
    // SAFETY: required of the caller.
    Ok(unsafe { optional(text, name)? }.map(str::to_owned))
}

/// Copies of an array of strings.
///
/// # Safety
/// `texts` is NULL or points to `len` NUL-terminated strings.
pub(in crate::ffi) unsafe fn list(texts: *const *const c_char, len: usize, name: &str) -> Result<Vec<String>> {
    // SAFETY: required of the caller.
    let texts = unsafe { elements(texts, len, name)? };
    texts
        .iter()
        .enumerate()
        .map(|(index, text)| {
            let name = format!("{name}[{index}]");
            // SAFETY: required of the caller.
            unsafe { required(*text, &name) }.map(str::to_owned)
        })
        .collect()
}
