//! How responses are interpreted: the status and headers, bodies that are cut off or malformed, and the error for a response that
//! cannot be used.

mod common;
#[path = "common/raw.rs"]
mod raw;

use std::io::Write;
use std::time::{Duration, Instant};

use common::get;
use kaleidoscope::service::Params;
use kaleidoscope::service::workspace::{GET_EVENTS, GET_GROUPS, GET_MEMBERS, GET_WORKSPACE};
use kaleidoscope::{CallOptions, Client, Error, ErrorKind, Settings};
use raw::{Raw, Then, sized, token};

const EVENTS: &str = "/workspaces/events";
const SIGN_IN: &str = "/auth/oauth/token";
/// The beginning of the error of a call for events that has no token.
const NO_TOKEN: &str = "GET /workspaces/events: no token: ";

fn open(server: &Raw) -> Client {
    Client::open(server.settings()).expect("good settings")
}

fn failure(answer: impl Into<Vec<u8>>, then: Then) -> Error {
    get(&open(&Raw::answering(answer, then)), &GET_EVENTS).expect_err("a failure")
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).expect("memory");
    encoder.finish().expect("memory")
}

/// Red when the body of an error response is read like any other: `BadHttp` and `ConnectionLost`, no status, no body.
#[test]
fn a_truncated_error_body_is_reported_as_far_as_it_arrived() {
    let zipped = gzip(br#"{"code":"no","message":"not today"}"#);
    let sized_gzip = sized("403 No", "Content-Encoding: GZIP\r\n", &zipped);
    for (answer, then, body) in [
        (&b"HTTP/1.1 403 No\r\nContent-Length: 200\r\n\r\n{\"code\""[..], Then::Close, &b"{\"code\""[..]),
        (b"HTTP/1.1 403 No\r\nContent-Length: 200\r\n\r\n{\"code\"", Then::Stall, b"{\"code\""),
        (b"HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\nxyz\r\n", Then::GoOn, b"no"),
        (b"HTTP/1.1 403 No\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", Then::GoOn, b"{}"),
        (b"HTTP/1.1 403 No\r\nContent-Encoding: gzip\r\nContent-Length: 200\r\n\r\nplain", Then::Close, b"plain"),
        (b"HTTP/1.1 403 No\r\nContent-Encoding: none\r\nContent-Length: 5\r\n\r\nplain", Then::GoOn, b"plain"),
        (b"HTTP/1.1 403 No\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\n\xff\x01", Then::GoOn, b""),
        (&sized_gzip, Then::GoOn, br#"{"code":"no","message":"not today"}"#),
        (&sized_gzip[..sized_gzip.len() - 4], Then::Close, br#"{"code":"no","message":"not today"}"#),
    ] {
        let error = failure(answer, then);
        let what = String::from_utf8_lossy(answer);
        assert_eq!((error.kind(), error.http_status()), (ErrorKind::Http, Some(403)), "{what}: {error}");
        assert_eq!(error.details().attempts, 1, "{what}");
        let shown = error.details().body.as_deref().unwrap_or_default();
        assert_eq!(String::from_utf8_lossy(shown), String::from_utf8_lossy(body), "{what}");
    }
}

/// Red when a truncated body is treated as complete: "...raw-sec" is shown.
#[test]
fn a_partial_secret_at_the_end_of_a_truncated_body_is_redacted() {
    let error = failure("HTTP/1.1 403 No\r\nContent-Length: 200\r\n\r\nyour raw-sec", Then::Close);
    assert_eq!(error.details().body.as_deref(), Some(&b"your "[..]));
}

/// Red when a body error takes precedence: retried after a few milliseconds, like any lost connection.
#[test]
fn retry_after_is_respected_even_if_the_body_is_broken() {
    for (answer, then) in [
        ("HTTP/1.1 429 X\r\nRetry-After: 1\r\nContent-Length: 200\r\n\r\n{\"", Then::Close),
        ("HTTP/1.1 429 X\r\nContent-Encoding: gzip\r\nRetry-After: 1\r\nContent-Length: 2\r\n\r\n{}", Then::GoOn),
        ("HTTP/1.1 503 X\r\nRetry-After: 1\r\nTransfer-Encoding: chunked\r\n\r\nxyz", Then::GoOn),
    ] {
        let server = Raw::start(move |path, nth| match (path, nth) {
            (SIGN_IN, _) => token(),
            (_, 0) => (answer.into(), then),
            _ => (sized("200 OK", "", b"[]"), Then::GoOn),
        });
        let begin = Instant::now();
        get(&open(&server), &GET_EVENTS).expect("events");
        assert!(begin.elapsed() >= Duration::from_secs(1), "{answer}");
        assert_eq!(server.count(EVENTS), 2);
    }
}

/// Red when a body error takes precedence: one token request, and `ConnectionLost`.
#[test]
fn a_rejected_token_is_replaced_even_if_the_body_is_broken() {
    let server = Raw::start(|path, nth| match (path, nth) {
        (SIGN_IN, _) => token(),
        (_, 0) => (b"HTTP/1.1 401 X\r\nContent-Length: 200\r\n\r\n{".to_vec(), Then::Close),
        _ => (sized("200 OK", "", b"[]"), Then::GoOn),
    });
    get(&open(&server), &GET_EVENTS).expect("events");
    assert_eq!((server.count(SIGN_IN), server.count(EVENTS)), (2, 2));
}

/// Red when a body error takes precedence: `ConnectionLost` after three attempts, and `BadHttp`.
#[test]
fn a_rejected_sign_in_fails_with_its_status_even_if_the_body_is_broken() {
    for (answer, then) in [
        ("HTTP/1.1 401 X\r\nContent-Length: 200\r\n\r\n{", Then::Close),
        ("HTTP/1.1 401 X\r\nContent-Length: 200\r\n\r\n{", Then::Stall),
        ("HTTP/1.1 401 X\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", Then::GoOn),
    ] {
        let server = Raw::start(move |_, _| (answer.into(), then));
        let error = get(&open(&server), &GET_EVENTS).expect_err("a refusal");
        assert_eq!((error.kind(), error.http_status()), (ErrorKind::AuthFailed, Some(401)), "{error}");
        assert_eq!(server.count(SIGN_IN), 1);
    }
}

/// Red when the status is not recorded: `None`.
#[test]
fn a_response_that_fails_in_its_body_reports_its_status() {
    for (answer, then, kind) in [
        ("HTTP/1.1 206 X\r\nContent-Length: 200\r\n\r\n[", Then::Close, ErrorKind::ConnectionLost),
        ("HTTP/1.1 206 X\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", Then::GoOn, ErrorKind::BadHttp),
        ("HTTP/1.1 206 X\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n[]", Then::GoOn, ErrorKind::BadHttp),
        ("HTTP/1.1 206 X\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\n[]", Then::GoOn, ErrorKind::BadResponse),
        ("HTTP/1.1 206 X\r\nContent-Length: 999999999999\r\n\r\n[", Then::GoOn, ErrorKind::ResponseTooLarge),
    ] {
        let error = failure(answer, then);
        assert_eq!((error.kind(), error.http_status()), (kind, Some(206)), "{error}");
    }
    let server = Raw::answering("HTTP/1.1 206 X\r\nContent-Length: 200\r\n\r\n[", Then::Stall);
    let options = CallOptions { timeout: Some(Duration::from_millis(200)), ..CallOptions::default() };
    let error = open(&server).call(Params::new(&GET_EVENTS), &options).expect_err("no time");
    assert_eq!((error.kind(), error.http_status()), (ErrorKind::TimedOut, Some(206)));
    let says =
        format!("GET {EVENTS}: timed out after 200 ms waiting for the rest of the response from {}", server.host);
    assert_eq!(error.to_string(), says);
}

/// Red when the encoded body is passed to the JSON decoder: "a value was expected (at byte 0)", and garbage as the body.
#[test]
fn an_unsupported_content_encoding_is_named() {
    let error = failure(sized("200 OK", "Content-Encoding: zstd\r\n", b"\xff\x01\x02"), Then::GoOn);
    assert_eq!((error.kind(), error.details().attempts), (ErrorKind::BadResponse, 1));
    assert!(
        error.to_string().ends_with("cannot be decoded: its Content-Encoding is zstd; only gzip is supported"),
        "{error}"
    );
    assert_eq!(error.details().body, None);
    let error = failure(sized("403 No", "Content-Encoding: zstd\r\n", b"\xff\x01\x02"), Then::GoOn);
    assert!(error.to_string().ends_with("; the body cannot be decoded: its Content-Encoding is zstd"), "{error}");
}

/// Red with the JSON decoder's message alone: "a value was expected (at byte 0)".
#[test]
fn the_content_type_of_a_non_json_response_is_named() {
    let html = sized("200 OK", "Content-Type: text/html; charset=utf-8\r\n", b"<!doctype html><title>Sign in</title>");
    let error = failure(html, Then::GoOn);
    let says = "workspace.get_events: unusable response: it is text/html, not JSON, and begins: \
                <!doctype html><title>Sign in</title>; a proxy or a sign-in page may have answered";
    assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::BadResponse, says));
    let error = failure(sized("200 OK", "Content-Type: text/csv\r\n", b"[1"), Then::GoOn);
    assert!(error.to_string().ends_with("; its Content-Type is text/csv"), "{error}");
    let server =
        Raw::start(|_, _| (sized("200 OK", "Content-Type: text/html\r\n", b"<html>at-raw</html>"), Then::GoOn));
    let error = get(&open(&server), &GET_EVENTS).expect_err("no token");
    let says = "the token endpoint's answer cannot be used: it is not a JSON object; its Content-Type is text/html";
    assert_eq!(error.to_string(), format!("{NO_TOKEN}{says}"));
}

/// Red when a `null` body is reported as missing.
#[test]
fn a_null_body_is_not_reported_as_missing() {
    let server = Raw::answering(sized("200 OK", "", b"null"), Then::GoOn);
    let client = open(&server);
    for method in [&GET_WORKSPACE, &GET_MEMBERS, &GET_GROUPS] {
        let error = get(&client, method).expect_err("nothing");
        assert!(error.to_string().ends_with(" is null"), "{error}");
    }
    assert_eq!(get(&client, &GET_EVENTS).expect("no events").json(), b"[]");
}

/// Red when every 3xx is treated as a redirect: "the server redirects (HTTP 304) without a Location header".
#[test]
fn a_3xx_status_that_is_not_a_redirect_is_not_reported_as_one() {
    for status in [300, 304, 305, 306, 399] {
        let error = failure(format!("HTTP/1.1 {status} X\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"), Then::GoOn);
        assert_eq!((error.kind(), error.http_status()), (ErrorKind::BadResponse, Some(status)));
        assert!(error.to_string().starts_with(&format!("GET {EVENTS} failed with status {status}")), "{error}");
    }
    for status in [301, 302, 303, 307, 308] {
        let server = Raw::answering(format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n"), Then::GoOn);
        let error = get(&open(&server), &GET_EVENTS).expect_err("a redirect");
        let says = format!("GET {EVENTS}: {} redirects (HTTP {status}) without a Location header", server.host);
        assert_eq!((error.kind(), error.to_string()), (ErrorKind::BadResponse, says));
    }
}

/// Red when folded headers are rejected: `BadHttp`. The token endpoint's responses are parsed the same way.
#[test]
fn a_folded_header_is_unfolded() {
    let folded = "X-Policy: a;\r\n b\r\nX-Request-Id: one\r\n\ttwo\r\n";
    let server = Raw::start(move |path, _| match path {
        SIGN_IN => (sized("200 OK", folded, raw::TOKEN.as_bytes()), Then::GoOn),
        _ => (sized("404 No", folded, b"{}"), Then::GoOn),
    });
    let error = get(&open(&server), &GET_EVENTS).expect_err("a refusal");
    assert_eq!((error.kind(), error.http_status()), (ErrorKind::Http, Some(404)));
    let id = error.details().request_id.clone().expect("an id");
    assert_eq!(id.split_whitespace().collect::<Vec<_>>(), ["one", "two"], "{id:?}");
}

/// Red when the header file documents another number.
#[test]
fn a_response_with_a_hundred_headers_is_accepted() {
    let header = include_str!("../include/kaleidoscope.h");
    let documented = header.lines().find_map(|line| line.strip_prefix(" *     header lines of a response"));
    assert_eq!(documented.map(|rest| rest.split_whitespace().collect::<Vec<_>>()), Some(vec!["100", "KAL_BAD_HTTP"]));
    for (count, is_taken) in [(99, true), (100, true), (101, false), (1000, false)] {
        let lines: String = (1..count).map(|n| format!("X-{n}: y\r\n")).collect();
        let server = Raw::answering(sized("200 OK", &lines, b"[]"), Then::GoOn);
        assert_eq!(get(&open(&server), &GET_EVENTS).is_ok(), is_taken, "{count}");
    }
}

/// Red when only the failure is reported: "no connection: Connection refused (os error 111)".
#[test]
fn a_connection_error_names_the_peer() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let nobody = listener.local_addr().expect("an address").to_string();
    drop(listener);
    let says = |settings: Settings| {
        let client = Client::open(Settings { max_attempts: Some(1), ..settings }).expect("good settings");
        get(&client, &GET_EVENTS).expect_err("nobody").to_string()
    };
    let server = Raw::answering("SSH-2.0-OpenSSH_9.2\r\n\r\n", Then::Close);
    let (host, port) = server.host.split_once(':').expect("a port");
    let to = |base_url: &str| Settings { base_url: Some(base_url.into()), ..server.settings() };
    let plain = says(to(&format!("http://{nobody}")));
    assert_eq!(plain, format!("{NO_TOKEN}POST {SIGN_IN}: cannot connect to {nobody}: connection refused"));
    let proxied = says(Settings { proxy_url: Some(format!("http://u:canary@{nobody}")), ..to("https://api.invalid") });
    let through = format!("api.invalid:443 through the proxy {nobody}");
    assert_eq!(proxied, format!("{NO_TOKEN}POST {SIGN_IN}: cannot connect to {through}: connection refused"));
    let unknown = says(to("https://api.invalid"));
    let begin = format!(
        "{NO_TOKEN}POST {SIGN_IN}: cannot connect to api.invalid:443: the host name api.invalid was not found: "
    );
    assert!(unknown.starts_with(&begin), "{unknown}");
    let other = says(server.settings());
    assert!(
        other.starts_with(&format!("GET {EVENTS}: the response from {host}:{port} is not valid HTTP: ")),
        "{other}"
    );
    let lost = Raw::answering("HTTP/1.1 200 OK\r\n", Then::Close);
    let begin = format!("GET {EVENTS}: the connection to {} was lost before the response: ", lost.host);
    let lost = says(lost.settings());
    assert!(lost.starts_with(&begin), "{lost}");
    let plain = says(Settings { insecure_tls: true, ..to(&format!("https://{host}:{port}")) });
    assert!(plain.ends_with("TLS failed: the port does not speak TLS; it may be one for plain http"), "{plain}");
}

/// Red when only the deadline is reported: "the call's time was up before an answer came".
#[test]
fn a_timeout_says_what_the_call_was_waiting_for() {
    let says = |settings: Settings, timeout| {
        let client = Client::open(settings).expect("good settings");
        let options = CallOptions { timeout: Some(Duration::from_millis(timeout)), ..CallOptions::default() };
        let error = client.call(Params::new(&GET_EVENTS), &options).expect_err("no time");
        assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
        error.to_string()
    };
    let silent = Raw::answering("", Then::Stall);
    let host = &silent.host;
    let begin = format!("GET {EVENTS}: timed out after 1000 ms waiting for ");
    assert_eq!(says(silent.settings(), 1000), format!("{begin}the response from {host}"));
    let no_token = Raw::start(|_, _| (vec![], Then::Stall));
    let host = &no_token.host;
    assert_eq!(says(no_token.settings(), 1000), format!("{begin}a token: the response from {host}"));
    // It accepts connections and never sends a byte.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let mute = listener.local_addr().expect("an address").to_string();
    let tls = Settings { base_url: Some(format!("https://{mute}")), insecure_tls: true, ..silent.settings() };
    assert_eq!(says(tls, 1000), format!("{begin}a token: the TLS handshake with {mute}"));
    let proxied = Settings {
        base_url: Some("https://api.example".into()),
        proxy_url: Some(format!("http://{mute}")),
        ..silent.settings()
    };
    assert_eq!(says(proxied, 1000), format!("{begin}a token: the proxy {mute} to connect to api.example:443"));
}

/// Red as above: a call waits for a shared request, for a request slot, or for the server's `Retry-After`.
#[test]
fn a_timeout_names_the_shared_request_slot_or_retry_after() {
    for (answer, then, max_in_flight, says) in [
        (vec![], Then::Stall, 1, "a slot among max_in_flight requests"),
        (sized("503 No", "Retry-After: 30\r\n", b""), Then::GoOn, 64, "the next attempt (attempt 1; last error: GET "),
    ] {
        let server = Raw::answering(answer, then);
        let client = Client::open(Settings { max_in_flight: Some(max_in_flight), ..server.settings() });
        let client = client.expect("good settings");
        std::thread::scope(|scope| {
            let first = scope.spawn(|| get(&client, &GET_MEMBERS).expect_err("closed").kind());
            common::wait_for("a request", || server.count("/workspaces/members") == 1);
            let options = CallOptions { timeout: Some(Duration::from_secs(1)), ..CallOptions::default() };
            // With max_in_flight 1 another method waits for a slot; otherwise the same method joins the request.
            let method = if max_in_flight == 1 { &GET_GROUPS } else { &GET_MEMBERS };
            let error = client.call(Params::new(method), &options).expect_err("no time");
            assert_eq!(error.kind(), ErrorKind::TimedOut);
            let begin = format!("timed out after 1000 ms waiting for {says}");
            assert!(error.to_string().contains(&begin), "{error}");
            client.close();
            assert_eq!(first.join().expect("no panic"), ErrorKind::Cancelled);
        });
    }
}

/// Red when only the time is reported: "no connection within 50 ms".
#[test]
fn a_connect_timeout_says_what_it_was_waiting_for() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let mute = listener.local_addr().expect("an address").to_string();
    let server = Raw::answering("", Then::Stall);
    let says = |settings: Settings| {
        let connect_timeout = Some(Duration::from_millis(300));
        let client =
            Client::open(Settings { connect_timeout, max_attempts: Some(1), ..settings }).expect("good settings");
        let error = get(&client, &GET_EVENTS).expect_err("no connection");
        assert_eq!(error.kind(), ErrorKind::ConnectFailed, "{error}");
        error.to_string()
    };
    let begin = |peer: &str| {
        format!(
            "{NO_TOKEN}POST {SIGN_IN}: cannot connect to {peer}: no connection within 300 ms (connect_timeout_ms), waiting for "
        )
    };
    let tls = Settings { base_url: Some(format!("https://{mute}")), insecure_tls: true, ..server.settings() };
    assert_eq!(says(tls), begin(&mute) + &format!("the TLS handshake with {mute}"));
    let proxy_url = Some(format!("http://u:canary@{mute}"));
    let proxied = Settings { base_url: Some("https://api.example".into()), proxy_url, ..server.settings() };
    let peer = format!("api.example:443 through the proxy {mute}");
    assert_eq!(says(proxied), begin(&peer) + &format!("the proxy {mute} to connect to api.example:443"));
}
