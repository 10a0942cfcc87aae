//! When a request is retried and when it is not.

mod common;

use std::time::{Duration, Instant};

use common::{client, emulator, get, settings, wait_for};
use kal_emulator::{Config, DropPoint, Emulator, Fault};
use kaleidoscope::service::Params;
use kaleidoscope::service::workspace::GET_EVENTS;
use kaleidoscope::{CallOptions, Client, Error, ErrorKind, Settings};

const EVENTS: &str = "/workspaces/events";

fn sent(emulator: &Emulator) -> u64 {
    emulator.counts().paths.get(EVENTS).copied().unwrap_or(0)
}

fn failure(emulator: &Emulator, fault: Fault) -> Error {
    emulator.fault(fault);
    get(&client(emulator), &GET_EVENTS).expect_err("a failure")
}

#[test]
fn a_transient_failure_is_retried() {
    for fault in [
        Fault::on(EVENTS).status(500),
        Fault::on(EVENTS).status(502),
        Fault::on(EVENTS).status(503),
        Fault::on(EVENTS).status(504),
        Fault::on(EVENTS).status(408),
        Fault::on(EVENTS).drop_connection(DropPoint::Before),
        Fault::on(EVENTS).drop_connection(DropPoint::Headers),
        Fault::on(EVENTS).drop_connection(DropPoint::Body),
    ] {
        let emulator = emulator(Config::default());
        emulator.fault(fault.clone().times(2));
        let client = client(&emulator);
        get(&client, &GET_EVENTS).unwrap_or_else(|error| panic!("{fault:?}: {error}"));
        assert_eq!((sent(&emulator), client.stats().retries), (3, 2), "{fault:?}");
    }
}

#[test]
fn a_persistent_failure_is_reported_after_the_last_attempt() {
    let emulator = emulator(Config::default());
    let body = r#"{"code":"maintenance","message":"back at noon"}"#;
    let error = failure(&emulator, Fault::on(EVENTS).status(503).times(0).body(body));
    let details = error.details();
    assert_eq!((error.kind(), error.http_status(), details.attempts), (ErrorKind::Http, Some(503), 6));
    assert!(error.is_retryable());
    assert_eq!(details.code.as_deref(), Some("maintenance"));
    assert_eq!(details.body.as_deref(), Some(body.as_bytes()));
    assert!(details.request_id.is_some());
    assert!(error.to_string().contains("back at noon"), "{error}");
}

#[test]
fn a_permanent_failure_is_not_retried() {
    for status in [400, 403, 404, 405, 409, 410, 418, 422, 501, 505] {
        let emulator = emulator(Config::default());
        let error = failure(&emulator, Fault::on(EVENTS).status(status).times(0));
        assert_eq!((error.http_status(), error.details().attempts, sent(&emulator)), (Some(status), 1, 1));
        assert!(!error.is_retryable());
    }
}

#[test]
fn max_attempts_1_disables_retries() {
    let emulator = emulator(Config::default());
    emulator.fault(Fault::on(EVENTS).status(503).times(0));
    let client = Client::open(Settings { max_attempts: Some(1), ..settings(&emulator) }).expect("good settings");
    assert_eq!(get(&client, &GET_EVENTS).expect_err("a failure").details().attempts, 1);
    assert_eq!(sent(&emulator), 1);
}

#[test]
fn retry_after_is_respected() {
    let emulator = emulator(Config::default());
    emulator.fault(Fault::on(EVENTS).status(429).header("Retry-After", "1"));
    let begin = Instant::now();
    get(&client(&emulator), &GET_EVENTS).expect("events");
    assert!(begin.elapsed() >= Duration::from_secs(1));
    assert_eq!(sent(&emulator), 2);
}

#[test]
fn a_retry_that_cannot_start_before_the_deadline_fails_at_once() {
    let emulator = emulator(Config::default());
    let error = failure(&emulator, Fault::on(EVENTS).status(429).header("Retry-After", "3600"));
    assert_eq!((error.kind(), error.http_status()), (ErrorKind::Http, Some(429)));
    assert_eq!(error.details().retry_after, Some(Duration::from_secs(60 * 60)));
    assert_eq!(sent(&emulator), 1);
}

/// The server's clock is years behind: the date in Retry-After is compared to its Date header. Red with the local clock:
/// `Some(0ns)`.
#[test]
fn a_retry_after_date_is_relative_to_the_servers_clock() {
    let busy = |path: &str| {
        Fault::on(path)
            .status(503)
            .header("Date", "Wed, 21 Oct 2015 07:28:00 GMT")
            .header("Retry-After", "Wed, 21 Oct 2015 07:28:02 GMT")
    };
    for path in [EVENTS, "/auth/oauth/token"] {
        let emulator = emulator(Config::default());
        emulator.fault(busy(path).times(2));
        let once = Client::open(Settings { max_attempts: Some(1), ..settings(&emulator) }).expect("good settings");
        let error = get(&once, &GET_EVENTS).expect_err("503");
        assert_eq!(error.details().retry_after, Some(Duration::from_secs(2)));
        let begin = Instant::now();
        get(&client(&emulator), &GET_EVENTS).expect("events");
        assert!(begin.elapsed() >= Duration::from_secs(2));
    }
}

#[test]
fn a_timeout_reports_the_attempts_made() {
    let emulator = emulator(Config::default());
    emulator.fault(Fault::on(EVENTS).status(503));
    emulator.fault(Fault::on(EVENTS).drop_connection(DropPoint::Hang));
    let options = CallOptions { timeout: Some(Duration::from_millis(500)), ..CallOptions::default() };
    let error = client(&emulator).call(Params::new(&GET_EVENTS), &options).expect_err("no time");
    assert_eq!((error.kind(), error.details().attempts), (ErrorKind::TimedOut, 2));
    assert!(error.to_string().contains("503"), "{error}");
    assert!(error.is_retryable());
}

#[test]
fn an_idle_connection_closed_by_the_server_is_replaced() {
    let emulator = emulator(Config::default());
    let client = client(&emulator);
    for _ in 0..3 {
        get(&client, &GET_EVENTS).expect("events");
        emulator.pause().expect("paused");
        wait_for("the end of the connections", || emulator.counts().open_connections == 0);
        emulator.resume().expect("resumed");
    }
    get(&client, &GET_EVENTS).expect("events");
}

#[test]
fn a_redirect_is_an_error_and_is_not_followed() {
    let emulator = emulator(Config::default());
    for status in [301, 302, 303, 307, 308] {
        let fault = Fault::on(EVENTS).redirect("https://elsewhere.example/login").status(status);
        let error = failure(&emulator, fault);
        assert_eq!((error.kind(), error.http_status()), (ErrorKind::BadResponse, Some(status)));
        assert!(error.to_string().contains("https://elsewhere.example/login"), "{error}");
    }
    assert_eq!(sent(&emulator), 5);
}

#[test]
fn a_response_over_max_response_bytes_is_not_read_to_its_end() {
    let emulator = emulator(Config::default());
    for fault in [Fault::on(EVENTS).body_bytes(100 << 20), Fault::on(EVENTS).body_bytes(100 << 20).gzip()] {
        emulator.fault(fault);
        let cap = Some(1 << 20);
        let client = Client::open(Settings { max_response_bytes: cap, ..settings(&emulator) }).expect("good settings");
        let error = get(&client, &GET_EVENTS).expect_err("too large");
        assert_eq!((error.kind(), error.details().attempts), (ErrorKind::ResponseTooLarge, 1));
        assert!(client.stats().bytes_received < 2 << 20);
    }
}

#[test]
fn an_address_without_a_listener_is_connect_failed() {
    let emulator = emulator(Config::default());
    let client = client(&emulator);
    emulator.pause().expect("paused");
    let error = get(&client, &GET_EVENTS).expect_err("nobody");
    assert_eq!((error.kind(), error.details().attempts), (ErrorKind::ConnectFailed, 6));
    assert!(error.is_retryable());
}

/// With the default backoff, and concurrent callers with different timeouts. Red with a first wait of 50 ms and three attempts:
/// all of them failed within 0.1 s with no connection.
#[test]
fn a_server_restart_is_bridged_by_retries() {
    const AWAY: Duration = Duration::from_secs(3);
    let emulator = emulator(Config::default());
    let client = Client::open(Settings { retry_wait: None, ..settings(&emulator) }).expect("good settings");
    let other = Client::open(Settings { retry_wait: None, ..settings(&emulator) }).expect("good settings");
    get(&client, &GET_EVENTS).expect("events");
    emulator.pause().expect("paused");
    std::thread::scope(|scope| {
        let call = |timeout: Duration, client: &Client| {
            let options = CallOptions { timeout: Some(timeout), ..CallOptions::default() };
            client.call(Params::new(&GET_EVENTS), &options)
        };
        for timeout in [15, 20, 30, 60].map(Duration::from_secs) {
            // With and without a token: the sign-in is retried as well.
            for client in [&client, &other] {
                scope.spawn(move || call(timeout, client).expect("events"));
            }
        }
        // A call whose timeout is too short for another attempt fails early, with the last failure.
        let error = call(Duration::from_millis(700), &client).expect_err("it is away");
        assert_eq!(error.kind(), ErrorKind::ConnectFailed, "{error}");
        std::thread::sleep(AWAY);
        emulator.resume().expect("resumed");
    });
    // A reverse proxy reports that the server is away.
    emulator.fault(Fault::on(EVENTS).status(503).times(4));
    get(&client, &GET_EVENTS).expect("events");
}

/// Red when the first wait is a constant.
#[test]
fn retry_wait_sets_the_first_wait() {
    let emulator = emulator(Config::default());
    let wait = Duration::from_secs(2);
    let patient = Settings { retry_wait: Some(wait), max_attempts: Some(2), ..settings(&emulator) };
    let client = Client::open(patient).expect("good settings");
    emulator.fault(Fault::on(EVENTS).status(503));
    let begin = Instant::now();
    get(&client, &GET_EVENTS).expect("events");
    assert!(begin.elapsed() >= wait / 2);
}

#[test]
fn an_unknown_host_name_is_resolve_failed() {
    let emulator = emulator(Config::default());
    let nowhere =
        Settings { base_url: Some("https://nowhere.invalid".into()), max_attempts: Some(1), ..settings(&emulator) };
    let error = get(&Client::open(nowhere).expect("good settings"), &GET_EVENTS).expect_err("no such name");
    assert_eq!(error.kind(), ErrorKind::ResolveFailed, "{error}");
}
