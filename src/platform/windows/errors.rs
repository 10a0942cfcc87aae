//! `GetLastError`.

use std::io;

use windows_sys::Win32::Foundation::{
    ERROR_COMMITMENT_LIMIT, ERROR_NO_SYSTEM_RESOURCES, ERROR_NOT_ENOUGH_MEMORY, ERROR_OUTOFMEMORY,
    ERROR_TOO_MANY_OPEN_FILES, GetLastError, SetLastError,
};
use windows_sys::Win32::Networking::WinSock::{WSAEMFILE, WSAENOBUFS};

/// Whether a system call failed because the process or the system is out of what it needs.
pub(crate) fn is_exhaustion(error: &io::Error) -> bool {
    let Some(code) = error.raw_os_error() else { return false };
    let of_memory = [
        ERROR_TOO_MANY_OPEN_FILES,
        ERROR_NOT_ENOUGH_MEMORY,
        ERROR_OUTOFMEMORY,
        ERROR_NO_SYSTEM_RESOURCES,
        ERROR_COMMITMENT_LIMIT,
    ];
    matches!(code, WSAEMFILE | WSAENOBUFS) || u32::try_from(code).is_ok_and(|code| of_memory.contains(&code))
}

/// Restores the last error of the caller when it is dropped.
pub(crate) struct KeepLastError(u32);

impl KeepLastError {
    #[inline]
    pub(crate) fn new() -> Self {
        // SAFETY: it reads a number of this thread.
        Self(unsafe { GetLastError() })
    }
}

impl Drop for KeepLastError {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: it writes a number of this thread.
        unsafe { SetLastError(self.0) };
    }
}
