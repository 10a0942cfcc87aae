//! Per-process state: a forked child starts with fresh state.
//!
//! A child inherits memory in which other threads' locks may be held forever, and handles to threads that do not exist in it.
//! It must neither use nor drop any of it. So such state lives in one cell per process generation: the child initializes an
//! empty cell and leaves the parent's untouched.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// How many forks deep the library works; in deeper children its calls fail.
const MAX_DEPTH: usize = 32;

static EPOCH: AtomicU32 = AtomicU32::new(0);

/// The generation of this process: 0 in the first, one more in each forked child.
pub(crate) fn epoch() -> u32 {
    EPOCH.load(Ordering::Relaxed)
}

/// Called in the child, right after `fork`. Async-signal-safe.
pub(crate) fn forked() {
    EPOCH.fetch_add(1, Ordering::Relaxed);
}

/// One `T` per process generation, initialized on first use.
pub(crate) struct PerProcess<T> {
    cells: [OnceLock<T>; MAX_DEPTH],
}

impl<T: Default> PerProcess<T> {
    pub(crate) const fn new() -> Self {
        Self { cells: [const { OnceLock::new() }; MAX_DEPTH] }
    }

    /// The value of this process, or `None` in a chain of more than `MAX_DEPTH` forks.
    pub(crate) fn get(&self) -> Option<&T> {
        self.cells.get(epoch() as usize).map(|cell| cell.get_or_init(T::default))
    }

    /// The value of this process, if it was initialized. Async-signal-safe.
    pub(crate) fn get_initialized(&self) -> Option<&T> {
        self.cells.get(epoch() as usize)?.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_of_forks_that_is_too_deep_gets_none() {
        let state = PerProcess::<u8>::new();
        assert_eq!(state.get(), Some(&0));
        assert!(state.cells.get(MAX_DEPTH).is_none());
    }
}
