//! The gate that the callbacks of one client pass. Once it is closed, none of them runs or will run.

use std::sync::Arc;
use std::time::Instant;

use super::epoch;
use crate::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Counts the callbacks that run. In a child of `fork` none passes: the gate belongs to the process that made it.
pub(crate) struct Gate {
    state: Mutex<State>,
    left: Condvar,
    epoch: u32,
}

#[derive(Default)]
struct State {
    is_closed: bool,
    running: usize,
}

impl Gate {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { state: Mutex::default(), left: Condvar::new(), epoch: epoch() })
    }

    /// For a callback that is about to run, until the result is dropped. None: the gate is closed.
    pub(super) fn enter(self: &Arc<Self>) -> Option<Entered> {
        if self.epoch != epoch() {
            return None;
        }
        let mut state = self.lock();
        if state.is_closed {
            return None;
        }
        state.running += 1;
        drop(state);
        Some(Entered(Arc::clone(self)))
    }

    /// No callback passes any more. Those that run are not waited for.
    pub(crate) fn close(&self) {
        // A thread of the parent may hold the lock.
        if self.epoch == epoch() {
            self.lock().is_closed = true;
        }
    }

    /// Waits for the callbacks that run, once the gate is closed. Returns whether they have returned in time. Not for a thread in a
    /// callback: it would wait for itself, or for one that waits for it.
    pub(crate) fn wait_until_left(&self, deadline: Instant) -> bool {
        let mut state = self.lock();
        while state.running > 0 {
            let remaining = deadline.saturating_duration_since(Instant::now());
            if remaining.is_zero() {
                return false;
            }
            state = self.left.wait_timeout(state, remaining).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A callback that runs.
pub(super) struct Entered(Arc<Gate>);

impl Drop for Entered {
    fn drop(&mut self) {
        // A callback that has forked returns in the child, too.
        if self.0.epoch != epoch() {
            return;
        }
        let mut state = self.0.lock();
        state.running -= 1;
        if state.running == 0 {
            self.0.left.notify_all();
        }
    }
}

#[cfg(all(test, kal_loom))]
mod loom_tests {
    use super::*;
    use loom::sync::atomic::{AtomicBool, Ordering};
    use loom::thread;
    use std::time::Duration;

    /// Red when the last one that leaves does not notify: loom reports a deadlock. Red when `enter` does not look at `is_closed`.
    #[test]
    fn loom_no_callback_runs_once_a_closed_gate_was_waited_for() {
        loom::model(|| {
            let (gate, is_unloaded) = (Gate::new(), Arc::new(AtomicBool::new(false)));
            let caller = thread::spawn({
                let (gate, is_unloaded) = (Arc::clone(&gate), Arc::clone(&is_unloaded));
                move || {
                    let entered = gate.enter();
                    assert!(entered.is_none() || !is_unloaded.load(Ordering::SeqCst));
                }
            });
            gate.close();
            assert!(gate.wait_until_left(Instant::now() + Duration::from_secs(60 * 60)));
            is_unloaded.store(true, Ordering::SeqCst);
            caller.join().expect("no panic");
        });
    }
}

#[cfg(all(test, not(kal_loom)))]
mod tests {
    use super::super::callback;
    use super::*;

    #[test]
    fn a_closed_gate_lets_nothing_pass() {
        let gate = Gate::new();
        assert_eq!(callback::run_through(&gate, || 7), Some(7));
        gate.close();
        assert_eq!(callback::run_through(&gate, || 7), None);
    }

    /// Red when a callback is counted only while it enters.
    #[test]
    fn a_callback_that_runs_is_waited_for() {
        let gate = Gate::new();
        callback::run_through(&gate, || {
            gate.close();
            assert!(!gate.wait_until_left(Instant::now()));
        });
        assert!(gate.wait_until_left(Instant::now()));
    }
}
