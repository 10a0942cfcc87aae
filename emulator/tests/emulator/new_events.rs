//! Events that a test adds, replaces and removes, and the fields that it chooses.

use kal_emulator::{Config, Emulator, NewEvents};
use serde_json::{Value, json};

use crate::client::{Client, encode, ids, text};
use crate::{start, start_default};

fn all(client: &mut Client) -> Vec<Value> {
    client.get("/workspaces/events?page_size=1000").list()
}

fn few() -> Emulator {
    start(Config { events: 3, ..Config::default() })
}

#[test]
fn a_generated_event_has_the_chosen_fields() {
    let emulator = few();
    let mut client = Client::signed_in(&emulator);
    let member = client.get("/workspaces/members").list().remove(7);
    let user = text(&member, "id");
    let chosen = json!({
        "count": 2, "event_type": "archive", "event_user_id": user, "resource_id": "r-1", "resource_type": "plate",
        "created_at": "2031-01-01T00:00:00Z",
    });
    let added = client.admin("events", &chosen).json();
    let list = all(&mut client);
    assert_eq!(json!([list[1]["id"], list[0]["id"]]), added["ids"]);
    for event in &list[..2] {
        for name in ["event_type", "event_user_id", "resource_id", "resource_type"] {
            assert_eq!(event[name], chosen[name], "{name}");
        }
        assert_eq!((&event["full_name"], &event["preferred_name"]), (&member["full_name"], &member["preferred_name"]));
        assert!(text(event, "created_at").starts_with("2031-01-01T00:00:00"));
    }
    // And filters find it.
    let users = encode(&format!("[\"{user}\"]"));
    for query in [format!("event_user_ids={users}&resource_type=plate"), "event_types=%5B%22archive%22%5D".into()] {
        assert_eq!(client.get(&format!("/workspaces/events?{query}")).list(), list[..2], "{query}");
    }
}

#[test]
fn the_same_is_chosen_from_rust() {
    let emulator = few();
    let mut client = Client::signed_in(&emulator);
    let user = text(&client.get("/workspaces/members").list()[1], "id");
    let new = NewEvents { count: 1, event_user_id: Some(user.clone()), ..NewEvents::default() };
    assert_eq!(emulator.add_events(None, &new).expect("an event"), ids(&all(&mut client)[..1]));
    assert_eq!(all(&mut client)[0]["event_user_id"], user.as_str());
    let nobody = NewEvents { event_user_id: Some("nobody".into()), ..new };
    let why = emulator.add_events(None, &nobody).expect_err("no such member").to_string();
    assert_eq!(why, r#"event_user_id: no member has the id "nobody""#);
}

#[test]
fn events_are_replaced_by_given_or_generated_ones() {
    let emulator = few();
    let mut client = Client::signed_in(&emulator);
    let given =
        json!({ "events": [{ "id": "a", "created_at": "2026-01-01" }, { "id": "b", "created_at": "2026-01-02" }] });
    assert_eq!(client.control("PUT", "events", &given).json(), json!({ "ids": ["a", "b"] }));
    assert_eq!(ids(&all(&mut client)), ["b", "a"]);
    assert_eq!(client.control("PUT", "events", &given).status, 200, "their own ids are free again");
    let made = client.control("PUT", "events", &json!({ "count": 2 })).json();
    assert_eq!(json!([all(&mut client)[1]["id"], all(&mut client)[0]["id"]]), made["ids"]);
    assert_eq!(all(&mut client).len(), 2);
}

/// Red when ids are counted anew: a client that remembers ids ignores the new events.
#[test]
fn the_id_of_a_removed_event_does_not_return() {
    let emulator = few();
    let mut client = Client::signed_in(&emulator);
    let mut seen = ids(&all(&mut client));
    seen.extend(emulator.append_events(3));
    assert_eq!(client.control("DELETE", "events", &Value::Null).status, 200);
    assert!(all(&mut client).is_empty());
    let new = emulator.append_events(6);
    assert!(new.iter().all(|id| !seen.contains(id)), "{new:?}");
    emulator.remove_events(None).expect("the first workspace");
    assert!(all(&mut client).is_empty());
}

#[test]
fn one_event_is_removed_by_its_id() {
    let emulator = few();
    let mut client = Client::signed_in(&emulator);
    let generated = ids(&all(&mut client));
    emulator.append_raw_events(["ü /+&?", "plain"].map(|id| json!({ "id": id, "created_at": "2026-01-01" })));
    let odd = format!("events/{}", encode("ü /+&?"));
    assert_eq!(client.control("DELETE", &odd, &Value::Null).status, 200);
    assert_eq!(ids(&all(&mut client)), ["plain".to_owned()].into_iter().chain(generated.clone()).collect::<Vec<_>>());
    assert!(emulator.remove_event(None, &generated[1]).expect("the first workspace"));
    assert!(!emulator.remove_event(None, &generated[1]).expect("the first workspace"), "it is gone");
    assert_eq!(ids(&all(&mut client)), ["plain", &generated[0], &generated[2]]);
    let reply = client.control("DELETE", "events/nothing", &Value::Null);
    assert_eq!((reply.code(), reply.message()), ((404, "not_found".into()), r#"there is no event "nothing""#.into()));
    assert_eq!(client.control("DELETE", "events/%zz", &Value::Null).status, 404);
    // Its id may be given again.
    let again = json!({ "events": [{ "id": "ü /+&?" }, { "id": generated[1] }] });
    assert_eq!(client.admin("events", &again).status, 200);
}

#[test]
fn given_events_are_checked_unless_they_are_said_to_be_unchecked() {
    let emulator = few();
    let mut client = Client::signed_in(&emulator);
    client.admin("events", &json!({ "events": [{ "id": "given" }] }));
    let made = emulator.append_events(1);
    let before = all(&mut client);
    let start_id = text(&before[4], "id");
    for (events, why) in [
        (json!([{ "id": "a" }, { "id": "b", "created_at": 7 }]), "events[1].created_at: expected a date"),
        (json!([{ "id": "a" }, { "id": "a" }]), "events[1].id: \"a\" is the id of another one"),
        (
            json!([{ "id": "a" }, { "id": "given" }]),
            "events[1].id: \"given\" is the id of an event that is there already",
        ),
        (json!([{ "id": made[0] }]), "events[0].id: "),
        (json!([{ "id": start_id }]), "events[0].id: "),
        (json!({}), "events: expected a list"),
    ] {
        let reply = client.admin("events", &json!({ "events": events }));
        assert_eq!(reply.code(), (422, "invalid_data".into()), "{events}");
        assert!(reply.message().starts_with(why), "{}", reply.message());
        assert_eq!(all(&mut client), before);
    }
    let odd = json!({ "events": [{ "id": "given" }, { "id": "x", "created_at": 7 }, null], "unchecked": true });
    assert_eq!(client.admin("events", &odd).json(), json!({ "ids": ["given", "x", null] }));
    assert_eq!(all(&mut client).len(), before.len() + 3);
}

#[test]
fn a_refused_replacement_changes_nothing() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    let before = all(&mut client);
    for (bad, status) in [
        (json!({ "events": [{}] }), 422),
        (json!({ "count": 1, "event_user_id": "nobody" }), 400),
        (json!({ "count": 1, "created_at": "soon" }), 400),
        (json!({ "count": 1_000_001 }), 400),
        (Value::Null, 400),
    ] {
        assert_eq!(client.control("PUT", "events", &bad).status, status, "{bad}");
    }
    assert_eq!(all(&mut client), before);
}
