//! Snapshots: what is restored behaves as what was saved.

use std::io::{Read as _, Write as _};

use kal_emulator::{Config, Data, Emulator, EventOrder, Fault, NewEvents};
use serde_json::{Value, json};

use crate::client::{Client, ids, tcp, text};
use crate::{start, start_default};

const PATHS: [&str; 6] = [
    "/workspaces/active",
    "/workspaces/members",
    "/workspaces/groups",
    "/workspaces/events?page_size=1000",
    "/workspaces/events?event_types=%5B%22update%22%5D&page_size=7&page=2",
    "/workspaces/events?resource_type=task&after_date=2025-06-01",
];

fn reads(client: &mut Client) -> Vec<String> {
    PATHS.iter().map(|path| String::from_utf8(client.get(path).body).expect("UTF-8")).collect()
}

/// The next values of a small generator.
struct Steps(u64);

impl Steps {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// Changes the state in one of many ways.
fn change(emulator: &Emulator, client: &mut Client, steps: &mut Steps) {
    let at = format!("20{:02}-03-04T05:06:07.{:06}Z", 20 + steps.below(10), steps.below(1_000_000));
    match steps.below(10) {
        0 => drop(emulator.append_events(usize::try_from(steps.below(5)).expect("small"))),
        1 => emulator.append_raw_events([json!({ "id": at, "created_at": "not a date" }), json!(7)]),
        2 => emulator.set_members(vec![json!({ "id": at, "full_name": "N" }), json!({ "id": 7 }), Value::Null]),
        3 => emulator.set_workspace(&json!({ "id": at })),
        4 => emulator.stop_clock(&at).expect("a date"),
        5 => emulator.advance_clock(std::time::Duration::from_millis(steps.below(5_000_000))).expect("advanced"),
        6 => {
            let events = client.get(PATHS[3]);
            if events.status == 200 {
                let id = events.list().iter().find_map(|event| event["id"].as_str().map(str::to_owned));
                if let Some(id) = id {
                    assert!(emulator.remove_event(None, &id).expect("a workspace"));
                }
            }
        }
        7 => {
            let tokens = client.grant("demo-client", "demo-secret").json();
            let refresh = text(&tokens, "refresh_token");
            // The second time revokes the family.
            for _ in 0..steps.below(3) {
                client.refresh(&refresh);
            }
        }
        8 => client.sign_in(emulator),
        _ => drop(emulator.add_events(None, &NewEvents { count: 2, created_at: Some(at), ..NewEvents::default() })),
    }
}

/// Red without the instants of events that have none of their own, and without the index of the next event.
#[test]
fn a_restored_emulator_behaves_like_the_one_that_was_saved() {
    for seed in 0..25 {
        let mut steps = Steps(seed);
        let order = if seed % 2 == 0 { EventOrder::Desc } else { EventOrder::Asc };
        let saved = start(Config { events: 60, seed, order, ..Config::default() });
        let mut client = Client::signed_in(&saved);
        for _ in 0..steps.below(25) {
            change(&saved, &mut client, &mut steps);
        }
        // What follows may depend on the clock: it stands still.
        saved.stop_clock(&saved.now()).expect("a date");
        let snapshot = saved.snapshot();
        // Another emulator, whose own data is of no importance.
        let restored = start(Config { seed: 99, order, members: 3, ..Config::default() });
        restored.restore(&snapshot).expect("a snapshot");
        assert_eq!(restored.snapshot(), snapshot, "seed {seed}");
        let mut other = Client::connect(restored.url());
        other.use_access(&client.access);
        assert_eq!(reads(&mut other), reads(&mut client), "seed {seed}");
        assert_eq!(restored.append_events(5), saved.append_events(5), "seed {seed}");
        assert_eq!(reads(&mut other), reads(&mut client), "seed {seed}");
        let snapshot: Value = serde_json::from_str(&snapshot).expect("JSON");
        for refresh in snapshot["tokens"]["refresh"].as_array().expect("a list") {
            let token = text(refresh, "token");
            assert_eq!(other.refresh(&token).status, client.refresh(&token).status, "seed {seed}");
        }
    }
}

#[test]
fn a_test_returns_to_where_it_started() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    let before = reads(&mut client);
    let snapshot = String::from_utf8(client.control("GET", "snapshot", &Value::Null).body).expect("UTF-8");
    client.admin("data", &json!({ "members": [], "groups": [], "events": [] }));
    emulator.expire_tokens();
    emulator.stop_clock("2050-01-01").expect("a date");
    let reply = client.send("PUT", "/__emulator/snapshot", &[], &snapshot).expect("a response");
    assert_eq!(reply.status, 200);
    assert_eq!(reads(&mut client), before);
    assert!(emulator.now().as_str() < "2050");
}

#[test]
fn a_snapshot_is_data_to_start_with() {
    let one = start_default();
    let mut client = Client::signed_in(&one);
    one.append_events(2);
    let data = Data::parse(one.snapshot().as_bytes()).expect("a snapshot");
    let other = start(Config { data: Some(data.clone()), client_id: "unused".into(), ..Config::default() });
    let mut restored = Client::connect(other.url());
    restored.use_access(&client.access);
    assert_eq!(reads(&mut restored), reads(&mut client));
    assert_eq!(restored.grant("demo-client", "demo-secret").status, 200);
    let third = start(Config { members: 0, ..Config::default() });
    third.set_data(None, &data).expect("a snapshot");
    assert_eq!(third.snapshot(), one.snapshot());
}

#[test]
fn several_workspaces_are_restored() {
    let workspace =
        |id: &str| json!({ "clients": [{ "id": id, "secret": "s", "expires_in": 5 }], "workspace": { "id": id } });
    let data = Data::from_json(&json!({ "workspaces": [workspace("a"), workspace("b")] })).expect("valid data");
    let saved = start(Config { data: Some(data), ..Config::default() });
    saved.stop_clock("2026-01-01").expect("a date");
    let mut client = Client::connect(saved.url());
    let access = text(&client.grant("b", "s").json(), "access_token");
    let restored = start_default();
    restored.restore(&saved.snapshot()).expect("a snapshot");
    let mut client = Client::connect(restored.url());
    client.use_access(&access);
    assert_eq!(client.get(PATHS[0]).json(), json!({ "id": "b" }));
    let new = NewEvents { count: 2, ..NewEvents::default() };
    for id in ["a", "b"] {
        assert_eq!(
            restored.add_events(Some(id), &new).expect("events"),
            saved.add_events(Some(id), &new).expect("events")
        );
    }
    restored.advance_clock(std::time::Duration::from_secs(5)).expect("advanced");
    assert_eq!(client.get(PATHS[0]).status, 401);
}

#[test]
fn faults_and_counts_are_no_part_of_it() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    let snapshot = emulator.snapshot();
    emulator.fault(Fault::on("*").status(503).times(0));
    assert_eq!(client.control("GET", "snapshot", &Value::Null).status, 200, "faults do not apply to it");
    assert_eq!(client.get(PATHS[1]).status, 503);
    let counts = emulator.counts();
    assert_eq!(emulator.snapshot(), snapshot);
    emulator.restore(&snapshot).expect("a snapshot");
    assert_eq!(emulator.counts(), counts);
    assert_eq!(client.get(PATHS[1]).status, 503, "the fault is still active");
}

/// Red when the clock is set before the clients are checked.
#[test]
fn what_is_no_snapshot_is_refused_and_changes_nothing() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    emulator.append_events(1);
    let good: Value = serde_json::from_str(&emulator.snapshot()).expect("JSON");
    let with = |pointer: &str, value: Value| {
        let mut bad = good.clone();
        bad["clock"] = json!({ "stopped_at": 0 });
        *bad.pointer_mut(pointer).expect("a place") = value;
        bad
    };
    let mut other_client = good["workspaces"][0].clone();
    other_client["clients"] = json!([]);
    let twice = json!([good["workspaces"][0], good["workspaces"][0]]);
    for (bad, why) in [
        (json!({}), "not a snapshot: missing field `snapshot`"),
        (json!([]), "not a snapshot: "),
        (with("/snapshot", json!(2)), "snapshot: version 2, expected 1"),
        (with("/clock", json!({ "stopped_at": i64::MAX })), "clock: the clock shows only the years 0 to 9999"),
        (with("/clock", json!({ "offset": i64::MIN })), "clock: the clock shows only the years 0 to 9999"),
        (with("/workspaces", json!([])), "workspaces is empty, expected at least one"),
        (with("/workspaces", twice), "the client \"demo-client\" is there twice"),
        (with("/workspaces/0", other_client), "tokens.access: no workspace has the client \"demo-client\""),
        (with("/tokens/families", json!(0)), "tokens.access: family 1, there are only 0"),
        (with("/workspaces/0/instants", json!([[1, 0]])), "workspaces[0].instants: there is no event 1, only 1 events"),
        (
            with("/workspaces/0/instants", json!([[0, i64::MAX]])),
            "workspaces[0].instants: 9223372036854775807, of event 0, is not within the years 0 to 9999",
        ),
        (
            with("/workspaces/0/generated/removed", json!([250])),
            "workspaces[0].generated.removed: there is no event 250, only 250 events",
        ),
        (
            with("/workspaces/0/generated/events", json!(1_000_001)),
            "workspaces[0].generated.events is 1000001, the maximum is 1000000",
        ),
        // Red without a maximum: the next token, and the next event, was a panic.
        (with("/tokens/families", json!(u64::MAX)), "tokens.families is 18446744073709551615, the maximum is"),
        (with("/workspaces/0/next_event", json!(u64::MAX)), "workspaces[0].next_event is 18446744073709551615,"),
    ] {
        let reply = client.control("PUT", "snapshot", &bad);
        assert_eq!(reply.code(), (422, "invalid_data".into()), "{why}");
        assert!(reply.message().starts_with(why), "{}", reply.message());
        assert_eq!(serde_json::from_str::<Value>(&emulator.snapshot()).expect("JSON"), good);
    }
    let odd = with("/workspaces/0/members", Value::Null);
    assert_eq!(client.control("PUT", "snapshot", &odd).status, 200, "odd data may have been saved");
}

#[test]
fn a_token_issued_after_the_snapshot_is_unknown_once_it_is_restored() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    let snapshot = emulator.snapshot();
    let mut later = Client::signed_in(&emulator);
    let late = emulator.append_events(1);
    emulator.restore(&snapshot).expect("a snapshot");
    assert_eq!(later.get(PATHS[0]).status, 401);
    assert_eq!(client.get(PATHS[0]).status, 200);
    assert!(!ids(&client.get(PATHS[3]).list()).contains(&late[0]));
}

/// Red when a snapshot had the text of each event: 700 megabytes, and `PUT` accepts 256.
#[test]
fn a_million_generated_events_are_a_small_snapshot() {
    let emulator = start(Config { events: 1_000_000, ..Config::default() });
    let mut client = Client::signed_in(&emulator);
    let first = ids(&client.get(PATHS[3]).list())[0].clone();
    assert!(emulator.remove_event(None, &first).expect("a workspace"));
    emulator.append_events(2);
    let before = reads(&mut client);
    let snapshot = client.get("/__emulator/snapshot");
    assert!(snapshot.body.len() < 100_000, "{} octets", snapshot.body.len());

    let other = start(Config { events: 3, members: 2, seed: 9, ..Config::default() });
    let mut reader = Client::connect(other.url());
    reader.use_access(&client.access);
    let text = String::from_utf8(snapshot.body).expect("UTF-8");
    let restored = reader.send("PUT", "/__emulator/snapshot", &[], &text).expect("a response");
    assert_eq!(restored.status, 200);
    assert!(reads(&mut reader) == before);
    assert_eq!(other.append_events(3), emulator.append_events(3));
}

/// Red when the position alone chose the id.
#[test]
fn generated_events_do_not_have_the_id_of_a_copied_one() {
    let source = start_default();
    let mut client = Client::signed_in(&source);
    let copied = client.get("/workspaces/events?page_size=20&page=2").list();
    let data = Data::from_json(&json!({ "workspace": { "id": "w" }, "events": copied })).expect("data");
    let emulator = start(Config { data: Some(data), ..Config::default() });
    let added = emulator.append_events(250);
    let known = ids(&copied);
    assert_eq!(added.len(), 250);
    assert_eq!(added.iter().filter(|id| known.contains(id)).count(), 0);
}

/// Red when it had the limit of the other admin requests: 413 before the body was read.
#[test]
fn a_snapshot_may_have_any_size() {
    let emulator = start_default();
    let mut stream = tcp(emulator.url()).expect("a connection");
    // No JSON from its first octet: that it is refused for this, and not for its size, takes no time.
    let piece = vec![b'x'; 1 << 20];
    let octets = 257 * piece.len();
    let head = format!("PUT /__emulator/snapshot HTTP/1.1\r\nhost: localhost\r\ncontent-length: {octets}\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("sent");
    for _ in 0..257 {
        // An error is that of a response that came before.
        if stream.write_all(&piece).is_err() {
            break;
        }
    }
    let mut status = [0; 12];
    stream.read_exact(&mut status).expect("a response");
    assert_eq!(String::from_utf8_lossy(&status), "HTTP/1.1 422");
    // The others have one.
    let mut stream = tcp(emulator.url()).expect("a connection");
    let head = format!("POST /__emulator/data HTTP/1.1\r\nhost: localhost\r\ncontent-length: {octets}\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("sent");
    stream.read_exact(&mut status).expect("a response");
    assert_eq!(String::from_utf8_lossy(&status), "HTTP/1.1 413");
}

/// Red when the id of a removed event was forgotten, whether alone or with all others: one of the 20 generated events had it. Red
/// when a restored emulator was without such ids: its snapshot differed.
#[test]
fn generated_events_do_not_have_the_id_of_a_removed_copy() {
    let source = start_default();
    let copied = Client::signed_in(&source).get("/workspaces/events?page_size=250").list();
    let copied = &copied[copied.len() - 16..];
    let added = |emulator: &Emulator| {
        let ids = emulator.append_events(20);
        assert_eq!(ids.len(), 20);
        ids
    };
    let with = |remove: &dyn Fn(&Emulator)| {
        let emulator = start(Config { events: 3, ..Config::default() });
        let known = emulator.append_events(1);
        // Red when generated ones were remembered like given ones: so many left no room for others, and made snapshots large.
        emulator.append_events(100);
        emulator.remove_events(None).expect("a workspace");
        assert!(!emulator.snapshot().contains("removed_ids"));
        // The events that it generates next, from another run.
        let next = &copied[..3];
        assert!(!ids(next).contains(&known[0]));
        emulator.append_raw_events(next.to_vec());
        remove(&emulator);
        emulator
    };
    let one_by_one = with(&|emulator| {
        for id in ids(&copied[..3]) {
            assert!(emulator.remove_event(None, &id).expect("a workspace"));
        }
    });
    let at_once = with(&|emulator| emulator.remove_events(None).expect("a workspace"));
    for emulator in [one_by_one, at_once] {
        let restored = start(Config { seed: 9, ..Config::default() });
        restored.restore(&emulator.snapshot()).expect("a snapshot");
        assert_eq!(restored.snapshot(), emulator.snapshot());
        let new = added(&emulator);
        assert_eq!(added(&restored), new, "a snapshot has them, too");
        assert!(ids(&copied[..3]).iter().all(|id| !new.contains(id)), "{new:?}");
    }
}
