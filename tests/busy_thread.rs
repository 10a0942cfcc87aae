//! What happens while the library's thread is busy elsewhere, here in a logger of the application.

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use common::{client, emulator, events, get, wait_for};
use kal_emulator::Config;
use kaleidoscope::service::Params;
use kaleidoscope::service::workspace::{GET_EVENTS, GET_WORKSPACE};
use kaleidoscope::{CallOptions, Cancel, Client, ErrorKind, Next, Settings, Stream};
use socket2::{Domain, Socket, Type};

const TOKEN: &str = r#"{"access_token":"at","refresh_token":"rt","expires_in":3600}"#;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Gate {
    Open,
    Closed,
    /// The library's thread waits at it.
    Held,
}

/// Holds the thread that logs a request for the workspace.
struct Logger {
    gate: Mutex<Gate>,
    opened: Condvar,
}

static LOGGER: Logger = Logger { gate: Mutex::new(Gate::Open), opened: Condvar::new() };
/// There is one thread, and one logger.
static ONE_TEST: Mutex<()> = Mutex::new(());

impl log::Log for Logger {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let mut gate = self.gate();
        if *gate == Gate::Open || !record.args().to_string().contains("/workspaces/active") {
            return;
        }
        *gate = Gate::Held;
        drop(self.opened.wait_while(gate, |gate| *gate == Gate::Held));
    }

    fn flush(&self) {}
}

impl Logger {
    fn gate(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().expect("no panic")
    }
}

/// Runs `during` while the library's thread is held.
fn while_busy<T>(during: impl FnOnce() -> T) -> T {
    let emulator = emulator(Config::default());
    let client = client(&emulator);
    *LOGGER.gate() = Gate::Closed;
    let call = thread::spawn(move || get(&client, &GET_WORKSPACE));
    wait_for("a request that is logged", || *LOGGER.gate() == Gate::Held);
    let result = during();
    *LOGGER.gate() = Gate::Open;
    LOGGER.opened.notify_all();
    // It may have timed out.
    let _ = call.join().expect("no panic");
    result
}

fn one_test() -> MutexGuard<'static, ()> {
    let guard = ONE_TEST.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let _ = log::set_logger(&LOGGER);
    log::set_max_level(log::LevelFilter::Debug);
    guard
}

/// Answers one request with a token, and closes the connection.
fn sign_in(mut stream: &TcpStream) {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    let mut line = String::new();
    while reader.read_line(&mut line).is_ok() && !line.trim().is_empty() {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
        line.clear();
    }
    reader.take(length).read_to_end(&mut Vec::new()).expect("a body");
    let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", TOKEN.len());
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(TOKEN.as_bytes())).expect("a token");
}

/// The number of sockets of this machine that wait for a connection to this port.
fn connecting_to(port: u16) -> usize {
    const SYN_SENT: &str = "02";
    let sockets = std::fs::read_to_string("/proc/self/net/tcp").expect("Linux");
    let remote = format!(":{port:04X}");
    let fields = |line: &str| -> Vec<String> { line.split_whitespace().map(str::to_owned).collect() };
    let is_connecting = |fields: &Vec<String>| fields[2].ends_with(&remote) && fields[3] == SYN_SENT;
    sockets.lines().map(fields).filter(is_connecting).count()
}

/// The connections are there before the thread sees that the calls are cancelled. Red without `fire`: each gets a request.
#[test]
fn calls_cancelled_while_they_wait_for_a_connection_send_nothing() {
    const CALLS: u8 = 8;
    let _one = one_test();
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("a port");
    // As many connections and one fit in; others wait until these are accepted.
    listener.listen(CALLS.into()).expect("a listener");
    let address = listener.local_addr().ok().and_then(|address| address.as_socket()).expect("an address");
    let accept = || TcpStream::from(listener.accept().expect("a connection").0);
    let settings = Settings {
        client_id: Some("id".into()),
        client_secret: Some("secret".to_owned().into()),
        base_url: Some(format!("http://{address}")),
        ..Settings::default()
    };
    let client = Client::open(settings).expect("a client");
    let cancel = Cancel::default();
    let calls: Vec<_> = (0..CALLS)
        .map(|_| {
            let (client, options) =
                (client.clone(), CallOptions { cancel: Some(cancel.clone()), ..CallOptions::default() });
            thread::spawn(move || client.call(Params::new(&GET_EVENTS), &options))
        })
        .collect();
    let token_request = accept();
    let full: Vec<_> = (0..=CALLS).map(|_| TcpStream::connect(address).expect("a connection")).collect();
    sign_in(&token_request);
    drop(token_request);
    wait_for("connections that are not accepted", || connecting_to(address.port()) == usize::from(CALLS));
    let connections: Vec<_> = while_busy(|| {
        for _ in &full {
            accept();
        }
        let connections = (0..CALLS).map(|_| accept()).collect();
        cancel.fire();
        connections
    });
    for call in calls {
        assert_eq!(call.join().expect("no panic").expect_err("cancelled").kind(), ErrorKind::Cancelled);
    }
    client.close();
    for mut connection in connections {
        let mut sent = Vec::new();
        // Reset or closed, with nothing before that.
        let _ = connection.read_to_end(&mut sent);
        assert_eq!(String::from_utf8_lossy(&sent), "");
    }
}

fn stream(client: &Client) -> Stream {
    Stream::open(client, events(10), CallOptions::default()).expect("a stream")
}

/// The ids of the events that a call returned.
fn add_to(ids: &mut Vec<String>, next: Next) {
    if let Next::Page(page) = next {
        let events: Vec<serde_json::Value> = serde_json::from_slice(page.json()).expect("JSON");
        ids.extend(events.iter().map(|event| event["id"].as_str().expect("an id").to_owned()));
    }
}

/// Red when the claim stays with a call whose caller gave up: the next one fails with `InvalidState`.
#[test]
fn the_only_caller_of_a_stream_never_waits_for_an_earlier_call_of_its_own() {
    let _one = one_test();
    let emulator = emulator(Config { events: 95, ..Config::default() });
    let stream = stream(&client(&emulator));
    let mut ids = Vec::new();
    loop {
        // Each of these is given up before the thread has seen it.
        let given_up = while_busy(|| (0..2).map(|_| stream.next(Some(Duration::ZERO))).collect::<Vec<_>>());
        let mut is_ended = false;
        let late = (0..2).map(|_| stream.next(Some(Duration::from_millis(1))));
        for next in given_up.into_iter().chain(late) {
            let next = next.expect("no call is in its way");
            is_ended |= matches!(next, Next::End);
            add_to(&mut ids, next);
        }
        if is_ended {
            break;
        }
    }
    let mut all = ids.clone();
    all.sort();
    all.dedup();
    assert_eq!((ids.len(), all.len()), (95, 95));
    let mut requests: Vec<_> = emulator.requests().into_iter().map(|request| request.query).collect();
    let sent = requests.len();
    requests.sort();
    requests.dedup();
    assert_eq!(requests.len(), sent, "a request was sent twice");
}

/// Red as above. The page was requested by a call whose caller gave up, and arrived before the thread was free.
#[test]
fn a_page_requested_by_a_call_that_was_given_up_is_delivered_to_the_next() {
    let _one = one_test();
    let emulator = emulator(Config { events: 10, ..Config::default() });
    let stream = stream(&client(&emulator));
    emulator.fault(kal_emulator::Fault::on("/workspaces/events").delay(Duration::from_secs(1)));
    let before = stream.cursor();
    let waiting = thread::spawn({
        let stream = stream.clone();
        move || stream.next(Some(Duration::from_millis(1)))
    });
    wait_for("the request", || emulator.counts().paths.get("/workspaces/events") == Some(&1));
    let mut ids = Vec::new();
    add_to(&mut ids, waiting.join().expect("no panic").expect("nothing yet"));
    while_busy(|| {
        let next = stream.next(Some(Duration::ZERO)).expect("nothing yet");
        assert!(matches!(next, Next::NothingYet));
        assert_eq!(stream.cursor(), before);
    });
    add_to(&mut ids, stream.next(Some(Duration::from_secs(60))).expect("the page"));
    assert_eq!(ids.len(), 10);
    assert_ne!(stream.cursor(), before);
    assert_eq!(emulator.counts().paths["/workspaces/events"], 1);
}
