//! What the library runs on: the I/O thread, state per process (`fork`) and per shard of threads, and
//! passing results between threads.

pub(crate) mod callback;
mod descriptors;
pub(crate) mod from_signal;
mod gate;
pub(crate) mod io_thread;
pub(crate) mod lookups;
mod once;
pub(crate) mod oneshot;
pub(crate) mod outcome;
mod per_process;
mod sharded;

pub(crate) use descriptors::OccupyStandard;
pub(crate) use gate::Gate;
pub(crate) use once::Once;
pub(crate) use per_process::{PerProcess, epoch, forked};
pub(crate) use sharded::{SHARD_BITS, SHARDS, Sharded, own_shard};
