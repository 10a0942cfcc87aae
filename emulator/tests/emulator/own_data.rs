//! Data of one's own: what is accepted, what is refused and how, and that a refused request changes nothing.

use std::sync::atomic::{AtomicBool, Ordering};

use kal_emulator::{Config, Data, Emulator};
use serde_json::{Value, json};

use crate::client::{Client, ids};
use crate::{start, start_default};

fn data(value: &Value) -> Data {
    Data::from_json(value).expect("valid data")
}

fn serving(value: &Value) -> Emulator {
    start(Config { data: Some(data(value)), ..Config::default() })
}

fn refused(text: &str) -> String {
    Data::parse(text.as_bytes()).expect_err("invalid data").to_string()
}

#[test]
fn records_are_served_as_they_are_written() {
    let workspace = r#"{"id":"w","workspace_name":null,"n":1e400}"#;
    let members = r#"[{"id":"\u00fc\ud83d\ude00","email":null, "more":[1]}]"#;
    let text = format!(r#"{{"workspace":{workspace},"members":{members}}}"#);
    let data = Data::parse(text.as_bytes()).expect("valid data");
    let emulator = start(Config { data: Some(data), ..Config::default() });
    let mut client = Client::signed_in(&emulator);
    assert_eq!(client.get("/workspaces/active").body, workspace.as_bytes());
    assert_eq!(client.get("/workspaces/members").body, members.as_bytes());
    assert!(client.get("/workspaces/groups").list().is_empty(), "what is not given is empty");
    assert!(client.get("/workspaces/events").list().is_empty(), "what is not given is empty");
}

#[test]
fn a_byte_order_mark_and_line_ends_of_windows_are_ignored() {
    let text = "\u{feff}{\r\n\"workspace\": {\"id\": \"w\"},\r\n\"members\": [\r\n]\r\n}\r\n";
    let data = Data::parse(text.as_bytes()).expect("valid data");
    let emulator = start(Config { data: Some(data), ..Config::default() });
    assert_eq!(Client::signed_in(&emulator).get("/workspaces/active").json(), json!({ "id": "w" }));
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    assert_eq!(client.send("POST", "/__emulator/data", &[], text).expect("a response").status, 200);
}

#[test]
fn what_is_not_a_record_is_refused_by_its_place() {
    for (text, why) in [
        ("", "it is empty, expected a JSON object"),
        (" \r\n", "it is empty, expected a JSON object"),
        ("{", "not valid JSON: EOF while parsing an object at line 1 column 1"),
        ("{}\n{}", "not valid JSON: trailing characters at line 2 column 1"),
        ("[]", "expected an object, found a list"),
        (
            r#"{"member": []}"#,
            r#"unknown key "member", expected one of workspaces, workspace, clients, members, groups, events, unchecked"#,
        ),
        (r#"{"members": [], "members": []}"#, "members is given twice"),
        (r#"{"members": {}}"#, "members: expected a list, found an object"),
        (r#"{"members": [{"id": "m"}, 17]}"#, "members[1]: expected an object, found the number 17"),
        (r#"{"members": [{}]}"#, "members[0]: id is missing"),
        (r#"{"members": [{"id": ""}]}"#, r#"members[0].id: expected a string that is not empty, found """#),
        (r#"{"members": [{"id": null}]}"#, "members[0].id: expected a string that is not empty, found null"),
        (r#"{"members": [{"id": "\ud800"}]}"#, r#"members[0].id: expected a string that is not empty, found "\ud800""#),
        (r#"{"members": [{"id": "m", "id": "n"}]}"#, "members[0].id is given twice"),
        (
            r#"{"members": [{"id": "m"}, {"id": "n", "email": 7}]}"#,
            "members[1].email: expected a string or null, found the number 7",
        ),
        (r#"{"members": [{"id": "é"}, {"id": "\u00e9"}]}"#, r#"members[1].id: "é" is the id of another one before it"#),
        (r#"{"workspace": null}"#, "workspace: expected an object, found null"),
        (
            r#"{"workspace": {"id": "w", "workspace_name": true}}"#,
            "workspace.workspace_name: expected a string or null, found a boolean",
        ),
        (
            r#"{"groups": [{"id": "g", "user_ids": null}]}"#,
            "groups[0].user_ids: expected a list of strings, found null",
        ),
        (
            r#"{"groups": [{"id": "g", "program_ids": [1]}]}"#,
            "groups[0].program_ids: expected a list of strings, found a list",
        ),
        (
            r#"{"members": [{"id": "m"}], "groups": [{"id": "g", "user_ids": ["m", "n"]}]}"#,
            r#"groups[0].user_ids[1]: no member has the id "n""#,
        ),
        (
            r#"{"events": [{"id": "e", "created_at": "soon"}]}"#,
            r#"events[0].created_at: expected a date such as 2026-01-02T03:04:05Z, or null, found "soon""#,
        ),
        (
            r#"{"events": [{"id": "e", "created_at": "2026-02-30T00:00:00Z"}]}"#,
            r#"events[0].created_at: expected a date such as 2026-01-02T03:04:05Z, or null, found "2026-02-30T00:00:00Z""#,
        ),
        (
            r#"{"events": [{"id": "e", "event_type_version": 1.5}]}"#,
            "events[0].event_type_version: expected an integer or null, found the number 1.5",
        ),
        (r#"{"events": [{"id": "e", "event_attrs": null}]}"#, "events[0].event_attrs: expected an object, found null"),
        (
            r#"{"events": [{"id": "e", "is_bulk": "no"}]}"#,
            r#"events[0].is_bulk: expected a boolean or null, found "no""#,
        ),
        (r#"{"clients": []}"#, "clients is empty, expected at least one"),
        (r#"{"clients": [{"id": "c"}]}"#, "clients[0]: missing field `secret`"),
        (r#"{"unchecked": 1}"#, "unchecked: expected true or false, found the number 1"),
        (r#"{"workspaces": []}"#, "workspaces is empty, expected at least one"),
        (r#"{"workspaces": [{"members": []}]}"#, "workspaces[0].workspace is missing"),
        (
            r#"{"workspaces": [{"workspace": {"id": "w"}, "members": [{"id": 1}]}]}"#,
            "workspaces[0].members[0].id: expected a string that is not empty, found the number 1",
        ),
        (
            r#"{"workspaces": [{"workspace": {"id": "w"}, "groups": [{"id": "g", "user_ids": ["m"]}]}]}"#,
            r#"workspaces[0].groups[0].user_ids[0]: no member has the id "m""#,
        ),
        (
            r#"{"workspaces": [{"workspace": {"id": "w"}}], "members": []}"#,
            "members belongs into an item of workspaces when there is such a list",
        ),
    ] {
        assert_eq!(refused(text), why, "{text}");
    }
    let not_utf8 = Data::parse(b"{\"workspace\": {\"id\": \"\xff\"}}").expect_err("invalid data").to_string();
    assert!(not_utf8.starts_with("not valid JSON: "), "{not_utf8}");
}

/// Red when data is replaced before the groups are checked.
#[test]
fn a_refused_request_changes_nothing() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    let before = emulator.snapshot();
    let groups = json!([{ "id": "g", "user_ids": ["nobody"] }]);
    for (bad, why) in [
        (
            json!({ "members": [{ "id": "m" }], "events": [{ "id": "e", "is_bot": 1 }] }),
            "events[0].is_bot: expected a boolean or null, found the number 1",
        ),
        (json!({ "events": [], "groups": groups }), r#"groups[0].user_ids[0]: no member has the id "nobody""#),
        (
            json!({ "workspaces": [{ "workspace": { "id": "a" } }, { "workspace": { "id": "b" } }] }),
            "the client \"demo-client\" is there twice; a client belongs to one workspace, and one without clients has \
             that of the options",
        ),
    ] {
        let reply = client.admin("data", &bad);
        assert_eq!((reply.code(), reply.message()), ((422, "invalid_data".into()), why.into()), "{bad}");
    }
    assert_eq!(client.admin("data?client=other", &json!({})).message(), r#"no workspace has the client "other""#);
    assert_eq!(client.admin("data?clint=other", &json!({})).status, 400);
    assert_eq!(emulator.snapshot(), before);
    assert_eq!(client.get("/workspaces/active").status, 200, "its token is still valid");
}

#[test]
fn groups_may_name_the_members_that_are_there() {
    let emulator = serving(&json!({ "workspace": { "id": "w" }, "members": [{ "id": "m" }] }));
    let mut client = Client::signed_in(&emulator);
    let groups = json!({ "groups": [{ "id": "g", "user_ids": ["m"] }] });
    assert_eq!(client.admin("data", &groups).status, 200);
    assert_eq!(client.get("/workspaces/groups").json(), groups["groups"]);
}

#[test]
fn odd_data_is_served_when_it_is_said_to_be_unchecked() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    let odd = json!({
        "unchecked": true, "workspace": null, "members": [{ "id": "m" }, { "id": "m" }, 7], "groups": {},
        "events": [{ "id": "e", "created_at": 1 }, null, { "id": "e" }],
    });
    assert_eq!(client.admin("data", &odd).status, 200);
    assert_eq!(client.get("/workspaces/active").json(), odd["workspace"]);
    assert_eq!(client.get("/workspaces/members").json(), odd["members"]);
    assert_eq!(client.get("/workspaces/groups").json(), odd["groups"]);
    assert_eq!(client.get("/workspaces/events").list(), [json!({ "id": "e" }), Value::Null, odd["events"][0].clone()]);
    // Generated events are by the members that have an id.
    emulator.append_events(1);
    assert_eq!(client.get("/workspaces/events").list()[0]["event_user_id"], "m");
    assert_eq!(client.admin("data", &json!({ "unchecked": true, "events": {} })).status, 422, "events are a list");
    let several = json!({ "unchecked": true, "workspaces": [{ "workspace": 7, "members": {} }] });
    assert_eq!(client.admin("data", &several).status, 200);
    assert_eq!(client.get("/workspaces/members").json(), json!({}));
}

#[test]
fn generated_events_are_by_the_members_that_are_given() {
    let members = json!([{ "id": "ü", "full_name": "Üna" }, { "id": "v", "preferred_name": "V", "full_name": null }]);
    let emulator = serving(&json!({ "workspace": { "id": "w" }, "members": members }));
    emulator.append_events(40);
    let events = Client::signed_in(&emulator).get("/workspaces/events").list();
    let (mut first, mut second) = (0, 0);
    for event in &events {
        assert_eq!(event["workspace_id"], "w");
        if event["event_user_id"] == "ü" {
            assert_eq!((&event["full_name"], &event["preferred_name"]), (&json!("Üna"), &Value::Null));
            first += 1;
        } else {
            assert_eq!((&event["event_user_id"], &event["full_name"]), (&json!("v"), &Value::Null));
            assert_eq!(event["preferred_name"], "V");
            second += 1;
        }
    }
    assert!(first > 0 && second > 0, "{first} {second}");
    let query = "/workspaces/events?event_user_ids=%5B%22%C3%BC%22%5D";
    assert_eq!(Client::signed_in(&emulator).get(query).list().len(), first);
}

#[test]
fn as_many_members_are_served_as_the_options_allow() {
    let list = |count: usize| {
        let members: Vec<_> = (0..count).map(|index| format!(r#"{{"id":"m{index}","full_name":"N"}}"#)).collect();
        format!(r#"{{"workspace":{{"id":"w"}},"members":[{}]}}"#, members.join(","))
    };
    assert_eq!(refused(&list(100_001)), "members has 100001 items, the maximum is 100000");
    let data = Data::parse(list(100_000).as_bytes()).expect("valid data");
    let emulator = start(Config { data: Some(data), ..Config::default() });
    let members = Client::signed_in(&emulator).get("/workspaces/members").list();
    assert_eq!((members.len(), ids(&members[99_999..])), (100_000, vec!["m99999".to_owned()]));
}

/// Given in reverse: one insertion after the other would move each event past all before it.
#[test]
fn events_are_ordered_by_their_time_whatever_the_order_given() {
    let event = |index: usize| {
        let at = format!("2026-01-01T{:02}:{:02}:{:02}Z", index / 3600 % 24, index / 60 % 60, index % 60);
        json!({ "id": format!("e{index}"), "created_at": at })
    };
    let events: Vec<_> = (0..80_000).rev().map(event).collect();
    let emulator = serving(&json!({ "workspace": { "id": "w" }, "events": events }));
    let mut client = Client::signed_in(&emulator);
    assert_eq!(ids(&client.get("/workspaces/events?page_size=2").list()), ["e79999", "e79998"]);
    assert_eq!(ids(&client.get("/workspaces/events?page_size=2&page=40000").list()), ["e1", "e0"]);
}

/// Red when groups are replaced under a lock of their own, a millisecond after the rest.
#[test]
fn a_reader_sees_all_of_the_old_data_or_all_of_the_new() {
    // Long enough that a reader waits for the lock.
    let generation = |index: usize| {
        let id = index.to_string();
        let member = |n: usize| json!({ "id": if n == 0 { id.clone() } else { format!("{id}-{n}") } });
        data(&json!({
            "workspace": { "id": id }, "members": (0..300).map(member).collect::<Vec<_>>(),
            "groups": [{ "id": id, "user_ids": [id] }], "events": [{ "id": id, "created_at": "2026-01-01" }],
        }))
    };
    let emulator = start(Config { data: Some(generation(0)), threads: 2, ..Config::default() });
    let is_read = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for index in 1..100_000 {
                if is_read.load(Ordering::Relaxed) {
                    break;
                }
                emulator.set_data(None, &generation(index)).expect("valid data");
            }
        });
        let mut client = Client::signed_in(&emulator);
        let mut last = 0;
        let mut check = || {
            // A snapshot reads all parts at once; the requests after it may only be newer.
            let all: Value = serde_json::from_str(&emulator.snapshot()).expect("JSON");
            let workspace = &all["workspaces"][0];
            let parts = ["members", "groups", "events"].map(|part| &workspace[part][0]["id"]);
            let mut reads = vec![parts.iter().all(|id| **id == workspace["workspace"]["id"])];
            for path in ["members", "groups", "events", "active"] {
                let read = client.get(&format!("/workspaces/{path}")).json();
                let id = read.get(0).unwrap_or(&read)["id"].as_str().map_or(0, |id| id.parse().unwrap_or(0));
                reads.push(last <= id);
                last = id;
            }
            reads.into_iter().all(|is_right| is_right)
        };
        let is_right = (0..100).all(|_| check());
        is_read.store(true, Ordering::Relaxed);
        writer.join().expect("no panic");
        assert!(is_right, "parts of two generations at once");
    });
}

/// Red when the groups stayed as they were: they had the ids of the members that were gone.
#[test]
fn groups_lose_the_members_that_are_gone() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    let groups = r#"[ {"id": "g", "user_ids": ["m1", "\u006d2","m3"], "n": 1.10}, {"user_ids":[ ] , "id":"h"}, {"id":"i"},{"id":"j","user_ids":["m2"]}]"#;
    let both = format!(r#"{{"members": [{{"id": "m1"}}, {{"id": "m2"}}, {{"id": "m3"}}], "groups": {groups}}}"#);
    assert_eq!(client.send("POST", "/__emulator/data", &[], &both).expect("a response").status, 200);
    assert_eq!(client.get("/workspaces/groups").body, groups.as_bytes());
    assert_eq!(client.admin("data", &json!({ "members": [{ "id": "m2" }, { "id": "new" }] })).status, 200);
    let rest = r#"[ {"id": "g", "user_ids": ["\u006d2"], "n": 1.10}, {"user_ids":[ ] , "id":"h"}, {"id":"i"},{"id":"j","user_ids":["m2"]}]"#;
    assert_eq!(String::from_utf8_lossy(&client.get("/workspaces/groups").body), rest);
    let served = client.get("/workspaces/groups").json();
    assert_eq!(client.admin("data", &json!({ "groups": served })).status, 200, "they are valid");
    // Neither are they changed by what is not checked, nor is it by them.
    assert_eq!(client.admin("data", &json!({ "unchecked": true, "members": [] })).status, 200);
    assert_eq!(client.get("/workspaces/groups").json(), served);
    assert_eq!(
        client.admin("data", &json!({ "unchecked": true, "groups": [7, { "user_ids": [8, "a"] }] })).status,
        200
    );
    assert_eq!(client.admin("data", &json!({ "members": [] })).status, 200);
    assert_eq!(client.get("/workspaces/groups").json(), json!([7, { "user_ids": [8] }]));
}
