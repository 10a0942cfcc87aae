//! Pointers that C passes in: out parameters and arrays. Every error names the argument.

use crate::error::{Error, Result};

/// A longer array is a length that was computed wrongly.
const MAX_ELEMENTS: usize = 1 << 20;

/// The error for a pointer that must not be NULL.
pub(in crate::ffi) fn null(argument: &str) -> Error {
    Error::argument(argument, "NULL is not allowed here")
}

/// A required out parameter.
///
/// # Safety
/// `out` is NULL or points to the caller's variable, which nobody else uses during the call.
pub(in crate::ffi) unsafe fn out<'a, T>(out: *mut T, name: &str) -> Result<&'a mut T> {
    // SAFETY: required of the caller.
    unsafe { out.as_mut() }.ok_or_else(|| null(name))
}

/// Writes an out parameter that may be NULL.
///
/// # Safety
/// `out` is NULL or points to the caller's variable, which nobody else uses during the call.
pub(in crate::ffi) unsafe fn write_optional<T: Copy>(out: *mut T, value: T) {
    // SAFETY: required of the caller.
    if let Some(out) = unsafe { out.as_mut() } {
        *out = value;
    }
}

/// Returns the pointer of an array or a text to C, and writes the length that goes with it.
///
/// # Safety
/// `len` is NULL or points to the caller's variable.
pub(in crate::ffi) unsafe fn with_len<T>((first, count): (*const T, usize), len: *mut usize) -> *const T {
    // SAFETY: required of the caller.
    unsafe { write_optional(len, count) };
    first
}

/// An array of `len` elements. `first` may be NULL when `len` is 0.
///
/// # Safety
/// `first` is NULL or points to `len` elements that do not change for `'a`.
pub(in crate::ffi) unsafe fn elements<'a, T>(first: *const T, len: usize, name: &str) -> Result<&'a [T]> {
    if len == 0 {
        return Ok(&[]);
    }
    if len > MAX_ELEMENTS {
        return Err(Error::argument(
            format_args!("{name}_len"),
            format_args!("{len} is over the limit of {MAX_ELEMENTS} elements"),
        ));
    }
    if first.is_null() {
        return Err(Error::argument(name, format_args!("NULL is not allowed when {name}_len is {len}")));
    }
    // SAFETY: required of the caller; not NULL, and the length is within the limit.
    Ok(unsafe { std::slice::from_raw_parts(first, len) })
}
