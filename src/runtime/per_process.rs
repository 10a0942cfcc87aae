//! State that belongs to one process, so that a forked child starts with fresh state.
//!
//! A child inherits memory in which other threads' locks may be held for ever, and handles to a thread that does not exist
//! there. It must neither touch nor drop any of it. So such state lives in one cell per generation of processes: the
//! child's first look finds an empty cell, and the parent's stays as it was, unused.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// How deep a chain of forks may go before the library refuses to work in it.
const DEPTH: usize = 32;

static EPOCH: AtomicU32 = AtomicU32::new(0);

/// The generation of this process: 0 in the first, one more in each child that `fork` makes.
pub(crate) fn epoch() -> u32 {
    EPOCH.load(Ordering::Relaxed)
}

/// To be called in a child, right after `fork`. Does nothing that is not async-signal-safe.
pub(crate) fn forked() {
    EPOCH.fetch_add(1, Ordering::Relaxed);
}

/// One `T` per process generation, made at the first look.
pub(crate) struct PerProcess<T> {
    cells: [OnceLock<T>; DEPTH],
}

impl<T: Default> PerProcess<T> {
    pub(crate) const fn new() -> Self {
        Self { cells: [const { OnceLock::new() }; DEPTH] }
    }

    /// This process's own, or none in a chain of more than `DEPTH` forks.
    pub(crate) fn get(&self) -> Option<&T> {
        self.cells.get(epoch() as usize).map(|cell| cell.get_or_init(T::default))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_of_forks_that_is_too_deep_finds_nothing() {
        let state = PerProcess::<u8>::new();
        assert_eq!(state.get(), Some(&0));
        assert!(state.cells.get(DEPTH).is_none());
    }
}
