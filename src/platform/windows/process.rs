//! The process: its rights, and what stays in its memory.

use std::io;
use std::ptr;

use windows_sys::Win32::System::LibraryLoader::{
    GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_PIN, GetModuleHandleExW,
};

/// There is no `fork`.
#[allow(clippy::unnecessary_wraps, reason = "it may fail on other systems")]
pub(crate) fn on_fork(_child: extern "C" fn()) -> io::Result<()> {
    Ok(())
}

/// Windows has no set-user-ID programs.
pub(crate) fn has_raised_privileges() -> bool {
    false
}

/// Keeps the module mapped when `FreeLibrary` is called, because a thread runs in it.
pub(crate) fn deny_unmapping() -> io::Result<()> {
    let mut module = ptr::null_mut();
    let flags = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN;
    // SAFETY: with this flag it is an address, which is one of this module, and no name.
    let is_pinned = unsafe { GetModuleHandleExW(flags, deny_unmapping as *const () as *const u16, &raw mut module) };
    if is_pinned == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
