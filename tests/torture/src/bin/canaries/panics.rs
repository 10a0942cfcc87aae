//! Panics, which are defects: nobody can know where they will be, or what their messages quote. So a message that was put
//! together at run time is not shown, neither to the caller nor in the log; the place is.
//!
//! A logger that panics makes one of each place that logs, which is as near as one comes from outside. A program of Rust may
//! have its own logger, and then the library's is not installed, hence a process of its own.
//!
//! Seen red with messages shown as they are: the log had "byte index 4 is not a char boundary; it is inside 'x' of ..." with the
//! client's secret, 24 times for 24 panics.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use kal_torture::calls::{Client, Door, How, Method, Opening};
use kal_torture::report::Row;
use kal_torture::wire::answers::{good, sized};
use kal_torture::wire::server::Script;
use kal_torture::wire::{Asked, Server, Step};
use kaleidoscope::ffi::status::{KAL_OK, KAL_PANIC};
use log::{LevelFilter, Log, Metadata, Record};

use super::{CLIENT_SECRET, logged, name, opening, quiet, singing, sings};

/// The argument that asks for this part.
pub(crate) const PART: &str = "--panics";
/// More lines than any call here writes.
const LINES: i64 = 8;

/// Which of the next lines ends in a panic; 0 and below: none.
static COUNTDOWN: AtomicI64 = AtomicI64::new(0);
static PANICS: AtomicU64 = AtomicU64::new(0);

struct Panicking;

impl Log for Panicking {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("kaleidoscope")
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        logged().push(record.args().to_string());
        if COUNTDOWN.fetch_sub(1, Ordering::Relaxed) == 1 {
            PANICS.fetch_add(1, Ordering::Relaxed);
            // As the standard library words it, and quotes the text.
            panic!("byte index 4 is not a char boundary; it is inside 'x' of `{CLIENT_SECRET}`");
        }
    }

    fn flush(&self) {}
}

/// Signs in, refuses every second request, and repeats what it was told.
struct Moody(AtomicU64);

impl Script for Moody {
    fn answer(&self, asked: &Asked) -> Vec<Step> {
        if !asked.is_sign_in() && self.0.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) {
            return vec![Step::Send(sized("503 No", "", &asked.raw))];
        }
        vec![Step::Send(good(asked.path()))]
    }
}

pub(crate) fn quote_nothing(row: &Row) -> ! {
    log::set_logger(&Panicking).expect("no other logger");
    log::set_max_level(LevelFilter::Debug);
    let (mut tried, mut failures, mut told) = (0, Vec::new(), 0);
    for nth in 1..=LINES {
        for door in Door::ALL {
            for method in [Method::Workspace, Method::Events] {
                let server = Server::start(Moody(AtomicU64::new(0)));
                let client = Client::open(&Opening { max_attempts: 3, ..opening(server.http()) }).expect("a client");
                let before = PANICS.load(Ordering::Relaxed);
                COUNTDOWN.store(nth, Ordering::Relaxed);
                let outcome = client.call(door, method, How::default());
                COUNTDOWN.store(0, Ordering::Relaxed);
                let panicked = PANICS.load(Ordering::Relaxed) > before;
                tried += u64::from(panicked);
                told += u64::from(outcome.status == KAL_PANIC);
                failures.extend(singing(&outcome));
                if !panicked && outcome.status != KAL_OK {
                    failures.push(format!("without a panic: {} {}", name(outcome.status), quiet(&outcome.message())));
                }
                // The next call has nothing to do with it.
                let next = client.call(door, method, How::default());
                if next.status != KAL_OK {
                    failures.push(format!("after a panic: {} {}", name(next.status), quiet(&next.message())));
                }
            }
        }
    }
    if told == 0 {
        failures.push("no call was told of a panic, so none was looked at".into());
    }
    row.claim("a panic whose message quotes a secret does not show it, and the next call works", tried, &failures);
    let lines = logged();
    let of_panics = lines.iter().filter(|line| line.starts_with("panic")).count() as u64;
    let mut failures: Vec<_> = lines.iter().filter(|line| sings(line.as_bytes())).map(|line| quiet(line)).collect();
    if of_panics < tried {
        failures.push(format!("{tried} panics, but {of_panics} lines of them"));
    }
    row.claim("the log tells of a panic, and not what it quotes", lines.len() as u64, &failures);
    row.end(&format!("{tried} panics"))
}
