//! Requests to any endpoint: what is sent, what is retried, and what is not.

mod common;
#[path = "common/raw.rs"]
mod raw;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use common::{client, emulator, get, settings, wait_for};
use kal_emulator::{Config, DropPoint, Emulator, Fault};
use kaleidoscope::service::workspace::{GET_GROUPS, GET_MEMBERS};
use kaleidoscope::service::{Params, REQUEST};
use kaleidoscope::{Answer, CacheUse, CallOptions, Cancel, Client, Error, ErrorKind, Result, Settings};
use raw::{Raw, Then, token};

const ECHO: &str = "/echo";
const WRITES: [&str; 4] = ["POST", "PUT", "PATCH", "DELETE"];

fn params(verb: &str, path: &str) -> Params {
    Params::from_json(&REQUEST, &format!(r#"{{"verb":"{verb}","path":"{path}"}}"#)).expect("a request")
}

fn request(client: &Client, verb: &str, path: &str) -> Result<Arc<Answer>> {
    client.call(params(verb, path), &CallOptions::default())
}

fn json(answer: &Answer) -> &str {
    std::str::from_utf8(answer.json()).expect("UTF-8")
}

fn echoed(emulator: &Emulator) -> u64 {
    emulator.counts().paths.get(ECHO).copied().unwrap_or(0)
}

/// The result of a request with this fault injected, and how often it was sent.
fn with_fault(verb: &str, fault: Fault) -> (Result<Arc<Answer>>, u64) {
    let emulator = emulator(Config::default());
    emulator.fault(fault);
    let client = client(&emulator);
    let outcome = request(&client, verb, ECHO);
    assert_eq!(client.stats().requests, emulator.counts().total);
    (outcome, echoed(&emulator))
}

#[test]
fn a_request_is_sent_unchanged() {
    let emulator = emulator(Config::default());
    let client = client(&emulator);
    let given =
        r#"{"verb":"PUT","path":"/echo/a%2Fb","query":{"q":"a b","ids":["x"]},"body":{"n": 1.10, "big":1e400}}"#;
    let answer = client.call(Params::from_json(&REQUEST, given).expect("a request"), &CallOptions::default());
    let answer = answer.expect("an answer");
    let text = json(&answer);
    let begins = r#"{"verb":"PUT","path":"/echo/a%2Fb","query":[["q","a b"],["ids","[\"x\"]"]],"#;
    assert!(text.starts_with(begins), "{text}");
    assert!(text.ends_with(r#""body":{"n": 1.10, "big":1e400}}"#), "{text}");
    assert!(text.contains(r#""content-type":"application/json""#), "{text}");
    assert_eq!((answer.shape(), answer.table().is_none(), answer.rows().len()), (None, true, 0));
    let delete = request(&client, "DELETE", ECHO).expect("an answer");
    assert!(json(&delete).ends_with(r#""body":{}}"#), "{}", json(&delete));
    assert!(json(&request(&client, "GET", ECHO).expect("an answer")).ends_with(r#""body":null}"#));
}

#[test]
fn an_empty_response_is_null() {
    for (status, body) in [(204, ""), (200, ""), (201, " \r\n"), (200, "null")] {
        let (outcome, _) = with_fault("POST", Fault::on(ECHO).status(status).body(body));
        assert_eq!(json(&outcome.expect("an answer")), "null");
    }
}

/// Red when a write is retried like a read: sent twice, and executed twice.
#[test]
fn a_write_that_may_have_been_executed_is_not_retried() {
    let lost = |point| Fault::on(ECHO).drop_connection(point);
    for fault in [
        lost(DropPoint::Before),
        lost(DropPoint::Headers),
        lost(DropPoint::Body),
        Fault::on(ECHO).status(408),
        Fault::on(ECHO).status(500),
        Fault::on(ECHO).status(502),
        Fault::on(ECHO).status(503),
        Fault::on(ECHO).status(504),
        Fault::on(ECHO).status(502).header("Retry-After", "0"),
    ] {
        for verb in WRITES {
            let (outcome, sent) = with_fault(verb, fault.clone());
            let error = outcome.expect_err("a failure");
            assert_eq!((sent, error.details().attempts, error.is_retryable()), (1, 1, false), "{verb} {fault:?}");
            assert_eq!((error.details().method, error.details().url.as_deref()), (Some(verb), Some(ECHO)));
        }
        let (outcome, sent) = with_fault("GET", fault.clone());
        assert!(outcome.is_ok() && sent == 2, "GET {fault:?}");
    }
}

/// Red when only requests that were never sent are retried: 429 after one request.
#[test]
fn a_write_rejected_with_retry_after_is_retried() {
    for status in [429, 503] {
        for verb in WRITES {
            let (outcome, sent) = with_fault(verb, Fault::on(ECHO).status(status).header("Retry-After", "0"));
            assert!(outcome.is_ok() && sent == 2, "{verb} {status}");
        }
    }
    let (outcome, sent) = with_fault("POST", Fault::on(ECHO).status(429));
    assert!(outcome.expect_err("429").is_retryable(), "it was rejected, so the host may retry");
    assert_eq!(sent, 1);
    let (outcome, sent) = with_fault("POST", Fault::on(ECHO).status(422));
    assert_eq!((outcome.expect_err("422").http_status(), sent), (Some(422), 1));
}

/// If no connection was made, nothing was sent. Red when no write is retried: one attempt.
#[test]
fn a_write_is_retried_if_no_connection_was_made() {
    let emulator = emulator(Config::default());
    let client = client(&emulator);
    // Not on a pooled connection: if the server closes it now, the client cannot tell whether the write arrived.
    emulator.fault(Fault::on(ECHO).header("Connection", "close"));
    request(&client, "POST", ECHO).expect("signed in");
    emulator.pause().expect("paused");
    let error = request(&client, "POST", ECHO).expect_err("no server");
    assert_eq!((error.kind(), error.details().attempts), (ErrorKind::ConnectFailed, 6), "{error}");
    assert!(error.is_retryable(), "it was never sent");
    emulator.resume().expect("the same port");
    request(&client, "POST", ECHO).expect("an answer");
    assert_eq!(echoed(&emulator), 2);
}

/// Red when the second request lacks the body or the verb.
#[test]
fn a_write_whose_token_was_rejected_is_replayed_once_with_a_new_token() {
    for verb in WRITES {
        let emulator = emulator(Config::default());
        let client = client(&emulator);
        request(&client, "GET", ECHO).expect("signed in");
        emulator.expire_tokens();
        let body = Params::from_json(&REQUEST, &format!(r#"{{"verb":"{verb}","path":"/echo","body":[1.0]}}"#));
        let answer = client.call(body.expect("a request"), &CallOptions::default()).expect("an answer");
        assert!(json(&answer).ends_with(r#""body":[1.0]}"#), "{}", json(&answer));
        assert_eq!((echoed(&emulator), emulator.counts().token_requests), (3, 2));
        emulator.fault(Fault::on(ECHO).status(401).times(0));
        let error = request(&client, verb, ECHO).expect_err("401");
        assert_eq!((error.http_status(), error.details().attempts, echoed(&emulator)), (Some(401), 2, 5));
    }
}

/// Red when the failed sign-in counts as the request: "may have been carried out", and not retryable.
#[test]
fn a_write_whose_sign_in_failed_was_not_sent() {
    let emulator = emulator(Config::default());
    emulator.fault(Fault::on("/auth").status(503).times(0));
    let client = Client::open(Settings { max_attempts: Some(1), ..settings(&emulator) }).expect("good settings");
    let error = request(&client, "POST", ECHO).expect_err("no token");
    assert_eq!((error.kind(), error.is_retryable(), echoed(&emulator)), (ErrorKind::AuthFailed, true, 0));
}

#[test]
fn a_non_json_response_is_an_error_that_names_its_content_type() {
    let page = Fault::on(ECHO).status(200).content_type("text/html").body("<html>please sign in</html>");
    let (outcome, sent) = with_fault("POST", page);
    let error = outcome.expect_err("no JSON");
    assert_eq!((error.kind(), sent), (ErrorKind::BadResponse, 1));
    let message = error.to_string();
    assert!(message.contains("text/html") && message.starts_with("request: unusable response: "), "{message}");
    let details = error.details();
    assert_eq!((details.method, details.url.as_deref(), details.attempts), (Some("POST"), Some(ECHO), 1));
    assert_eq!(details.body.as_deref(), Some(&b"<html>please sign in</html>"[..]));
    assert!(details.request_id.is_some());
    let (outcome, _) = with_fault("GET", Fault::on(ECHO).redirect("http://127.0.0.1:9/"));
    assert_eq!(outcome.expect_err("a redirect").kind(), ErrorKind::BadResponse);
}

#[test]
fn a_response_over_max_response_bytes_is_an_error() {
    let emulator = emulator(Config::default());
    emulator.fault(Fault::on(ECHO).body_bytes(100 << 20).gzip().times(0));
    let client = Client::open(Settings { max_response_bytes: Some(1 << 20), ..settings(&emulator) });
    let client = client.expect("good settings");
    for verb in ["GET", "POST"] {
        let error = request(&client, verb, ECHO).expect_err("too large");
        assert_eq!((error.kind(), error.details().attempts), (ErrorKind::ResponseTooLarge, 1), "{verb}");
    }
}

fn hanging(verb: &str, options: &CallOptions) -> (Error, u64) {
    let emulator = emulator(Config::default());
    let client = client(&emulator);
    request(&client, "GET", "/echo/sign-in").expect("signed in");
    emulator.fault(Fault::on(ECHO).drop_connection(DropPoint::Hang).times(0));
    let error = std::thread::scope(|scope| {
        let call = scope.spawn(|| client.call(params(verb, "/echo?token=x"), options).expect_err("it hangs"));
        wait_for("the request", || echoed(&emulator) == 1);
        if let Some(cancel) = &options.cancel {
            cancel.fire();
        }
        call.join().expect("no panic")
    });
    (error, echoed(&emulator))
}

/// Red when a request that arrived counts as unsent: `(TimedOut, true, 1)`, retryable.
#[test]
fn a_write_ends_at_its_deadline_or_when_cancelled() {
    let brief = CallOptions { timeout: Some(Duration::from_secs(2)), ..CallOptions::default() };
    for (verb, retryable) in [("GET", true), ("POST", false), ("DELETE", false)] {
        let (error, sent) = hanging(verb, &brief);
        assert_eq!((error.kind(), error.is_retryable(), sent), (ErrorKind::TimedOut, retryable, 1), "{error}");
        assert_eq!((error.details().method, error.details().url.as_deref()), (Some(verb), Some("/echo?token=x")));
        assert!(error.to_string().starts_with(&format!("{verb} /echo: timed out after 2000 ms")), "{error}");
        let cancelled = CallOptions { cancel: Some(Cancel::default()), ..CallOptions::default() };
        let (error, _) = hanging(verb, &cancelled);
        assert_eq!((error.kind(), error.details().method), (ErrorKind::Cancelled, Some(verb)));
    }
}

/// Red when requests for one path are shared like cached reads: one request for eight calls.
#[test]
fn concurrent_requests_are_never_shared() {
    let emulator = emulator(Config::default());
    emulator.fault(Fault::on(ECHO).delay(Duration::from_millis(50)).times(0));
    let client = client(&emulator);
    std::thread::scope(|scope| {
        for verb in ["GET", "POST"].repeat(4) {
            let client = &client;
            scope.spawn(move || request(client, verb, ECHO).expect("an answer"));
        }
    });
    let stats = client.stats();
    assert_eq!((echoed(&emulator), stats.shared_requests, stats.cache_hits, stats.retries), (8, 0, 0, 0));
}

#[test]
fn a_request_with_cache_only_fails_without_sending_anything() {
    let emulator = emulator(Config::default());
    let only = CallOptions { cache: CacheUse::Only, ..CallOptions::default() };
    let error = client(&emulator).call(params("POST", ECHO), &only).expect_err("never cached");
    assert_eq!((error.kind(), emulator.counts().total), (ErrorKind::NotFound, 0));
}

/// Red when writes clear nothing: the old answer is still cached after each. Red when the guard of a write is also created for a
/// read.
#[test]
fn a_write_invalidates_the_cached_reads_that_it_may_change() {
    let emulator = emulator(Config::default());
    let client = client(&emulator);
    let is_cached = |operation| {
        let only = CallOptions { cache: CacheUse::Only, ..CallOptions::default() };
        client.call(Params::new(operation), &only).is_ok()
    };
    let path = "/workspaces/members/m-1";
    let ok = Fault::on(path).status(200).body("{}");
    for (verb, path, fault, stays) in [
        ("GET", path, ok.clone(), true),
        ("PUT", path, ok.clone(), false),
        ("DELETE", path, Fault::on(path).status(204), false),
        ("POST", path, Fault::on(path).status(500), false),
        ("POST", path, ok.clone().drop_connection(DropPoint::Headers), false),
        ("POST", path, Fault::on(path).status(422), true),
        ("POST", ECHO, Fault::on(path), true),
    ] {
        get(&client, &GET_MEMBERS).expect("members");
        get(&client, &GET_GROUPS).expect("groups");
        emulator.reset();
        emulator.fault(fault.clone());
        drop(request(&client, verb, path));
        assert_eq!((is_cached(&GET_MEMBERS), is_cached(&GET_GROUPS)), (stays, stays), "{verb} {path} {fault:?}");
    }
}

/// A read sent before the write may hold data from before it. Red when a write clears nothing: the old list is cached.
#[test]
fn a_read_started_before_a_write_is_not_cached_after_it() {
    let emulator = emulator(Config::default());
    let client = client(&emulator);
    request(&client, "GET", ECHO).expect("signed in");
    emulator.fault(Fault::on("/workspaces/members").method("GET").delay(Duration::from_millis(500)));
    emulator.fault(Fault::on("/workspaces/members").method("POST").status(200).body("{}"));
    std::thread::scope(|scope| {
        scope.spawn(|| get(&client, &GET_MEMBERS).expect("the old list"));
        wait_for("the list", || emulator.counts().paths.contains_key("/workspaces/members"));
        request(&client, "POST", "/workspaces/members").expect("written");
    });
    let only = CallOptions { cache: CacheUse::Only, ..CallOptions::default() };
    assert!(client.call(Params::new(&GET_MEMBERS), &only).is_err());
}

/// The server closes a pooled connection instead of responding. Red when a write is retried like a read: seven requests, not two.
#[test]
fn a_write_on_a_pooled_connection_that_closes_is_not_retried() {
    let server = Raw::start(move |path, before| {
        if path.starts_with("/auth") {
            return token();
        }
        if before == 0 {
            (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".to_vec(), Then::GoOn)
        } else {
            (Vec::new(), Then::Close)
        }
    });
    let client = Client::open(server.settings()).expect("good settings");
    request(&client, "POST", "/a").expect("an answer");
    let error = request(&client, "POST", "/a").expect_err("a dead connection");
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::ConnectionLost, false), "{error}");
    assert_eq!(server.count("/a"), 2);
}

/// Red when the URL of a request is not redacted.
#[test]
fn secrets_in_a_path_or_a_body_are_redacted() {
    let emulator = emulator(Config::default());
    let client = client(&emulator);
    let secret = emulator.client_secret();
    let error = request(&client, "POST", &format!("/echo/{secret}?status=422&s={secret}")).expect_err("422");
    let shown = format!("{error:?}");
    assert!(!shown.contains(secret), "{shown}");
    assert!(error.details().url.as_deref().is_some_and(|url| url.starts_with("/echo/[redacted]")), "{shown}");
}

/// Red when the body is sent as a whole: all 32 MiB arrive after the call has ended.
#[test]
fn a_write_that_timed_out_is_never_received_as_a_whole() {
    const LENGTH: usize = 32 << 20;
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let (ended, has_ended) = mpsc::channel::<()>();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut received = Vec::new();
        let mut chunk = [0; 4096];
        while !received.ends_with(b"client_secret=raw-secret") {
            let count = stream.read(&mut chunk).expect("the sign-in");
            received.extend_from_slice(&chunk[..count]);
        }
        stream.write_all(&token().0).expect("the response");
        has_ended.recv().expect("the call has ended");
        let mut body = Vec::new();
        // The connection is closed, or reset.
        let _ = stream.read_to_end(&mut body);
        body.len()
    });
    let client = Client::open(Settings {
        client_id: Some("id".into()),
        client_secret: Some("raw-secret".to_owned().into()),
        base_url: Some(url),
        ..Settings::default()
    })
    .expect("good settings");
    let text = format!(r#"{{"verb":"POST","path":"/a","body":"{}"}}"#, "x".repeat(LENGTH));
    let options = CallOptions { timeout: Some(Duration::from_millis(400)), ..CallOptions::default() };
    let error = client.call(Params::from_json(&REQUEST, &text).expect("a request"), &options).expect_err("no response");
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::TimedOut, false));
    ended.send(()).expect("a server");
    let received = server.join().expect("no panic");
    assert!(received > 0 && received < LENGTH, "{received}");
}
