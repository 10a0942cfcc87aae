//! The environment variables that the library reads. One that is empty counts as not set.

use std::ffi::OsString;
use std::sync::atomic::{AtomicBool, Ordering};

static IS_IGNORED: AtomicBool = AtomicBool::new(false);

/// Ignores the environment from now on: it is that of a user with fewer rights than the program has.
pub(crate) fn ignore() {
    IS_IGNORED.store(true, Ordering::Relaxed);
}

pub(crate) fn is_ignored() -> bool {
    IS_IGNORED.load(Ordering::Relaxed)
}

pub(crate) fn variable(name: &str) -> Option<OsString> {
    if is_ignored() {
        return None;
    }
    std::env::var_os(name).filter(|value| !value.is_empty())
}
