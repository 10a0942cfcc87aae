//! The methods of the workspace service and their results.

mod common;

use common::{client, emulator, get};
use kal_emulator::{Config, Fault};
use kaleidoscope::service::workspace::{GET_EVENTS, GET_GROUPS, GET_MEMBERS, GET_MEMBERS_BY_IDS, GET_WORKSPACE};
use kaleidoscope::service::{Operation, Params, Source, Value};
use kaleidoscope::{CallOptions, ErrorKind};
use serde_json::json;

#[test]
fn every_method_returns_its_records() {
    let emulator = emulator(Config::default());
    let client = client(&emulator);
    for (method, count) in [(&GET_WORKSPACE, 1), (&GET_MEMBERS, 12), (&GET_GROUPS, 4), (&GET_EVENTS, 100)] {
        let answer = get(&client, method).expect(method.name);
        assert_eq!(answer.rows().len(), count, "{}", method.name);
        assert!(serde_json::from_slice::<serde_json::Value>(answer.json()).is_ok(), "{}", method.name);
    }
}

#[test]
fn members_by_ids_are_returned_once_in_the_servers_order() {
    let emulator = emulator(Config::default());
    let client = client(&emulator);
    let all: serde_json::Value =
        serde_json::from_slice(get(&client, &GET_MEMBERS).expect("members").json()).expect("JSON");
    let id = |row: usize| all[row]["id"].as_str().expect("an id").to_owned();
    let mut params = Params::new(&GET_MEMBERS_BY_IDS);
    params.set("ids", Value::TextList(vec![id(7), "unknown".into(), id(2), id(7)])).expect("ids");
    let some = client.call(params, &CallOptions::default()).expect("members");
    assert_eq!(some.rows().collect::<Vec<_>>(), [2, 7]);
    let json: serde_json::Value = serde_json::from_slice(some.json()).expect("JSON");
    assert_eq!(json, json!([all[2], all[7]]), "including fields unknown to the library");
    assert_eq!(client.stats().cache_hits, 1);
    assert_eq!(emulator.counts().token_requests, 1);
}

#[test]
fn an_empty_response_is_handled_per_method() {
    let emulator = emulator(Config::default());
    let client = client(&emulator);
    let answers: [(u16, &str); 4] = [(204, ""), (200, ""), (200, " \r\n"), (200, " null ")];
    for (status, body) in answers {
        let empty = |operation: &'static Operation| {
            emulator.fault(Fault::on(path_of(operation)).status(status).body(body));
            get(&client, operation).map(|answer| answer.json().to_vec())
        };
        assert_eq!(empty(&GET_WORKSPACE).expect_err("none").kind(), ErrorKind::NotFound);
        assert_eq!(empty(&GET_MEMBERS).expect_err("none").kind(), ErrorKind::BadResponse);
        assert_eq!(empty(&GET_GROUPS).expect_err("none").kind(), ErrorKind::BadResponse);
        assert_eq!(empty(&GET_EVENTS).expect("an empty list"), b"[]");
    }
    assert!(get(&client, &GET_WORKSPACE).is_ok(), "none of it was cached");
}

#[test]
fn an_unexpected_answer_is_an_error_with_its_path_and_body() {
    let emulator = emulator(Config::default());
    let client = client(&emulator);
    for (body, expected) in [
        ("<html>please sign in</html>", "workspace.get_members: unusable response: "),
        (r#"[{"id":"1"},{"id":"2"#, "unexpected end of input"),
        (r#"{"id":"1"}"#, "expected an array"),
        (r#"[{"id":"1"},{"id":2}]"#, "members[1].id"),
        (r#"[{"id":"1"},{"full_name":"x"}]"#, "members[1].id"),
        (r#"[{"id":"1","email":{}}]"#, "members[0].email"),
        (r#"[{"id":"1"},null]"#, "members[1]"),
        ("\u{feff}[]", "members"),
    ] {
        emulator.fault(Fault::on("/workspaces/members").status(200).body(body));
        let error = get(&client, &GET_MEMBERS).expect_err(body);
        assert_eq!(error.kind(), ErrorKind::BadResponse, "{body}");
        assert!(error.to_string().contains(expected), "{body} resulted in {error}");
        let details = error.details();
        assert_eq!(details.body.as_deref(), Some(body.as_bytes()));
        assert_eq!((details.http_status, details.attempts), (Some(200), 1));
        assert_eq!(details.url.as_deref(), Some("/workspaces/members"));
    }
    assert!(get(&client, &GET_MEMBERS).is_ok(), "none of it was cached");
}

fn path_of(operation: &'static Operation) -> &'static str {
    match &operation.source {
        Source::Endpoint(endpoint) => endpoint.path,
        Source::RowsOf(_) | Source::Request => unreachable!("has no path of its own"),
    }
}
