//! What differs between operating systems. Each folder has the same functions and types; nothing here knows anything of the
//! library.
#![allow(unsafe_code, reason = "the boundary to the operating system; each use says why it is sound")]

#[cfg_attr(unix, path = "unix/mod.rs")]
#[cfg_attr(windows, path = "windows/mod.rs")]
mod system;

#[cfg(all(test, target_os = "linux"))]
pub(crate) use system::prefers_huge_pages;
pub(crate) use system::{
    DeferCancel, KeepLastError, Listener, OccupyStandard, Readiness, Wake, deny_unmapping, has_raised_privileges,
    is_exhaustion, on_fork, prefer_huge_pages, time_since_boot, with_signals_blocked,
};
