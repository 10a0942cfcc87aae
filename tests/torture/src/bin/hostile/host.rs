//! The host program's side: name lookups that hang, and threads with a low priority.
#![allow(unsafe_code, reason = "it replaces a C function")]

use std::ffi::{CStr, c_char, c_int};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// Lookups of names with this suffix hang until [`release_lookups`].
pub(crate) const HANGS: &str = ".hangs.test";
/// A name that resolves to loopback.
pub(crate) const HEALTHY: &str = "healthy.test";

type Lookup =
    unsafe extern "C" fn(*const c_char, *const c_char, *const libc::addrinfo, *mut *mut libc::addrinfo) -> c_int;

static RELEASED: AtomicBool = AtomicBool::new(false);
static HANGING: AtomicUsize = AtomicUsize::new(0);

/// Resolves hanging lookups, and later ones at once.
pub(crate) fn release_lookups() {
    RELEASED.store(true, Ordering::Release);
    while HANGING.load(Ordering::Acquire) > 0 {
        thread::sleep(Duration::from_millis(1));
    }
}

/// Overrides the C library's `getaddrinfo` for the names above.
///
/// # Safety
///
/// Same as for the C library's function.
#[unsafe(no_mangle)]
unsafe extern "C" fn getaddrinfo(
    node: *const c_char,
    service: *const c_char,
    hints: *const libc::addrinfo,
    found: *mut *mut libc::addrinfo,
) -> c_int {
    // SAFETY: the caller passes a C string or NULL.
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
    // SAFETY: the next symbol of this name is the C library's function, which has this type.
    let real = unsafe { libc::dlsym(libc::RTLD_NEXT, c"getaddrinfo".as_ptr()) };
    assert!(!real.is_null(), "the C library has no getaddrinfo");
    // SAFETY: as above; the arguments are the caller's.
    unsafe { std::mem::transmute::<*mut libc::c_void, Lookup>(real)(node, service, hints, found) }
}

/// Lowers the calling thread's priority: the cost of the hostile servers is not to be measured.
pub(crate) fn give_way() {
    // SAFETY: no preconditions; 0 is the calling thread.
    unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, 19) };
}

/// Returns freed memory to the system, so that it does not count for the next kind.
pub(crate) fn trim() {
    // SAFETY: no preconditions.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::malloc_trim(0)
    };
}
