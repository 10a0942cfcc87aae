//! The details of an error are those of the request that failed: the call's own, or the token request that it waited for.

mod common;

use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use common::{client, emulator, events, get, settings, wait_for};
use kal_emulator::{Config, DropPoint, Emulator, Fault};
use kaleidoscope::service::workspace::{GET_EVENTS, GET_GROUPS, GET_MEMBERS};
use kaleidoscope::service::{Params, REQUEST};
use kaleidoscope::{CallOptions, Cancel, Client, Error, ErrorKind, IapTokenProvider, Settings, Stream};

const EVENTS: &str = "/workspaces/events";
const TOKEN: &str = "/auth/oauth/token";
/// Of the clients of these tests.
const MAX_ATTEMPTS: u32 = 3;
/// Long enough for a busy machine to send what it waits for.
const BRIEF: Duration = Duration::from_secs(2);

fn open(emulator: &Emulator) -> Client {
    Client::open(Settings { max_attempts: Some(MAX_ATTEMPTS), ..settings(emulator) }).expect("good settings")
}

fn brief() -> CallOptions {
    CallOptions { timeout: Some(BRIEF), ..CallOptions::default() }
}

/// The number of requests for a path that the emulator received.
fn count(emulator: &Emulator, path: &str) -> u32 {
    emulator.counts().paths.get(path).map_or(0, |count| u32::try_from(*count).expect("few"))
}

/// Asserts which request an error is about, and that its message names the call's.
#[track_caller]
fn assert_request(error: &Error, kind: ErrorKind, request: (&str, &str), attempts: u32) {
    let details = error.details();
    assert_eq!(error.kind(), kind, "{error}");
    let seen = (details.method, details.url.as_deref(), details.attempts);
    assert_eq!(seen, (Some(request.0), Some(request.1), attempts), "{error}");
    if request.1 == TOKEN {
        assert!(error.to_string().contains("/workspaces/"), "the call is not named: {error}");
    }
}

/// A way in which a request fails: the error of a call, if it is the API's or the token endpoint's, and the attempts.
struct Failing {
    fault: fn(&str) -> Fault,
    api: (ErrorKind, Option<u16>),
    sign_in: (ErrorKind, Option<u16>),
    attempts: u32,
}

fn ways() -> Vec<Failing> {
    let status = |fault, status, attempts| Failing {
        fault,
        api: (ErrorKind::Http, Some(status)),
        sign_in: (ErrorKind::AuthFailed, Some(status)),
        attempts,
    };
    let other =
        |fault, kind, status, attempts| Failing { fault, api: (kind, status), sign_in: (kind, status), attempts };
    vec![
        status(|path| Fault::on(path).status(500), 500, MAX_ATTEMPTS),
        status(|path| Fault::on(path).status(503).header("Retry-After", "0"), 503, MAX_ATTEMPTS),
        status(|path| Fault::on(path).status(403).body(r#"{"error":"no","code":"no"}"#), 403, 1),
        other(|path| Fault::on(path).drop_connection(DropPoint::Before), ErrorKind::ConnectionLost, None, MAX_ATTEMPTS),
        other(|path| Fault::on(path).status(200).body("{}"), ErrorKind::BadResponse, Some(200), 1),
        other(|path| Fault::on(path).drop_connection(DropPoint::Hang), ErrorKind::TimedOut, None, 1),
    ]
}

/// Options with which a call fails that way.
fn options_for(kind: ErrorKind) -> CallOptions {
    if kind == ErrorKind::TimedOut { brief() } else { CallOptions::default() }
}

#[track_caller]
fn assert_way(error: &Error, way: (ErrorKind, Option<u16>), request: (&str, &str), attempts: u32) {
    assert_request(error, way.0, request, attempts);
    assert_eq!(error.http_status(), way.1, "{error}");
}

/// Red when the attempts of a call begin with its sign-in: a timeout reports `GET` and its URL; and when the message has only the
/// token request: it does not say which call failed.
#[test]
fn a_call_whose_sign_in_fails_reports_the_token_request() {
    for Failing { fault, sign_in, attempts, .. } in ways() {
        let emulator = emulator(Config::default());
        emulator.fault(fault(TOKEN).times(0));
        let client = open(&emulator);
        let error = client.call(Params::new(&GET_EVENTS), &options_for(sign_in.0)).expect_err("no token");
        assert_way(&error, sign_in, ("POST", TOKEN), attempts);
        assert!(error.to_string().starts_with(&format!("GET {EVENTS}: ")), "{error}");
        assert_eq!((count(&emulator, TOKEN), count(&emulator, EVENTS)), (attempts, 0));
    }
}

/// Red when the last error of a sign-in that succeeded stays: a timeout of the API reports its status, 502.
#[test]
fn a_call_that_fails_after_its_sign_in_reports_its_own_request() {
    for Failing { fault, api, attempts, .. } in ways() {
        let emulator = emulator(Config::default());
        // Of other statuses and attempts.
        emulator.fault(Fault::on(TOKEN).status(502).times(2));
        emulator.fault(fault(EVENTS).times(0));
        let client = open(&emulator);
        let error = client.call(Params::new(&GET_EVENTS), &options_for(api.0)).expect_err("no events");
        assert_way(&error, api, ("GET", EVENTS), attempts);
        assert!(!error.to_string().contains("502 Bad Gateway"), "the sign-in succeeded: {error}");
        assert_eq!((count(&emulator, TOKEN), count(&emulator, EVENTS)), (3, attempts));
    }
}

/// The token is rejected, and no other one is to be had: the refresh fails, and then the credentials.
#[test]
fn a_call_whose_new_sign_in_fails_reports_the_token_request() {
    for Failing { fault, sign_in, attempts, .. } in ways() {
        let emulator = emulator(Config::default());
        let client = open(&emulator);
        get(&client, &GET_EVENTS).expect("events");
        emulator.reset();
        emulator.expire_tokens();
        emulator.fault(fault(TOKEN).times(0));
        let error = client.call(Params::new(&GET_EVENTS), &options_for(sign_in.0)).expect_err("no token");
        assert_way(&error, sign_in, ("POST", TOKEN), attempts);
        assert!(error.to_string().starts_with(&format!("GET {EVENTS}: ")), "{error}");
        assert_eq!((count(&emulator, TOKEN), count(&emulator, EVENTS)), (1 + attempts, 1));
    }
}

/// Red when the 401 is not recorded: the timeout after it does not mention it.
#[test]
fn a_repetition_with_a_new_token_is_an_attempt() {
    let emulator = emulator(Config::default());
    emulator.fault(Fault::on(EVENTS).status(401));
    emulator.fault(Fault::on(EVENTS).status(404));
    let error = get(&open(&emulator), &GET_EVENTS).expect_err("404");
    assert_request(&error, ErrorKind::Http, ("GET", EVENTS), 2);
    // And if it gets no response, the error says what the one before it was.
    emulator.fault(Fault::on(EVENTS).status(401));
    emulator.fault(Fault::on(EVENTS).drop_connection(DropPoint::Hang));
    let error = open(&emulator).call(Params::new(&GET_EVENTS), &brief()).expect_err("no response");
    assert_request(&error, ErrorKind::TimedOut, ("GET", EVENTS), 2);
    assert!(error.to_string().contains("(attempt 2; last error: ") && error.to_string().contains("401"), "{error}");
}

#[test]
fn a_refused_connection_is_an_attempt_of_the_request_that_needed_it() {
    let emulator = emulator(Config::default());
    let [signed_in, other] = [(); 2].map(|()| open(&emulator));
    get(&signed_in, &GET_EVENTS).expect("events");
    emulator.pause().expect("paused");
    let error = get(&signed_in, &GET_EVENTS).expect_err("nobody listens");
    assert_request(&error, ErrorKind::ConnectFailed, ("GET", EVENTS), MAX_ATTEMPTS);
    let error = get(&other, &GET_EVENTS).expect_err("nobody listens");
    assert_request(&error, ErrorKind::ConnectFailed, ("POST", TOKEN), MAX_ATTEMPTS);
    // A write that was not sent may be repeated.
    let post = Params::from_json(&REQUEST, r#"{"verb":"POST","path":"/workspaces/echo?a=b"}"#).expect("a request");
    let error = other.call(post, &CallOptions::default()).expect_err("nobody listens");
    assert_request(&error, ErrorKind::ConnectFailed, ("POST", TOKEN), MAX_ATTEMPTS);
    assert!(error.is_retryable() && error.to_string().starts_with("POST /workspaces/echo: no token: POST "), "{error}");
}

/// One sign-in, and many calls that wait for it: each reports it, with its own request in the message.
#[test]
fn every_call_that_shares_a_failing_sign_in_reports_it() {
    let emulator = emulator(Config::default());
    let client = open(&emulator);
    emulator.fault(Fault::on(TOKEN).delay(Duration::from_millis(300)).status(401).body(r#"{"error":"gone"}"#).times(0));
    let of = [(&GET_EVENTS, EVENTS), (&GET_MEMBERS, "/workspaces/members"), (&GET_GROUPS, "/workspaces/groups")];
    thread::scope(|scope| {
        let calls: Vec<_> =
            of.repeat(3).into_iter().map(|(method, path)| (path, scope.spawn(|| get(&client, method)))).collect();
        for (path, call) in calls {
            let error = call.join().expect("no panic").expect_err("no token");
            assert_way(&error, (ErrorKind::AuthFailed, Some(401)), ("POST", TOKEN), 1);
            assert_eq!(error.details().code.as_deref(), Some("gone"));
            assert!(error.to_string().starts_with(&format!("GET {path}: sign-in failed: POST {TOKEN} ")), "{error}");
        }
    });
    assert!(count(&emulator, TOKEN) < 9);
}

#[test]
fn a_call_cancelled_while_it_waits_for_a_token_reports_the_token_request() {
    for close in [false, true] {
        // Of its own: a reset would end the request that hangs, which its client would send again.
        let emulator = emulator(Config::default());
        let client = open(&emulator);
        emulator.fault(Fault::on(TOKEN).status(503));
        emulator.fault(Fault::on(TOKEN).drop_connection(DropPoint::Hang));
        let cancel = Cancel::default();
        let options = CallOptions { cancel: Some(cancel.clone()), ..CallOptions::default() };
        let error = thread::scope(|scope| {
            let call = scope.spawn(|| client.call(Params::new(&GET_EVENTS), &options));
            wait_for("the second attempt", || count(&emulator, TOKEN) == 2);
            if close {
                client.close();
            } else {
                cancel.fire();
            }
            call.join().expect("no panic").expect_err("cancelled")
        });
        assert_request(&error, ErrorKind::Cancelled, ("POST", TOKEN), 2);
        assert_eq!(error.http_status(), Some(503), "of its last response");
        let says = format!(
            "while GET {EVENTS} waited for a token (attempt 2; last error: POST {TOKEN} failed with status 503"
        );
        assert!(error.to_string().contains(&says), "{error}");
    }
}

/// Red when a call that waits for a slot counts an attempt.
#[test]
fn a_call_that_waits_for_a_slot_has_no_attempt() {
    let emulator = emulator(Config::default());
    let client = Client::open(Settings { max_in_flight: Some(1), ..settings(&emulator) }).expect("good settings");
    emulator.fault(Fault::on(EVENTS).drop_connection(DropPoint::Hang));
    let cancel = Cancel::default();
    let hanging = CallOptions { cancel: Some(cancel.clone()), ..CallOptions::default() };
    thread::scope(|scope| {
        let slow = scope.spawn(|| client.call(Params::new(&GET_EVENTS), &hanging));
        wait_for("the slow call", || count(&emulator, EVENTS) == 1);
        let error = client.call(Params::new(&GET_MEMBERS), &brief()).expect_err("no slot");
        let details = error.details();
        assert_eq!((error.kind(), details.attempts, details.method), (ErrorKind::TimedOut, 0, None), "{error}");
        assert!(error.to_string().starts_with("GET /workspaces/members: timed out"), "{error}");
        cancel.fire();
        let error = slow.join().expect("no panic").expect_err("cancelled");
        assert_request(&error, ErrorKind::Cancelled, ("GET", EVENTS), 1);
    });
}

#[test]
fn a_stream_reports_the_request_that_failed() {
    let emulator = emulator(Config::default());
    let client = open(&emulator);
    let stream = || Stream::open(&client, events(10), CallOptions::default()).expect("a stream");
    emulator.fault(Fault::on(TOKEN).status(500).times(0));
    let error = stream().next(None).expect_err("no token");
    assert_way(&error, (ErrorKind::AuthFailed, Some(500)), ("POST", TOKEN), MAX_ATTEMPTS);
    assert!(error.to_string().starts_with(&format!("GET {EVENTS}: sign-in failed: ")), "{error}");
    emulator.reset();
    emulator.fault(Fault::on(EVENTS).status(500).times(0));
    let error = stream().next(None).expect_err("no events");
    let details = error.details();
    assert_eq!((error.http_status(), details.method, details.attempts), (Some(500), Some("GET"), MAX_ATTEMPTS));
    assert!(
        details.url.as_deref().is_some_and(|url| url.starts_with(EVENTS) && url.contains("page_size=10")),
        "{error}"
    );
}

/// Returns these tokens of the identity-aware proxy in order.
struct Host(Mutex<mpsc::Receiver<&'static str>>);

impl IapTokenProvider for Host {
    fn token(&self) -> Result<secrecy::SecretString, String> {
        let next = self.0.lock().expect("no panic").try_recv();
        next.map(|token| token.to_owned().into()).map_err(|_| "no account".into())
    }
}

/// The proxy rejects its token, and the next one: at the token endpoint, and at the API. Red when only the attempts of the
/// repetition count: 1.
#[test]
fn a_request_that_the_identity_aware_proxy_rejected_twice_has_two_attempts() {
    let emulator = emulator(Config::default());
    for (path, kind, method) in [(TOKEN, ErrorKind::AuthFailed, "POST"), (EVENTS, ErrorKind::Http, "GET")] {
        let (tell, told) = mpsc::channel();
        let iap: Arc<dyn IapTokenProvider> = Arc::new(Host(Mutex::new(told)));
        let client = Client::open(Settings { iap: Some(iap), ..settings(&emulator) }).expect("good settings");
        // The provider fails: there is no request at all.
        let error = get(&client, &GET_EVENTS).expect_err("no token of the host");
        let details = error.details();
        assert_eq!((error.kind(), details.attempts, details.method), (ErrorKind::AuthFailed, 0, None), "{error}");
        tell.send("one").and_then(|()| tell.send("two")).expect("a provider");
        emulator.reset();
        emulator.fault(Fault::on(path).status(403).header("X-Goog-IAP-Generated-Response", "true").times(0));
        let error = get(&client, &GET_EVENTS).expect_err("rejected");
        assert_way(&error, (kind, Some(403)), (method, path), 2);
        assert_eq!(count(&emulator, path), 2);
    }
}

/// A sign-in goes on for the other calls that wait for it.
#[test]
fn a_call_cancelled_while_it_waits_for_a_token_does_not_end_the_sign_in() {
    let emulator = emulator(Config::default());
    let client = client(&emulator);
    emulator.fault(Fault::on(TOKEN).delay(Duration::from_secs(1)));
    let cancel = Cancel::default();
    let options = CallOptions { cancel: Some(cancel.clone()), ..CallOptions::default() };
    thread::scope(|scope| {
        let first = scope.spawn(|| client.call(Params::new(&GET_EVENTS), &options));
        wait_for("the token request", || count(&emulator, TOKEN) == 1);
        let second = scope.spawn(|| get(&client, &GET_EVENTS));
        cancel.fire();
        let error = first.join().expect("no panic").expect_err("cancelled");
        assert_request(&error, ErrorKind::Cancelled, ("POST", TOKEN), 1);
        second.join().expect("no panic").expect("events");
    });
    assert_eq!((count(&emulator, TOKEN), count(&emulator, EVENTS)), (1, 1));
}
