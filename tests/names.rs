//! Names that take long, hang, or have several addresses of which one does not answer.
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
use kaleidoscope::service::workspace::GET_MEMBERS;
use kaleidoscope::{Client, ErrorKind, Settings};
use socket2::{Domain, Socket, Type};
use tunnel_proxy::TunnelProxy;

/// The most threads that look names up.
const MAX_LOOKUPS: usize = 64;

/// The lookups of the test at hand.
#[derive(Default)]
struct Lookups {
    /// How often each name was looked up.
    counts: HashMap<String, usize>,
    under_way: usize,
    most: usize,
    /// Names that begin with `held` are answered from here on.
    are_let_go: bool,
}

static LOOKUPS: Mutex<Option<Lookups>> = Mutex::new(None);
static LET_GO: Condvar = Condvar::new();
/// All tests share the library's threads.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn lookups() -> MutexGuard<'static, Option<Lookups>> {
    LOOKUPS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn of_lookups<T>(read: impl FnOnce(&mut Lookups) -> T) -> T {
    read(lookups().get_or_insert_default())
}

/// A test, while no other is.
struct Turn(#[expect(dead_code, reason = "it is held")] MutexGuard<'static, ()>);

fn begin() -> Turn {
    let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    host::look_names_up(look_up);
    *lookups() = Some(Lookups::default());
    Turn(turn)
}

/// A test that fails leaves no lookup behind.
impl Drop for Turn {
    fn drop(&mut self) {
        let_go();
        while of_lookups(|lookups| lookups.under_way) > 0 {
            thread::yield_now();
        }
    }
}

fn let_go() {
    of_lookups(|lookups| lookups.are_let_go = true);
    LET_GO.notify_all();
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
    lookups.under_way += 1;
    lookups.most = lookups.most.max(lookups.under_way);
    if name.starts_with("held") {
        all = LET_GO
            .wait_while(all, |all| !all.get_or_insert_default().are_let_go)
            .unwrap_or_else(PoisonError::into_inner);
    }
    all.get_or_insert_default().under_way -= 1;
    Some(addresses)
}

fn port(emulator: &Emulator) -> u16 {
    emulator.url().rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port")
}

/// A client that knows the emulator by this name.
fn client(emulator: &Emulator, name: &str) -> Client {
    Client::open(named(emulator, name)).expect("good settings")
}

fn named(emulator: &Emulator, name: &str) -> Settings {
    let base_url = Some(format!("http://{name}:{}", port(emulator)));
    Settings { base_url, allow_http: true, connect_timeout: Some(Duration::from_mins(1)), ..settings(emulator) }
}

/// A port that accepts nothing: its queue is full, and the kernel drops what else comes.
struct Silent(
    #[expect(dead_code, reason = "it stays open")] Socket,
    #[expect(dead_code, reason = "likewise")] Vec<TcpStream>,
);

fn silent(address: &str, port: u16) -> Silent {
    let address: SocketAddr = format!("{address}:{port}").parse().expect("an address");
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.bind(&address.into()).expect("an address of loopback");
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
fn an_address_that_does_not_answer_hides_no_other() {
    let _turn = begin();
    let emulator = emulator(Config::default());
    let _silent = [silent("127.0.0.2", port(&emulator)), silent("127.0.0.3", port(&emulator))];
    for name in ["first-is-silent.test", "only-last-answers.test"] {
        let client = client(&emulator, name);
        get(&client, &GET_MEMBERS).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(client.stats().retries, 0, "within one try");
        assert_eq!(of_lookups(|lookups| lookups.counts[name]), 1, "connections that looked the name up");
    }
}

/// Red as above.
#[test]
fn nor_does_one_of_a_proxy() {
    let _turn = begin();
    let emulator = emulator(Config { tls: true, ..Config::default() });
    let proxy = TunnelProxy::start("HTTP/1.1 200 OK\r\n\r\n", port(&emulator));
    let _silent = silent("127.0.0.2", proxy.port);
    let proxy_url = Some(format!("http://first-is-silent.test:{}", proxy.port));
    let settings = Settings {
        proxy_url,
        insecure_tls: true,
        connect_timeout: Some(Duration::from_mins(1)),
        ..settings(&emulator)
    };
    let client = Client::open(settings).expect("good settings");
    get(&client, &GET_MEMBERS).expect("through the proxy");
    assert_eq!((proxy.heads().len(), client.stats().retries), (1, 0), "tunnels and further tries");
}

/// Red when only the first failure is told, and none of a name that has no address.
#[test]
fn what_became_of_each_address_is_told() {
    let _turn = begin();
    let emulator = emulator(Config::default());
    // Nobody listens there any more.
    let port =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
    let of = |name: &str| {
        let base_url = Some(format!("http://{name}:{port}"));
        let client = Client::open(Settings { base_url, max_attempts: Some(1), ..named(&emulator, name) });
        get(&client.expect("good settings"), &GET_MEMBERS).expect_err("nobody is there")
    };
    let error = of("none-answers.test");
    let told = error.to_string();
    assert_eq!(error.kind(), ErrorKind::ConnectFailed);
    assert!(told.contains(&format!("127.0.0.1:{port}: ")) && told.contains(&format!("; [::1]:{port}: ")), "{told}");
    let error = of("nowhere.test");
    assert_eq!(error.kind(), ErrorKind::ResolveFailed);
    assert!(error.to_string().contains("nowhere.test"), "{error}");
}

/// Red when each connection looks the name up for itself: (64, 1) lookups.
#[test]
fn one_lookup_serves_all_who_wait_and_holds_up_no_other_name() {
    let _turn = begin();
    let emulator = emulator(Config::default());
    let clients: Vec<_> = (0..64).map(|_| client(&emulator, "held.test")).collect();
    thread::scope(|scope| {
        let calls: Vec<_> = clients.iter().map(|client| scope.spawn(|| get(client, &GET_MEMBERS))).collect();
        wait_for("64 requests", || clients.iter().map(|client| client.stats().requests).sum::<u64>() == 64);
        // Its answer has come through the thread on which the others wait.
        get(&client(&emulator, "quick.test"), &GET_MEMBERS).expect("another name");
        let_go();
        for call in calls {
            call.join().expect("a thread").expect("an answer");
        }
    });
    let counts = of_lookups(|lookups| lookups.counts.clone());
    assert_eq!((counts["held.test"], counts["quick.test"]), (1, 1), "lookups");
}

/// Red with a bound of 100: it waits in vain for 64 lookups, there are 80.
#[test]
fn threads_for_lookups_are_bounded_and_all_names_have_their_turn() {
    let _turn = begin();
    let emulator = emulator(Config::default());
    let clients: Vec<_> = (0..80).map(|n| client(&emulator, &format!("held-{n}.test"))).collect();
    thread::scope(|scope| {
        let calls: Vec<_> = clients.iter().map(|client| scope.spawn(|| get(client, &GET_MEMBERS))).collect();
        wait_for("80 requests", || clients.iter().map(|client| client.stats().requests).sum::<u64>() == 80);
        wait_for("64 lookups", || of_lookups(|lookups| lookups.under_way) == MAX_LOOKUPS);
        get(&client(&emulator, "127.0.0.1"), &GET_MEMBERS).expect("an address needs no lookup");
        let_go();
        for call in calls {
            call.join().expect("a thread").expect("an answer");
        }
    });
    assert_eq!(of_lookups(|lookups| lookups.most), MAX_LOOKUPS);
}

/// Red when a new call takes another thread for the name, 4 lookups; and with "no connection within 50 ms", which does not say why.
#[test]
fn a_lookup_that_hangs_is_left_behind_by_its_callers_and_outlives_a_shutdown() {
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
        let told = "no connection within 50 ms (connect_timeout_ms), waiting for the name lookup of held-back.test";
        assert!(error.to_string().contains(told), "{error}");
    }
    assert_eq!(of_lookups(|lookups| lookups.counts["held-back.test"]), 1, "lookups");
    assert_eq!(kal_shutdown(20), KAL_TIMED_OUT, "a lookup cannot be interrupted");
    let again = get(&client(&emulator, "quick.test"), &GET_MEMBERS);
    again.expect("the library starts again beside it");
    let_go();
    wait_for("the lookup's end", || of_lookups(|lookups| lookups.under_way) == 0);
    get(&client(&emulator, "held-back.test"), &GET_MEMBERS).expect("the name is looked up anew");
    assert_eq!(kal_shutdown(10_000), KAL_OK);
}
