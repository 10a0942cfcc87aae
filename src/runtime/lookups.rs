//! The number of name lookups in progress. `getaddrinfo` cannot be interrupted, so a shutdown may end before them.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::PerProcess;

/// Per process: a forked child does not have the lookup threads of its parent.
static IN_PROGRESS: PerProcess<AtomicUsize> = PerProcess::new();

/// The number of lookups whose thread has not returned.
pub(super) fn in_progress() -> usize {
    IN_PROGRESS.get().map_or(0, |count| count.load(Ordering::Acquire))
}

/// Counts a lookup as in progress until it is dropped.
pub(crate) struct Counted(&'static AtomicUsize);

impl Counted {
    /// None in a chain of forks that is too deep.
    pub(crate) fn start() -> Option<Self> {
        let count = IN_PROGRESS.get()?;
        count.fetch_add(1, Ordering::AcqRel);
        Some(Self(count))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
