//! 32 threads for a quarter of an hour, with a tenth of the requests failing and the server restarted every half minute: memory,
//! descriptors and threads stay flat, and calls without a fault succeed.
//!
//! `soak [SECONDS]`, or `KAL_SOAK_SECONDS`; below two minutes the server is restarted every 4 seconds. The server is a separate
//! process, so that the figures are those of the client alone.
//!
//! Seen red after 30 seconds, with leaks added to `Answer::new`: an answer leaked ("634105 bytes" left on the heap), a file
//! left open ("7 and 30" descriptors), a thread left running ("threads are flat [from 37 to 45]").

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use kal_emulator::{Config, DropPoint, Emulator, Fault};
use kal_torture::calls::{self, Cancel, Client, EntryPoint, How, Method, Opening, Queue, name};
use kal_torture::heap::{self, Counted};
use kal_torture::process;
use kal_torture::random::Random;
use kal_torture::report::Row;
use kaleidoscope::ffi::error::kal_error_free;
use kaleidoscope::ffi::result::kal_result_free;
use kaleidoscope::ffi::status::{
    KAL_AUTH_FAILED, KAL_BAD_RESPONSE, KAL_CANCELLED, KAL_CONNECT_FAILED, KAL_CONNECTION_LOST, KAL_DONE, KAL_NOT_READY,
    KAL_OK, KAL_TIMED_OUT, KAL_UNAUTHORIZED, kal_status,
};
use kaleidoscope::ffi::stream::{
    kal_stream_free, kal_stream_next, kal_workspace_follow_events, kal_workspace_stream_events,
};
use kaleidoscope::ffi::types::{kal_error, kal_result, kal_stream};

#[global_allocator]
static HEAP: Counted = Counted;

const THREADS: u64 = 32;
/// The tolerance between the beginning and the end of a flat run.
const MEMORY_SLACK_KIB: u64 = 6 * 1024;
const DESCRIPTORS_SLACK: usize = 8;
/// The tolerance for memory left on the heap: this program's own data, and tables that do not shrink.
const HEAP_SLACK: usize = 64 * 1024;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "--serve") {
        serve(Duration::from_secs(arguments[1].parse().expect("seconds")));
    }
    let asked = arguments.iter().find_map(|argument| argument.parse().ok());
    let asked = asked.or_else(|| std::env::var("KAL_SOAK_SECONDS").ok()?.parse().ok());
    let seconds: u64 = asked.unwrap_or(900);
    let restart = Duration::from_secs(if seconds < 120 { 4 } else { 30 });
    soak(Duration::from_secs(seconds), restart)
}

/// A sample of the process's figures.
struct Sample {
    resident_kib: u64,
    heap: usize,
    descriptors: usize,
    threads: u64,
}

impl Sample {
    fn take() -> Self {
        Self {
            resident_kib: process::resident_kib(),
            heap: heap::in_use(),
            descriptors: process::descriptors(),
            threads: process::threads(),
        }
    }
}

fn soak(time: Duration, restart: Duration) -> ! {
    let row = Row::begin("soak");
    // One-time allocations are not leaks.
    let nobody = Client::open(&Opening { max_attempts: 1, ..Opening::at("http://127.0.0.1:1") }).expect("a client");
    assert_eq!(nobody.call(EntryPoint::Typed, Method::Members, How::default()).status, KAL_CONNECT_FAILED);
    drop(nobody);
    calls::shutdown();
    // Preallocated, so that the samples do not grow the heap.
    let mut samples = Vec::with_capacity(usize::try_from(time.as_secs()).unwrap_or(0) + 1);
    let before = Sample::take();
    let (mut server, mut output, http, https, ca) = start(restart);
    let ca_path = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(ca_path.path(), ca).expect("a file");
    let plain = Opening { timeout_ms: 5_000, ..Opening::at(http) };
    let ca_bundle_path = Some(ca_path.path().display().to_string());
    let secure = Opening { timeout_ms: 5_000, ca_bundle_path, ..Opening::at(https) };

    let (over, counts) = (AtomicBool::new(false), Counts::default());
    let clients = [Client::open(&plain).expect("a client"), Client::open(&secure).expect("a client")];
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (over, counts, clients, openings) = (&over, &counts, &clients, [&plain, &secure]);
            scope.spawn(move || {
                let mut random = Random::seeded(thread + 1);
                let queue = Queue::open();
                while !over.load(Ordering::Relaxed) {
                    let which = usize::from(random.once_in(2));
                    // Now and then opens, uses and closes a separate client.
                    if random.once_in(100) {
                        let own = Client::open(openings[which]).expect("a client");
                        counts.one(own.call(EntryPoint::Typed, Method::Members, How::default()).status);
                    } else {
                        one_call(&clients[which], &queue, &mut random, counts);
                    }
                }
                while queue.next(10).is_some() {}
            });
        }
        watch(time, &counts, &mut samples);
        over.store(true, Ordering::Relaxed);
    });
    drop(clients);
    let ended = calls::shutdown();
    drop(server.stdin.take());
    let mut faults = String::new();
    output.read_line(&mut faults).expect("the server's figures");
    let _ = server.wait();
    drop((server, output));
    drop(ca_path);
    let after = Sample::take();

    let statuses = counts.lock();
    let of = |wanted: fn(kal_status) -> bool| -> u64 {
        statuses.iter().filter(|(status, _)| wanted(**status)).map(|(_, count)| count).sum()
    };
    let (calls, good) = (of(|_| true), of(is_good));
    let wrong = statuses.iter().filter(|(status, _)| !is_good(**status) && !is_explained(**status));
    let wrong: Vec<_> = wrong.map(|(status, count)| format!("{count} of {}", name(*status))).collect();
    row.claim("every call ends with a status that the faults explain", calls, &wrong);
    row.check("most calls succeed", good * 2 >= calls, &format!("{good} of {calls}"));
    let others = statuses.iter().filter(|(status, _)| !is_good(**status));
    let others: Vec<_> = others.map(|(status, count)| format!("{count} {}", name(*status).trim())).collect();
    println!("# of the others: {}", others.join(", "));
    println!("# the server: {}", faults.trim());
    flat(&row, &samples);
    row.check("the library's thread ends", ended == KAL_OK, &name(ended));
    row.check(
        "the numbers of descriptors and threads at the end are those at the beginning",
        after.descriptors <= before.descriptors && after.threads <= before.threads,
        &format!(
            "{} and {}, {} and {}; {}",
            before.descriptors,
            after.descriptors,
            before.threads,
            after.threads,
            process::open_files().join(", ")
        ),
    );
    let left = after.heap.saturating_sub(before.heap);
    row.check("nothing is left on the heap at the end", left <= HEAP_SLACK, &format!("{left} bytes"));
    let (first, last) = (samples.first().map_or(0, |s| s.resident_kib), samples.last().map_or(0, |s| s.resident_kib));
    row.end(&format!(
        "{calls} calls in {} s, {good} answered, {}; {first} to {last} KiB",
        time.as_secs(),
        faults.trim()
    ))
}

/// The number of calls by status.
#[derive(Default)]
struct Counts(Mutex<BTreeMap<kal_status, u64>>);

impl Counts {
    fn one(&self, status: kal_status) {
        *self.lock().entry(status).or_default() += 1;
        // Waits a moment if there is no server; otherwise most calls would be made during that second.
        if status == KAL_CONNECT_FAILED {
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<kal_status, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_good(status: kal_status) -> bool {
    matches!(status, KAL_OK | KAL_DONE | KAL_NOT_READY)
}

fn is_explained(status: kal_status) -> bool {
    matches!(
        status,
        KAL_CANCELLED
            | KAL_CONNECT_FAILED
            | KAL_CONNECTION_LOST
            | KAL_TIMED_OUT
            | KAL_AUTH_FAILED
            | KAL_BAD_RESPONSE
            | KAL_UNAUTHORIZED
            | 429
            | 500..=504
    )
}

/// Stands for a missing completion.
const NEVER: kal_status = 0x7fff;

fn one_call(client: &Client, queue: &Queue, random: &mut Random, counts: &Counts) {
    let method = Method::ALL[usize::try_from(random.below(6)).unwrap_or(0)];
    let cache = i32::from(random.once_in(2));
    match random.below(10) {
        0 => {
            let cancel = Cancel::default();
            let how = How { cache, cancel: Some(&cancel), ..How::default() };
            if client.submit(queue, method, how) == KAL_OK {
                cancel.fire();
                counts.one(queue.next(30_000).map_or(NEVER, |outcome| outcome.status));
            }
        }
        1 => {
            let mut under_way = 0;
            for _ in 0..8 {
                under_way += u32::from(client.submit(queue, method, How { cache, ..How::default() }) == KAL_OK);
            }
            for _ in 0..under_way {
                counts.one(queue.next(30_000).map_or(NEVER, |outcome| outcome.status));
            }
        }
        2 => counts.one(client.call(EntryPoint::Typed, method, How { cache, timeout_ms: 20, ..How::default() }).status),
        3 => {
            client.clear_caches();
        }
        4 => a_few_pages(client, random, counts),
        _ => counts.one(client.call(EntryPoint::Json, method, How { cache, ..How::default() }).status),
    }
}

/// Reads a stream, usually not to its end.
#[allow(unsafe_code, reason = "it calls the C API")]
fn a_few_pages(client: &Client, random: &mut Random, counts: &Counts) {
    let mut stream = kal_stream { id: 0 };
    // SAFETY: the handle is valid; query, options and error may be NULL.
    let opened = unsafe {
        let (none, out, no_error) = (ptr::null(), &raw mut stream, ptr::null_mut());
        if random.once_in(2) {
            kal_workspace_stream_events(client.handle(), ptr::null(), none, out, no_error)
        } else {
            kal_workspace_follow_events(client.handle(), ptr::null(), ptr::null(), none, out, no_error)
        }
    };
    assert_eq!(opened, KAL_OK);
    for _ in 0..3 {
        let (mut result, mut error) = (kal_result { id: 0 }, kal_error { id: 0 });
        // SAFETY: the handles are valid.
        let status = unsafe { kal_stream_next(stream, 0, &raw mut result, &raw mut error) };
        counts.one(status);
        kal_result_free(result);
        kal_error_free(error);
        if status != KAL_OK {
            break;
        }
    }
    kal_stream_free(stream);
}

/// Samples the process once a second, and prints a sample now and then.
fn watch(time: Duration, counts: &Counts, samples: &mut Vec<Sample>) {
    let began = Instant::now();
    let say_every = (time.as_secs() / 30).max(1);
    println!("#   time   resident       heap  descriptors  threads      calls");
    while began.elapsed() < time {
        thread::sleep(Duration::from_secs(1));
        let sample = Sample::take();
        let seconds = began.elapsed().as_secs();
        if seconds % say_every == 0 {
            let calls: u64 = counts.lock().values().sum();
            println!(
                "# {seconds:>4} s {:>6} KiB {:>6} KiB {:>12} {:>8} {calls:>10}",
                sample.resident_kib,
                sample.heap / 1024,
                sample.descriptors,
                sample.threads
            );
        }
        samples.push(sample);
    }
}

/// Compares the last third of the run with the part after the first tenth, in which caches and pools fill up.
fn flat(row: &Row, samples: &[Sample]) {
    let tenth = samples.len() / 10;
    let third = (samples.len() / 3).max(1);
    let early = &samples[tenth..(tenth + third).min(samples.len())];
    let late = &samples[samples.len() - third..];
    let median = |part: &[Sample], of: fn(&Sample) -> u64| {
        let mut values: Vec<_> = part.iter().map(of).collect();
        values.sort_unstable();
        values.get(values.len() / 2).copied().unwrap_or(0)
    };
    let (from, to) = (median(early, |s| s.resident_kib), median(late, |s| s.resident_kib));
    row.check("resident memory is flat", to <= from + MEMORY_SLACK_KIB, &format!("from {from} to {to} KiB"));
    let of = |s: &Sample| s.descriptors as u64;
    let (from, to) = (median(early, of), median(late, of));
    let bound = from + from / 4 + DESCRIPTORS_SLACK as u64;
    row.check("descriptors are flat", to <= bound, &format!("from {from} to {to}"));
    let most = |part: &[Sample]| part.iter().map(|s| s.threads).max().unwrap_or(0);
    let (from, to) = (most(early), most(late));
    row.check("threads are flat", to <= from, &format!("from {from} to {to}"));
}

/// The server's process, its output, its two URLs and its certificate.
fn start(restart: Duration) -> (Child, BufReader<ChildStdout>, String, String, String) {
    let this = std::env::current_exe().expect("its own path");
    let mut server = Command::new(this)
        .args(["--serve", &restart.as_secs().to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the server");
    let mut output = BufReader::new(server.stdout.take().expect("its output"));
    let mut line = || {
        let mut line = String::new();
        output.read_line(&mut line).expect("a line");
        line
    };
    let (http, https) = (line().trim().to_owned(), line().trim().to_owned());
    let mut ca = String::new();
    while !ca.contains("END CERTIFICATE") {
        ca.push_str(&line());
    }
    (server, output, http, https, ca)
}

/// The server: two emulators that are restarted, with faults for a tenth of the requests. Exits when its input ends.
fn serve(restart: Duration) -> ! {
    let plain = Emulator::start(Config::default()).expect("an emulator");
    let secure = Emulator::start(Config { tls: true, ..Config::default() }).expect("an emulator");
    println!("{}\n{}\n{}", plain.url(), secure.url(), secure.ca_pem().unwrap_or_default().trim_end());
    let [requests, faults, restarts] = [(); 3].map(|()| Arc::new(AtomicU64::new(0)));
    let figures = [&requests, &faults, &restarts].map(Arc::clone);
    thread::spawn(move || {
        let mut random = Random::seeded(5);
        let mut seen = [0, 0];
        let mut restarted = Instant::now();
        loop {
            thread::sleep(Duration::from_millis(5));
            for (emulator, seen) in [&plain, &secure].into_iter().zip(&mut seen) {
                let total = emulator.counts().total;
                requests.fetch_add(total.saturating_sub(*seen) / 10 * 10, Ordering::Relaxed);
                for _ in 0..total.saturating_sub(*seen) / 10 {
                    emulator.fault(fault(&mut random));
                    faults.fetch_add(1, Ordering::Relaxed);
                }
                *seen += (total - *seen) / 10 * 10;
                if random.once_in(200) {
                    emulator.expire_tokens();
                }
            }
            if restarted.elapsed() >= restart {
                for emulator in [&plain, &secure] {
                    let _ = emulator.pause();
                    // As after a restart: its state is lost.
                    emulator.expire_tokens();
                    emulator.revoke_refresh_tokens();
                }
                thread::sleep(Duration::from_millis(500));
                for emulator in [&plain, &secure] {
                    emulator.resume().expect("the same port");
                }
                restarts.fetch_add(1, Ordering::Relaxed);
                restarted = Instant::now();
            }
        }
    });
    let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
    let [requests, faults, restarts] = figures.map(|figure| figure.load(Ordering::Relaxed));
    println!("{requests} requests, {faults} faults, {restarts} restarts of two servers");
    std::process::exit(0)
}

fn fault(random: &mut Random) -> Fault {
    let fault = Fault::everywhere();
    // Hanging calls take longer, so there are fewer of them.
    match if random.once_in(50) { 11 } else { random.below(11) } {
        0 => fault.status(500),
        1 => fault.status(503).header("Retry-After", "1"),
        2 => fault.status(429),
        3 => fault.status(401),
        4 => fault.drop_connection(DropPoint::Before),
        5 => fault.drop_connection(DropPoint::Headers),
        6 => fault.drop_connection(DropPoint::Body),
        7 => fault.delay(Duration::from_millis(100)),
        8 => fault.expire_tokens(),
        9 => fault.body("<html>not today</html>"),
        10 => fault.redirect("http://127.0.0.1:1/"),
        _ => fault.drop_connection(DropPoint::Hang),
    }
}
