//! What each counter of a client counts, and when, compared with what the server received.

mod common;
#[path = "common/raw.rs"]
mod raw;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use common::{client, emulator, events, get, settings, wait_for};
use kal_emulator::{Config, DropPoint, Emulator, Fault};
use kaleidoscope::service::workspace::{GET_EVENTS, GET_GROUPS, GET_MEMBERS};
use kaleidoscope::service::{Params, REQUEST};
use kaleidoscope::{
    Answer, CacheUse, CallOptions, Cancel, Client, ErrorKind, IapTokenProvider, Next, Result, Settings, Stats, Stream,
};
use raw::{Raw, Then, sized};
use socket2::{Domain, Socket, Type};

const EVENTS: &str = "/workspaces/events";
const MEMBERS: &str = "/workspaces/members";
const TOKEN: &str = "/auth/oauth/token";

/// Asserts that the client counted what the emulator received, and `retries` of it as retries.
#[track_caller]
fn assert_counts(client: &Client, emulator: &Emulator, retries: u64) {
    let (stats, counts) = (client.stats(), emulator.counts());
    assert_eq!(
        (stats.requests, stats.token_requests, stats.retries),
        (counts.total, counts.token_requests, retries),
        "requests, token requests, retries"
    );
}

fn get_within(client: &Client, timeout: Duration) -> Result<Arc<Answer>> {
    client.call(Params::new(&GET_EVENTS), &CallOptions { timeout: Some(timeout), ..CallOptions::default() })
}

fn count(emulator: &Emulator, path: &str) -> u64 {
    emulator.counts().paths.get(path).copied().unwrap_or(0)
}

#[test]
fn each_request_that_the_server_receives_is_counted_once() {
    let emulator = emulator(Config::default());
    let client = client(&emulator);
    assert_eq!(client.stats(), Stats::default());
    get(&client, &GET_EVENTS).expect("events");
    assert_eq!((emulator.counts().total, emulator.counts().token_requests), (2, 1));
    assert_counts(&client, &emulator, 0);
    // Writes, and an error.
    for (verb, path) in [("POST", "/echo"), ("GET", "/nowhere")] {
        let params = format!(r#"{{"verb":"{verb}","path":"{path}"}}"#);
        let _ = client.call(Params::from_json(&REQUEST, &params).expect("a request"), &CallOptions::default());
    }
    assert_counts(&client, &emulator, 0);
    // A new token after a 401: the request is repeated, which is no retry.
    emulator.expire_tokens();
    get(&client, &GET_EVENTS).expect("events");
    assert_eq!((emulator.counts().total, emulator.counts().token_requests), (7, 2));
    assert_counts(&client, &emulator, 0);
    // A refresh that is rejected is followed by a request with the credentials, which is none either.
    emulator.expire_tokens();
    emulator.revoke_refresh_tokens();
    get(&client, &GET_EVENTS).expect("events");
    assert_eq!(emulator.counts().token_requests, 4);
    assert_counts(&client, &emulator, 0);
}

#[test]
fn retries_are_counted_of_calls_and_of_token_requests() {
    for fault in [
        Fault::everywhere().status(429).header("Retry-After", "0"),
        Fault::everywhere().status(503),
        Fault::everywhere().drop_connection(DropPoint::Before),
        Fault::everywhere().drop_connection(DropPoint::Headers),
    ] {
        for path in [EVENTS, TOKEN] {
            let emulator = emulator(Config::default());
            emulator.fault(Fault { path: Some(path.into()), ..fault.clone() }.times(2));
            let client = client(&emulator);
            get(&client, &GET_EVENTS).unwrap_or_else(|error| panic!("{fault:?}: {error}"));
            assert_eq!(emulator.counts().total, 4);
            assert_counts(&client, &emulator, 2);
        }
    }
    // A 401 in a retry.
    let emulator = emulator(Config::default());
    emulator.fault(Fault::on(EVENTS).status(503));
    emulator.fault(Fault::on(EVENTS).status(401));
    let client = client(&emulator);
    get(&client, &GET_EVENTS).expect("events");
    assert_eq!((count(&emulator, EVENTS), count(&emulator, TOKEN)), (3, 2));
    assert_counts(&client, &emulator, 1);
}

/// The messages that were logged, of all tests.
struct Log(Mutex<Vec<String>>);

static LOG: Log = Log(Mutex::new(Vec::new()));

impl Log {
    fn lines(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl log::Log for Log {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        self.lines().push(record.args().to_string());
    }

    fn flush(&self) {}
}

/// Red when attempts are counted: 5 requests, 2 of them retries, of which the server saw 2.
#[test]
fn an_attempt_without_a_connection_is_no_request() {
    let _ = log::set_logger(&LOG);
    log::set_max_level(log::LevelFilter::Info);
    let emulator = emulator(Config::default());
    let few = || Client::open(Settings { max_attempts: Some(3), ..settings(&emulator) }).expect("good settings");
    // With a token, and without one. No connection is kept: the next request would be sent on it before it is known to be closed.
    let (signed_in, other) = (few(), few());
    emulator.fault(Fault::on(EVENTS).header("Connection", "close"));
    get(&signed_in, &GET_EVENTS).expect("events");
    emulator.pause().expect("paused");
    for (client, requests) in [(&signed_in, 2), (&other, 0)] {
        let error = get(client, &GET_EVENTS).expect_err("nobody listens");
        assert_eq!((error.kind(), error.details().attempts), (ErrorKind::ConnectFailed, 3));
        let stats = client.stats();
        assert_eq!((stats.requests, stats.retries), (requests, 0));
    }
    // The retry that is sent counts.
    let patient = Settings { retry_wait: Some(Duration::from_secs(1)), ..settings(&emulator) };
    let patient = Client::open(patient).expect("good settings");
    LOG.lines().clear();
    let at = emulator.url().rsplit('/').next().expect("a host").to_owned();
    thread::scope(|scope| {
        let call = scope.spawn(|| get(&patient, &GET_EVENTS));
        wait_for("a refused connection", || {
            LOG.lines().iter().any(|line| line.contains(&at) && line.contains("trying again"))
        });
        emulator.reset();
        emulator.resume().expect("resumed");
        call.join().expect("no panic").expect("events");
    });
    assert_counts(&patient, &emulator, 1);
    assert_eq!(emulator.counts().total, 2);
}

/// Red as above: 3 requests. A `CONNECT` is none either.
#[test]
fn an_attempt_without_a_tunnel_is_no_request() {
    let proxy = Raw::start(|_, _| (sized("503 No", "", b""), Then::Close));
    let settings = Settings {
        base_url: Some("https://api.example".into()),
        proxy_url: Some(proxy.url.clone()),
        max_attempts: Some(3),
        retry_wait: Some(Duration::from_millis(1)),
        ..proxy.settings()
    };
    let client = Client::open(settings).expect("good settings");
    let error = get(&client, &GET_EVENTS).expect_err("no tunnel");
    assert_eq!((error.kind(), error.details().attempts), (ErrorKind::ConnectFailed, 3), "{error}");
    assert_eq!((proxy.count("api.example:443"), client.stats().requests), (3, 0));
}

/// A port that accepts no connections: its backlog is full, and the kernel drops further SYNs.
fn silent() -> (SocketAddr, Socket, Vec<TcpStream>) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("a port");
    socket.listen(0).expect("a queue");
    let address = socket.local_addr().ok().and_then(|address| address.as_socket()).expect("an address");
    let mut queued = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
        queued.push(stream);
    }
    (address, socket, queued)
}

/// Red when attempts are counted: one of the call that got no connection.
#[test]
fn a_call_that_ends_before_its_request_is_sent_counts_nothing() {
    let emulator = emulator(Config::default());
    // Before it begins.
    let cancel = Cancel::default();
    cancel.fire();
    let cancelled = CallOptions { cancel: Some(cancel), ..CallOptions::default() };
    let one = Client::open(Settings { max_in_flight: Some(1), ..settings(&emulator) }).expect("good settings");
    assert_eq!(one.call(Params::new(&GET_EVENTS), &cancelled).expect_err("cancelled").kind(), ErrorKind::Cancelled);
    assert_eq!(one.stats(), Stats::default());
    // While it waits for a slot.
    emulator.fault(Fault::on(EVENTS).drop_connection(DropPoint::Hang));
    let cancel = Cancel::default();
    let cancelled = CallOptions { cancel: Some(cancel.clone()), ..CallOptions::default() };
    thread::scope(|scope| {
        let hanging = scope.spawn(|| one.call(Params::new(&GET_EVENTS), &cancelled));
        wait_for("the request", || count(&emulator, EVENTS) == 1);
        assert_counts(&one, &emulator, 0);
        let error = get_within(&one, Duration::from_secs(1)).expect_err("no slot");
        assert!(error.to_string().contains("max_in_flight"), "{error}");
        cancel.fire();
        assert!(hanging.join().expect("no panic").is_err());
    });
    assert_eq!(count(&emulator, EVENTS), 1);
    assert_counts(&one, &emulator, 0);
    // While it waits for a connection.
    let (address, _listener, _queued) = silent();
    let silent = Settings { base_url: Some(format!("http://{address}")), ..settings(&emulator) };
    let silent = Client::open(silent).expect("good settings");
    let error = get_within(&silent, Duration::from_millis(300)).expect_err("no connection");
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
    assert_eq!(silent.stats(), Stats::default());
}

/// A request whose response never arrives is counted while it waits. Red when it is counted with its response.
#[test]
fn a_request_is_counted_when_it_is_sent() {
    let emulator = emulator(Config::default());
    for path in [TOKEN, EVENTS] {
        let client = client(&emulator);
        emulator.reset();
        emulator.fault(Fault::on(path).drop_connection(DropPoint::Hang));
        thread::scope(|scope| {
            let call = scope.spawn(|| get(&client, &GET_EVENTS));
            wait_for("the request", || count(&emulator, path) == 1);
            wait_for("its count", || client.stats().requests == emulator.counts().total);
            client.close();
            assert_eq!(call.join().expect("no panic").expect_err("closed").kind(), ErrorKind::Cancelled);
        });
        assert_counts(&client, &emulator, 0);
    }
}

/// A token request that hangs is sent again with the credentials.
#[test]
fn a_second_token_request_is_counted_and_is_no_retry() {
    let emulator = emulator(Config::default());
    let client = client(&emulator);
    get(&client, &GET_EVENTS).expect("events");
    emulator.expire_tokens();
    emulator.fault(Fault::on(TOKEN).drop_connection(DropPoint::Hang));
    get_within(&client, Duration::from_secs(4)).expect("events");
    assert_eq!(emulator.counts().token_requests, 3);
    assert_counts(&client, &emulator, 0);
}

#[test]
fn a_streams_requests_are_counted_like_all_others() {
    let emulator = emulator(Config { events: 95, ..Config::default() });
    let client = client(&emulator);
    emulator.fault(Fault::on(EVENTS).after(2).status(503));
    let stream = Stream::open(&client, events(10), CallOptions::default()).expect("a stream");
    while !matches!(stream.next(None).expect("a page"), Next::End) {}
    assert!(count(&emulator, EVENTS) > 10);
    assert_counts(&client, &emulator, 1);
    assert_eq!((client.stats().shared_requests, client.stats().cache_hits), (0, 0));
}

#[test]
fn a_cached_answer_is_a_hit_and_a_joined_request_is_shared() {
    let emulator = emulator(Config::default());
    let client = client(&emulator);
    let [only, refresh] = [CacheUse::Only, CacheUse::Refresh].map(|cache| {
        move |client: &Client| client.call(Params::new(&GET_MEMBERS), &CallOptions { cache, ..CallOptions::default() })
    });
    only(&client).expect_err("nothing is cached");
    get(&client, &GET_MEMBERS).expect("members");
    assert_eq!((client.stats().cache_hits, client.stats().shared_requests), (0, 0));
    only(&client).expect("members");
    get(&client, &GET_MEMBERS).expect("members");
    assert_eq!((client.stats().cache_hits, client.stats().shared_requests), (2, 0));
    refresh(&client).expect("members");
    emulator.fault(Fault::on("/workspaces/groups").delay(Duration::from_millis(300)).status(500));
    thread::scope(|scope| {
        let first = scope.spawn(|| get(&client, &GET_GROUPS));
        wait_for("the request", || count(&emulator, "/workspaces/groups") == 1);
        let second = scope.spawn(|| get(&client, &GET_GROUPS));
        // The first one is retried, and both succeed.
        for call in [first, second] {
            call.join().expect("no panic").expect("groups");
        }
    });
    let stats = client.stats();
    assert_eq!((stats.cache_hits - 2) + stats.shared_requests, 1);
    assert_counts(&client, &emulator, 1);
}

/// A provider whose tokens are to be replaced at once; the second call of it lasts until it is told to return.
struct Slow {
    calls: AtomicUsize,
    in_second: mpsc::SyncSender<()>,
    end: Mutex<mpsc::Receiver<()>>,
}

impl IapTokenProvider for Slow {
    fn token(&self) -> Result<secrecy::SecretString, String> {
        if self.calls.fetch_add(1, Ordering::Relaxed) == 1 {
            self.in_second.send(()).expect("a test");
            self.end.lock().expect("no panic").recv().expect("a test");
        }
        Ok(format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(r#"{"iat":4102444799.999,"exp":4102444800}"#)).into())
    }
}

/// A call that found nothing, and finds the answer of another call when its own turn comes: its token took that long. Red without
/// the count on the I/O thread: no hit.
#[test]
fn an_answer_found_late_is_a_hit() {
    let emulator = emulator(Config::default());
    let ((in_second, is_in), (let_end, end)) = (mpsc::sync_channel(1), mpsc::channel());
    let iap: Arc<dyn IapTokenProvider> = Arc::new(Slow { calls: AtomicUsize::new(0), in_second, end: Mutex::new(end) });
    let client = Client::open(Settings { iap: Some(iap), ..settings(&emulator) }).expect("good settings");
    emulator.fault(Fault::on(MEMBERS).delay(Duration::from_secs(2)));
    thread::scope(|scope| {
        let first = scope.spawn(|| get(&client, &GET_MEMBERS).expect("members"));
        wait_for("the request", || count(&emulator, MEMBERS) == 1);
        let second = scope.spawn(|| get(&client, &GET_MEMBERS).expect("members"));
        is_in.recv().expect("a call of the provider, after it found nothing");
        let sent = first.join().expect("no panic");
        let_end.send(()).expect("a provider");
        assert!(std::ptr::eq(sent.json(), second.join().expect("no panic").json()));
    });
    let stats = client.stats();
    assert_eq!((stats.cache_hits, stats.shared_requests, count(&emulator, MEMBERS)), (1, 0, 1));
    // The provider's tokens are none of the library's requests.
    assert_counts(&client, &emulator, 0);
}

/// Red when only complete bodies are counted: 0 of one that was cut.
#[test]
fn bytes_are_counted_as_they_arrive() {
    const TOKEN_LEN: u64 = raw::TOKEN.len() as u64;
    let bytes_of = |answer: Vec<u8>, then, max_response_bytes| {
        let server = Raw::answering(answer, then);
        let settings = Settings {
            max_attempts: Some(1),
            max_response_bytes,
            timeout: Some(Duration::from_secs(60)),
            ..server.settings()
        };
        let client = Client::open(settings).expect("good settings");
        let outcome = get(&client, &GET_EVENTS);
        (outcome.err().map(|error| error.kind()), client.stats().bytes_received - TOKEN_LEN)
    };
    assert_eq!(bytes_of(sized("200 OK", "", b"[]"), Then::GoOn, None), (None, 2));
    assert_eq!(bytes_of(sized("404 No", "", b"nothing"), Then::GoOn, None), (Some(ErrorKind::Http), 7));
    let cut = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[{\"id\":".to_vec();
    assert_eq!(bytes_of(cut.clone(), Then::Close, None), (Some(ErrorKind::ConnectionLost), 7));
    let long = b"HTTP/1.1 200 OK\r\n\r\n".iter().chain(&[b' '; 5000]).copied().collect();
    assert_eq!(bytes_of(long, Then::Close, Some(1000)), (Some(ErrorKind::ResponseTooLarge), 1000));
    // Before the body is complete.
    let server = Raw::answering(cut, Then::Stall);
    let client = Client::open(server.settings()).expect("good settings");
    thread::scope(|scope| {
        let call = scope.spawn(|| get(&client, &GET_EVENTS));
        wait_for("the beginning of the body", || client.stats().bytes_received == TOKEN_LEN + 7);
        client.close();
        assert!(call.join().expect("no panic").is_err());
    });
    // After decompression.
    let emulator = emulator(Config::default());
    let client = common::client(&emulator);
    get(&client, &GET_GROUPS).expect("groups");
    let before = client.stats().bytes_received;
    emulator.fault(Fault::on(MEMBERS).body_bytes(1 << 20).gzip());
    get(&client, &GET_MEMBERS).expect("members");
    assert_eq!(client.stats().bytes_received - before, 1 << 20);
}

/// A connection that is closed before it is read has had a request; a listener that never accepts has one too.
#[test]
fn a_request_on_a_connection_that_nobody_reads_is_counted() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let base_url = Some(format!("http://{}", listener.local_addr().expect("an address")));
    let settings = Settings {
        client_id: Some("id".into()),
        client_secret: Some("secret".to_owned().into()),
        base_url,
        ..Settings::default()
    };
    let client = Client::open(settings).expect("good settings");
    let error = get_within(&client, Duration::from_secs(2)).expect_err("no response");
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
    let stats = client.stats();
    assert_eq!((stats.requests, stats.token_requests, stats.retries), (1, 1, 0));
}
