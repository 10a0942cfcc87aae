//! Locks: the standard library's, or loom's where every interleaving is tried.
//!
//! Not `parking_lot`: its table of parked threads is one for the process, and a child of `fork` would inherit it locked.

#[cfg(kal_loom)]
pub(crate) use loom::sync::{Condvar, Mutex, MutexGuard, RwLock, RwLockWriteGuard};
pub(crate) use std::sync::PoisonError;
#[cfg(not(kal_loom))]
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard, RwLock, RwLockWriteGuard};
