//! The threads of name lookups, and the number of lookups in progress. `getaddrinfo` cannot be interrupted, so a shutdown may end
//! before them.

use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::PerProcess;

thread_local! {
    /// On the I/O thread: where lookups run.
    static THREADS: RefCell<Option<Handle>> = const { RefCell::new(None) };
}

/// Sets the runtime on whose threads the lookups of this I/O thread run.
pub(super) fn set_threads(threads: Handle) {
    THREADS.set(Some(threads));
}

/// Runs a lookup on a thread of its own. Panics if none can be started.
pub(crate) fn spawn<T: Send + 'static>(look_up: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    THREADS.with_borrow(|threads| match threads {
        Some(threads) => threads.spawn_blocking(look_up),
        // A test without an I/O thread.
        None => tokio::task::spawn_blocking(look_up),
    })
}

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
