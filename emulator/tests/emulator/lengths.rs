//! Faults with a `Content-Length` that is not the length of the body.

use std::time::Duration;

use kal_emulator::{Config, DropPoint, Fault};
use serde_json::json;

use crate::client::{Client, gunzip};
use crate::{start, start_default};

const MEMBERS: &str = "/workspaces/members";

fn declaring(length: &str) -> Fault {
    Fault::on(MEMBERS).body("[1,2,3]").header("Content-Length", length)
}

/// All that the connection carries after the request, up to its end.
fn carried(client: &mut Client, method: &str) -> String {
    client.write(method, MEMBERS, &[("connection", "close")], "").expect("a request");
    String::from_utf8(client.read_rest()).expect("text")
}

/// Red when the end of an empty body is left to hyper: the length is 0.
#[test]
fn a_shorter_body_ends_the_connection() {
    let emulator = start_default();
    for body in ["[1,2,3]", ""] {
        emulator.fault(declaring("100").body(body));
        let mut client = Client::connect(emulator.url());
        client.start_get(MEMBERS);
        let text = String::from_utf8(client.read_rest()).expect("text");
        assert!(text.contains("content-length: 100\r\n"), "{text}");
        assert!(text.ends_with(&format!("\r\n\r\n{body}")), "{text}");
    }
}

/// Red without the surplus, "[1,"; with a length of 0 left to hyper, nothing.
#[test]
fn a_longer_body_goes_on_after_the_response() {
    let emulator = start_default();
    for length in ["3", "6", "0"] {
        emulator.fault(declaring(length));
        let text = carried(&mut Client::connect(emulator.url()), "GET");
        assert!(text.contains(&format!("content-length: {length}\r\n")), "{text}");
        assert!(text.ends_with("\r\n\r\n[1,2,3]"), "{text}");
    }
    // An orderly end waits for it, too.
    for fault in [declaring("7"), declaring("3").dribble(2, Duration::from_millis(20))] {
        emulator.fault(fault);
        let text = carried(&mut Client::connect(emulator.url()), "GET");
        assert!(text.ends_with("\r\n\r\n[1,2,3]"), "{text}");
    }
}

/// Red without the surplus: the rest never arrives.
#[test]
fn the_connection_stays_open_after_the_surplus() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    emulator.fault(declaring("3"));
    assert_eq!(client.get(MEMBERS).body, b"[1,");
    client.read_some("2,3]".len());
    assert_eq!(client.get(MEMBERS).list().len(), 12);
    assert_eq!(emulator.counts().connections, 1);
}

/// Red without the surplus.
#[test]
fn a_response_waits_for_the_surplus_of_the_one_before() {
    let emulator = start_default();
    emulator.fault(declaring("2").dribble(2, Duration::from_millis(20)));
    emulator.fault(Fault::on(MEMBERS).body("next"));
    let mut client = Client::connect(emulator.url());
    client.start_get(MEMBERS);
    let text = carried(&mut client, "GET");
    let (first, second) =
        text.split_once("HTTP/1.1 200 OK\r\n").expect("a response").1.split_once("HTTP/1.1 ").expect("two");
    assert!(first.ends_with("\r\n\r\n[1,2,3]"), "{text}");
    assert!(second.ends_with("\r\n\r\nnext"), "{text}");
}

/// Red when these responses declare the length, too: `[1,2,3]` follows.
#[test]
fn a_response_without_body_has_no_surplus() {
    let emulator = start_default();
    for (method, status) in [("HEAD", 200), ("GET", 204), ("GET", 304)] {
        emulator.fault(declaring("0").status(status));
        let text = carried(&mut Client::connect(emulator.url()), method);
        assert!(text.ends_with("\r\n\r\n"), "{text}");
    }
}

/// Red without the surplus: the rest never arrives.
#[test]
fn the_surplus_of_a_body_that_is_made_while_it_is_sent_follows_too() {
    let emulator = start_default();
    let octets = 5_000_000;
    emulator.fault(Fault::on(MEMBERS).body_bytes(octets).header("content-length", "1000"));
    let mut client = Client::connect(emulator.url());
    let reply = client.get(MEMBERS);
    assert_eq!(reply.body.len(), 1000);
    client.read_some(4_999_000);
    assert_eq!(client.get(MEMBERS).status, 401, "nothing else follows");

    emulator.fault(Fault::on(MEMBERS).body_bytes(octets).gzip().header("content-length", "10"));
    client.write("GET", MEMBERS, &[("connection", "close")], "").expect("a request");
    let rest = client.read_rest();
    let head = rest.windows(4).position(|four| four == b"\r\n\r\n").expect("a head") + 4;
    assert_eq!(gunzip(rest.get(head..).expect("a body")).len(), 5_000_000);
}

/// Red without the surplus.
#[test]
fn a_surplus_can_be_cut_and_goes_through_tls() {
    let emulator = start(Config { tls: true, ..Config::default() });
    let ca = emulator.ca_pem().expect("a CA");
    for (point, body) in [(None, "[1,2,3]"), (Some(DropPoint::Body), "[1,")] {
        emulator.fault(Fault { drop: point, ..declaring("1") });
        let mut client = Client::connect_tls(emulator.url(), "localhost", ca).expect("a TLS connection");
        let text = carried(&mut client, "GET");
        assert!(text.ends_with(&format!("\r\n\r\n{body}")), "{text}");
    }
}

/// Red when only its digits are not checked, "+1", or not that there is one.
#[test]
fn a_length_that_http_cannot_carry_is_rejected() {
    let emulator = start_default();
    let mut client = Client::connect(emulator.url());
    for length in [json!("abc"), json!("+1"), json!(""), json!("99999999999999999999"), json!(["1", "1"])] {
        let reply = client.admin("faults", &json!({ "headers": { "Content-Length": length } }));
        assert_eq!(reply.code(), (400, "bad_admin_request".to_owned()), "{length}");
    }
    let twice = json!({ "headers": { "Content-Length": "1", "content-length": "1" } });
    assert_eq!(client.admin("faults", &twice).status, 400);
}

/// Red when it was accepted: the connection closed without a response, and the journal had the status 200.
#[test]
fn a_length_beside_chunks_is_rejected() {
    let emulator = start_default();
    let mut client = Client::connect(emulator.url());
    let both = json!({ "body": "[1]", "headers": { "Content-Length": "3", "transfer-encoding": "chunked" } });
    let reply = client.admin("faults", &both);
    assert_eq!(reply.code(), (400, "bad_admin_request".to_owned()));
    assert_eq!(reply.message(), "headers: a response has Content-Length or Transfer-Encoding, not both");
    client.admin("faults", &json!({ "body": "[1]", "headers": { "transfer-encoding": "chunked" } }));
    assert_eq!(client.get(MEMBERS).body, b"[1]");
}
