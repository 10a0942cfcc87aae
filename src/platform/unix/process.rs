//! The process: forks, its rights, and what stays in its memory.

use std::io;

/// Calls `child` in each child of `fork`, before `fork` returns there. It may do what a signal handler may.
pub(crate) fn on_fork(child: extern "C" fn()) -> io::Result<()> {
    // SAFETY: `child` is safe to call, and stays mapped.
    match unsafe { libc::pthread_atfork(None, None, Some(child)) } {
        0 => Ok(()),
        code => Err(io::Error::from_raw_os_error(code)),
    }
}

/// Whether the process has more rights than the user who started it and whose environment it has (set-user-ID).
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn has_raised_privileges() -> bool {
    // SAFETY: it reads what the kernel passed to the process.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn has_raised_privileges() -> bool {
    // SAFETY: it takes no arguments and cannot fail.
    unsafe { libc::issetugid() != 0 }
}

/// Keeps the library mapped when it is closed, because a thread runs in it. Elsewhere, the linker marks it so.
#[cfg(target_vendor = "apple")]
pub(crate) fn deny_unmapping() -> io::Result<()> {
    // SAFETY: all zeros are a `Dl_info`; both functions get valid pointers, and the name ends with a NUL.
    let handle = unsafe {
        let mut image: libc::Dl_info = std::mem::zeroed();
        if libc::dladdr((deny_unmapping as *const ()).cast(), &raw mut image) == 0 {
            return Err(io::ErrorKind::NotFound.into());
        }
        libc::dlopen(image.dli_fname, libc::RTLD_LAZY | libc::RTLD_NOLOAD | libc::RTLD_NODELETE)
    };
    // NULL for the program itself, under a name that `dlopen` does not know; it is never unmapped.
    if handle.is_null() { Err(io::ErrorKind::NotFound.into()) } else { Ok(()) }
}

#[cfg(not(target_vendor = "apple"))]
#[allow(clippy::unnecessary_wraps, reason = "it may fail on other systems")]
pub(crate) fn deny_unmapping() -> io::Result<()> {
    Ok(())
}
