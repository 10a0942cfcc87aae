//! The coding of a response whose headers a fault gives.

use kal_emulator::Fault;
use serde_json::json;

use crate::client::{Client, gunzip};
use crate::start_default;

const MEMBERS: &str = "/workspaces/members";
const GZIP: [(&str, &str); 1] = [("accept-encoding", "gzip")];

/// Red when the emulator compressed it again: `Content-Encoding: gzip` in place of `br`, `Vary: accept-encoding` in place of `Cookie`.
#[test]
fn a_body_that_has_a_coding_is_sent_as_it_is() {
    let emulator = start_default();
    let mut client = Client::connect(emulator.url());
    let body = "x".repeat(2000);
    for coding in ["br", "identity"] {
        emulator.fault(Fault::on(MEMBERS).body(&body).header("Content-Encoding", coding).header("Vary", "Cookie"));
        let reply = client.get_with(MEMBERS, &GZIP);
        assert_eq!((reply.headers("content-encoding"), reply.headers("vary")), (vec![coding], vec!["Cookie"]));
        assert_eq!(reply.body, body.as_bytes(), "{coding}");
    }
}

/// Red when the name was overwritten: `gzip` in place of `x-gzip`.
#[test]
fn a_body_that_a_fault_compresses_keeps_the_name_of_its_coding() {
    let emulator = start_default();
    let mut client = Client::connect(emulator.url());
    emulator.fault(Fault::on(MEMBERS).body("[1]").gzip().header("content-encoding", "x-gzip"));
    let reply = client.get(MEMBERS);
    assert_eq!((reply.headers("content-encoding"), gunzip(&reply.body)), (vec!["x-gzip"], b"[1]".to_vec()));
}

/// Red when the body was compressed nevertheless: `Content-Encoding: gzip` with a length of 2000, which it does not reach.
#[test]
fn a_declared_length_is_that_of_the_plain_body() {
    let emulator = start_default();
    let body = "x".repeat(2000);
    let given = |length: &str| {
        emulator.fault(Fault::on(MEMBERS).body(&body).header("Content-Length", length));
        let mut client = Client::connect(emulator.url());
        client.write("GET", MEMBERS, &[GZIP[0], ("connection", "close")], "").expect("a request");
        let text = String::from_utf8_lossy(&client.read_rest()).into_owned();
        let (head, rest) = text.split_once("\r\n\r\n").expect("a head");
        assert!(head.contains(&format!("content-length: {length}")) && !head.contains("content-encoding"), "{head}");
        assert_eq!(rest, body, "{length}");
    };
    for length in ["2000", "100", "3000"] {
        given(length);
    }
    let mut client = Client::signed_in(&emulator);
    let whole = client.get(MEMBERS).body;
    client.admin("faults", &json!({ "path": MEMBERS, "headers": { "content-length": "1000" } }));
    assert_eq!(client.get_with(MEMBERS, &GZIP).body, whole[..1000]);
}
