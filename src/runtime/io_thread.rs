//! The one I/O thread: started by the first request, joined by a shutdown, started again by the next request.
//!
//! A current-thread runtime on a thread of our own, because the multi-thread one cannot cope with a host that has no
//! threads left, and because polling on the host's threads would ask for their stack. All signals but the fatal ones
//! are blocked on it, so that no handler of the host ever runs there and a server's RST cannot raise SIGPIPE.

use std::cell::Cell;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use super::PerProcess;
use crate::error::{Error, ErrorKind, Result, Retry};

/// Certificate checks and JSON of sign-in answers are the deepest things it does.
const STACK_BYTES: usize = 1024 * 1024;
/// `getaddrinfo`, with whatever name-service modules the host is configured for.
const RESOLVER_STACK_BYTES: usize = 512 * 1024;
/// Threads for `getaddrinfo`, each started when there is a name for it. A lookup that hangs keeps its thread, and so many names
/// have to hang before others wait for one.
const RESOLVER_THREADS: usize = 64;
/// How many tasks have their turn before the runtime looks for I/O. Its own 61 are for tasks that are short; here each may be
/// a piece of somebody's answer, decoded.
const TASKS_BETWEEN_IO: u32 = 8;
/// What a shutdown leaves to the resolver threads after the deadline was spent elsewhere.
const RESOLVER_GRACE: Duration = Duration::from_millis(10);

static IO_THREAD: PerProcess<IoThread> = PerProcess::new();

thread_local! {
    static ON_IO_THREAD: Cell<bool> = const { Cell::new(false) };
}

#[derive(Default)]
struct IoThread {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: Option<Running>,
    /// How many I/O threads there have been; connections of an earlier one are dead.
    generation: u64,
}

struct Running {
    handle: Handle,
    stop: oneshot::Sender<Instant>,
    ended: Arc<Ended>,
    thread: JoinHandle<()>,
}

/// Set by the I/O thread as the last thing it does: a `JoinHandle` cannot be waited for with a deadline.
#[derive(Default)]
struct Ended {
    /// Before it answers the calls it has, so that nobody who was told hands it another.
    takes_no_more: AtomicBool,
    flag: Mutex<bool>,
    raised: Condvar,
}

/// Whether the calling thread is the I/O thread, where nothing may block.
pub(crate) fn is_current() -> bool {
    ON_IO_THREAD.get()
}

/// The I/O thread as it runs now.
pub(crate) struct Started {
    handle: Handle,
    /// Which I/O thread of this process it is.
    pub(crate) generation: u64,
}

impl Started {
    /// Runs a task there. After a shutdown it is dropped instead, which what it holds has to make known.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.handle.spawn(task);
    }
}

/// The I/O thread, which is started if need be.
pub(crate) fn started() -> Result<Started> {
    let mut state = state()?;
    let generation = match &state.running {
        // One that a panic ended is replaced: the calls it had were answered, and later ones have nothing to do with it.
        Some(running) if !running.ended.takes_no_more.load(Ordering::Acquire) => {
            return Ok(Started { handle: running.handle.clone(), generation: state.generation });
        }
        _ => state.generation + 1,
    };
    let running = start().map_err(|error| {
        Error::new(ErrorKind::ConnectFailed, format!("the library's I/O thread cannot be started: {error}"))
            .with(|details| details.retry = Retry::Transient)
    })?;
    let handle = running.handle.clone();
    state.generation = generation;
    state.running = Some(running);
    Ok(Started { handle, generation })
}

/// Ends the I/O thread: calls under way are answered with an error, and the thread is joined.
pub(crate) fn shutdown(timeout: Duration) -> Result<()> {
    if is_current() {
        return Err(Error::new(ErrorKind::WouldDeadlock, "the library cannot be shut down from its own thread"));
    }
    let until = Instant::now() + timeout;
    let Some(running) = state()?.running.take() else { return Ok(()) };
    // The thread may have ended by a panic; then there is nobody to tell.
    let _ = running.stop.send(until);
    let late = || Error::new(ErrorKind::TimedOut, "the library's thread did not end in time; it ends by itself");
    let mut ended = running.ended.lock();
    while !*ended {
        let left = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()).ok_or_else(late)?;
        ended = running.ended.raised.wait_timeout(ended, left).unwrap_or_else(PoisonError::into_inner).0;
    }
    drop(ended);
    // How it ended was told to the calls it had; that it has ended is what was asked for.
    let _ = running.thread.join();
    match crate::http::resolver::lookups_in_progress() {
        0 => Ok(()),
        _ => Err(late()),
    }
}

fn state() -> Result<MutexGuard<'static, State>> {
    let thread = IO_THREAD.get().ok_or_else(|| Error::new(ErrorKind::Forked, "too many forks, one within another"))?;
    Ok(thread.state.lock().unwrap_or_else(PoisonError::into_inner))
}

fn start() -> std::io::Result<Running> {
    let runtime = Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .event_interval(TASKS_BETWEEN_IO)
        .max_blocking_threads(RESOLVER_THREADS)
        .thread_keep_alive(Duration::from_secs(1))
        .thread_stack_size(RESOLVER_STACK_BYTES)
        .thread_name("kal-resolver")
        .build()?;
    let handle = runtime.handle().clone();
    let (stop, stopped) = oneshot::channel::<Instant>();
    let ended = Arc::new(Ended::default());
    let last = Raise(Arc::clone(&ended));
    let ended_of_thread = Arc::clone(&ended);
    let thread = with_signals_blocked(|| {
        std::thread::Builder::new().name("kal-io".into()).stack_size(STACK_BYTES).spawn(move || {
            let _last = last;
            // In a panic, dropped after the next and before the last.
            let runtime = runtime;
            let _no_more = TakeNoMore(ended_of_thread);
            ON_IO_THREAD.set(true);
            let until = runtime.block_on(stopped).unwrap_or_else(|_| Instant::now());
            let left = until.saturating_duration_since(Instant::now());
            runtime.shutdown_timeout(left.max(RESOLVER_GRACE));
        })
    })?;
    Ok(Running { handle, stop, ended, thread })
}

/// A new thread inherits the mask of the one that starts it, so there is no moment at which it has the host's.
fn with_signals_blocked<T>(start: impl FnOnce() -> std::io::Result<T>) -> std::io::Result<T> {
    let mut blocked = SigSet::all();
    for fatal in [
        Signal::SIGSEGV,
        Signal::SIGBUS,
        Signal::SIGFPE,
        Signal::SIGILL,
        Signal::SIGTRAP,
        Signal::SIGABRT,
        Signal::SIGSYS,
    ] {
        blocked.remove(fatal);
    }
    let before = blocked.thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
    let started = start();
    before.thread_set_mask()?;
    started
}

impl Ended {
    fn lock(&self) -> MutexGuard<'_, bool> {
        self.flag.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Raised when the thread is past its work, by a panic too.
struct TakeNoMore(Arc<Ended>);

impl Drop for TakeNoMore {
    fn drop(&mut self) {
        self.0.takes_no_more.store(true, Ordering::Release);
    }
}

/// Raises the flag when the thread ends, by a panic too.
struct Raise(Arc<Ended>);

impl Drop for Raise {
    fn drop(&mut self) {
        *self.0.lock() = true;
        self.0.raised.notify_all();
    }
}
