//! What the host of the library does here: name lookups that hang, and threads that give way.
#![allow(unsafe_code, reason = "this is the C program")]

use std::ffi::{CStr, c_char, c_int};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// Names that end so are not answered before [`let_lookups_go`].
pub(crate) const HANGS: &str = ".hangs.test";
/// A name of loopback.
pub(crate) const HEALTHY: &str = "healthy.test";

type Lookup =
    unsafe extern "C" fn(*const c_char, *const c_char, *const libc::addrinfo, *mut *mut libc::addrinfo) -> c_int;

static RELEASED: AtomicBool = AtomicBool::new(false);
static HANGING: AtomicUsize = AtomicUsize::new(0);

/// Answers lookups that hang, and those that come later at once.
pub(crate) fn let_lookups_go() {
    RELEASED.store(true, Ordering::Release);
    while HANGING.load(Ordering::Acquire) > 0 {
        thread::sleep(Duration::from_millis(1));
    }
}

/// The C library's, but for the names above: the program's own comes first.
///
/// # Safety
///
/// As the C library's.
#[unsafe(no_mangle)]
unsafe extern "C" fn getaddrinfo(
    node: *const c_char,
    service: *const c_char,
    hints: *const libc::addrinfo,
    found: *mut *mut libc::addrinfo,
) -> c_int {
    // SAFETY: the caller gives a C string or none.
    let name = if node.is_null() { c"" } else { unsafe { CStr::from_ptr(node) } };
    if name.to_bytes().ends_with(HANGS.as_bytes()) {
        HANGING.fetch_add(1, Ordering::AcqRel);
        while !RELEASED.load(Ordering::Acquire) {
            thread::sleep(Duration::from_millis(5));
        }
        HANGING.fetch_sub(1, Ordering::AcqRel);
        return libc::EAI_AGAIN;
    }
    let node = if name.to_bytes() == HEALTHY.as_bytes() { c"127.0.0.1".as_ptr() } else { node };
    // SAFETY: the next symbol of this name is the C library's, and has this type.
    let real = unsafe { libc::dlsym(libc::RTLD_NEXT, c"getaddrinfo".as_ptr()) };
    assert!(!real.is_null(), "the C library has no getaddrinfo");
    // SAFETY: as above; the arguments are the caller's.
    unsafe { std::mem::transmute::<*mut libc::c_void, Lookup>(real)(node, service, hints, found) }
}

/// The calling thread gives way to every other: what a hostile server costs is not what is measured.
pub(crate) fn give_way() {
    // SAFETY: there is nothing to get wrong; 0 is the calling thread.
    unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, 19) };
}

/// Keeps freed memory out of the next kind's figures.
pub(crate) fn trim() {
    // SAFETY: there is nothing to get wrong.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::malloc_trim(0)
    };
}
