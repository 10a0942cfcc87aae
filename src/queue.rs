//! A completion queue for applications with an event loop: the I/O thread pushes, the application pops.

use std::collections::VecDeque;
use std::os::fd::{AsRawFd, RawFd};
use std::time::Instant;

use nix::sys::eventfd::{EfdFlags, EventFd};

use crate::cancel::{Cancel, Fired};
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::OccupyStandard;
use crate::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Completions in order of arrival.
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    arrived: Condvar,
    /// Readable while the queue is not empty: its count is 1 then, and 0 otherwise.
    signal: EventFd,
    /// Fired when the queue is closed, to cancel the calls submitted to it.
    closing: Cancel,
}

struct State<T> {
    completions: VecDeque<T>,
    closed: bool,
}

impl<T> Queue<T> {
    pub(crate) fn open() -> Result<Self> {
        let _occupied = OccupyStandard::new();
        let signal = EventFd::from_value_and_flags(0, EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)
            .map_err(|error| Error::out_of_resources(format!("cannot create a descriptor for the queue: {error}")))?;
        let state = Mutex::new(State { completions: VecDeque::new(), closed: false });
        Ok(Self { state, arrived: Condvar::new(), signal, closing: Cancel::default() })
    }

    /// The descriptor for `poll`, `select` and `epoll`; owned by the queue.
    pub(crate) fn descriptor(&self) -> RawFd {
        self.signal.as_raw_fd()
    }

    /// Cancels a call submitted to this queue when the queue is closed.
    pub(crate) fn closing(&self) -> Fired {
        self.closing.fired()
    }

    /// Appends a completion. A closed queue drops it.
    pub(crate) fn push(&self, completion: T) {
        self.add(completion, VecDeque::push_back);
    }

    /// Returns a completion that could not be delivered to the front of the queue.
    pub(crate) fn put_back(&self, completion: T) {
        self.add(completion, VecDeque::push_front);
    }

    fn add(&self, completion: T, place: fn(&mut VecDeque<T>, T)) {
        let mut state = self.lock();
        if state.closed {
            // Dropped after the lock is released: it may be large.
            drop(state);
            return drop(completion);
        }
        place(&mut state.completions, completion);
        if state.completions.len() == 1 {
            self.signal(true);
        }
        drop(state);
        self.arrived.notify_one();
    }

    /// Waits for the next completion until `until`. Returns none if there is none by then.
    pub(crate) fn next(&self, until: Instant) -> Result<Option<T>> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return Err(Error::new(ErrorKind::Cancelled, "the queue was closed"));
            }
            if let Some(completion) = state.completions.pop_front() {
                if state.completions.is_empty() {
                    self.signal(false);
                }
                return Ok(Some(completion));
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            state = self.arrived.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Cancels calls in progress, drops queued completions, and wakes waiting threads.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let dropped = std::mem::take(&mut state.completions);
        drop(state);
        self.arrived.notify_all();
        self.closing.fire();
        drop(dropped);
    }

    /// Called with the lock held, so that the descriptor always matches the queue.
    fn signal(&self, readable: bool) {
        // A count of 0 or 1 neither overflows nor blocks.
        let _ = if readable { self.signal.write(1).map(|_| 1) } else { self.signal.read() };
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(all(test, kal_loom))]
mod loom_tests {
    use super::*;
    use loom::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use loom::thread;
    use std::sync::Arc;

    /// Red when `push` does not check whether the queue is closed: a completion is neither popped nor dropped.
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
                    let (queue, dropped) = (Arc::clone(&queue), Arc::clone(&dropped));
                    thread::spawn(move || queue.push(Counted(dropped)))
                })
                .collect();
            let popped = queue.next(Instant::now()).expect("open").is_some();
            queue.close();
            for pusher in pushers {
                pusher.join().expect("no panic");
            }
            assert!(queue.next(Instant::now()).is_err());
            assert_eq!(dropped.load(SeqCst), 2, "popped: {popped}");
        });
    }
}

#[cfg(all(test, not(kal_loom)))]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use std::os::fd::AsFd;

    use super::*;

    fn is_readable<T>(queue: &Queue<T>) -> bool {
        poll(&mut [PollFd::new(queue.signal.as_fd(), PollFlags::POLLIN)], PollTimeout::ZERO).expect("poll") == 1
    }

    #[test]
    fn the_descriptor_is_readable_while_the_queue_is_not_empty() {
        let queue = Queue::open().expect("a queue");
        assert!(!is_readable(&queue));
        queue.push(1);
        queue.push(2);
        assert!(is_readable(&queue));
        assert_eq!(queue.next(Instant::now()).expect("open"), Some(1));
        assert!(is_readable(&queue));
        assert_eq!(queue.next(Instant::now()).expect("open"), Some(2));
        assert!(!is_readable(&queue));
        assert_eq!(queue.next(Instant::now()).expect("open"), None);
    }

    #[test]
    fn a_completion_that_is_put_back_is_the_next_one() {
        let queue = Queue::open().expect("a queue");
        queue.push(1);
        queue.push(2);
        let first = queue.next(Instant::now()).expect("open").expect("the first");
        queue.put_back(first);
        assert_eq!(queue.next(Instant::now()).expect("open"), Some(1));
        let second = queue.next(Instant::now()).expect("open").expect("the second");
        assert!(!is_readable(&queue));
        queue.put_back(second);
        assert!(is_readable(&queue));
        queue.close();
        let kept = Arc::new(());
        let closed = Queue::open().expect("a queue");
        closed.close();
        closed.put_back(Arc::clone(&kept));
        assert_eq!(Arc::strong_count(&kept), 1);
    }

    #[test]
    fn closing_wakes_waiting_threads_and_drops_later_completions() {
        let queue = Arc::new(Queue::open().expect("a queue"));
        let kept = Arc::new(());
        queue.push(Arc::clone(&kept));
        assert!(queue.next(Instant::now()).expect("open").is_some());
        let waiting = Arc::clone(&queue);
        let waiter = std::thread::spawn(move || waiting.next(Instant::now() + Duration::from_hours(1)).err());
        queue.close();
        assert_eq!(waiter.join().expect("no panic").expect("an error").kind(), ErrorKind::Cancelled);
        queue.push(Arc::clone(&kept));
        assert_eq!(Arc::strong_count(&kept), 1);
    }
}
