//! One-time initialization that survives `fork`. With `std::sync::Once`, a child forked during the initialization would wait
//! for a thread that does not exist in it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

const NOT_STARTED: u32 = 0;
/// No process has this id.
const DONE: u32 = u32::MAX;
/// The initialization takes microseconds. Sleeping rather than spinning: a spinning thread of higher priority could keep the
/// initializing thread off the CPU.
const POLL_INTERVAL: Duration = Duration::from_micros(50);

/// Initialization that completes before any caller proceeds.
pub(crate) struct Once {
    /// `NOT_STARTED`, `DONE`, or the id of the process that is initializing.
    state: AtomicU32,
}

impl Once {
    pub(crate) const fn new() -> Self {
        Self { state: AtomicU32::new(NOT_STARTED) }
    }

    /// Runs `init`, or waits until another thread has run it. A child forked while `init` was running runs it again, so `init`
    /// must tolerate a partial first run.
    #[inline]
    pub(crate) fn call(&self, init: impl FnOnce()) {
        let state = self.state.load(Ordering::Acquire);
        if state != DONE {
            self.init(state, init);
        }
    }

    #[cold]
    fn init(&self, mut state: u32, init: impl FnOnce()) {
        while state != DONE {
            let pid = std::process::id();
            if state == pid {
                std::thread::sleep(POLL_INTERVAL);
                state = self.state.load(Ordering::Acquire);
                continue;
            }
            match self.state.compare_exchange(state, pid, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => {
                    init();
                    self.state.store(DONE, Ordering::Release);
                    return;
                }
                Err(current) => state = current,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    #[test]
    fn concurrent_callers_run_it_once_and_see_it_done() {
        let (once, runs) = (Once::new(), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    once.call(|| {
                        std::thread::yield_now();
                        runs.fetch_add(1, Ordering::Relaxed);
                    });
                    assert_eq!(runs.load(Ordering::Relaxed), 1);
                });
            }
        });
    }

    #[test]
    fn a_child_redoes_what_its_parent_had_started() {
        let parent = std::process::id() ^ 1;
        let once = Once { state: AtomicU32::new(parent) };
        let mut done = false;
        once.call(|| done = true);
        assert!(done);
    }
}
