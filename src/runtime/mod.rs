//! What the library keeps once per process: the I/O thread, and how `fork` gets a process of its own.

pub(crate) mod callback;
pub(crate) mod io_thread;
mod once;
pub(crate) mod oneshot;
mod per_process;

pub(crate) use once::Once;
pub(crate) use per_process::{PerProcess, epoch, forked};
