//! Faults of responses that have no body.

use std::io::ErrorKind;

use kal_emulator::{Config, DropPoint, Fault};
use serde_json::json;

use crate::client::Client;
use crate::{eventually, start, start_default};

const PROGRAMS: &str = "/programs";

fn bodiless() -> [(&'static str, Fault); 5] {
    let fault = || Fault::on(PROGRAMS);
    [
        ("DELETE", fault().status(204)),
        ("GET", fault().status(304)),
        ("GET", fault().status(200)),
        ("HEAD", fault().json(json!([1, 2, 3]))),
        ("POST", fault().status(202).body("")),
    ]
}

/// Red when it was left to the body, which is never asked for: a complete 204, and after 30 s the connection is still open.
#[test]
fn a_connection_is_dropped_after_headers_without_body() {
    let emulator = start_default();
    for point in [DropPoint::Headers, DropPoint::Body] {
        for (method, fault) in bodiless() {
            emulator.fault(fault.drop_connection(point));
            let mut client = Client::connect(emulator.url());
            client.write(method, PROGRAMS, &[], "").expect("a request");
            let mut text = String::new();
            client.read_to_end(&mut text).unwrap_or_else(|why| panic!("{method} {point:?}: {why} after {text:?}"));
            assert!(text.starts_with("HTTP/1.1 ") && text.ends_with("\r\n\r\n"), "{method} {point:?}: {text}");
        }
    }
    eventually("all connections end", || emulator.counts().open_connections == 0);
}

/// Red when it was left to the body: `WouldBlock` after 30 s.
#[test]
fn a_connection_ends_with_rst_after_headers_without_body() {
    let emulator = start_default();
    for (method, fault) in bodiless() {
        emulator.fault(fault.drop_connection(DropPoint::Headers).rst());
        let mut client = Client::connect(emulator.url());
        client.write(method, PROGRAMS, &[], "").expect("a request");
        let end = client.end_of_stream().map_err(|why| why.kind());
        assert_eq!(end, Err(ErrorKind::ConnectionReset), "{method}");
    }
}

/// Red when it was left to the body: the connection did not end within 20 s.
#[test]
fn headers_without_body_arrive_through_tls_before_the_drop() {
    let emulator = start(Config { tls: true, ..Config::default() });
    let ca = emulator.ca_pem().expect("a CA");
    for (method, fault) in bodiless() {
        emulator.fault(fault.drop_connection(DropPoint::Headers));
        let mut client = Client::connect_tls(emulator.url(), "localhost", ca).expect("a TLS connection");
        client.write(method, PROGRAMS, &[], "").expect("a request");
        let text = String::from_utf8(client.read_rest()).expect("text");
        assert!(text.starts_with("HTTP/1.1 ") && text.ends_with("\r\n\r\n"), "{method}: {text}");
        eventually("the connection ends", || emulator.counts().open_connections == 0);
    }
}

/// Red when hyper was given an empty body: 204 and 304 had no such header.
#[test]
fn a_length_is_declared_without_a_body() {
    let emulator = start_default();
    let mut client = Client::connect(emulator.url());
    for (method, fault) in bodiless() {
        if method == "POST" || fault.status == Some(200) {
            // These may have a body, and end early.
            continue;
        }
        for fault in [fault.clone(), Fault { status: fault.status, ..Fault::on(PROGRAMS).body("") }] {
            for length in ["7", "0"] {
                emulator.fault(fault.clone().header("Content-Length", length));
                client.write(method, PROGRAMS, &[], "").expect("a request");
                let head = client.read_head().expect("a head");
                assert_eq!(head.headers("content-length"), [length], "{method} {fault:?}");
            }
        }
    }
    assert_eq!(client.get("/nope").status, 404, "nothing else follows");
}
