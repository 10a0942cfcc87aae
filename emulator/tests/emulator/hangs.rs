//! Requests that are never answered, and what ends them.

use std::time::{Duration, Instant};

use kal_emulator::{Config, DropPoint, Fault};

use crate::client::Client;
use crate::{eventually, start, start_default};

const MEMBERS: &str = "/workspaces/members";

fn ends_at_a_reset(config: Config, fault: Fault) {
    let emulator = start(config);
    let mut client = Client::connect(emulator.url());
    emulator.fault(fault.drop_connection(DropPoint::Hang));
    client.write("GET", MEMBERS, &[], "").expect("a request");
    eventually("the request is there", || emulator.counts().paths.contains_key(MEMBERS));
    let begun = Instant::now();
    emulator.reset();
    assert!(client.end_of_stream().is_ok(), "the connection is still open");
    assert!(begun.elapsed() < Duration::from_secs(5));
}

/// Red when only a reset after the delay counted: the connection is still open after the 30 s of the client.
#[test]
fn a_reset_ends_a_hang_within_its_delay() {
    ends_at_a_reset(Config::default(), Fault::on(MEMBERS).delay(Duration::from_millis(200)));
    ends_at_a_reset(Config::default(), Fault::on(MEMBERS).delay(Duration::from_secs(3600)));
    ends_at_a_reset(Config { latency: Duration::from_millis(200), ..Config::default() }, Fault::on(MEMBERS));
}

/// Red when hyper alone looked whether the client is there, which it does with an empty buffer only: the connection was still counted
/// after 20 s.
#[test]
fn a_hang_ends_with_its_client_although_another_request_follows() {
    let emulator = start_default();
    emulator.fault(Fault::on(MEMBERS).drop_connection(DropPoint::Hang).times(0));
    let mut client = Client::connect(emulator.url());
    client.write_octets(format!("GET {MEMBERS} HTTP/1.1\r\nhost: a\r\n\r\n").repeat(2).as_bytes()).expect("requests");
    eventually("the request is there", || emulator.counts().total == 1);
    client.write_octets(format!("GET {MEMBERS} HTTP/1.1\r\nhost: a\r\n\r\n").as_bytes()).expect("a third one");
    drop(client);
    eventually("the connection ends", || emulator.counts().open_connections == 0);
    assert_eq!(emulator.counts().total, 1);
}

/// Red when hyper alone looked, as above.
#[test]
fn a_hang_ends_with_its_client_through_tls() {
    let emulator = start(Config { tls: true, ..Config::default() });
    emulator.fault(Fault::on(MEMBERS).drop_connection(DropPoint::Hang));
    let ca = emulator.ca_pem().expect("a CA");
    let mut client = Client::connect_tls(emulator.url(), "localhost", ca).expect("a TLS connection");
    client.write_octets(format!("GET {MEMBERS} HTTP/1.1\r\nhost: a\r\n\r\n").repeat(2).as_bytes()).expect("requests");
    eventually("the request is there", || emulator.counts().total == 1);
    drop(client);
    eventually("the connection ends", || emulator.counts().open_connections == 0);
}
