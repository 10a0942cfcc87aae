//! Structs that begin with their own size, so that programs compiled against another version of the header keep
//! working.

use std::mem::{MaybeUninit, size_of};

use super::pointer::null;
use crate::error::{Error, Result};

/// No struct of any version comes near it; a larger `struct_size` is an uninitialised variable.
const MAX_STRUCT_SIZE: usize = 4096;

/// A struct that begins with its own size, and for which all zeros is a valid value.
///
/// # Safety
/// `repr(C)`, a `usize` first, and every field is valid when zeroed.
pub(in crate::ffi) unsafe trait Versioned {}

/// Copies a struct of whatever version the caller was compiled with; none for NULL.
///
/// # Safety
/// `from` is NULL or points to at least as many readable bytes as its `struct_size` says.
pub(in crate::ffi) unsafe fn read<T: Versioned>(from: *const T, name: &str) -> Result<Option<T>> {
    if from.is_null() {
        return Ok(None);
    }
    // SAFETY: every version of the struct begins with its size.
    let size = unsafe { check_size(from, name)? };
    let mut copy = MaybeUninit::<T>::zeroed();
    // SAFETY: the caller guarantees `size` bytes at `from`; `copy` has room for `size_of::<T>()`.
    unsafe { from.cast::<u8>().copy_to_nonoverlapping(copy.as_mut_ptr().cast(), size.min(size_of::<T>())) };
    for unknown in size_of::<T>()..size {
        // SAFETY: within `size`.
        if unsafe { *from.cast::<u8>().add(unknown) } != 0 {
            return Err(Error::argument(
                format_args!("{name}.struct_size"),
                "the struct has fields that this version of the library does not know, and they are not zero",
            ));
        }
    }
    // SAFETY: `Versioned` says that zeros are valid, and the bytes copied over them are the caller's own struct.
    Ok(Some(unsafe { copy.assume_init() }))
}

/// # Safety
/// `of` points to a readable `usize`.
unsafe fn check_size<T: Versioned>(of: *const T, name: &str) -> Result<usize> {
    // SAFETY: required of the caller.
    let size = unsafe { of.cast::<usize>().read() };
    if (size_of::<usize>()..=MAX_STRUCT_SIZE).contains(&size) {
        Ok(size)
    } else {
        Err(Error::argument(
            format_args!("{name}.struct_size"),
            format_args!("{size} is not a size of this struct; initialise it with its KAL_..._INIT macro"),
        ))
    }
}

/// A struct that the library fills, as far as the caller's version has its fields.
pub(in crate::ffi) struct OutStruct<T>(*mut T, usize);

impl<T: Versioned> OutStruct<T> {
    /// # Safety
    /// `to` is NULL or points to at least as many writable bytes as its `struct_size` says.
    pub(in crate::ffi) unsafe fn new(to: *mut T, name: &str) -> Result<Self> {
        if to.is_null() {
            return Err(null(name));
        }
        // SAFETY: every version of the struct begins with its size.
        let size = unsafe { check_size(to, name)? };
        Ok(Self(to, size))
    }

    /// Writes every field but the size, which remains the caller's; fields of a later version are zeroed.
    pub(in crate::ffi) fn write(&self, value: &T) {
        let (skip, known) = (size_of::<usize>(), self.1.min(size_of::<T>()));
        // SAFETY: `new` was promised `self.1` writable bytes, and `value` has `size_of::<T>()`.
        unsafe {
            let to = self.0.cast::<u8>();
            std::ptr::from_ref(value).cast::<u8>().add(skip).copy_to_nonoverlapping(to.add(skip), known - skip);
            to.add(known).write_bytes(0, self.1 - known);
        }
    }
}
