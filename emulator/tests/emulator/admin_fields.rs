//! Admin requests that are not valid: the message names the field.

use kal_emulator::Config;
use serde_json::{Value, json};

use crate::client::Client;
use crate::{start, start_default};

/// Sends each field with values of every JSON type, and returns how many were refused.
fn refused(client: &mut Client, method: &str, name: &str, base: &Value, field: &str, place: &str) -> usize {
    let values = [json!(true), json!(-1), json!(1.5), json!(u64::MAX), json!("\n"), json!([1]), json!({"a": 1})];
    let mut refused = 0;
    for value in values {
        let mut body = base.clone();
        *body.pointer_mut(place).expect("an object") = {
            let mut object = base.pointer(place).expect("an object").clone();
            object[field] = value.clone();
            object
        };
        let reply = client.control(method, name, &body);
        // 409: valid, and there were other requests than expected.
        if ![200, 409].contains(&reply.status) {
            assert!([400, 422].contains(&reply.status), "{name} {field} {value}: {}", reply.status);
            assert!(reply.message().contains(field), "{name} {field} {value}: {}", reply.message());
            refused += 1;
        }
    }
    refused
}

/// Red with serde's own message, which has the line and the column only.
#[test]
fn a_value_of_the_wrong_type_is_refused_by_the_name_of_its_field() {
    let emulator = start(Config { events: 5, ..Config::default() });
    let mut client = Client::signed_in(&emulator);
    let snapshot: Value = serde_json::from_str(&emulator.snapshot()).expect("JSON");
    for (method, name, base, place, fields) in [
        (
            "POST",
            "faults",
            json!({}),
            "",
            "path method query request_headers request_body times after status headers content_type body body_base64 body_bytes \
             signed_in gzip redirect delay_ms dribble expire_tokens drop rst",
        ),
        ("POST", "faults", json!([{}, {}]), "/1", "path times"),
        (
            "POST",
            "verify",
            json!({}),
            "",
            "path method query request_headers request_body status times at_least at_most",
        ),
        ("POST", "events", json!({}), "", "count events"),
        ("POST", "events", json!({"events": []}), "", "unchecked"),
        ("POST", "events", json!({"count": 1}), "", "created_at event_type event_user_id resource_id resource_type"),
        ("POST", "data", json!({}), "", "workspace clients members groups events unchecked workspaces"),
        ("POST", "data", json!({"clients": [{"id": "c", "secret": "s"}]}), "/clients/0", "id secret expires_in"),
        ("PUT", "clock", json!({}), "", "now advance_ms real"),
        ("PUT", "snapshot", snapshot.clone(), "", "snapshot clock tokens workspaces"),
        ("PUT", "snapshot", snapshot.clone(), "/tokens", "access refresh revoked_families families"),
        ("PUT", "snapshot", snapshot, "/workspaces/0", "clients events instants seed next_event"),
    ] {
        for field in fields.split_whitespace() {
            assert!(refused(&mut client, method, name, &base, field, place) > 0, "{name} {field}");
        }
    }
}

/// Red when a struct is read from a list, its fields by position: a fault for every request.
#[test]
fn a_list_is_not_an_object() {
    let emulator = start_default();
    let mut client = Client::connect(emulator.url());
    for (method, name, body) in [
        ("POST", "faults", json!([["/workspaces"]])),
        ("POST", "verify", json!(["/workspaces"])),
        ("PUT", "clock", json!(["2026-01-01", null, null])),
    ] {
        let reply = client.control(method, name, &body);
        assert_eq!(reply.status, 400, "{name}");
        assert!(reply.message().contains("expected an object, found a list"), "{}", reply.message());
    }
    let reply = client.admin("faults", &json!([{}, {"status": 42}]));
    assert_eq!(reply.message(), "[1]: status 42 is not valid for a final response");
    assert_eq!(emulator.faults().len(), 0);
}
