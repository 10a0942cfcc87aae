//! A server that rejects everything: retries stay within the client's quota, no retry is sent before `Retry-After`, and nothing
//! is sent after the deadline.
//!
//! The server identifies each chain of attempts by the event type in its query, and measures every wait: from before the error
//! response is sent until the next attempt arrives.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use kal_torture::calls::{Client, How, Opening, Outcome, name};
use kal_torture::report::{Form, Row};
use kal_torture::wire::answers::{good, sized};
use kal_torture::wire::server::Script;
use kal_torture::wire::{Asked, Server, Step};
use kaleidoscope::ffi::status::{KAL_AUTH_FAILED, KAL_OK, KAL_RATE_LIMITED, KAL_SERVICE_UNAVAILABLE, KAL_TIMED_OUT};

const THREADS: usize = 64;
/// The retries that 500 tokens allow at 14 each, and at 5 each for 429.
const QUOTA_TRANSIENT: u64 = 500 / 14;
const QUOTA_THROTTLED: u64 = 500 / 5;
/// Tolerance for scheduling delays on a busy machine.
const SLACK: Duration = Duration::from_secs(1);

/// The earliest time of a chain's next attempt, on the clock that the error response used.
#[derive(Clone, Copy)]
enum NotBefore {
    Instant(Instant),
    Date(SystemTime),
}

#[derive(Default)]
struct Seen {
    tries: HashMap<String, Vec<Instant>>,
    not_before: HashMap<String, NotBefore>,
    undercut: Vec<String>,
    waits: u64,
    refused: u64,
}

/// The server's response to everything but (mostly) sign-in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mood {
    Good,
    Refuse(u16),
    RefuseEvery { status: u16, after: After, nth: u64 },
    RefuseSignIn { status: u16, after: After, times: usize },
}

/// The form of its `Retry-After`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    Seconds(u64),
    Date(u64),
}

#[derive(Clone)]
struct Refusing(Arc<Mutex<(Mood, Seen)>>);

impl Refusing {
    fn new(mood: Mood) -> Self {
        Self(Arc::new(Mutex::new((mood, Seen::default()))))
    }

    fn lock(&self) -> MutexGuard<'_, (Mood, Seen)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Script for Refusing {
    fn answer(&self, asked: &Asked) -> Vec<Step> {
        let now = Instant::now();
        let mut both = self.lock();
        let (mood, seen) = &mut *both;
        let chain = if asked.is_sign_in() { "sign-in".to_owned() } else { asked.target.clone() };
        let tries = seen.tries.entry(chain.clone()).or_default();
        tries.push(now);
        let tries = tries.len();
        if let Some(not_before) = seen.not_before.remove(&chain) {
            seen.waits += 1;
            let early = match not_before {
                NotBefore::Instant(at) => at.checked_duration_since(now),
                NotBefore::Date(at) => at.duration_since(SystemTime::now()).ok(),
            };
            if let Some(early) = early.filter(|early| !early.is_zero()) {
                seen.undercut.push(format!("{chain}: {} ms too early", early.as_millis()));
            }
        }
        let refusal = match *mood {
            Mood::Refuse(status) if !asked.is_sign_in() => Some((status, None)),
            Mood::RefuseEvery { status, after, nth } if !asked.is_sign_in() => {
                seen.refused += 1;
                (seen.refused % nth == 0).then_some((status, Some(after)))
            }
            Mood::RefuseSignIn { status, after, times } if asked.is_sign_in() && tries <= times => {
                Some((status, Some(after)))
            }
            _ => None,
        };
        let Some((status, after)) = refusal else { return vec![Step::Send(good(asked.path()))] };
        let header = after.map_or_else(String::new, |after| {
            let (value, not_before) = after.ask(now);
            seen.not_before.insert(chain, not_before);
            format!("Retry-After: {value}\r\n")
        });
        vec![Step::Send(sized(&format!("{status} Later"), &header, b"{}"))]
    }
}

impl After {
    /// The header's value, and the time it stands for now.
    fn ask(self, now: Instant) -> (String, NotBefore) {
        match self {
            Self::Seconds(seconds) => (seconds.to_string(), NotBefore::Instant(now + Duration::from_secs(seconds))),
            Self::Date(seconds) => {
                let whole = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() + seconds;
                let date = UNIX_EPOCH + Duration::from_secs(whole);
                (httpdate::fmt_http_date(date), NotBefore::Date(date))
            }
        }
    }
}

fn open(server: &Server, max_attempts: u32) -> Client {
    let opening = Opening { max_attempts, timeout_ms: 60_000, max_in_flight: 64, ..Opening::at(server.http()) };
    Client::open(&opening).expect("a client")
}

/// Each thread makes its calls, each call a separate chain; returns every outcome and its time.
fn storm(clients: &[&Client], calls: usize, timeout_ms: u32) -> Vec<(String, Outcome, Instant)> {
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let client = clients[thread % clients.len()];
                scope.spawn(move || {
                    let call = |nth: usize| {
                        let chain = format!("chain-{thread}-{nth}");
                        let outcome = client.events_of(&chain, How { timeout_ms, ..How::default() });
                        (chain, outcome, Instant::now())
                    };
                    (0..calls).map(call).collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
    })
}

fn others(outcomes: &[(String, Outcome, Instant)], expected: &[i32]) -> Vec<String> {
    outcomes
        .iter()
        .filter(|(_, outcome, _)| !expected.contains(&outcome.status))
        .map(|(chain, outcome, _)| format!("{chain}: {} ({})", name(outcome.status), outcome.message()))
        .collect()
}

fn main() {
    let form = Form::from_args();
    let row = Row::begin("retry-storm");
    within_the_quota(&row, form, 503, KAL_SERVICE_UNAVAILABLE, QUOTA_TRANSIENT);
    within_the_quota(&row, form, 429, KAL_RATE_LIMITED, QUOTA_THROTTLED);
    earned_again(&row);
    never_undercut(&row, form);
    never_undercut_at_sign_in(&row);
    longer_than_the_deadline(&row);
    nothing_after_the_deadline(&row, form);
    row.end(&format!("{THREADS} threads"))
}

/// Seen red without `quota.take`: "2560 retries of 35".
fn within_the_quota(row: &Row, form: Form, status: u16, expected: i32, quota: u64) {
    let refusing = Refusing::new(Mood::Refuse(status));
    let server = Server::start(refusing.clone());
    let clients = [open(&server, 3), open(&server, 3)];
    let outcomes = storm(&[&clients[0], &clients[1]], form.pick(20, 500), 0);
    let calls = outcomes.len() as u64;
    row.claim(&format!("in a storm of {status} each call has its status"), calls, &others(&outcomes, &[expected]));
    let requests: u64 = refusing
        .lock()
        .1
        .tries
        .iter()
        .filter(|(chain, _)| *chain != "sign-in")
        .map(|(_, tries)| tries.len() as u64)
        .sum();
    let retries: Vec<u64> = clients.iter().map(|client| client.stats().retries).collect();
    let seen = format!("{} and {} retries of {quota}", retries[0], retries[1]);
    row.check(
        &format!("in a storm of {status} retries use up each client's quota and no more"),
        retries.iter().all(|retries| *retries == quota),
        &seen,
    );
    let seen = format!("{requests} requests for {calls} calls");
    row.check(
        "the server receives the calls and those retries, and nothing else",
        requests == calls + 2 * quota,
        &seen,
    );
}

/// Seen red when a success refills ten: "10 retries instead of 1".
fn earned_again(row: &Row) {
    let refusing = Refusing::new(Mood::Refuse(503));
    let server = Server::start(refusing.clone());
    let client = open(&server, 2);
    storm(&[&client], 2, 0);
    let spent = client.stats().retries;
    refusing.lock().0 = Mood::Good;
    for nth in 0..14 {
        client.events_of(&format!("good-{nth}"), How::default());
    }
    refusing.lock().0 = Mood::Refuse(503);
    storm(&[&client], 2, 0);
    // 500 tokens leave 10 after 35 retries.
    let earned = client.stats().retries - spent;
    row.check("fourteen successes earn exactly one retry", earned == 1, &format!("{earned} after {spent}"));
}

/// Seen red when the wait is only the jitter: "892 ms too early".
fn never_undercut(row: &Row, form: Form) {
    let waits: &[After] = form.pick(
        &[After::Seconds(1), After::Date(2)],
        &[
            After::Seconds(0),
            After::Seconds(1),
            After::Seconds(2),
            After::Seconds(4),
            After::Date(1),
            After::Date(2),
            After::Date(3),
            After::Date(5),
        ],
    );
    for status in form.pick(vec![503, 429], vec![503, 429, 408, 500]) {
        // In parallel, each with its own server: they mostly wait.
        let stormy: Vec<_> = thread::scope(|scope| {
            let storms: Vec<_> =
                waits.iter().map(|after| scope.spawn(move || refused_every_second(status, *after, form))).collect();
            storms.into_iter().map(|storm| storm.join().expect("a storm")).collect()
        });
        for (after, (seen, outcomes)) in waits.iter().zip(stormy) {
            row.claim(
                &format!("no retry is sent before Retry-After {after:?} of a {status}"),
                seen.waits,
                &seen.undercut,
            );
            row.claim(
                "and the call succeeds in the end",
                outcomes.len() as u64,
                &others(&outcomes, &[KAL_OK, status.into()]),
            );
        }
    }
}

/// A chain is rejected several times now and then.
fn refused_every_second(status: u16, after: After, form: Form) -> (Seen, Vec<(String, Outcome, Instant)>) {
    let refusing = Refusing::new(Mood::RefuseEvery { status, after, nth: 2 });
    let server = Server::start(refusing.clone());
    let clients: Vec<_> = (0..8).map(|_| open(&server, 4)).collect();
    let outcomes = storm(&clients.iter().collect::<Vec<_>>(), form.pick(1, 2), 0);
    let seen = std::mem::take(&mut refusing.lock().1);
    (seen, outcomes)
}

fn never_undercut_at_sign_in(row: &Row) {
    for after in [After::Seconds(1), After::Date(2)] {
        let refusing = Refusing::new(Mood::RefuseSignIn { status: 503, after, times: 2 });
        let server = Server::start(refusing.clone());
        let client = open(&server, 3);
        let outcomes = storm(&[&client], 1, 0);
        let both = refusing.lock();
        row.claim(
            &format!("no token request is sent before Retry-After {after:?} of the token endpoint"),
            both.1.waits,
            &both.1.undercut,
        );
        row.claim("and one sign-in serves all 64 threads", outcomes.len() as u64, &others(&outcomes, &[KAL_OK]));
        let requests = both.1.tries["sign-in"].len();
        row.check(
            "the sign-in takes three requests after two rejections",
            requests == 3,
            &format!("{requests} token requests"),
        );
    }
}

/// Seen red when the wait is shortened to the time left: 128 more requests.
fn longer_than_the_deadline(row: &Row) {
    let refusing = Refusing::new(Mood::RefuseEvery { status: 503, after: After::Seconds(3600), nth: 1 });
    let server = Server::start(refusing.clone());
    let client = open(&server, 3);
    let began = Instant::now();
    let outcomes = storm(&[&client], 2, 30_000);
    let took = began.elapsed();
    row.claim(
        "a retry that cannot start before the deadline fails at once",
        outcomes.len() as u64,
        &others(&outcomes, &[KAL_SERVICE_UNAVAILABLE]),
    );
    let told = outcomes.iter().filter(|(_, outcome, _)| outcome.retry_after_ms != 3_600_000 || !outcome.retryable);
    let told: Vec<_> = told.map(|(chain, outcome, _)| format!("{chain}: {} ms", outcome.retry_after_ms)).collect();
    row.claim("and the error reports the server's Retry-After", outcomes.len() as u64, &told);
    let once =
        refusing.lock().1.tries.iter().filter(|(chain, _)| *chain != "sign-in").all(|(_, tries)| tries.len() == 1);
    row.check(
        "each request was sent once, and no call waited",
        once && took < Duration::from_secs(15),
        &format!("{} ms", took.as_millis()),
    );

    refusing.lock().0 = Mood::RefuseSignIn { status: 429, after: After::Seconds(3600), times: usize::MAX };
    let client = open(&server, 3);
    let outcomes = storm(&[&client], 1, 30_000);
    row.claim("the same holds for the token endpoint", outcomes.len() as u64, &others(&outcomes, &[KAL_AUTH_FAILED]));
}

/// Seen red when a request continues after its call has ended: "chain-7-0: 1004 ms after its end".
fn nothing_after_the_deadline(row: &Row, form: Form) {
    let refusing = Refusing::new(Mood::RefuseEvery { status: 503, after: After::Seconds(1), nth: 1 });
    let server = Server::start(refusing.clone());
    let clients: Vec<_> = (0..16).map(|_| open(&server, 20)).collect();
    let clients: Vec<_> = clients.iter().collect();
    let (mut tried, mut failures, mut statuses) = (0, Vec::new(), Vec::new());
    for timeout_ms in form.pick(vec![1, 1_500], vec![1, 20, 100, 500, 1_050, 1_500, 2_500]) {
        refusing.lock().1 = Seen::default();
        let outcomes = storm(&clients, 1, timeout_ms);
        statuses.extend(others(&outcomes, &[KAL_SERVICE_UNAVAILABLE, KAL_TIMED_OUT]));
        // Long enough for an unwanted attempt to arrive: Retry-After is one second.
        thread::sleep(Duration::from_secs(2) + SLACK);
        let both = refusing.lock();
        for (chain, tries) in &both.1.tries {
            let Some((_, _, ended)) = outcomes.iter().find(|(known, ..)| chain.ends_with(known.as_str())) else {
                continue;
            };
            for late in tries.iter().filter_map(|at| at.checked_duration_since(*ended + SLACK)) {
                failures.push(format!(
                    "{chain}: {} ms after its end, with {timeout_ms} ms to live",
                    (late + SLACK).as_millis()
                ));
            }
        }
        tried += outcomes.len() as u64;
    }
    row.claim("nothing is sent for a call that has ended", tried, &failures);
    row.claim("and the call ended with the expected status", tried, &statuses);
}
