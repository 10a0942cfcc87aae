//! Host names whose lookup is slow or hangs, or that have several addresses of which some do not respond.
#![cfg(target_os = "linux")]

mod common;
mod host;
mod tunnel_proxy;

use std::collections::HashMap;
use std::io::ErrorKind::{TimedOut, WouldBlock};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use common::{emulator, get, settings, wait_for};
use kal_emulator::{Config, Emulator};
use kaleidoscope::ffi::library::kal_shutdown;
use kaleidoscope::ffi::status::{KAL_OK, KAL_TIMED_OUT};
use kaleidoscope::service::Params;
use kaleidoscope::service::workspace::{GET_EVENTS, GET_MEMBERS};
use kaleidoscope::{CallOptions, Client, ErrorKind, Settings};
use socket2::{Domain, Socket, Type};
use tunnel_proxy::TunnelProxy;

/// The maximum number of lookup threads.
const MAX_LOOKUP_THREADS: usize = 64;

/// The lookups of the current test.
#[derive(Default)]
struct Lookups {
    /// How often each name was looked up.
    counts: HashMap<String, usize>,
    in_progress: usize,
    peak: usize,
    /// Set to release lookups of names that begin with `held`.
    released: bool,
}

static LOOKUPS: Mutex<Option<Lookups>> = Mutex::new(None);
static RELEASED: Condvar = Condvar::new();
/// All tests share the library's threads.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn lookups() -> MutexGuard<'static, Option<Lookups>> {
    LOOKUPS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn with_lookups<T>(read: impl FnOnce(&mut Lookups) -> T) -> T {
    read(lookups().get_or_insert_default())
}

/// Held by the one test that runs.
struct TestGuard(#[expect(dead_code, reason = "held until dropped")] MutexGuard<'static, ()>);

fn begin() -> TestGuard {
    let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    host::install_names(look_up);
    *lookups() = Some(Lookups::default());
    TestGuard(turn)
}

/// A failing test leaves no lookup behind.
impl Drop for TestGuard {
    fn drop(&mut self) {
        release();
        while with_lookups(|lookups| lookups.in_progress) > 0 {
            thread::yield_now();
        }
    }
}

fn release() {
    with_lookups(|lookups| lookups.released = true);
    RELEASED.notify_all();
}

fn look_up(name: &str) -> Option<Vec<&'static str>> {
    let addresses = match name {
        "first-is-silent.test" => vec!["127.0.0.2", "127.0.0.1"],
        "only-last-answers.test" => vec!["127.0.0.2", "::1", "127.0.0.3", "127.0.0.1"],
        "none-answers.test" => vec!["127.0.0.1", "::1"],
        "nowhere.test" => vec![],
        name if name.rsplit('.').next() == Some("test") => vec!["127.0.0.1"],
        _ => return None,
    };
    let mut all = lookups();
    let lookups = all.get_or_insert_default();
    *lookups.counts.entry(name.to_owned()).or_default() += 1;
    lookups.in_progress += 1;
    lookups.peak = lookups.peak.max(lookups.in_progress);
    if name.starts_with("held") {
        all = RELEASED
            .wait_while(all, |all| !all.get_or_insert_default().released)
            .unwrap_or_else(PoisonError::into_inner);
    }
    all.get_or_insert_default().in_progress -= 1;
    Some(addresses)
}

fn port(emulator: &Emulator) -> u16 {
    emulator.url().rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port")
}

/// A client that reaches the emulator by this host name.
fn client(emulator: &Emulator, name: &str) -> Client {
    Client::open(named(emulator, name)).expect("good settings")
}

fn named(emulator: &Emulator, name: &str) -> Settings {
    let base_url = Some(format!("http://{name}:{}", port(emulator)));
    Settings { base_url, allow_http: true, connect_timeout: Some(Duration::from_secs(60)), ..settings(emulator) }
}

/// Waits until the sign-in of each client waits for a lookup. It stays there: it outlives the calls that wait for it.
fn wait_at_lookup(clients: &[Client]) {
    let options = CallOptions { timeout: Some(Duration::from_millis(300)), ..CallOptions::default() };
    thread::scope(|scope| {
        for client in clients {
            let is_there = || {
                let error = client.call(Params::new(&GET_EVENTS), &options).expect_err("a lookup that is held");
                error.to_string().contains("waiting for a token: the name lookup of held")
            };
            scope.spawn(move || wait_for("a lookup", is_there));
        }
    });
}

/// A port that accepts no connections: its backlog is full, and the kernel drops further SYNs.
struct Silent(
    #[expect(dead_code, reason = "kept open")] Socket,
    #[expect(dead_code, reason = "kept open")] Vec<TcpStream>,
);

fn silent(address: &str, port: u16) -> Silent {
    let address: SocketAddr = format!("{address}:{port}").parse().expect("an address");
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.bind(&address.into()).expect("a loopback address");
    socket.listen(0).expect("a queue");
    let mut queued = Vec::new();
    loop {
        match TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
            Ok(stream) => queued.push(stream),
            Err(error) => {
                assert!(matches!(error.kind(), TimedOut | WouldBlock), "{error}");
                return Silent(socket, queued);
            }
        }
    }
}

/// Red when the addresses are tried one after another: "no connection within 60000 ms".
#[test]
fn an_unresponsive_address_does_not_delay_the_others() {
    let _turn = begin();
    let emulator = emulator(Config::default());
    let _silent = [silent("127.0.0.2", port(&emulator)), silent("127.0.0.3", port(&emulator))];
    for name in ["first-is-silent.test", "only-last-answers.test"] {
        let client = client(&emulator, name);
        get(&client, &GET_MEMBERS).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(client.stats().retries, 0, "within one attempt");
        assert_eq!(with_lookups(|lookups| lookups.counts[name]), 1, "connections that looked the name up");
    }
}

/// Red as above.
#[test]
fn an_unresponsive_address_of_a_proxy_does_not_delay_the_others() {
    let _turn = begin();
    let emulator = emulator(Config { tls: true, ..Config::default() });
    let proxy = TunnelProxy::start("HTTP/1.1 200 OK\r\n\r\n", port(&emulator));
    let _silent = silent("127.0.0.2", proxy.port);
    let proxy_url = Some(format!("http://first-is-silent.test:{}", proxy.port));
    let settings = Settings {
        proxy_url,
        insecure_tls: true,
        connect_timeout: Some(Duration::from_secs(60)),
        ..settings(&emulator)
    };
    let client = Client::open(settings).expect("good settings");
    get(&client, &GET_MEMBERS).expect("through the proxy");
    assert_eq!((proxy.heads().len(), client.stats().retries), (1, 0), "tunnels and retries");
}

/// Red when only the first address's failure is reported, and none for a name without addresses.
#[test]
fn the_failure_of_each_address_is_reported() {
    let _turn = begin();
    let emulator = emulator(Config::default());
    // The listener is closed again.
    let port =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
    let of = |name: &str| {
        let base_url = Some(format!("http://{name}:{port}"));
        let client = Client::open(Settings { base_url, max_attempts: Some(1), ..named(&emulator, name) });
        get(&client.expect("good settings"), &GET_MEMBERS).expect_err("nothing listens there")
    };
    let error = of("none-answers.test");
    let message = error.to_string();
    assert_eq!(error.kind(), ErrorKind::ConnectFailed);
    assert!(
        message.contains(&format!("127.0.0.1:{port}: ")) && message.contains(&format!("; [::1]:{port}: ")),
        "{message}"
    );
    let error = of("nowhere.test");
    assert_eq!(error.kind(), ErrorKind::ResolveFailed);
    assert!(error.to_string().contains("nowhere.test"), "{error}");
}

/// Red when each connection starts its own lookup: (64, 1) lookups.
#[test]
fn connections_share_one_lookup_which_does_not_delay_other_names() {
    let _turn = begin();
    let emulator = emulator(Config::default());
    let clients: Vec<_> = (0..64).map(|_| client(&emulator, "held.test")).collect();
    thread::scope(|scope| {
        let calls: Vec<_> = clients.iter().map(|client| scope.spawn(|| get(client, &GET_MEMBERS))).collect();
        wait_at_lookup(&clients);
        // Its response arrives through the I/O thread that the other calls depend on.
        get(&client(&emulator, "quick.test"), &GET_MEMBERS).expect("another name");
        release();
        for call in calls {
            call.join().expect("a thread").expect("an answer");
        }
    });
    let counts = with_lookups(|lookups| lookups.counts.clone());
    assert_eq!((counts["held.test"], counts["quick.test"]), (1, 1), "lookups");
}

/// Red with a bound of 100: it waits in vain for 64 lookups, there are 80.
#[test]
fn lookup_threads_are_bounded_and_every_name_is_looked_up() {
    let _turn = begin();
    let emulator = emulator(Config::default());
    let clients: Vec<_> = (0..80).map(|n| client(&emulator, &format!("held-{n}.test"))).collect();
    thread::scope(|scope| {
        let calls: Vec<_> = clients.iter().map(|client| scope.spawn(|| get(client, &GET_MEMBERS))).collect();
        wait_at_lookup(&clients);
        wait_for("64 lookups", || with_lookups(|lookups| lookups.in_progress) == MAX_LOOKUP_THREADS);
        get(&client(&emulator, "127.0.0.1"), &GET_MEMBERS).expect("an address needs no lookup");
        release();
        for call in calls {
            call.join().expect("a thread").expect("an answer");
        }
    });
    assert_eq!(with_lookups(|lookups| lookups.peak), MAX_LOOKUP_THREADS);
}

/// Red when each call starts another lookup of the name, 4 lookups; and with "no connection within 50 ms", which does not say
/// why.
#[test]
fn calls_and_shutdowns_time_out_on_a_hanging_lookup() {
    let _turn = begin();
    let emulator = emulator(Config::default());
    let settings = || Settings {
        connect_timeout: Some(Duration::from_millis(50)),
        max_attempts: Some(2),
        ..named(&emulator, "held-back.test")
    };
    for _ in 0..2 {
        let error = get(&Client::open(settings()).expect("good settings"), &GET_MEMBERS).expect_err("no address");
        assert_eq!((error.kind(), error.details().attempts), (ErrorKind::ConnectFailed, 2));
        let expected = "no connection within 50 ms (connect_timeout_ms), waiting for the name lookup of held-back.test";
        assert!(error.to_string().contains(expected), "{error}");
    }
    assert_eq!(with_lookups(|lookups| lookups.counts["held-back.test"]), 1, "lookups");
    assert_eq!(kal_shutdown(20), KAL_TIMED_OUT, "a lookup cannot be interrupted");
    let again = get(&client(&emulator, "quick.test"), &GET_MEMBERS);
    again.expect("the library restarts while the lookup hangs");
    release();
    wait_for("the lookup's end", || with_lookups(|lookups| lookups.in_progress) == 0);
    get(&client(&emulator, "held-back.test"), &GET_MEMBERS).expect("the name is looked up again");
    assert_eq!(kal_shutdown(10_000), KAL_OK);
}
