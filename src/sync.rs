//! Locks: the standard library's, or loom's when it tests all interleavings.
//!
//! Not `parking_lot`: its table of parked threads is global to the process, and a forked child may inherit it locked.

#[cfg(kal_loom)]
pub(crate) use loom::sync::{Condvar, Mutex, MutexGuard, RwLock};
pub(crate) use std::sync::PoisonError;
#[cfg(not(kal_loom))]
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard, RwLock};
