//! What is done once per process, where `std::sync::Once` would not do: a child made by `fork` amid the work would wait for a
//! thread that it does not have.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

const NOT_BEGUN: u32 = 0;
/// No process has this id.
const DONE: u32 = u32::MAX;
/// The work takes microseconds. Not a spin: a thread of higher priority would keep the worker from its processor.
const LOOK_AGAIN: Duration = Duration::from_micros(50);

/// Work that is done before anyone goes on.
pub(crate) struct Once {
    /// `NOT_BEGUN`, `DONE`, or the id of the process in which a thread is at it.
    state: AtomicU32,
}

impl Once {
    pub(crate) const fn new() -> Self {
        Self { state: AtomicU32::new(NOT_BEGUN) }
    }

    /// Does the work, or waits until it is done. In a child, it is done again when `fork` came while it was under way: `work`
    /// must bear that.
    pub(crate) fn call(&self, work: impl FnOnce()) {
        let mut seen = self.state.load(Ordering::Acquire);
        while seen != DONE {
            let me = std::process::id();
            if seen == me {
                std::thread::sleep(LOOK_AGAIN);
                seen = self.state.load(Ordering::Acquire);
                continue;
            }
            match self.state.compare_exchange(seen, me, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => {
                    work();
                    self.state.store(DONE, Ordering::Release);
                    return;
                }
                Err(now) => seen = now,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    #[test]
    fn many_threads_do_it_once_and_all_find_it_done() {
        let (once, times) = (Once::new(), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    once.call(|| {
                        std::thread::yield_now();
                        times.fetch_add(1, Ordering::Relaxed);
                    });
                    assert_eq!(times.load(Ordering::Relaxed), 1);
                });
            }
        });
    }

    #[test]
    fn what_another_process_had_begun_is_done_here() {
        let parent = std::process::id() ^ 1;
        let once = Once { state: AtomicU32::new(parent) };
        let mut done = false;
        once.call(|| done = true);
        assert!(done);
    }
}
