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

/// Writes the initial value of a struct: its size, and zeros. Nothing beyond `size` is written, which is that of the first
/// version with an initialiser function: the caller's header may be as old as that. It cannot panic, and needs no guard.
///
/// # Safety
/// `to` is NULL or points to `size` writable bytes, at least those of a `usize`.
pub(in crate::ffi) unsafe fn init<T: Versioned>(to: *mut T, size: usize) {
    if !to.is_null() {
        // SAFETY: required of the caller.
        unsafe {
            to.cast::<u8>().write_bytes(0, size);
            to.cast::<usize>().write(size);
        }
    }
}

/// The size of a struct up to its field `$last`: `size_through!(kal_stats, bytes_received)`.
macro_rules! size_through {
    ($type:ident, $last:ident) => {
        std::mem::offset_of!($type, $last) + $crate::ffi::kit::versioned::size_of_field(|whole: &$type| &whole.$last)
    };
}
pub(in crate::ffi) use size_through;

/// The size of the field that `_of` returns.
pub(in crate::ffi) const fn size_of_field<T, F>(_of: fn(&T) -> &F) -> usize {
    size_of::<F>()
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

#[cfg(all(test, not(kal_loom)))]
mod tests {
    use super::*;

    /// A struct that had no `later` when its initialiser function was made.
    #[repr(C)]
    struct Grown {
        struct_size: usize,
        first: u64,
        later: u64,
    }

    // SAFETY: integers.
    unsafe impl Versioned for Grown {}

    /// Red when the function writes what the struct is now: the caller's header may have no `later`, and no room for it.
    #[test]
    fn an_initialiser_function_writes_no_field_that_was_added_after_it() {
        let mut given = Grown { struct_size: 0xA5, first: 0xA5, later: 0xA5 };
        // SAFETY: the whole struct is there.
        unsafe { init(&raw mut given, size_through!(Grown, first)) };
        assert_eq!((given.struct_size, given.first, given.later), (2 * size_of::<usize>(), 0, 0xA5));
        // SAFETY: as above.
        let read = unsafe { read(&raw const given, "given") }.expect("a size").expect("a struct");
        assert_eq!((read.first, read.later), (0, 0));
    }
}
