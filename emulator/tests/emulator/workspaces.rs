//! Several workspaces, each with its clients.

use kal_emulator::{Config, Data, Emulator, NewEvents};
use serde_json::{Value, json};

use crate::client::{Client, Reply, ids, text};
use crate::{start, start_default};

fn client_of(id: &str) -> Value {
    json!({ "id": id, "secret": format!("{id}-secret") })
}

/// Two workspaces whose records have the same ids.
fn two() -> Value {
    let workspace = |id: &str, name: &str| {
        json!({
            "clients": [client_of(id)], "workspace": { "id": "w", "workspace_name": name },
            "members": [{ "id": "m", "full_name": name }], "groups": [{ "id": "g", "group_name": name, "user_ids": ["m"] }],
            "events": [{ "id": "e", "full_name": name, "created_at": "2026-01-01T00:00:00Z", "event_user_id": "m" }],
        })
    };
    json!({ "workspaces": [workspace("one", "First"), workspace("two", "Second")] })
}

fn emulator_with(data: &Value) -> Emulator {
    start(Config { data: Some(Data::from_json(data).expect("valid data")), ..Config::default() })
}

fn sign_in(emulator: &Emulator, id: &str) -> Client {
    let mut client = Client::connect(emulator.url());
    let reply = client.grant(id, &format!("{id}-secret"));
    assert_eq!(reply.status, 200, "{id}");
    client.use_access(&text(&reply.json(), "access_token"));
    client
}

fn reads(client: &mut Client) -> [String; 4] {
    ["active", "members", "groups", "events"].map(|path| {
        let reply: Reply = client.get(&format!("/workspaces/{path}"));
        assert_eq!(reply.status, 200, "{path}");
        String::from_utf8(reply.body).expect("UTF-8")
    })
}

/// Red when the first workspace answers all queries for events.
#[test]
fn a_token_reaches_the_data_of_its_workspace_only() {
    let emulator = emulator_with(&two());
    let (mut one, mut two) = (sign_in(&emulator, "one"), sign_in(&emulator, "two"));
    for _ in 0..2 {
        assert!(reads(&mut one).iter().all(|body| body.contains("First") && !body.contains("Second")));
        assert!(reads(&mut two).iter().all(|body| body.contains("Second") && !body.contains("First")));
    }
    // A refreshed token, too.
    let tokens = two.grant("two", "two-secret").json();
    let refreshed = two.refresh(&text(&tokens, "refresh_token")).json();
    two.use_access(&text(&refreshed, "access_token"));
    assert!(reads(&mut two).iter().all(|body| body.contains("Second")));
}

#[test]
fn a_secret_is_that_of_its_client() {
    let emulator = emulator_with(&two());
    let mut client = Client::connect(emulator.url());
    for (id, secret) in [("one", "two-secret"), ("two", "one-secret"), ("demo-client", "demo-secret"), ("", "")] {
        assert_eq!(client.grant(id, secret).code(), (401, "invalid_client".into()), "{id} {secret}");
    }
}

#[test]
fn a_client_may_have_a_lifetime_of_its_own() {
    let mut data = two();
    data["workspaces"][1]["clients"][0]["expires_in"] = json!(60);
    let emulator = emulator_with(&data);
    emulator.stop_clock("2026-01-01").expect("a date");
    let (mut one, mut two) = (sign_in(&emulator, "one"), sign_in(&emulator, "two"));
    assert_eq!(one.grant("one", "one-secret").json()["expires_in"], 3600);
    assert_eq!(one.grant("two", "two-secret").json()["expires_in"], 60);
    emulator.advance_clock(std::time::Duration::from_secs(60)).expect("it is advanced");
    assert_eq!(one.get("/workspaces/active").status, 200);
    assert_eq!(two.get("/workspaces/active").status, 401);
}

/// Red when tokens are kept whose client is gone: the client that comes back later is let in.
#[test]
fn a_token_lives_as_long_as_its_client_and_reaches_the_new_data() {
    let emulator = emulator_with(&two());
    let mut one = sign_in(&emulator, "one");
    let tokens = one.grant("two", "two-secret").json();
    let mut two = sign_in(&emulator, "two");
    // The client of the first workspace is now that of another one.
    let new = json!({ "workspaces": [{ "workspace": { "id": "n" }, "clients": [client_of("one")], "members": [{ "id": "N" }] }] });
    assert_eq!(one.admin("data", &new).status, 200);
    assert_eq!(ids(&one.get("/workspaces/members").list()), ["N"]);
    assert_eq!(two.get("/workspaces/members").code(), (401, "unauthorized".into()));
    assert_eq!(two.refresh(&text(&tokens, "refresh_token")).code(), (400, "invalid_grant".into()));
    assert_eq!(one.admin("data", &self::two()).status, 200);
    assert_eq!(two.get("/workspaces/members").status, 401, "the same client, but an old token");
    assert_eq!(one.get("/workspaces/members").list()[0]["full_name"], "First");
}

#[test]
fn an_admin_request_names_a_workspace_by_its_client() {
    let emulator = emulator_with(&two());
    let (mut one, mut two) = (sign_in(&emulator, "one"), sign_in(&emulator, "two"));
    let untouched = reads(&mut one);
    assert_eq!(one.admin("data?client=two", &json!({ "groups": [] })).status, 200);
    assert!(two.get("/workspaces/groups").list().is_empty());
    let added = one.admin("events?client=two", &json!({ "count": 1 })).json();
    assert_eq!(two.get("/workspaces/events").list()[0]["id"], added["ids"][0]);
    assert_eq!(one.control("DELETE", "events/e?client=two", &Value::Null).status, 200);
    assert_eq!(two.get("/workspaces/events").list().len(), 1);
    assert_eq!(reads(&mut one), untouched);
    assert_eq!(
        one.admin("data?client=two", &self::two()).message(),
        "all workspaces are replaced, not only that of a client"
    );
    // Without one it is the first.
    one.admin("events", &json!({ "count": 1 }));
    assert_eq!(one.get("/workspaces/events").list().len(), 2);
    for (method, name, status) in [("POST", "events", 400), ("DELETE", "events", 400), ("POST", "data", 422)] {
        let reply = one.control(method, &format!("{name}?client=three"), &json!({ "count": 1 }));
        assert_eq!(reply.status, status, "{method} {name}");
    }
}

#[test]
fn the_generated_events_of_two_workspaces_have_different_ids() {
    let emulator = emulator_with(&two());
    let new = NewEvents { count: 3, ..NewEvents::default() };
    let one = emulator.add_events(Some("one"), &new).expect("events");
    let two = emulator.add_events(Some("two"), &new).expect("events");
    assert!(one.iter().all(|id| !two.contains(id)), "{one:?} {two:?}");
    assert!(emulator.add_events(Some("three"), &new).is_err());
}

#[test]
fn a_workspace_may_have_several_clients() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    assert_eq!(client.admin("data", &json!({ "clients": [client_of("a"), client_of("b")] })).status, 200);
    assert_eq!(client.get("/workspaces/members").status, 401, "its client is gone");
    for id in ["a", "b"] {
        assert_eq!(sign_in(&emulator, id).get("/workspaces/members").list().len(), 12);
    }
    let twice = json!({ "clients": [client_of("a"), client_of("a")] });
    assert_eq!(client.admin("data", &twice).status, 422);
}
