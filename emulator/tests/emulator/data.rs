//! The generated data: determined by the seed, with the edge cases of the API.

use std::collections::BTreeSet;

use kal_emulator::Config;
use serde_json::{Value, json};

use crate::client::{Client, ids, text};
use crate::{start, start_default};

const PATHS: [&str; 4] =
    ["/workspaces/active", "/workspaces/members", "/workspaces/groups", "/workspaces/events?page_size=1000"];

fn bodies(config: Config) -> Vec<String> {
    let emulator = start(config);
    let mut client = Client::signed_in(&emulator);
    PATHS.iter().map(|path| String::from_utf8(client.get(path).body).expect("UTF-8")).collect()
}

#[test]
fn the_same_seed_results_in_the_same_bytes() {
    let config = || Config { seed: 42, events: 600, members: 40, ..Config::default() };
    assert_eq!(bodies(config()), bodies(config()));
}

#[test]
fn another_seed_results_in_other_data() {
    let (one, other) = (bodies(Config::default()), bodies(Config { seed: 2, ..Config::default() }));
    for (one, other) in one.iter().zip(&other) {
        assert_ne!(one, other);
    }
}

#[test]
fn sizes_match_the_options() {
    for (members, groups, events) in [(0, 0, 0), (1, 1, 1), (0, 3, 5), (300, 30, 1000)] {
        let emulator = start(Config { members, groups, events, ..Config::default() });
        let mut client = Client::signed_in(&emulator);
        assert_eq!(client.get(PATHS[1]).list().len(), members);
        assert_eq!(client.get(PATHS[2]).list().len(), groups);
        assert_eq!(client.get(PATHS[3]).list().len(), events);
    }
}

#[test]
fn ids_are_unique_version_4_uuids() {
    let emulator = start(Config { members: 500, groups: 50, events: 1000, ..Config::default() });
    let mut client = Client::signed_in(&emulator);
    let mut all = BTreeSet::new();
    for path in &PATHS[1..] {
        all.extend(ids(&client.get(path).list()));
    }
    assert_eq!(all.len(), 1550);
    for id in all {
        let shape: String = id.chars().map(|c| if "0123456789abcdef".contains(c) { 'x' } else { c }).collect();
        assert_eq!(shape, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", "{id}");
        assert_eq!(id.as_bytes()[14], b'4', "{id}");
    }
}

#[test]
fn groups_and_events_refer_to_real_members() {
    let emulator = start(Config { members: 30, groups: 20, events: 500, ..Config::default() });
    let mut client = Client::signed_in(&emulator);
    let members = client.get(PATHS[1]).list();
    let known: BTreeSet<_> = ids(&members).into_iter().collect();
    let mut referred = 0;
    for group in client.get(PATHS[2]).list() {
        let users = group["user_ids"].as_array().expect("user ids").clone();
        let distinct: BTreeSet<_> = users.iter().map(|id| id.as_str().expect("an id")).collect();
        assert_eq!(distinct.len(), users.len(), "a member is in a group twice");
        assert!(distinct.iter().all(|id| known.contains(*id)));
        referred += distinct.len();
    }
    assert!(referred > 0);
    for event in client.get(PATHS[3]).list() {
        let user = text(&event, "event_user_id");
        let member = members.iter().find(|member| member["id"] == user.as_str()).expect("a member");
        assert_eq!(event["full_name"], member["full_name"]);
        assert_eq!(event["preferred_name"], member["preferred_name"]);
    }
}

#[test]
fn a_dozen_members_contain_every_edge_case() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    let body = String::from_utf8(client.get(PATHS[1]).body).expect("UTF-8");
    let members: Vec<Value> = serde_json::from_str(&body).expect("a list");
    assert!(body.contains("\\u00") || body.contains("\\u01"), "no escaped letter");
    assert!(body.contains("\\\"") && body.contains("\\n"), "no escaped quote or line break");
    for name in ["preferred_name", "email"] {
        assert!(members.iter().any(|member| member[name].is_null()), "{name} is never null");
        assert!(members.iter().any(|member| member[name].is_string()), "{name} is always null");
    }
    let levels = ["admin", "team-member", "guest", "viewer", "deactivated"];
    let known = |member: &&Value| levels.contains(&text(member, "access_level").as_str());
    let unknown = members.len() - members.iter().filter(known).count();
    assert_eq!(unknown, 1);
    assert!(members.iter().all(|member| member["workspace_id"].is_string() && member["settings"].is_object()));
}

#[test]
fn events_contain_every_edge_case() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    let body = String::from_utf8(client.get(PATHS[3]).body).expect("UTF-8");
    let events: Vec<Value> = serde_json::from_str(&body).expect("a list");
    for name in ["resource_id", "resource_type", "parent_bulk_event_id", "preferred_name"] {
        assert!(events.iter().any(|event| event[name].is_null()), "{name} is never null");
        assert!(events.iter().any(|event| event[name].is_string()), "{name} is always null");
    }
    assert!(events.iter().any(|event| event.get("event_attrs").is_none()), "event_attrs is never missing");
    assert!(events.iter().any(|event| event["event_attrs"] == json!({})), "event_attrs is never empty");
    let shapes: BTreeSet<Vec<&String>> = events
        .iter()
        .filter_map(|event| event["event_attrs"].as_object())
        .map(|attributes| attributes.keys().collect())
        .collect();
    assert!(shapes.len() >= 5, "{shapes:?}");
    assert!(!body.is_ascii() && body.contains("\\u"), "only one encoding of non-ASCII letters");

    let times: Vec<_> = events.iter().map(|event| text(event, "created_at")).collect();
    let fraction = |time: &String| time[19..].trim_end_matches('Z').trim_end_matches("+00:00").len();
    assert!(times.iter().any(|time| time.ends_with('Z') && fraction(time) == 4), "no milliseconds");
    assert!(times.iter().any(|time| time.ends_with("+00:00") && fraction(time) == 6), "no five digits");
    assert!(times.iter().any(|time| time.ends_with("+00:00") && fraction(time) == 7), "no six digits");
    assert!(times.windows(2).any(|pair| pair[0] == pair[1]), "no equal instants");

    let all: BTreeSet<_> = ids(&events).into_iter().collect();
    let bulk: BTreeSet<_> =
        events.iter().filter(|event| event["is_bulk"] == true).map(|event| text(event, "id")).collect();
    for parent in events.iter().filter_map(|event| event["parent_bulk_event_id"].as_str()) {
        assert!(all.contains(parent) && bulk.contains(parent));
    }
}

#[test]
fn lists_and_workspace_can_be_replaced() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    emulator.set_members(vec![json!({ "id": "m" })]);
    emulator.set_groups(vec![]);
    emulator.set_workspace(&Value::Null);
    assert_eq!(client.get(PATHS[1]).list(), [json!({ "id": "m" })]);
    assert!(client.get(PATHS[2]).list().is_empty());
    assert_eq!(client.get(PATHS[0]).body, b"null");

    let body = r#"{"members":[{"id":"\u0041","n":1e400}],"workspace":{"id":"w"}}"#;
    assert_eq!(client.send("POST", "/__emulator/data", &[], body).expect("a response").status, 200);
    assert_eq!(client.get(PATHS[1]).body, br#"[{"id":"\u0041","n":1e400}]"#);
    assert_eq!(client.get(PATHS[0]).json(), json!({ "id": "w" }));
    assert!(client.get(PATHS[2]).list().is_empty(), "other documents are unchanged");
    for bad in [json!({ "member": [] }), json!([]), Value::Null] {
        assert_eq!(client.admin("data", &bad).code(), (422, "invalid_data".into()), "{bad}");
    }
}

#[test]
fn invalid_requests_for_new_events_are_rejected() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    for bad in [
        json!({}),
        json!({ "count": -1 }),
        json!({ "count": 1_000_001 }),
        json!({ "count": 1, "created_at": "soon" }),
        json!({ "count": 1, "events": [] }),
        json!({ "counts": 1 }),
    ] {
        assert_eq!(client.admin("events", &bad).status, 400, "{bad}");
    }
    assert_eq!(client.get(PATHS[3]).list().len(), 250);
}
