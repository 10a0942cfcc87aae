//! The I/O thread: started by the first request, joined by a shutdown, started again by the next request.
//!
//! It runs a current-thread tokio runtime on a thread of its own. The multi-thread runtime does not cope with a process that is
//! out of threads, and polling on the host's threads would use their stacks. All signals but the fatal ones are blocked on it,
//! so no signal handler of the host runs there, and a connection reset cannot raise SIGPIPE.

use std::cell::Cell;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use super::{OccupyStandard, PerProcess, from_signal, lookups};
use crate::error::{Error, ErrorKind, Result};
use crate::platform::with_signals_blocked;

/// The deepest stacks are those of certificate verification and of parsing token responses.
const STACK_BYTES: usize = 1024 * 1024;
/// For `getaddrinfo` with any name-service modules that the host has configured.
const RESOLVER_STACK_BYTES: usize = 512 * 1024;
/// Threads for `getaddrinfo`, started on demand. A lookup that hangs occupies its thread, so this many lookups must hang before
/// others have to wait.
const MAX_RESOLVER_THREADS: usize = 64;
/// Tasks polled between two checks for I/O. tokio's default of 61 assumes short polls; here each may decode a chunk of a
/// response.
const EVENT_INTERVAL: u32 = 8;
/// Time that a shutdown allows the resolver threads even if its deadline has passed.
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
    /// How many I/O threads have been started; connections of an earlier one are dead.
    generation: u64,
}

struct Running {
    handle: Handle,
    stop: oneshot::Sender<Instant>,
    exit: Arc<Exit>,
    thread: JoinHandle<()>,
}

/// Set by the I/O thread when it ends: a `JoinHandle` cannot be joined with a timeout.
#[derive(Default)]
struct Exit {
    /// Set before pending calls are completed, so that a caller whose call has just failed does not spawn another here.
    is_stopping: AtomicBool,
    exited: Mutex<bool>,
    changed: Condvar,
}

/// Whether the calling thread is the I/O thread, where nothing may block.
pub(crate) fn is_current() -> bool {
    ON_IO_THREAD.get()
}

/// A handle to the running I/O thread.
pub(crate) struct IoHandle {
    handle: Handle,
    /// The number of this I/O thread in the process.
    pub(crate) generation: u64,
}

impl IoHandle {
    /// Spawns a task on the I/O thread. After a shutdown the task is dropped instead; the values it owns must report that.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.handle.spawn(task);
    }
}

/// Returns a handle to the I/O thread, which is started if it is not running.
pub(crate) fn get_or_start() -> Result<IoHandle> {
    let mut state = state()?;
    let generation = match &state.running {
        // A thread that panicked is replaced: its calls have failed, later ones are unaffected.
        Some(running) if !running.exit.is_stopping.load(Ordering::Acquire) => {
            return Ok(IoHandle { handle: running.handle.clone(), generation: state.generation });
        }
        _ => state.generation + 1,
    };
    let running =
        start().map_err(|error| Error::out_of_resources(format!("cannot start the library's I/O thread: {error}")))?;
    let handle = running.handle.clone();
    // Before the first call.
    handle.spawn(from_signal::watch());
    state.generation = generation;
    state.running = Some(running);
    Ok(IoHandle { handle, generation })
}

/// Sets the function that serves what signal handlers ask for, on the I/O thread. Only the first one is used.
pub(crate) fn serve_signals(serve: fn(u64)) -> Result<()> {
    // Locked, so that an I/O thread which is started meanwhile watches, too.
    let state = state()?;
    if from_signal::open(serve)? {
        if let Some(running) = &state.running {
            running.handle.spawn(from_signal::watch());
        }
    }
    Ok(())
}

/// Stops the I/O thread: pending calls fail, and the thread is joined.
pub(crate) fn shutdown(timeout: Duration) -> Result<()> {
    if is_current() {
        return Err(Error::new(ErrorKind::WouldDeadlock, "the library cannot be shut down from its own I/O thread"));
    }
    let deadline = Instant::now() + timeout;
    let Some(running) = state()?.running.take() else { return Ok(()) };
    // Fails if the thread has already ended, by a panic.
    let _ = running.stop.send(deadline);
    let timed_out = || {
        let message = "the library's threads did not end within the timeout; they end on their own";
        Error::new(ErrorKind::TimedOut, message)
    };
    let mut exited = running.exit.lock();
    while !*exited {
        let remaining = deadline.saturating_duration_since(Instant::now());
        if remaining.is_zero() {
            return Err(timed_out());
        }
        exited = running.exit.changed.wait_timeout(exited, remaining).unwrap_or_else(PoisonError::into_inner).0;
    }
    drop(exited);
    // A panic of the thread was reported to its calls; here it only matters that it ended.
    let _ = running.thread.join();
    match lookups::in_progress() {
        0 => Ok(()),
        _ => Err(timed_out()),
    }
}

fn state() -> Result<MutexGuard<'static, State>> {
    let thread = IO_THREAD
        .get()
        .ok_or_else(|| Error::new(ErrorKind::Forked, "the library cannot be used here: too many nested forks"))?;
    Ok(thread.state.lock().unwrap_or_else(PoisonError::into_inner))
}

fn start() -> std::io::Result<Running> {
    let _occupied = OccupyStandard::new();
    let runtime = Builder::new_current_thread().enable_io().enable_time().event_interval(EVENT_INTERVAL).build()?;
    // A runtime of their own, so that the calls can be ended before the lookups are waited for.
    let resolvers = Builder::new_current_thread()
        .max_blocking_threads(MAX_RESOLVER_THREADS)
        .thread_keep_alive(Duration::from_secs(1))
        .thread_stack_size(RESOLVER_STACK_BYTES)
        .thread_name("kal-resolver")
        .build()?;
    let handle = runtime.handle().clone();
    let (stop, stopped) = oneshot::channel::<Instant>();
    let exit = Arc::new(Exit::default());
    let (mark_stopping, mark_exited) = (MarkStopping(Arc::clone(&exit)), MarkExited(Arc::clone(&exit)));
    let thread = with_signals_blocked(|| {
        std::thread::Builder::new().name("kal-io".into()).stack_size(STACK_BYTES).spawn(move || {
            // Dropped in this order, in a panic too: stopping, the runtime with its tasks, the resolver threads, exited.
            let _exited = mark_exited;
            let resolvers = resolvers;
            let runtime = runtime;
            let stopping = mark_stopping;
            ON_IO_THREAD.set(true);
            lookups::set_threads(resolvers.handle().clone());
            let deadline = runtime.block_on(stopped).unwrap_or_else(|_| Instant::now());
            drop(stopping);
            // Ends the calls at once, however long a lookup takes.
            drop(runtime);
            let remaining = deadline.saturating_duration_since(Instant::now());
            resolvers.shutdown_timeout(remaining.max(RESOLVER_GRACE));
        })
    })?;
    Ok(Running { handle, stop, exit, thread })
}

impl Exit {
    fn lock(&self) -> MutexGuard<'_, bool> {
        self.exited.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// On drop, marks that the thread accepts no more tasks.
struct MarkStopping(Arc<Exit>);

impl Drop for MarkStopping {
    fn drop(&mut self) {
        self.0.is_stopping.store(true, Ordering::Release);
    }
}

/// On drop, marks that the thread has ended.
struct MarkExited(Arc<Exit>);

impl Drop for MarkExited {
    fn drop(&mut self) {
        *self.0.lock() = true;
        self.0.changed.notify_all();
    }
}
