//! A healthy client beside one client, and beside eight, whose peer is hostile or slow.
//!
//! All clients of a process share one I/O thread. For each kind of peer: clients call it repeatedly, over TCP and TLS, at the API
//! and at the token endpoint, while a healthy client with its own server makes sequential calls. Each healthy call completes
//! within 100 ms, on a slower machine within as many times as it is slower, up to four; each of the others ends with a status of the
//! table, by its deadline; and memory stays within the limits.
//!
//! The latency of a healthy call does not depend on the library alone. So the servers' threads have a low priority; if the
//! wall-clock time is longer, the running time of the library's thread counts; and a kind that delayed a call is tried again,
//! up to three times. `--only WORD` runs some of the kinds; `--table` prints the memory and the time of one call for each kind.
//!
//! Seen red with unpatched hyper: "100 without end beside 1 [max 457.4 ms]", "beside 8 [max 5216.0 ms]"; "199 with 50 headers
//! without end beside 8 [max 5597.3 ms]"; "a chunk's size of zeros without end beside 1 [max 1090.0 ms]"; and with a thread
//! for each lookup, four of them: "names whose lookup hangs beside 8 [max 30068.1 ms]".

mod bodies;
mod healthy;
mod host;
mod kinds;
mod pace;
mod table;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use kal_torture::calls::{self, Client, EntryPoint, How, Method, Opening, name};
use kal_torture::process;
use kal_torture::report::{Form, Row};
use kal_torture::wire::answers::{good, sized};
use kal_torture::wire::certificates::{Certificates, Shown};
use kal_torture::wire::{Asked, Carrier, Script, Server, Step};
use kaleidoscope::ffi::cache::KAL_CACHE_REFRESH;
use kaleidoscope::ffi::client_options::KAL_CLIENT_ALLOW_HTTP;
use kaleidoscope::ffi::status::kal_status;

use healthy::{Healthy, Times};
use kinds::{Kind, Over};

/// The maximum delay of a healthy call, on the machine of [`pace::slowdown`].
const BOUND_MS: f64 = 100.0;
/// A busy machine is late now and then; a blocked thread is late every time.
const TRIES: usize = 3;
/// The timeout of a call whose peer never ends it.
const SHORT_MS: u32 = 150;
/// The timeout of a call that ends before its deadline.
const LONG_MS: u32 = 20_000;
/// How far a call may exceed its deadline.
const SLACK: Duration = Duration::from_secs(2);
/// The memory that all of them may use beyond their limits.
const MEMORY_SLACK_KIB: u64 = 96 * 1024;

/// Which endpoint is hostile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Api,
    SignIn,
}

impl At {
    fn base(self) -> &'static str {
        match self {
            Self::Api => "/api",
            Self::SignIn => "/sign-in",
        }
    }
}

/// The server of a kind.
struct Peer {
    kind: Arc<Kind>,
    carrier: Carrier,
}

impl Script for Peer {
    fn carrier(&self) -> Carrier {
        host::give_way();
        self.carrier.clone()
    }

    fn answer(&self, asked: &Asked) -> Vec<Step> {
        let at = if asked.is_sign_in() { At::SignIn } else { At::Api };
        if asked.path().starts_with(at.base()) {
            return (self.kind.answer)(asked);
        }
        let token = self.kind.token.as_ref().filter(|_| asked.is_sign_in());
        vec![Step::Send(match token {
            Some(token) => {
                let body = serde_json::json!({"access_token": token, "refresh_token": "r", "expires_in": 3600});
                sized("200 OK", "", body.to_string().as_bytes())
            }
            None => good(asked.path()),
        })]
    }
}

struct Setting {
    healthy: Healthy,
    good_tls: Carrier,
    ca_path: String,
    window: Duration,
    /// The timeout of a call whose peer never ends it.
    patience_ms: u32,
}

/// The result beside some clients of a kind.
struct Beside {
    times: Times,
    calls: usize,
    longest: Duration,
    cost_kib: u64,
    failures: Vec<String>,
}

fn main() {
    let form = Form::from_args();
    let row = Row::begin("hostile");
    let certificates = Certificates::default();
    let ca = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(ca.path(), &certificates.ca_pem).expect("a file");
    let setting = Setting {
        healthy: Healthy::start(),
        good_tls: Carrier::Tls(certificates.server(Shown::Good)),
        ca_path: ca.path().display().to_string(),
        window: Duration::from_millis(form.pick(60, 1000)),
        patience_ms: SHORT_MS,
    };
    let mut kinds = kinds::all(&certificates);
    if let Some(only) = std::env::args().skip_while(|argument| argument != "--only").nth(1) {
        kinds.retain(|kind| kind.name.contains(&only));
    }
    let has_argument = |wanted| std::env::args().any(|argument| argument == wanted);
    if has_argument("--serve") {
        return table::serve(&setting, kinds);
    }
    if has_argument("--table") {
        let count = kinds.len() as u64;
        let failures = table::print(Setting { patience_ms: table::PATIENCE_MS, ..setting }, &kinds);
        host::release_lookups();
        row.claim("each call ends as expected", count, &failures);
        row.end("a table");
    }
    let alone = setting.alone(Duration::from_millis(form.pick(500, 3000)));
    let figures = format!("max {:.1} ms, p99 {:.1} ms of {}", alone.max(), alone.p99(), alone.count());
    row.claim(&format!("the healthy client alone [{figures}]"), alone.count() as u64, &alone.failures);

    let mut healthy_calls = 0;
    let count = kinds.len();
    for kind in kinds {
        let kind = Arc::new(kind);
        for clients in form.pick(&[8][..], &[1, 8]).iter().map(|clients| kind.clients.min(*clients)) {
            let mut beside = setting.beside(&kind, clients);
            let mut bound = BOUND_MS;
            for _ in 1..TRIES {
                if beside.times.kept <= bound {
                    break;
                }
                bound = BOUND_MS * pace::slowdown();
                println!("# {} beside {clients}: {:.1} ms of {bound:.0}; once more", kind.name, beside.times.kept);
                beside = setting.beside(&kind, clients);
            }
            let Beside { times, calls, longest, cost_kib, mut failures } = beside;
            if times.kept > bound {
                failures
                    .push(format!("a healthy call was delayed by {:.1} ms, and {bound:.0} are allowed", times.kept));
            }
            let allowed = clients as u64 * kind.cap / 1024 * 2 + MEMORY_SLACK_KIB;
            if cost_kib > allowed {
                failures.push(format!("they use {cost_kib} KiB, and {allowed} are allowed"));
            }
            failures.extend(times.failures.iter().cloned());
            healthy_calls += times.count();
            let figures = format!(
                "{:.1} ms; max {:.1} ms, p99 {:.1} ms of {}; {calls} calls of at most {} ms, {} MiB",
                times.kept,
                times.max(),
                times.p99(),
                times.count(),
                longest.as_millis(),
                cost_kib >> 10
            );
            row.claim(
                &format!("{} beside {clients} [{figures}]", kind.name),
                (times.count() + calls) as u64,
                &failures,
            );
        }
    }
    host::release_lookups();
    drop(setting);
    calls::shutdown();
    row.end(&format!("{count} kinds, {healthy_calls} healthy calls"));
}

/// Where a kind is tried.
fn places(kind: &Kind) -> Vec<(At, Over)> {
    let all = [At::Api, At::SignIn].into_iter().flat_map(|at| [(at, Over::Tcp), (at, Over::Tls)]);
    let fits = |at: At, over| [Over::Both, over].contains(&kind.over) && (at == At::Api || !kind.sign_in.is_empty());
    all.filter(|(at, over)| fits(*at, *over)).collect()
}

/// The URL of a kind's server for the `nth` client. `ports` are those for TCP and for TLS.
fn url_of(kind: &Kind, over: Over, nth: usize, ports: (u16, u16)) -> String {
    match (&kind.host, over) {
        (Some(host), _) => format!("http://{}:{}", host.replace("{n}", &nth.to_string()), ports.0),
        (None, Over::Tls) => format!("https://127.0.0.1:{}", ports.1),
        (None, _) => format!("http://127.0.0.1:{}", ports.0),
    }
}

impl Setting {
    /// The servers of a kind, over TCP and over TLS.
    fn servers(&self, kind: &Arc<Kind>) -> (Server, Server) {
        let peer = |carrier: &Option<Carrier>, otherwise: Carrier| {
            Server::start(Peer { kind: Arc::clone(kind), carrier: carrier.clone().unwrap_or(otherwise) })
        };
        (peer(&kind.plain, Carrier::Plain), peer(&kind.tls, self.good_tls.clone()))
    }

    fn alone(&self, time: Duration) -> Times {
        self.while_healthy(|| thread::sleep(time)).1
    }

    fn while_healthy<T>(&self, what: impl FnOnce() -> T) -> (T, Times) {
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            let healthy = scope.spawn(|| self.healthy.call_until(&stop));
            let done = what();
            stop.store(true, Ordering::Release);
            (done, healthy.join().expect("the healthy client"))
        })
    }

    /// Makes healthy calls beside this many clients whose peer is of this kind.
    fn beside(&self, kind: &Arc<Kind>, clients: usize) -> Beside {
        let (plain, tls) = self.servers(kind);
        let places = places(kind);
        host::trim();
        let before = process::resident_kib();
        let measured = process::reset_peak().is_ok();
        let until = Instant::now() + self.window;
        let (calls, failures) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
        let ((), times) = self.while_healthy(|| {
            thread::scope(|scope| {
                for nth in 0..clients {
                    let (at, over) = places[nth % places.len()];
                    let method = kind.methods[nth / places.len() % kind.methods.len()];
                    let url = url_of(kind, over, nth, (plain.port(), tls.port()));
                    let (calls, failures) = (&calls, &failures);
                    scope.spawn(move || {
                        let failed =
                            self.call_repeatedly(kind, &format!("{url}{}", at.base()), at, method, until, calls);
                        let figures = failed.into_iter().map(|why| {
                            format!("{at:?} {method:?} {}: {why}", url.split(':').next().unwrap_or_default())
                        });
                        failures.lock().unwrap_or_else(PoisonError::into_inner).extend(figures);
                    });
                }
            });
        });
        let cost_kib = if measured { process::peak_kib().saturating_sub(before) } else { 0 };
        let failures = failures.into_inner().unwrap_or_else(PoisonError::into_inner);
        let calls: Vec<(kal_status, Duration)> = calls.into_inner().unwrap_or_else(PoisonError::into_inner);
        let longest = calls.iter().map(|(_, took)| *took).max().unwrap_or_default();
        Beside { times, calls: calls.len(), longest, cost_kib, failures }
    }

    /// Calls at least once; returns the failure, if any.
    fn call_repeatedly(
        &self,
        kind: &Kind,
        base_url: &str,
        at: At,
        method: Method,
        until: Instant,
        calls: &Mutex<Vec<(kal_status, Duration)>>,
    ) -> Option<String> {
        let timeout_ms = if kind.lasts { self.patience_ms } else { LONG_MS };
        let client = Client::open(&Opening {
            ca_bundle_path: Some(self.ca_path.clone()),
            connect_timeout_ms: LONG_MS,
            timeout_ms,
            max_attempts: kind.max_attempts,
            max_response_bytes: kind.cap,
            flags: KAL_CLIENT_ALLOW_HTTP,
            ..Opening::at(base_url)
        });
        let client = match client {
            Ok(client) => client,
            Err(outcome) => return Some(format!("the client cannot be opened: {}", outcome.message())),
        };
        let expected = if at == At::Api { &kind.api } else { &kind.sign_in };
        loop {
            let began = Instant::now();
            let outcome =
                client.call(EntryPoint::Typed, method, How { timeout_ms, cache: KAL_CACHE_REFRESH, cancel: None });
            let took = began.elapsed();
            calls.lock().unwrap_or_else(PoisonError::into_inner).push((outcome.status, took));
            if !expected.contains(&outcome.status) {
                let expected: Vec<_> = expected.iter().map(|status| name(*status)).collect();
                return Some(format!(
                    "{} ({}) instead of {} after {} ms",
                    name(outcome.status),
                    outcome.message(),
                    expected.join(" or "),
                    took.as_millis()
                ));
            }
            if took > Duration::from_millis(timeout_ms.into()) + SLACK {
                return Some(format!("{} ms for a deadline of {timeout_ms} ms", took.as_millis()));
            }
            if Instant::now() >= until {
                return None;
            }
        }
    }
}
