//! Row 20: `fork` while other threads wait for locks; the child takes new locks, created after the fork.
//!
//! This is why `parking_lot` is not in the library. Its table of parked threads is shared by the process: a fork sometimes
//! happens while a bucket is locked, and in the child no thread unlocks it. Even a new lock of the child hangs there, also with a
//! timeout of 0. The standard library's locks wait in the kernel and share nothing. The number of hanging children is random, so
//! the counts of both are printed; the claim is that none hangs in the library's calls.
//!
//! Red when `src/sync.rs` uses `parking_lot`'s locks: "fork 2: the child hangs", 134 of 1,000 children in one run. And when
//! `fork` is not counted in `runtime/per_process.rs`: all 40.
#![allow(unsafe_code, reason = "fork is a C function")]

use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use kal_emulator::{Config, Emulator};
use kal_torture::calls::{Client, EntryPoint, How, Method, Opening, Queue, shutdown};
use kal_torture::random::Random;
use kal_torture::report::{Form, Row};
use kaleidoscope::ffi::cache::KAL_CACHE_REFRESH;
use kaleidoscope::ffi::status::KAL_OK;

/// The number of threads that call or wait, in the parent and in the child.
const THREADS: usize = 6;
const CHILD_THREADS: usize = 4;
/// Locks that a child tries: enough to hit every bucket of `parking_lot`'s table.
const CHILD_LOCKS: usize = 256;
/// A child that takes longer counts as hanging.
const LIMIT: Duration = Duration::from_secs(5);
/// Each hanging child costs [`LIMIT`], so the run stops after this many.
const ENOUGH_HUNG: usize = 3;

/// The outcomes of the children.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    Fine,
    Hung,
    Failed(i32),
}

#[derive(Default)]
struct Children {
    forks: u64,
    hung: usize,
    failures: Vec<String>,
}

/// Forks at random moments while `THREADS` threads run `parent`; each child runs `child` and exits.
fn fork_amid(forks: u64, enough: usize, parent: impl Fn() + Sync, child: impl Fn() -> bool) -> Children {
    let over = AtomicBool::new(false);
    let mut children = Children::default();
    let mut random = Random::seeded(20);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    parent();
                }
            });
        }
        while children.forks < forks && children.hung < enough {
            thread::sleep(Duration::from_micros(random.below(2000)));
            children.forks += 1;
            match in_a_child(&child) {
                End::Fine => {}
                End::Hung => {
                    children.hung += 1;
                    children.failures.push(format!("fork {}: the child hangs", children.forks));
                }
                End::Failed(status) => {
                    children
                        .failures
                        .push(format!("fork {}: the child ends with wait status {status:#x}", children.forks));
                }
            }
        }
        over.store(true, Ordering::Relaxed);
    });
    children
}

fn in_a_child(child: impl Fn() -> bool) -> End {
    // SAFETY: the child runs `child`, the code under test, and exits without running the parent's exit handlers.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0, "no child");
    if pid == 0 {
        let fine = catch_unwind(AssertUnwindSafe(child)).unwrap_or(false);
        // SAFETY: ends the process.
        unsafe { libc::_exit(i32::from(!fine)) };
    }
    let until = Instant::now() + LIMIT;
    let mut status = 0;
    loop {
        // SAFETY: the pid is that of a child not yet waited for, the status is a local variable.
        if unsafe { libc::waitpid(pid, &raw mut status, libc::WNOHANG) } == pid {
            return if status == 0 { End::Fine } else { End::Failed(status) };
        }
        if Instant::now() >= until {
            // SAFETY: as above.
            unsafe {
                libc::kill(pid, libc::SIGKILL);
                libc::waitpid(pid, &raw mut status, 0);
            }
            return End::Hung;
        }
        thread::sleep(Duration::from_micros(200));
    }
}

/// Many threads on one client; the child opens its own client.
fn in_the_library(forks: u64, url: &str) -> (Children, u64) {
    let shared = Client::open(&Opening::at(url)).expect("a client");
    let calls = AtomicU64::new(0);
    let refresh = How { cache: KAL_CACHE_REFRESH, ..How::default() };
    let parent = || {
        let call = calls.fetch_add(1, Ordering::Relaxed);
        let entry_point = EntryPoint::ALL[usize::try_from(call % 3).expect("a small number")];
        let how = if call % 4 == 0 { refresh } else { How::default() };
        let outcome = shared.call(entry_point, Method::Members, how);
        assert_eq!(outcome.status, KAL_OK, "in the parent: {}", outcome.message());
    };
    let child = || {
        let Ok(own) = Client::open(&Opening::at(url)) else { return false };
        let together = Barrier::new(CHILD_THREADS);
        let fine = thread::scope(|scope| {
            let callers: Vec<_> = (0..CHILD_THREADS)
                .map(|_| {
                    scope.spawn(|| {
                        let queue = Queue::open();
                        together.wait();
                        own.call(EntryPoint::Typed, Method::Members, How::default()).status == KAL_OK
                            && own.call(EntryPoint::Json, Method::Groups, refresh).status == KAL_OK
                            && own.submit(&queue, Method::Members, refresh) == KAL_OK
                            && queue.next(60_000).is_some_and(|outcome| outcome.status == KAL_OK)
                    })
                })
                .collect();
            callers.into_iter().all(|caller| caller.join().is_ok_and(|fine| fine))
        });
        drop(own);
        fine && shutdown() == KAL_OK
    };
    let children = fork_amid(forks, ENOUGH_HUNG, parent, child);
    (children, calls.into_inner())
}

/// A contended lock: the second thread waits for the first.
fn std_locks(forks: u64) -> Children {
    let contended = std::sync::Mutex::new(0_u64);
    let parent = || *contended.lock().expect("no panic") += 1;
    let child = || {
        let lock = Arc::new(std::sync::Mutex::new(0_u64));
        let adders: Vec<_> = (0..CHILD_THREADS)
            .map(|_| {
                let lock = Arc::clone(&lock);
                thread::spawn(move || (0..1000).for_each(|_| *lock.lock().expect("no panic") += 1))
            })
            .collect();
        adders.into_iter().all(|adder| adder.join().is_ok())
    };
    fork_amid(forks, ENOUGH_HUNG, parent, child)
}

/// Waits with a timeout of 0: mostly parking and timing out at once.
fn parking_lot_locks(forks: u64) -> Children {
    let taken = parking_lot::Mutex::new(());
    let _held = taken.lock();
    let parent = || drop(black_box(taken.try_lock_for(Duration::ZERO)));
    let child = || {
        let locks: Vec<_> = (0..CHILD_LOCKS).map(|_| Box::new(parking_lot::Mutex::new(()))).collect();
        locks.iter().all(|lock| {
            let _held = lock.lock();
            lock.try_lock_for(Duration::ZERO).is_none()
        })
    };
    fork_amid(forks, ENOUGH_HUNG, parent, child)
}

fn main() {
    let form = Form::from_args();
    let row = Row::begin("fork-locks");
    let emulator = Emulator::start(Config::default()).expect("an emulator");
    let forks = form.pick(40, 1000);
    let (library, calls) = in_the_library(forks, emulator.url());
    row.claim(
        "amid calls of six threads, no child hangs in the library's calls, and they succeed",
        library.forks,
        &library.failures,
    );
    drop(emulator);
    let std = std_locks(form.pick(200, 5000));
    println!("# locks of the standard library: {} of {} children hung", std.hung, std.forks);
    let parking_lot = parking_lot_locks(form.pick(200, 5000));
    println!(
        "# locks of parking_lot: {} of {} children hung (it stops at {ENOUGH_HUNG})",
        parking_lot.hung, parking_lot.forks
    );
    row.end(&format!(
        "children that hung: library {} of {} amid {calls} calls, std {} of {}, parking_lot {} of {}",
        library.hung, library.forks, std.hung, std.forks, parking_lot.hung, parking_lot.forks
    ));
}
