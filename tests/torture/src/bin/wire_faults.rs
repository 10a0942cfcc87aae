//! Every fault of the table with every method of the workspace service, through every entry point.
//!
//! For each case: a new client, the fault during one call, then a good server and the same call again. The call returns the
//! status of the table, within its deadline, after the number of requests in the table; its error has the URL and the attempts
//! of the request with the fault; and the second call succeeds, so no state of the fault was kept. Then the memory use of faults
//! with large bodies.
//!
//! Seen red without `max_response_bytes` on what is read and decompressed: "gzip of 1 GiB", "a body without end" and "chunks
//! without end" gave `KAL_TIMED_OUT` instead of `KAL_RESPONSE_TOO_LARGE`. Red when the HTTP stack was replaced: "gzip with
//! garbage behind it gives `KAL_OK` (19 tried, 19 failed)".

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use kal_torture::calls::{self, Client, EntryPoint, How, Method, Opening, name};
use kal_torture::process;
use kal_torture::report::{Form, Row};
use kal_torture::wire::answers::good;
use kal_torture::wire::certificates::{Certificates, Shown};
use kal_torture::wire::fault::{Patience, Tries};
use kal_torture::wire::faults::{self, CAP, ELSEWHERE};
use kal_torture::wire::server::Script;
use kal_torture::wire::{Asked, Carrier, Fault, Server, Step};
use kaleidoscope::ffi::status::{KAL_OK, KAL_TIMED_OUT};

/// Calls that wait for a deadline use no processor, so more of them run at a time than there are processors.
const WORKERS: usize = 32;
/// How far a call may exceed its deadline on a busy machine.
const SLACK: Duration = Duration::from_secs(8);
/// The memory that a fault may use beyond `max_response_bytes`.
const MEMORY_SLACK_KIB: u64 = 16 * 1024;
const MEMORY_CAP: u64 = 16 << 20;

/// The endpoint with the fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Api,
    SignIn,
}

#[derive(Clone, Copy)]
struct Case {
    fault: usize,
    at: At,
    entry_point: EntryPoint,
    method: Method,
    cut: usize,
}

/// The current behaviour of a worker's server.
#[derive(Default)]
struct Armed {
    fault: Option<(Arc<Vec<Fault>>, Case)>,
    good_over: Option<Carrier>,
    struck: usize,
}

#[derive(Clone)]
struct Bench {
    armed: Arc<Mutex<Armed>>,
    elsewhere: String,
}

impl Bench {
    fn lock(&self) -> std::sync::MutexGuard<'_, Armed> {
        self.armed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Script for Bench {
    fn carrier(&self) -> Carrier {
        let mut armed = self.lock();
        let fault = armed.fault.as_ref().map(|(table, case)| &table[case.fault]);
        let faulty = fault.and_then(|fault| fault.carrier.clone());
        if fault.is_some_and(|fault| fault.of_the_connection) {
            armed.struck += 1;
        }
        faulty.or_else(|| armed.good_over.clone()).unwrap_or(Carrier::Plain)
    }

    fn answer(&self, asked: &Asked) -> Vec<Step> {
        let mut armed = self.lock();
        let at = if asked.is_sign_in() { At::SignIn } else { At::Api };
        let struck = match &armed.fault {
            Some((table, case)) if case.at == at => Some(((table[case.fault].answer)(asked, case.cut), case.fault)),
            _ => None,
        };
        let Some((steps, _)) = struck else { return vec![Step::Send(good(asked.path()))] };
        armed.struck += 1;
        steps.into_iter().map(|step| self.pointed_elsewhere(step)).collect()
    }
}

impl Bench {
    fn pointed_elsewhere(&self, step: Step) -> Step {
        match step {
            Step::Send(bytes) if bytes.windows(ELSEWHERE.len()).any(|part| part == ELSEWHERE.as_bytes()) => {
                Step::Send(String::from_utf8_lossy(&bytes).replace(ELSEWHERE, &self.elsewhere).into_bytes())
            }
            step => step,
        }
    }
}

/// A host that must not receive requests.
struct Elsewhere(Arc<AtomicUsize>);

impl Script for Elsewhere {
    fn answer(&self, asked: &Asked) -> Vec<Step> {
        self.0.fetch_add(1, Ordering::Relaxed);
        vec![Step::Send(good(asked.path()))]
    }
}

struct Setting {
    table: Arc<Vec<Fault>>,
    good_tls: Carrier,
    ca_path: String,
    elsewhere: String,
}

fn main() {
    let form = Form::from_args();
    let row = Row::begin("wire-faults");
    let certificates = Certificates::default();
    let ca = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(ca.path(), &certificates.ca_pem).expect("a file");
    let strayed = Arc::new(AtomicUsize::new(0));
    let elsewhere = Server::start(Elsewhere(Arc::clone(&strayed)));
    let mut table = faults::table(&certificates);
    if let Some(only) = std::env::args().skip_while(|argument| argument != "--only").nth(1) {
        table.retain(|fault| fault.name.contains(&only));
    }
    let setting = Setting {
        table: Arc::new(table),
        good_tls: Carrier::Tls(certificates.server(Shown::Good)),
        ca_path: ca.path().display().to_string(),
        elsewhere: elsewhere.http(),
    };

    let cases = cases(&setting.table, form);
    let mut failures = run(&setting, &cases);
    for (index, fault) in setting.table.iter().enumerate() {
        let tried = cases.iter().filter(|case| case.fault == index).count() as u64;
        row.claim(
            &format!("{} results in {}", fault.name, expected(fault)),
            tried,
            &failures.remove(&index).unwrap_or_default(),
        );
    }
    let strayed = strayed.load(Ordering::Relaxed);
    row.check(
        "a redirect's target receives no request",
        strayed == 0 && elsewhere.accepted() == 0,
        &format!("{strayed} requests"),
    );

    let greedy = memory(&setting, &row);
    row.end(&format!("{} faults, {} cases, {greedy} of them measured for memory", setting.table.len(), cases.len()));
}

fn expected(fault: &Fault) -> String {
    names(Method::ALL.iter().flat_map(|method| fault.statuses(*method)).collect())
}

fn names(statuses: Vec<i32>) -> String {
    let mut names: Vec<_> = statuses.into_iter().map(name).collect();
    names.sort();
    names.dedup();
    names.join(" or ")
}

/// Every fault through every method and entry point; with offsets, each offset through the typed functions only.
fn cases(table: &[Fault], form: Form) -> Vec<Case> {
    let mut cases = Vec::new();
    for (fault, row) in table.iter().enumerate() {
        for method in Method::ALL {
            for entry_point in EntryPoint::ALL {
                for (nth, cut) in row.cuts.offsets(method.path(), false).into_iter().enumerate() {
                    // The entry points share one implementation, so not every offset is tried through each.
                    if nth % 3 == entry_point as usize % 3 || form == Form::Long || nth == 0 {
                        cases.push(Case { fault, at: At::Api, entry_point, method, cut });
                    }
                }
            }
        }
        if row.sign_in.is_some() {
            for cut in row.cuts.offsets("/auth/oauth/token", false) {
                cases.push(Case {
                    fault,
                    at: At::SignIn,
                    entry_point: EntryPoint::Typed,
                    method: Method::Members,
                    cut,
                });
            }
        }
        if form == Form::Long {
            for cut in row.cuts.offsets("/auth/oauth/token", true) {
                cases.push(Case { fault, at: At::SignIn, entry_point: EntryPoint::Typed, method: Method::Events, cut });
            }
            for method in [Method::Workspace, Method::Members, Method::Groups, Method::Events] {
                for cut in row.cuts.offsets(method.path(), true) {
                    cases.push(Case { fault, at: At::Api, entry_point: EntryPoint::Typed, method, cut });
                }
            }
        }
    }
    cases.retain(|case| case.at == At::Api || table[case.fault].sign_in.is_some());
    cases
}

fn run(setting: &Setting, cases: &[Case]) -> BTreeMap<usize, Vec<String>> {
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(BTreeMap::<usize, Vec<String>>::new());
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                let bench = Bench { armed: Arc::default(), elsewhere: setting.elsewhere.clone() };
                let server = Server::start(bench.clone());
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(why) = try_case(setting, &bench, &server, *case, CAP as u64) {
                        let what = format!(
                            "{:?} {:?} {:?} at byte {}: {why}",
                            case.at, case.entry_point, case.method, case.cut
                        );
                        failures
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .entry(case.fault)
                            .or_default()
                            .push(what);
                    }
                }
            });
        }
    });
    failures.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn try_case(setting: &Setting, bench: &Bench, server: &Server, case: Case, cap: u64) -> Result<(), String> {
    let fault = &setting.table[case.fault];
    *bench.lock() = Armed {
        fault: Some((Arc::clone(&setting.table), case)),
        good_over: fault.tls.then(|| setting.good_tls.clone()),
        struck: 0,
    };
    let (timeout_ms, connect_timeout_ms) = fault.timeouts_ms();
    let client = Client::open(&Opening {
        ca_bundle_path: fault.tls.then(|| setting.ca_path.clone()),
        connect_timeout_ms,
        // A sign-in belongs to the client, not to the call: the next call waits for one in progress.
        timeout_ms: if fault.patience == Patience::Short { 4 * Patience::SHORT_MS } else { 0 },
        max_attempts: 2,
        // Waits of this length have their own tests.
        retry_wait_ms: 20,
        max_response_bytes: cap,
        ..Opening::at(if fault.tls { server.https() } else { server.http() })
    })
    .map_err(|outcome| format!("the client cannot be opened: {}", outcome.message()))?;

    let began = Instant::now();
    let outcome = client.call(case.entry_point, case.method, How { timeout_ms, ..How::default() });
    let took = began.elapsed();
    let struck = {
        let mut armed = bench.lock();
        armed.fault = None;
        armed.struck
    };
    let expected = match case.at {
        At::Api => fault.statuses(case.method),
        At::SignIn => fault.sign_in.into_iter().collect(),
    };
    if !expected.contains(&outcome.status) {
        return Err(format!("{} ({}) instead of {}", name(outcome.status), outcome.message(), names(expected)));
    }
    if took > Duration::from_millis(timeout_ms.into()) + SLACK {
        return Err(format!("{} ms for a deadline of {timeout_ms} ms", took.as_millis()));
    }
    let tries = match fault.tries {
        Tries::One => 1,
        Tries::Both => 2,
        Tries::Any => struck,
    };
    // The token endpoint's error is permanent except for a 401.
    let tries = if case.at == At::SignIn && fault.name.contains("status 401") { 1 } else { tries };
    if struck != tries {
        return Err(format!("{struck} requests instead of {tries}"));
    }
    if outcome.status != KAL_OK && outcome.status != KAL_TIMED_OUT {
        if usize::try_from(outcome.attempts) != Ok(struck) {
            return Err(format!("the error reports {} attempts, the server saw {struck}", outcome.attempts));
        }
        let url = outcome.url();
        // The first connection is the sign-in's.
        let is_at_sign_in = case.at == At::SignIn || fault.of_the_connection;
        if url.starts_with("/auth/oauth/token") != is_at_sign_in {
            return Err(format!("the error is about {url}"));
        }
        if outcome.message().is_empty() || !outcome.message().contains(fault.says) {
            return Err(format!("the error does not say \"{}\": {}", fault.says, outcome.message()));
        }
    }

    let again = client.call(
        case.entry_point,
        case.method,
        How { timeout_ms: 30_000, cache: i32::from(outcome.status == KAL_OK), ..How::default() },
    );
    if again.status != KAL_OK {
        return Err(format!("the call afterwards returned {} ({})", name(again.status), again.message()));
    }
    match again.json {
        Some(json) if json.contains("poison") => Err("another request's answer was taken".into()),
        Some(json) if json.contains("id-1") => Ok(()),
        json => Err(format!("the answer of the call afterwards was {json:?}")),
    }
}

/// The memory use of a call whose server sends too much: one at a time, in an otherwise idle process.
fn memory(setting: &Setting, row: &Row) -> usize {
    if process::reset_peak().is_err() {
        println!("# the peak of memory cannot be reset here, so it is not measured");
        return 0;
    }
    let bench = Bench { armed: Arc::default(), elsewhere: setting.elsewhere.clone() };
    let server = Server::start(bench.clone());
    let greedy = ["without end", "10000 header lines", "1 MiB", "1 GiB", "EiB", "PB", "million", "nested"];
    let mut measured = 0;
    let mut failures = Vec::new();
    let mut most = 0;
    for (index, fault) in setting.table.iter().enumerate() {
        if !greedy.iter().any(|word| fault.name.contains(word)) {
            continue;
        }
        for method in [Method::Members, Method::Events] {
            let case = Case { fault: index, at: At::Api, entry_point: EntryPoint::Typed, method, cut: 0 };
            let before = process::resident_kib();
            process::reset_peak().expect("as before");
            let outcome = try_case(setting, &bench, &server, case, MEMORY_CAP);
            let cost = process::peak_kib().saturating_sub(before);
            most = most.max(cost);
            measured += 1;
            if let Err(why) = outcome {
                failures.push(format!("{} {method:?}: {why}", fault.name));
            }
            if cost > MEMORY_CAP / 1024 + MEMORY_SLACK_KIB {
                failures.push(format!("{} {method:?}: {cost} KiB", fault.name));
            }
        }
    }
    row.claim(
        &format!(
            "bad input uses at most max_response_bytes ({} MiB) and 16 MiB more; the most was {most} KiB",
            MEMORY_CAP >> 20
        ),
        measured as u64,
        &failures,
    );
    calls::shutdown();
    measured
}
