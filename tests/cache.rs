//! Cached reads: what is cached, for how long, and which caller sends the request.

mod common;

use std::ptr;
use std::sync::Barrier;
use std::time::Duration;

use common::{client, emulator, get, settings, wait_for};
use kal_emulator::{Config, Fault};
use kaleidoscope::service::Params;
use kaleidoscope::service::workspace::{GET_EVENTS, GET_MEMBERS, GET_WORKSPACE};
use kaleidoscope::{CacheUse, CallOptions, Cancel, Client, ErrorKind, Settings};

fn asked(emulator: &kal_emulator::Emulator) -> u64 {
    emulator.counts().paths.get("/workspaces/members").copied().unwrap_or(0)
}

fn options(cache: CacheUse) -> CallOptions {
    CallOptions { cache, ..CallOptions::default() }
}

#[test]
fn a_cache_hit_returns_the_same_records() {
    let emulator = emulator(Config::default());
    let client = client(&emulator);
    let first = get(&client, &GET_MEMBERS).expect("members");
    let second = get(&client, &GET_MEMBERS).expect("members");
    assert!(ptr::eq(first.json(), second.json()));
    assert_eq!(asked(&emulator), 1);
}

#[test]
fn a_refresh_sends_a_request_and_caches_its_answer() {
    let emulator = emulator(Config::default());
    let client = client(&emulator);
    let first = get(&client, &GET_MEMBERS).expect("members");
    let fresh = client.call(Params::new(&GET_MEMBERS), &options(CacheUse::Refresh)).expect("members");
    assert!(!ptr::eq(first.json(), fresh.json()));
    assert!(ptr::eq(fresh.json(), get(&client, &GET_MEMBERS).expect("members").json()));
    assert_eq!(asked(&emulator), 2);
}

#[test]
fn a_failed_refresh_is_not_cached_and_drops_the_old_entry() {
    let emulator = emulator(Config::default());
    let client = client(&emulator);
    get(&client, &GET_MEMBERS).expect("members");
    emulator.fault(Fault::on("/workspaces/members").status(403));
    let error = client.call(Params::new(&GET_MEMBERS), &options(CacheUse::Refresh)).expect_err("refused");
    assert_eq!(error.http_status(), Some(403));
    let only = client.call(Params::new(&GET_MEMBERS), &options(CacheUse::Only)).expect_err("nothing is cached");
    assert_eq!((only.kind(), only.details().attempts), (ErrorKind::NotFound, 0));
    assert!(get(&client, &GET_MEMBERS).is_ok());
    assert_eq!(asked(&emulator), 3);
}

#[test]
fn cache_only_never_sends_a_request() {
    let emulator = emulator(Config::default());
    let client = client(&emulator);
    for method in [&GET_WORKSPACE, &GET_EVENTS] {
        let error = client.call(Params::new(method), &options(CacheUse::Only)).expect_err("nothing is cached");
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
    assert_eq!(emulator.counts().total, 0);
}

#[test]
fn an_expired_entry_is_fetched_again() {
    let emulator = emulator(Config::default());
    let ttl = Some(Duration::from_nanos(1));
    let client = Client::open(Settings { cache_ttl: ttl, ..settings(&emulator) }).expect("good settings");
    get(&client, &GET_MEMBERS).expect("members");
    get(&client, &GET_MEMBERS).expect("members");
    assert_eq!(asked(&emulator), 2);
}

#[test]
fn concurrent_misses_share_one_request() {
    let emulator = emulator(Config { latency: Duration::from_millis(200), ..Config::default() });
    let client = client(&emulator);
    let together = Barrier::new(16);
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                together.wait();
                get(&client, &GET_MEMBERS).expect("members");
            });
        }
    });
    assert_eq!(asked(&emulator), 1);
    assert_eq!(emulator.counts().token_requests, 1);
}

#[test]
fn concurrent_misses_share_the_error_with_its_details() {
    let emulator = emulator(Config { latency: Duration::from_millis(100), ..Config::default() });
    emulator.fault(Fault::on("/workspaces/members").status(418).body(r#"{"code":"teapot"}"#));
    let client = client(&emulator);
    let codes: Vec<_> = std::thread::scope(|scope| {
        let calls: Vec<_> = (0..8).map(|_| scope.spawn(|| get(&client, &GET_MEMBERS).err())).collect();
        calls
            .into_iter()
            .map(|call| call.join().expect("no panic").and_then(|error| error.details().code.clone()))
            .collect()
    });
    let shared = usize::try_from(client.stats().shared_requests).expect("few") + 1;
    assert_eq!(codes.iter().filter(|code| code.as_deref() == Some("teapot")).count(), shared);
}

#[test]
fn a_caller_that_times_out_does_not_end_the_shared_request() {
    let emulator = emulator(Config { latency: Duration::from_millis(300), ..Config::default() });
    let client = client(&emulator);
    let cancel = Cancel::default();
    std::thread::scope(|scope| {
        let impatient = scope.spawn(|| {
            let options = CallOptions { cancel: Some(cancel.clone()), ..CallOptions::default() };
            client.call(Params::new(&GET_MEMBERS), &options)
        });
        wait_for("the first request", || emulator.counts().total > 0);
        let patient = scope.spawn(|| get(&client, &GET_MEMBERS));
        wait_for("the second caller", || client.stats().shared_requests == 1);
        cancel.fire();
        assert_eq!(impatient.join().expect("no panic").expect_err("cancelled").kind(), ErrorKind::Cancelled);
        assert!(patient.join().expect("no panic").is_ok());
    });
    assert_eq!(asked(&emulator), 1);
}

#[test]
fn a_shared_request_ends_when_all_callers_have_left() {
    let emulator = emulator(Config::default());
    emulator.fault(Fault::on("/workspaces/members").drop_connection(kal_emulator::DropPoint::Hang));
    let client = client(&emulator);
    let impatient = CallOptions { timeout: Some(Duration::from_millis(200)), ..CallOptions::default() };
    let error = client.call(Params::new(&GET_MEMBERS), &impatient).expect_err("no time");
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    wait_for("the end of the hanging request", || emulator.counts().open_connections == 0);
    assert!(get(&client, &GET_MEMBERS).is_ok());
}

#[test]
fn a_request_started_before_clearing_is_not_cached() {
    let emulator = emulator(Config { latency: Duration::from_millis(200), ..Config::default() });
    let client = client(&emulator);
    std::thread::scope(|scope| {
        let caller = scope.spawn(|| get(&client, &GET_MEMBERS));
        wait_for("the request", || asked(&emulator) == 1);
        client.clear_caches();
        assert!(caller.join().expect("no panic").is_ok());
    });
    get(&client, &GET_MEMBERS).expect("members");
    assert_eq!(asked(&emulator), 2);
}

/// A refresh that does not succeed leaves no entry, however it ends. Red when a refresh abandoned by all callers keeps the entry:
/// the second lookup finds the old answer.
#[test]
fn an_abandoned_refresh_drops_the_old_entry() {
    let emulator = emulator(Config::default());
    let client = client(&emulator);
    let (cancel, unfired) = (Cancel::default(), Cancel::default());
    let impatient = CallOptions { timeout: Some(Duration::from_millis(100)), ..options(CacheUse::Refresh) };
    let cancelled = CallOptions { cancel: Some(cancel.clone()), ..options(CacheUse::Refresh) };
    let ends = [(&impatient, &unfired, ErrorKind::TimedOut), (&cancelled, &cancel, ErrorKind::Cancelled)];
    for (options, cancel, kind) in ends {
        get(&client, &GET_MEMBERS).expect("members");
        let before = asked(&emulator);
        emulator.fault(Fault::on("/workspaces/members").drop_connection(kal_emulator::DropPoint::Hang));
        std::thread::scope(|scope| {
            let call = scope.spawn(|| client.call(Params::new(&GET_MEMBERS), options));
            wait_for("the refresh", || asked(&emulator) > before);
            cancel.fire();
            assert_eq!(call.join().expect("no panic").expect_err("no answer").kind(), kind);
        });
        let only =
            client.call(Params::new(&GET_MEMBERS), &self::options(CacheUse::Only)).expect_err("nothing is cached");
        assert_eq!(only.kind(), ErrorKind::NotFound);
    }
    // A refresh that ended before it sent a request changes nothing.
    get(&client, &GET_MEMBERS).expect("members");
    assert_eq!(client.call(Params::new(&GET_MEMBERS), &cancelled).expect_err("cancelled").kind(), ErrorKind::Cancelled);
    client.call(Params::new(&GET_MEMBERS), &options(CacheUse::Only)).expect("members");
}
