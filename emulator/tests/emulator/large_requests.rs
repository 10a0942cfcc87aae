//! Requests with long bodies.

use kal_emulator::{DropPoint, Fault};
use serde_json::json;

use crate::client::Client;
use crate::start_default;

const FILES: &str = "/files";
const KEPT: usize = 16 << 20;

/// Red when the limit was 1 MiB, before any fault: 413 for 2 MiB.
#[test]
fn a_fault_applies_to_a_body_of_any_length() {
    let emulator = start_default();
    emulator.fault(Fault::on(FILES).method("POST").status(201).json(json!({ "id": "f" })).times(0));
    let mut client = Client::connect(emulator.url());
    for (number, octets) in [2 << 20, KEPT, KEPT + 1, 40 << 20].into_iter().enumerate() {
        let reply = client.send("POST", FILES, &[], &"x".repeat(octets)).expect("a response");
        assert_eq!((reply.status, reply.json()), (201, json!({ "id": "f" })), "{octets}");
        assert_eq!((emulator.faults()[0].used, emulator.counts().paths[FILES]), (number as u64 + 1, number as u64 + 1));
        let recorded = emulator.requests().pop().expect("a request");
        assert_eq!((recorded.status, recorded.body.len()), (Some(201), octets.min(KEPT)));
    }
    assert_eq!(emulator.counts().connections, 1);
}

/// Red when it was refused before it was read to its end: a broken pipe in place of the response.
#[test]
fn a_body_that_is_too_long_is_read_counted_and_recorded() {
    let emulator = start_default();
    let mut client = Client::connect(emulator.url());
    let reply = client.send("POST", FILES, &[], &"x".repeat(40 << 20)).expect("a response");
    let message = format!("the request body is longer than {KEPT} octets");
    assert_eq!((reply.code(), reply.message()), ((413, "too_large".to_owned()), message));
    assert_eq!(client.get("/nope").status, 404, "the connection goes on");
    // Red when any expectation counted as one that the client waits for: a broken pipe.
    let reply = Client::connect(emulator.url()).send("POST", FILES, &[("expect", "x")], &"x".repeat(40 << 20));
    assert_eq!(reply.expect("a response").status, 413);
    let recorded = &emulator.requests()[0];
    assert_eq!((recorded.status, recorded.body.len()), (Some(413), KEPT));
    assert_eq!(emulator.counts().total, 3);
    emulator.fault(Fault::on(FILES).drop_connection(DropPoint::Before));
    assert!(client.send("POST", FILES, &[], &"x".repeat(KEPT + 1)).is_err(), "dropped");
    assert_eq!(emulator.faults()[0].used, 1);
}

/// Red when the refusal was not recorded: there was no request. Red when only the declared length counted: 413 in place of 100.
#[test]
fn a_client_that_asks_first_sends_a_long_body_only_if_a_fault_may_apply() {
    let emulator = start_default();
    let declared = (KEPT + 1).to_string();
    let headers = [("content-length", declared.as_str()), ("expect", "100-continue")];
    let mut client = Client::connect(emulator.url());
    assert_eq!(client.get_with(FILES, &headers).status, 413);
    assert_eq!((emulator.requests()[0].status, emulator.counts().total), (Some(413), 1));
    emulator.fault(Fault::on(FILES).request_body("xyz").status(201));
    let mut client = Client::connect(emulator.url());
    assert_eq!(client.get_with(FILES, &headers).status, 100);
    client.write_octets(format!("xyz{}", "x".repeat(KEPT - 2)).as_bytes()).expect("a body");
    assert_eq!(client.read_head().expect("a response").status, 201);
}

/// Red with a limit of 32 MiB: the journal has no room for three times as much, and no request.
#[test]
fn the_longest_text_of_a_body_is_recorded() {
    let emulator = start_default();
    let mut client = Client::connect(emulator.url());
    client
        .write_octets(format!("POST {FILES} HTTP/1.1\r\nhost: a\r\ncontent-length: {KEPT}\r\n\r\n").as_bytes())
        .expect("a head");
    client.write_octets(&vec![0xff; KEPT]).expect("a body");
    assert_eq!(client.read_head().expect("a response").status, 501);
    // Each octet is replaced by three.
    assert_eq!(emulator.requests().last().map(|request| request.body.len()), Some(3 * KEPT));
}

/// Red when each field was compared with all before it: no response within 30 s.
#[test]
fn a_form_of_many_fields_is_read_at_once() {
    let emulator = start_default();
    let mut client = Client::connect(emulator.url());
    let fields: Vec<_> = (0..120_000).map(|number| format!("{number}=")).collect();
    assert_eq!(client.form(&fields.join("&")).code(), (400, "invalid_request".to_owned()));
}
