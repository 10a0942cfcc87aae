//! Panics are bugs: where they happen and what their messages quote is unknown. So a message formatted at run time is shown
//! neither to the caller nor in the log; its location is.
//!
//! A logger that panics causes one in each place that logs, the closest a test can get from outside. It must be installed
//! before the library's logger, hence the separate process.
//!
//! Seen red with messages shown unchanged: the log had "byte index 4 is not a char boundary; it is inside 'x' of ..." with the
//! client's secret, 24 times for 24 panics.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use kal_torture::calls::{Client, EntryPoint, How, Method, Opening};
use kal_torture::report::Row;
use kal_torture::wire::answers::{good, sized};
use kal_torture::wire::server::Script;
use kal_torture::wire::{Asked, Server, Step};
use kaleidoscope::ffi::status::{KAL_OK, KAL_PANIC};
use log::{LevelFilter, Log, Metadata, Record};

use super::{CLIENT_SECRET, logged, name, opening, quiet, singing, sings};

/// The argument that selects this part.
pub(crate) const PART: &str = "--panics";
/// More lines than any call here logs.
const LINES: i64 = 8;

/// The number of lines until one panics; none if 0 or less.
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
            // As in the standard library, whose message quotes the text.
            panic!("byte index 4 is not a char boundary; it is inside 'x' of `{CLIENT_SECRET}`");
        }
    }

    fn flush(&self) {}
}

/// Accepts sign-ins, rejects every second request, and echoes requests.
struct Moody(AtomicU64);

impl Script for Moody {
    fn answer(&self, asked: &Asked) -> Vec<Step> {
        if !asked.is_sign_in() && self.0.fetch_add(1, Ordering::Relaxed) % 2 == 0 {
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
        for entry_point in EntryPoint::ALL {
            for method in [Method::Workspace, Method::Events] {
                let server = Server::start(Moody(AtomicU64::new(0)));
                let client = Client::open(&Opening { max_attempts: 3, ..opening(server.http()) }).expect("a client");
                let before = PANICS.load(Ordering::Relaxed);
                COUNTDOWN.store(nth, Ordering::Relaxed);
                let outcome = client.call(entry_point, method, How::default());
                COUNTDOWN.store(0, Ordering::Relaxed);
                let panicked = PANICS.load(Ordering::Relaxed) > before;
                tried += u64::from(panicked);
                told += u64::from(outcome.status == KAL_PANIC);
                failures.extend(singing(&outcome));
                if !panicked && outcome.status != KAL_OK {
                    failures.push(format!("without a panic: {} {}", name(outcome.status), quiet(&outcome.message())));
                }
                // The next call is not affected.
                let next = client.call(entry_point, method, How::default());
                if next.status != KAL_OK {
                    failures.push(format!("after a panic: {} {}", name(next.status), quiet(&next.message())));
                }
            }
        }
    }
    if told == 0 {
        failures.push("no call returned a panic, so none was checked".into());
    }
    row.claim("a panic whose message quotes a secret does not show it, and the next call works", tried, &failures);
    let lines = logged();
    let of_panics = lines.iter().filter(|line| line.starts_with("panic")).count() as u64;
    let mut failures: Vec<_> = lines.iter().filter(|line| sings(line.as_bytes())).map(|line| quiet(line)).collect();
    if of_panics < tried {
        failures.push(format!("{tried} panics, but {of_panics} log lines about them"));
    }
    row.claim("the log reports a panic without its message", lines.len() as u64, &failures);
    row.end(&format!("{tried} panics"))
}
