//! A completion queue for applications with an event loop: the I/O thread pushes, the application pops.

use std::collections::VecDeque;
use std::ffi::{c_int, c_void};
use std::sync::{Arc, Weak};
use std::time::Instant;

use crate::cancel::{Cancel, Fired};
use crate::error::{Error, ErrorKind, Result};
use crate::platform::Readiness;
use crate::runtime::OccupyStandard;
use crate::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Completions in order of arrival.
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
    /// Fired when the queue is shut down or closed, to cancel the calls submitted to it.
    ending: Cancel,
}

struct State<T> {
    completions: VecDeque<T>,
    /// Calls that will complete.
    in_progress: usize,
    phase: Phase,
    /// Set while [`Queue::next`] would not wait. None: closed.
    signal: Option<Readiness>,
    is_readable: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// No call is accepted; those accepted before still complete.
    ShutDown,
    /// Nothing is returned any more.
    Closed,
}

/// What a queue returned.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next<T> {
    Completion(T),
    NothingYet,
    /// The queue was shut down, and every completion was returned.
    Drained,
}

/// The place of one call in a queue, which is completed once. Dropped instead, the call did not start.
pub(crate) struct Ticket<T>(Weak<Queue<T>>);

impl<T> Ticket<T> {
    /// Appends the completion. A closed queue drops it.
    pub(crate) fn complete(mut self, completion: T) {
        if let Some(queue) = std::mem::take(&mut self.0).upgrade() {
            queue.leave(Some(completion));
        }
    }
}

impl<T> Drop for Ticket<T> {
    fn drop(&mut self) {
        if let Some(queue) = self.0.upgrade() {
            queue.leave(None);
        }
    }
}

impl<T> Queue<T> {
    pub(crate) fn open() -> Result<Self> {
        let _occupied = OccupyStandard::new();
        let signal = Readiness::new()
            .map_err(|error| Error::out_of_resources(format!("cannot create a descriptor for the queue: {error}")))?;
        let state = State {
            completions: VecDeque::new(),
            in_progress: 0,
            phase: Phase::Open,
            signal: Some(signal),
            is_readable: false,
        };
        Ok(Self { state: Mutex::new(state), changed: Condvar::new(), ending: Cancel::default() })
    }

    /// The descriptor for `poll`, `select` and `epoll`, -1 on Windows; owned by the queue. None: closed.
    pub(crate) fn descriptor(&self) -> Option<c_int> {
        self.lock().signal.as_ref().map(Readiness::descriptor)
    }

    /// The event for `WaitForMultipleObjects`, NULL on other systems; owned by the queue. None: closed.
    pub(crate) fn handle(&self) -> Option<*mut c_void> {
        self.lock().signal.as_ref().map(Readiness::handle)
    }

    /// Cancels a call submitted to this queue when the queue is shut down or closed.
    pub(crate) fn ending(&self) -> Fired {
        self.ending.fired()
    }

    /// Fails if the queue accepts no more calls.
    pub(crate) fn ensure_open(&self) -> Result<()> {
        self.lock().ensure_open()
    }

    /// Accepts a call. No function of the host may run before the call is started: after a `longjmp` out of it, the ticket would
    /// never be dropped, and the queue never drained.
    pub(crate) fn enter(self: &Arc<Self>) -> Result<Ticket<T>> {
        let mut state = self.lock();
        state.ensure_open()?;
        state.in_progress += 1;
        Ok(Ticket(Arc::downgrade(self)))
    }

    /// Ends a call, with its completion if it started.
    fn leave(&self, completion: Option<T>) {
        let mut state = self.lock();
        state.in_progress -= 1;
        if state.phase == Phase::Closed {
            // Dropped after the lock is released: it may be large.
            drop(state);
            return drop(completion);
        }
        state.completions.extend(completion);
        let is_drained = state.update();
        drop(state);
        if is_drained { self.changed.notify_all() } else { self.changed.notify_one() }
    }

    /// Waits for the next completion until `until`, and removes it if `accept` returns what the caller gets of it. After a failure
    /// of `accept` it remains the next one.
    pub(crate) fn next<R>(&self, until: Instant, accept: impl FnOnce(&T) -> Result<R>) -> Result<Next<(T, R)>> {
        let mut state = self.lock();
        loop {
            if state.phase == Phase::Closed {
                return Err(Error::new(ErrorKind::Cancelled, "the queue was closed"));
            }
            if let Some(completion) = state.completions.front() {
                let accepted = accept(completion)?;
                let completion = state.completions.pop_front();
                if state.update() {
                    self.changed.notify_all();
                }
                return Ok(completion.map_or(Next::NothingYet, |completion| Next::Completion((completion, accepted))));
            }
            if state.is_drained() {
                return Ok(Next::Drained);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(Next::NothingYet);
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Cancels calls in progress and accepts no more.
    pub(crate) fn shut_down(&self) {
        let mut state = self.lock();
        if state.phase == Phase::Open {
            state.phase = Phase::ShutDown;
        }
        state.update();
        drop(state);
        self.changed.notify_all();
        self.ending.fire();
    }

    /// Cancels calls in progress, drops queued completions, closes the descriptor and wakes waiting threads.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.phase = Phase::Closed;
        let dropped = (std::mem::take(&mut state.completions), state.signal.take());
        drop(state);
        self.changed.notify_all();
        self.ending.fire();
        drop(dropped);
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> State<T> {
    fn ensure_open(&self) -> Result<()> {
        match self.phase {
            Phase::Open => Ok(()),
            Phase::ShutDown | Phase::Closed => {
                Err(Error::new(ErrorKind::InvalidState, "the queue was shut down or closed, and accepts no more calls"))
            }
        }
    }

    fn is_drained(&self) -> bool {
        self.phase == Phase::ShutDown && self.in_progress == 0 && self.completions.is_empty()
    }

    /// Makes the descriptor match the queue, after each change under the lock. Returns whether the queue is drained.
    fn update(&mut self) -> bool {
        let is_drained = self.is_drained();
        let readable = is_drained || !self.completions.is_empty();
        if let Some(signal) = &self.signal {
            if readable != self.is_readable {
                signal.set(readable);
                self.is_readable = readable;
            }
        }
        is_drained
    }
}

#[cfg(all(test, kal_loom))]
mod loom_tests {
    use super::*;
    use loom::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use loom::thread;

    /// Red when `leave` does not check whether the queue is closed: a completion is neither popped nor dropped.
    #[test]
    fn loom_each_completion_is_popped_or_dropped_once() {
        struct Counted(Arc<AtomicUsize>);
        impl Drop for Counted {
            fn drop(&mut self) {
                self.0.fetch_add(1, SeqCst);
            }
        }
        loom::model(|| {
            let queue = Arc::new(Queue::open().expect("a queue"));
            let dropped = Arc::new(AtomicUsize::new(0));
            let pushers: Vec<_> = (0..2)
                .map(|_| {
                    let (ticket, dropped) = (queue.enter().expect("open"), Arc::clone(&dropped));
                    thread::spawn(move || ticket.complete(Counted(dropped)))
                })
                .collect();
            let popped = matches!(queue.next(Instant::now(), |_| Ok(())).expect("open"), Next::Completion(_));
            queue.close();
            for pusher in pushers {
                pusher.join().expect("no panic");
            }
            assert!(queue.next(Instant::now(), |_| Ok(())).is_err());
            assert_eq!(dropped.load(SeqCst), 2, "popped: {popped}");
        });
    }

    /// Red when the last call wakes one thread only, or when `next` waits without looking whether calls are in progress: loom
    /// reports a deadlock.
    #[test]
    fn loom_a_queue_that_is_shut_down_returns_each_completion_and_then_ends() {
        loom::model(|| {
            let queue = Arc::new(Queue::open().expect("a queue"));
            let ticket = queue.enter().expect("open");
            let call = thread::spawn(move || ticket.complete(7));
            let drain = |queue: Arc<Queue<i32>>| {
                let mut count = 0;
                let in_an_hour = || Instant::now() + std::time::Duration::from_secs(60 * 60);
                while let Next::Completion(_) = queue.next(in_an_hour(), |_| Ok(())).expect("not closed") {
                    count += 1;
                }
                count
            };
            let other = {
                let queue = Arc::clone(&queue);
                thread::spawn(move || drain(queue))
            };
            queue.shut_down();
            let count = drain(queue) + other.join().expect("no panic");
            call.join().expect("no panic");
            assert_eq!(count, 1);
        });
    }
}

#[cfg(all(test, not(kal_loom)))]
mod tests {
    use std::time::Duration;

    use super::*;

    fn is_readable<T>(queue: &Queue<T>) -> bool {
        queue.lock().signal.as_ref().expect("open").is_set()
    }

    fn open<T>() -> Arc<Queue<T>> {
        Arc::new(Queue::open().expect("a queue"))
    }

    fn push<T>(queue: &Arc<Queue<T>>, completion: T) {
        queue.enter().expect("open").complete(completion);
    }

    fn next<T>(queue: &Queue<T>) -> Next<T> {
        match queue.next(Instant::now(), |_| Ok(())).expect("not closed") {
            Next::Completion((completion, ())) => Next::Completion(completion),
            Next::NothingYet => Next::NothingYet,
            Next::Drained => Next::Drained,
        }
    }

    #[test]
    fn the_descriptor_is_readable_while_the_queue_is_not_empty() {
        let queue = open();
        assert!(!is_readable(&queue));
        push(&queue, 1);
        push(&queue, 2);
        assert!(is_readable(&queue));
        assert_eq!(next(&queue), Next::Completion(1));
        assert!(is_readable(&queue));
        assert_eq!(next(&queue), Next::Completion(2));
        assert!(!is_readable(&queue));
        assert_eq!(next(&queue), Next::NothingYet);
    }

    #[test]
    fn a_completion_that_is_not_accepted_remains_the_next_one() {
        let queue = open();
        push(&queue, 1);
        push(&queue, 2);
        assert!(queue.next::<()>(Instant::now(), |_| Err(Error::internal("no handle"))).is_err());
        assert!(is_readable(&queue));
        assert_eq!(next(&queue), Next::Completion(1));
        assert_eq!(next(&queue), Next::Completion(2));
    }

    /// Red when a call that did not start is counted for ever: the queue is never drained.
    #[test]
    fn a_queue_that_is_shut_down_is_drained_once_its_calls_have_completed() {
        let queue = open();
        let (call, not_started) = (queue.enter().expect("open"), queue.enter().expect("open"));
        queue.shut_down();
        assert!(queue.ending().is_fired());
        assert_eq!(queue.enter().err().expect("shut down").kind(), ErrorKind::InvalidState);
        drop(not_started);
        assert_eq!(next(&queue), Next::NothingYet);
        assert!(!is_readable(&queue));
        call.complete(7);
        assert_eq!(next(&queue), Next::Completion(7));
        assert!(is_readable(&queue), "it does not wait any more");
        assert_eq!(next(&queue), Next::Drained);
        assert_eq!(next(&queue), Next::Drained);
    }

    #[test]
    fn closing_wakes_waiting_threads_and_drops_later_completions() {
        let queue = open();
        let kept = Arc::new(());
        let later = queue.enter().expect("open");
        push(&queue, Arc::clone(&kept));
        let waiting = Arc::clone(&queue);
        let waiter = std::thread::spawn(move || {
            let in_an_hour = Instant::now() + Duration::from_secs(60 * 60);
            while waiting.next(in_an_hour, |_| Ok(()))? != Next::Drained {}
            Ok::<_, Error>(())
        });
        queue.close();
        assert_eq!(waiter.join().expect("no panic").expect_err("closed").kind(), ErrorKind::Cancelled);
        assert_eq!(queue.descriptor(), None);
        later.complete(Arc::clone(&kept));
        assert_eq!(Arc::strong_count(&kept), 1);
    }
}
