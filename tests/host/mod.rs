//! The host program's side: replaces `getaddrinfo` so that tests can define host names.
#![allow(
    unsafe_code,
    dead_code,
    unreachable_pub,
    reason = "it replaces a C function; each test program uses what it needs"
)]

use std::ffi::{CStr, CString, c_char, c_int};
use std::ptr;
use std::sync::OnceLock;

type Lookup =
    unsafe extern "C" fn(*const c_char, *const c_char, *const libc::addrinfo, *mut *mut libc::addrinfo) -> c_int;
/// Returns the addresses of a name, or `None` for a name that the test does not define.
type Names = fn(&str) -> Option<Vec<&'static str>>;

static NAMES: OnceLock<Names> = OnceLock::new();

/// Resolves the test's names from now on.
pub fn install_names(names: Names) {
    NAMES.get_or_init(|| names);
}

fn real() -> Lookup {
    // SAFETY: the next symbol of this name is the C library's function, which has this type.
    let real = unsafe { libc::dlsym(libc::RTLD_NEXT, c"getaddrinfo".as_ptr()) };
    assert!(!real.is_null(), "the C library has no getaddrinfo");
    // SAFETY: as above.
    unsafe { std::mem::transmute::<*mut libc::c_void, Lookup>(real) }
}

/// Overrides the C library's `getaddrinfo`: resolves the test's names and forwards all others.
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
    let addresses = NAMES.get().zip(name.to_str().ok()).and_then(|(names, name)| names(name));
    let Some(addresses) = addresses else {
        // SAFETY: the arguments are the caller's.
        return unsafe { real()(node, service, hints, found) };
    };
    let mut first = ptr::null_mut();
    for address in addresses.iter().rev() {
        let address = CString::new(*address).expect("an address");
        let mut one = ptr::null_mut();
        // SAFETY: the arguments are the caller's, except the name, which is an address.
        let failed = unsafe { real()(address.as_ptr(), service, hints, &raw mut one) };
        assert_eq!(failed, 0, "{address:?} is not an address");
        // SAFETY: a list of one entry, created above; `freeaddrinfo` frees each entry of a list separately.
        unsafe { (*one).ai_next = first };
        first = one;
    }
    if first.is_null() {
        return libc::EAI_NONAME;
    }
    // SAFETY: the caller's pointer.
    unsafe { *found = first };
    0
}
