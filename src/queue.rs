//! A queue of completions for a host that has an event loop: filled by the I/O thread, emptied by the host when it likes.

use std::collections::VecDeque;
use std::os::fd::{AsRawFd, RawFd};
use std::time::Instant;

use nix::sys::eventfd::{EfdFlags, EventFd};

use crate::cancel::{Cancel, Fired};
use crate::error::{Error, ErrorKind, Result, Retry};
use crate::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Completions in the order in which they came.
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    arrived: Condvar,
    /// Readable while completions wait: its count is 1 then, and 0 otherwise.
    signal: EventFd,
    /// Fired when the queue is closed: what was submitted to it is cancelled.
    closing: Cancel,
}

struct State<T> {
    waiting: VecDeque<T>,
    closed: bool,
}

impl<T> Queue<T> {
    pub(crate) fn open() -> Result<Self> {
        let signal =
            EventFd::from_value_and_flags(0, EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK).map_err(|error| {
                Error::new(ErrorKind::InvalidState, format!("no descriptor for the queue: {error}"))
                    .with(|details| details.retry = Retry::Transient)
            })?;
        let state = Mutex::new(State { waiting: VecDeque::new(), closed: false });
        Ok(Self { state, arrived: Condvar::new(), signal, closing: Cancel::default() })
    }

    /// For `poll`, `select` and `epoll`; belongs to the queue.
    pub(crate) fn descriptor(&self) -> RawFd {
        self.signal.as_raw_fd()
    }

    /// What a call that is submitted to this queue listens to.
    pub(crate) fn closing(&self) -> Fired {
        self.closing.fired()
    }

    /// Puts a completion into the queue; a closed queue drops it.
    pub(crate) fn push(&self, completion: T) {
        self.add(completion, VecDeque::push_back);
    }

    /// Puts a completion back that could not be picked up; it is the next one again.
    pub(crate) fn put_back(&self, completion: T) {
        self.add(completion, VecDeque::push_front);
    }

    fn add(&self, completion: T, place: fn(&mut VecDeque<T>, T)) {
        let mut state = self.lock();
        if state.closed {
            // Dropped after the lock: it may be large.
            drop(state);
            return drop(completion);
        }
        place(&mut state.waiting, completion);
        if state.waiting.len() == 1 {
            self.signal(true);
        }
        drop(state);
        self.arrived.notify_one();
    }

    /// The next completion, or none when there is none by `until`.
    pub(crate) fn next(&self, until: Instant) -> Result<Option<T>> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return Err(Error::new(ErrorKind::Cancelled, "the queue was closed"));
            }
            if let Some(completion) = state.waiting.pop_front() {
                if state.waiting.is_empty() {
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

    /// Cancels what is under way, drops what waits, and sends waiting threads home.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let dropped = std::mem::take(&mut state.waiting);
        drop(state);
        self.arrived.notify_all();
        self.closing.fire();
        drop(dropped);
    }

    /// Under the lock, so that the descriptor and the queue never disagree.
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

    /// Red when `push` does not look whether the queue is closed: a completion is then neither picked up nor dropped.
    #[test]
    fn loom_each_completion_is_picked_up_or_dropped_once() {
        struct Counted(Arc<AtomicUsize>);
        impl Drop for Counted {
            fn drop(&mut self) {
                self.0.fetch_add(1, SeqCst);
            }
        }
        loom::model(|| {
            let queue = Arc::new(Queue::open().expect("a queue"));
            let ended = Arc::new(AtomicUsize::new(0));
            let pushers: Vec<_> = (0..2)
                .map(|_| {
                    let (queue, ended) = (Arc::clone(&queue), Arc::clone(&ended));
                    thread::spawn(move || queue.push(Counted(ended)))
                })
                .collect();
            let picked = queue.next(Instant::now()).expect("open").is_some();
            queue.close();
            for pusher in pushers {
                pusher.join().expect("no panic");
            }
            assert!(queue.next(Instant::now()).is_err());
            assert_eq!(ended.load(SeqCst), 2, "one picked up: {picked}");
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
    fn the_descriptor_is_readable_while_completions_wait() {
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
    fn what_is_put_back_is_the_next_one_again() {
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
    fn closing_wakes_the_one_who_waits_and_drops_what_comes_later() {
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
