//! Every kind of fault, from Rust and over HTTP.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use kal_emulator::{Config, DropPoint, Fault};
use serde_json::{Value, json};

use crate::client::{Client, gunzip};
use crate::{eventually, start, start_default};

const MEMBERS: &str = "/workspaces/members";

fn statuses(client: &mut Client, path: &str, count: usize) -> Vec<u16> {
    (0..count).map(|_| client.get(path).status).collect()
}

#[test]
fn a_fault_applies_as_often_as_configured() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    emulator.fault(Fault::on(MEMBERS).status(503).times(2).header("Retry-After", "1"));
    let reply = client.get(MEMBERS);
    assert_eq!(reply.code(), (503, "injected_fault".into()));
    assert_eq!(reply.header("retry-after"), Some("1"));
    assert_eq!(statuses(&mut client, "/workspaces/groups", 1), [200]);
    assert_eq!(statuses(&mut client, MEMBERS, 3), [503, 200, 200]);
}

#[test]
fn a_fault_with_times_0_lasts_until_reset() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    emulator.fault(Fault::everywhere().status(500).times(0).after(1));
    assert_eq!(statuses(&mut client, MEMBERS, 4), [200, 500, 500, 500]);
    emulator.reset();
    assert_eq!(statuses(&mut client, MEMBERS, 2), [200, 200]);
}

#[test]
fn faults_of_other_methods_and_paths_do_not_apply() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    emulator.fault(Fault::on("/auth").method("POST").status(500).body("token trouble"));
    assert_eq!(statuses(&mut client, MEMBERS, 1), [200]);
    let reply = client.grant("demo-client", "demo-secret");
    assert_eq!((reply.status, reply.body.as_slice()), (500, &b"token trouble"[..]));
    assert_eq!(client.grant("demo-client", "demo-secret").status, 200);
}

#[test]
fn faults_can_be_added_over_http_one_or_many() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    let one = json!({ "path": MEMBERS, "status": 429, "headers": { "Retry-After": "7" } });
    let many =
        json!([{ "path": "*", "status": 502, "body": "<html>" , "content_type": "text/html" }, { "status": 504 }]);
    assert_eq!(client.admin("faults", &one).json(), json!({ "added": 1, "ids": [1] }));
    assert_eq!(client.admin("faults", &many).json(), json!({ "added": 2, "ids": [2, 3] }));
    assert_eq!(client.get(MEMBERS).header("retry-after"), Some("7"));
    let html = client.get(MEMBERS);
    assert_eq!((html.status, html.header("content-type")), (502, Some("text/html")));
    assert_eq!(html.body, b"<html>");
    assert_eq!(statuses(&mut client, MEMBERS, 2), [504, 200]);
}

#[test]
fn invalid_faults_are_rejected_with_their_whole_list() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    for body in [
        json!({ "status": 42 }),
        json!({ "status": 101 }),
        json!([{ "status": 500 }, { "headers": { "a b": "c" } }]),
        json!({ "headers": { "a": "b\r\nc: d" } }),
        json!({ "redirect": "http://a\n" }),
        json!({ "stauts": 500 }),
        json!({ "drop": "sometimes" }),
        json!("500"),
        Value::Null,
    ] {
        assert_eq!(client.admin("faults", &body).code(), (400, "bad_admin_request".into()), "{body}");
    }
    assert_eq!(statuses(&mut client, MEMBERS, 1), [200]);
}

#[test]
#[should_panic(expected = "invalid fault")]
fn an_invalid_fault_panics_in_rust() {
    start_default().fault(Fault::everywhere().status(42));
}

#[test]
fn headers_alone_are_added_to_the_usual_response() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    let usual = client.get(MEMBERS).body;
    emulator.fault(Fault::on(MEMBERS).header("Deprecation", "true").content_type("text/plain"));
    let reply = client.get(MEMBERS);
    assert_eq!(reply.header("deprecation"), Some("true"));
    assert_eq!(reply.header("content-type"), Some("text/plain"));
    assert_eq!(reply.body, usual);
}

/// Red when the emulator's own took its place: a UUID, and so in the recorded request.
#[test]
fn a_request_id_is_sent_and_recorded_as_given() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    emulator.fault(Fault::on(MEMBERS).status(500).header("X-Request-Id", "r1"));
    emulator.fault(Fault::on(MEMBERS).header("x-request-id", "r2").header("x-request-id", "r3"));
    assert_eq!(client.get(MEMBERS).headers("x-request-id"), ["r1"]);
    assert_eq!(client.get(MEMBERS).headers("x-request-id"), ["r2", "r3"]);
    let own = client.get(MEMBERS).header("x-request-id").map(str::to_owned);
    let recorded: Vec<_> = emulator.requests().into_iter().skip(1).map(|request| request.request_id).collect();
    assert_eq!(recorded, ["r1".to_owned(), "r2".to_owned(), own.expect("an id")]);
}

#[test]
fn a_delay_precedes_the_usual_response() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    emulator.fault(Fault::on(MEMBERS).delay(Duration::from_millis(80)));
    let begun = Instant::now();
    assert_eq!(statuses(&mut client, MEMBERS, 1), [200]);
    assert!(begun.elapsed() >= Duration::from_millis(80));
}

#[test]
fn latency_is_added_to_api_and_token_responses() {
    let latency = Duration::from_millis(40);
    let emulator = start(Config { latency, ..Config::default() });
    let begun = Instant::now();
    let mut client = Client::signed_in(&emulator);
    assert!(begun.elapsed() >= latency);
    let begun = Instant::now();
    client.get(MEMBERS);
    assert!(begun.elapsed() >= latency);
}

#[test]
fn a_drop_before_the_response_sends_nothing_and_handles_nothing() {
    let emulator = start_default();
    let mut client = Client::connect(emulator.url());
    let refresh = client.grant("demo-client", "demo-secret").json()["refresh_token"].clone();
    let refresh = refresh.as_str().expect("a token");
    emulator.fault(Fault::on("/auth").drop_connection(DropPoint::Before));
    let form = format!("grant_type=refresh_token&refresh_token={refresh}");
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    client.write("POST", "/auth/oauth/token", &headers, &form).expect("the request is sent");
    assert!(client.read_rest().is_empty());
    let mut client = Client::connect(emulator.url());
    assert_eq!(client.refresh(refresh).status, 200, "the token was used");
}

#[test]
fn a_drop_after_the_header_sends_the_whole_header_and_handles_the_request() {
    let emulator = start_default();
    let mut client = Client::connect(emulator.url());
    let refresh = client.grant("demo-client", "demo-secret").json()["refresh_token"].clone();
    let refresh = refresh.as_str().expect("a token");
    emulator.fault(Fault::on("/auth").drop_connection(DropPoint::Headers));
    let form = format!("grant_type=refresh_token&refresh_token={refresh}");
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    client.write("POST", "/auth/oauth/token", &headers, &form).expect("the request is sent");
    let rest = String::from_utf8(client.read_rest()).expect("text");
    assert!(rest.starts_with("HTTP/1.1 200 OK\r\n"), "{rest}");
    assert!(rest.contains("content-length: "), "{rest}");
    assert!(rest.ends_with("\r\n\r\n"), "{rest}");
    let mut client = Client::connect(emulator.url());
    assert_eq!(client.refresh(refresh).status, 400, "the token was not used");
}

#[test]
fn a_drop_in_the_body_sends_half_of_it() {
    let emulator = start(Config { tls: true, ..Config::default() });
    let ca = emulator.ca_pem().expect("a CA");
    let mut client = Client::connect_tls(emulator.url(), "localhost", ca).expect("a TLS connection");
    client.sign_in(&emulator);
    let whole = client.get(MEMBERS).body;
    emulator.fault(Fault::on(MEMBERS).drop_connection(DropPoint::Body));
    let error = client.try_get(MEMBERS, &[]).expect_err("the body breaks off");
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);

    let plain = start_default();
    let mut client = Client::signed_in(&plain);
    plain.fault(Fault::everywhere().status(500).body("12345678").drop_connection(DropPoint::Body));
    client.write("GET", MEMBERS, &[], "").expect("the request is sent");
    let rest = String::from_utf8(client.read_rest()).expect("text");
    assert!(rest.contains("content-length: 8\r\n"), "{rest}");
    assert!(rest.ends_with("\r\n\r\n1234"), "{rest}");
    assert!(!whole.is_empty());
}

#[test]
fn a_hang_lasts_until_the_client_closes_the_connection() {
    let emulator = start_default();
    let mut client = Client::connect(emulator.url());
    emulator.fault(Fault::on(MEMBERS).drop_connection(DropPoint::Hang));
    client.write("GET", MEMBERS, &[], "").expect("the request is sent");
    eventually("the request arrives", || emulator.counts().total == 1);
    assert_eq!(emulator.counts().open_connections, 1);
    // Other clients are served during the hang.
    let mut other = Client::signed_in(&emulator);
    assert_eq!(statuses(&mut other, MEMBERS, 1), [200]);
    drop(client);
    eventually("the hanging connection ends", || emulator.counts().open_connections == 1);
}

#[test]
fn tokens_can_expire_just_before_a_request() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    emulator.fault(Fault::on(MEMBERS).after(1).expire_tokens());
    assert_eq!(statuses(&mut client, MEMBERS, 3), [200, 401, 401]);
    client.sign_in(&emulator);
    assert_eq!(statuses(&mut client, MEMBERS, 1), [200]);
}

#[test]
fn a_redirect_has_its_target() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    emulator.fault(Fault::on(MEMBERS).redirect("http://127.0.0.1:1/elsewhere"));
    emulator.fault(Fault::on(MEMBERS).redirect("/login").status(307));
    let reply = client.get(MEMBERS);
    assert_eq!((reply.status, reply.header("location")), (302, Some("http://127.0.0.1:1/elsewhere")));
    let reply = client.get(MEMBERS);
    assert_eq!((reply.status, reply.header("location")), (307, Some("/login")));
}

#[test]
fn a_padded_body_is_a_json_list_of_exactly_that_size_without_a_length() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    for (requested, sent) in [(0, 2), (2, 2), (3, 3), (5_000_001, 5_000_001)] {
        emulator.fault(Fault::on(MEMBERS).body_bytes(requested));
        let reply = client.get(MEMBERS);
        assert_eq!(reply.header("content-length"), None);
        assert_eq!(reply.body.len(), sent);
        assert_eq!(reply.json(), json!([]));
    }
    emulator.fault(Fault::on(MEMBERS).body_bytes(4).header("content-length", "4"));
    assert_eq!(client.get(MEMBERS).body, b"[  ]");
}

#[test]
fn a_padded_body_can_be_compressed_far_below_its_size() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    emulator.fault(Fault::on(MEMBERS).body_bytes(10_000_000).gzip());
    let reply = client.get(MEMBERS);
    assert_eq!(reply.header("content-encoding"), Some("gzip"));
    assert!(reply.body.len() < 100_000);
    assert_eq!(gunzip(&reply.body).len(), 10_000_000);
}

#[test]
fn a_compressed_padded_body_can_be_truncated() {
    let emulator = start_default();
    for point in [DropPoint::Headers, DropPoint::Body] {
        let mut client = Client::signed_in(&emulator);
        emulator.fault(Fault::on(MEMBERS).body_bytes(50_000_000).gzip().drop_connection(point));
        client.start_get(MEMBERS);
        let rest = client.read_rest();
        // The last chunk, of length 0, is missing.
        assert!(!rest.ends_with(b"0\r\n\r\n"));
        let body = rest.len() > 10_000;
        assert_eq!(body, point == DropPoint::Body, "{} octets", rest.len());
    }
}

#[test]
fn a_response_without_content_has_no_body() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    emulator.fault(Fault::on(MEMBERS).status(204));
    emulator.fault(Fault::on(MEMBERS).status(200));
    emulator.fault(Fault::on(MEMBERS).status(200).body("null"));
    assert_eq!((client.get(MEMBERS).status, client.get(MEMBERS).body.len()), (204, 0));
    assert_eq!(client.get(MEMBERS).json(), Value::Null);
}

/// Red without a maximum: each further fault, and each request, looked at all of them.
#[test]
fn the_active_faults_are_bounded() {
    let emulator = start_default();
    let mut client = Client::connect(emulator.url());
    let many = vec![json!({ "path": "/x" }); 9_999];
    assert_eq!(client.admin("faults", &json!(many)).status, 200);
    assert_eq!(client.admin("faults", &json!({ "path": "/y" })).status, 200);
    let reply = client.admin("faults", &json!({}));
    let message = "10000 faults are active already, the maximum is 10000: delete some, or reset";
    assert_eq!((reply.status, reply.message()), (400, message.to_owned()));
    client.get("/y");
    assert_eq!(client.admin("faults", &json!({ "path": "/y" })).status, 200, "one is used up");
    client.admin("reset", &json!({}));
    assert_eq!(client.admin("faults", &json!({})).status, 200);
}
