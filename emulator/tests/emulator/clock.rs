//! The clock: tokens, generated events and the `Date` header follow it.

use std::time::Duration;

use kal_emulator::{Config, Fault, NewEvents};
use serde_json::{Value, json};

use crate::client::{Client, ids, text};
use crate::{start, start_default};

#[test]
fn a_token_expires_when_the_clock_passes_its_lifetime() {
    let emulator = start(Config { expires_in: 100, ..Config::default() });
    let mut client = Client::connect(emulator.url());
    assert_eq!(client.control("PUT", "clock", &json!({ "now": "2026-01-01T00:00:00Z" })).status, 200);
    client.sign_in(&emulator);
    let advance = |client: &mut Client, millis: u64| {
        assert_eq!(client.control("PUT", "clock", &json!({ "advance_ms": millis })).status, 200);
        client.get("/workspaces/active").status
    };
    assert_eq!(advance(&mut client, 99_999), 200);
    assert_eq!(advance(&mut client, 1), 401);
    // A refresh token outlives it, and the new access token has the whole lifetime.
    let tokens = client.grant("demo-client", "demo-secret").json();
    assert_eq!(advance(&mut client, 1_000_000), 401);
    let refreshed = client.refresh(&text(&tokens, "refresh_token")).json();
    client.use_access(&text(&refreshed, "access_token"));
    assert_eq!(advance(&mut client, 99_999), 200);
    assert_eq!(advance(&mut client, 1), 401);
}

#[test]
fn a_running_clock_is_advanced_too() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    let reply = client.control("PUT", "clock", &json!({ "advance_ms": 3_600_000 })).json();
    assert_eq!(reply["stopped"], false);
    assert_eq!(client.get("/workspaces/active").status, 401);
    assert!(emulator.now() > text(&reply, "now"), "it runs");
    client.sign_in(&emulator);
    assert_eq!(client.get("/workspaces/active").status, 200);
}

#[test]
fn a_stopped_clock_shows_what_it_was_set_to() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    for (set, shown) in [
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00+00:00"),
        ("2026-01-01T01:00:00.5+01:00", "2026-01-01T00:00:00.5+00:00"),
        ("1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999+00:00"),
        ("0000-01-01", "0000-01-01T00:00:00+00:00"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999+00:00"),
    ] {
        let want = json!({ "now": shown, "stopped": true });
        assert_eq!(client.control("PUT", "clock", &json!({ "now": set })).json(), want);
        assert_eq!(client.control("GET", "clock", &Value::Null).json(), want);
        assert_eq!(emulator.now(), shown);
    }
}

#[test]
fn generated_events_are_made_at_the_time_of_the_clock() {
    let emulator = start(Config { events: 0, ..Config::default() });
    let mut client = Client::signed_in(&emulator);
    let newest = |client: &mut Client| text(&client.get("/workspaces/events?page_size=1").list()[0], "created_at");
    for (set, made) in [
        // Before 1970, too.
        ("1960-02-29T12:00:00.123Z", "1960-02-29T12:00:00.123"),
        ("2030-01-01T00:00:00Z", "2030-01-01T00:00:00"),
        // A clock that is set back does not hide them from a client that follows events.
        ("2020-01-01T00:00:00Z", "2030-01-01T00:00:00.001"),
    ] {
        emulator.stop_clock(set).expect("a date");
        client.sign_in(&emulator);
        emulator.append_events(1);
        assert!(newest(&mut client).starts_with(made), "{}", newest(&mut client));
    }
    // Given ones without a time, too.
    emulator.stop_clock("2040-01-01").expect("a date");
    client.sign_in(&emulator);
    client.admin("events", &json!({ "events": [{ "id": "untimed" }] }));
    assert_eq!(client.get("/workspaces/events?after_date=2040-01-01").list().len(), 1);
    assert!(client.get("/workspaces/events?after_date=2040-01-02").list().is_empty());
}

#[test]
fn the_date_header_follows_the_clock() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    emulator.stop_clock("1994-11-06T08:49:37Z").expect("a date");
    for path in ["/workspaces/active", "/nowhere", "/__emulator/clock"] {
        assert_eq!(client.get(path).headers("date"), ["Sun, 06 Nov 1994 08:49:37 GMT"], "{path}");
    }
    emulator.fault(Fault::on("/workspaces/active").header("Date", "soon"));
    assert_eq!(client.get("/workspaces/active").headers("date"), ["soon"], "a fault takes precedence");
    emulator.use_real_clock();
    let dates = client.get("/workspaces/active");
    assert_eq!(dates.headers("date").len(), 1);
    assert!(!dates.headers("date")[0].contains("1994"));
    assert!(emulator.requests().iter().all(|request| !request.time.starts_with("1994")), "requests have the real time");
}

#[test]
fn the_clock_shows_the_real_time_again() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    let back: [fn(&mut Client); 2] = [
        |client| assert_eq!(client.control("PUT", "clock", &json!({ "real": true })).json()["stopped"], false),
        |client| assert_eq!(client.control("DELETE", "clock", &Value::Null).json()["stopped"], false),
    ];
    for back in back {
        let before = emulator.now();
        emulator.stop_clock("9000-01-01").expect("a date");
        assert_eq!(client.get("/workspaces/active").status, 401);
        back(&mut client);
        assert!(emulator.now() >= before && emulator.now()[..4] < *"9000", "{}", emulator.now());
        assert_eq!(client.get("/workspaces/active").status, 200, "it has its lifetime again");
    }
}

/// Red when the sum wraps: the clock is before its setting.
#[test]
fn the_clock_does_not_pass_its_end() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    let before = "2026-01-01T00:00:00+00:00";
    emulator.stop_clock(before).expect("a date");
    for (bad, why) in [
        (
            json!({ "advance_ms": u64::MAX }),
            "advance_ms is 18446744073709551615: the clock shows only the years 0 to 9999",
        ),
        (json!({ "advance_ms": 9_000_000_000_000_000_u64 }), "the clock shows only the years 0 to 9999"),
        (json!({ "advance_ms": -1 }), "invalid value: integer `-1`"),
        (json!({ "advance_ms": 1.5 }), "invalid type: floating point `1.5`"),
        (json!({ "now": "soon" }), "now: \"soon\" is not a date of the years 0 to 9999"),
        (json!({ "now": "9999-12-31T23:59:59-01:00" }), "is not a date of the years 0 to 9999"),
        (json!({ "now": "0000-01-01T00:00:00+01:00" }), "is not a date of the years 0 to 9999"),
        (json!({ "real": false }), "expected one of"),
        (json!({}), "expected one of"),
        (json!({ "now": "2026-01-01", "advance_ms": 1 }), "expected one of"),
        (json!({ "then": "2026-01-01" }), "unknown field `then`"),
        (Value::Null, "it is empty"),
    ] {
        let reply = client.control("PUT", "clock", &bad);
        assert_eq!(reply.code(), (400, "bad_admin_request".into()), "{bad}");
        assert!(reply.message().contains(why), "{}", reply.message());
        assert_eq!(emulator.now(), before);
    }
    assert!(emulator.advance_clock(Duration::MAX).is_err());
    assert!(emulator.stop_clock("soon").is_err());
    emulator.use_real_clock();
    assert!(emulator.advance_clock(Duration::MAX).is_err());
    assert_eq!(client.get("/workspaces/active").status, 200);
}

#[test]
fn a_token_whose_lifetime_has_no_end_stays_valid() {
    let emulator = start(Config { expires_in: u64::MAX, ..Config::default() });
    let mut client = Client::signed_in(&emulator);
    emulator.stop_clock("9999-12-31").expect("a date");
    assert_eq!(client.get("/workspaces/active").status, 200);
}

#[test]
fn a_reset_keeps_the_clock() {
    let emulator = start_default();
    emulator.stop_clock("2026-01-01").expect("a date");
    Client::connect(emulator.url()).admin("reset", &Value::Null);
    assert_eq!(emulator.now(), "2026-01-01T00:00:00+00:00");
}

/// Red when the years went on: 10000 is no date of RFC 3339, and -1 was another.
#[test]
fn events_are_within_the_years_of_the_clock() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    let last = emulator.add_events(
        None,
        &NewEvents { count: 1, created_at: Some("9999-12-31T23:59:59.999999Z".into()), ..NewEvents::default() },
    );
    let later = emulator.append_events(2);
    let newest = client.get("/workspaces/events?page_size=3").list();
    assert_eq!(ids(&newest), [later[1].clone(), later[0].clone(), last.expect("an event")[0].clone()]);
    for event in newest {
        assert_eq!(text(&event, "created_at"), "9999-12-31T23:59:59.999999+00:00");
    }
    for date in ["0000-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "9999-12-31T23:59:60Z"] {
        let reply = client.admin("events", &json!({ "count": 1, "created_at": date }));
        assert_eq!(
            (reply.status, reply.message()),
            (400, format!("created_at: {date:?} is not a date of the years 0 to 9999"))
        );
        let given = json!({ "events": [{ "id": date, "created_at": date }] });
        assert_eq!(client.admin("events", &given).status, 422);
    }
}
