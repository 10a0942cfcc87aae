//! Linux and the systems of Apple.

mod clock;
mod errors;
mod huge_pages;
mod process;
mod readiness;
mod standard_descriptors;
mod thread;
mod wake;

pub(crate) use clock::time_since_boot;
pub(crate) use errors::{KeepLastError, is_exhaustion};
pub(crate) use huge_pages::prefer_huge_pages;
#[cfg(all(test, target_os = "linux"))]
pub(crate) use huge_pages::prefers_huge_pages;
pub(crate) use process::{deny_unmapping, has_raised_privileges, on_fork};
pub(crate) use readiness::Readiness;
pub(crate) use standard_descriptors::OccupyStandard;
pub(crate) use thread::{DeferCancel, with_signals_blocked};
pub(crate) use wake::{Listener, Wake};
