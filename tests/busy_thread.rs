//! What happens while the library's thread is busy elsewhere, here in a logger of the application.

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::thread;

use common::{client, emulator, get, wait_for};
use kal_emulator::Config;
use kaleidoscope::service::Params;
use kaleidoscope::service::workspace::{GET_EVENTS, GET_WORKSPACE};
use kaleidoscope::{CallOptions, Cancel, Client, ErrorKind, Settings};
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
    wait_for("connections", || client.stats().requests == u64::from(CALLS) + 1);
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
