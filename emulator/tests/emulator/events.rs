//! Events: pages, order, filters, dates, and appended events.

use kal_emulator::{Config, DateBounds, EventOrder, PageZero};
use serde_json::{Value, json};

use crate::client::{Client, encode, ids, text};
use crate::{start, start_default};

fn all(client: &mut Client) -> Vec<Value> {
    client.get("/workspaces/events?page_size=1000").list()
}

fn events(client: &mut Client, query: &str) -> Vec<Value> {
    client.get(&format!("/workspaces/events?{query}")).list()
}

fn rejected(client: &mut Client, query: &str) {
    let reply = client.get(&format!("/workspaces/events?{query}"));
    assert_eq!(reply.code(), (422, "validation_error".into()), "{query}");
    let body = reply.json();
    assert!(!text(&body, "message").is_empty());
    assert!(!body["detail"].as_array().expect("details").is_empty());
}

#[test]
fn pages_cover_every_event_once_in_both_numberings() {
    for first_page in [0, 1] {
        for order in [EventOrder::Asc, EventOrder::Desc] {
            let emulator = start(Config { first_page, order, events: 103, ..Config::default() });
            let mut client = Client::signed_in(&emulator);
            let whole = ids(&all(&mut client));
            assert_eq!(whole.len(), 103);
            let mut seen = Vec::new();
            for page in first_page..first_page + 11 {
                seen.extend(ids(&events(&mut client, &format!("page={page}&page_size=10"))));
            }
            assert_eq!(seen, whole);
            assert!(events(&mut client, &format!("page={}&page_size=10", first_page + 11)).is_empty());
            assert!(events(&mut client, "page=18446744073709551615&page_size=1000").is_empty());
        }
    }
}

#[test]
fn without_a_page_number_the_first_page_is_returned() {
    for first_page in [0, 1] {
        let emulator = start(Config { first_page, ..Config::default() });
        let mut client = Client::signed_in(&emulator);
        let named = events(&mut client, &format!("page={first_page}"));
        assert_eq!(named.len(), 100, "the default page size");
        assert_eq!(client.get("/workspaces/events").list(), named);
    }
}

#[test]
fn page_zero_is_configurable() {
    let start_with = |page_zero| start(Config { page_zero, ..Config::default() });
    let emulator = start_with(PageZero::Error);
    rejected(&mut Client::signed_in(&emulator), "page=0");
    let emulator = start_with(PageZero::Empty);
    assert!(events(&mut Client::signed_in(&emulator), "page=0").is_empty());
    let emulator = start_with(PageZero::First);
    let mut client = Client::signed_in(&emulator);
    assert_eq!(events(&mut client, "page=0"), events(&mut client, "page=1"));
}

#[test]
fn page_sizes_have_a_default_and_a_cap() {
    let emulator = start(Config { default_page_size: 7, max_page_size: 20, ..Config::default() });
    let mut client = Client::signed_in(&emulator);
    assert_eq!(client.get("/workspaces/events").list().len(), 7);
    assert_eq!(events(&mut client, "page_size=20").len(), 20);
    assert_eq!(events(&mut client, "page_size=21").len(), 20);
    let capped = events(&mut client, "page=2&page_size=5000");
    assert_eq!(capped, events(&mut client, "page=2&page_size=20"), "pages use the reduced size");
}

#[test]
fn newest_events_are_first_and_oldest_first_is_the_exact_reverse() {
    let newest_first = start_default();
    let oldest_first = start(Config { order: EventOrder::Asc, ..Config::default() });
    let descending = all(&mut Client::signed_in(&newest_first));
    let mut ascending = all(&mut Client::signed_in(&oldest_first));
    // In both formats, date and time sort as text down to the second.
    let seconds: Vec<_> = descending.iter().map(|event| text(event, "created_at")[..19].to_owned()).collect();
    assert!(seconds.is_sorted_by(|newer, older| newer >= older));
    assert_ne!(seconds.first(), seconds.last());
    ascending.reverse();
    assert_eq!(ascending, descending);
}

type Wanted<'a> = Box<dyn Fn(&Value) -> bool + 'a>;

#[test]
fn filters_return_the_same_as_filtering_the_whole_list() {
    let emulator = start(Config { events: 900, ..Config::default() });
    let mut client = Client::signed_in(&emulator);
    let whole = all(&mut client);
    let users: Vec<_> = whole.iter().take(2).map(|event| text(event, "event_user_id")).collect();
    let has =
        |event: &Value, name: &str, wanted: &[&str]| event[name].as_str().is_some_and(|value| wanted.contains(&value));
    let users: Vec<_> = users.iter().map(String::as_str).collect();
    let users_query = format!("event_user_ids={}", encode(&json!(users).to_string()));
    let cases: [(String, Wanted<'_>); 5] = [
        ("resource_type=task".into(), Box::new(|event| has(event, "resource_type", &["task"]))),
        (
            "event_types=%5B%22create%22%2C+%22delete%22%5D".into(),
            Box::new(|event| has(event, "event_type", &["create", "delete"])),
        ),
        (users_query.clone(), Box::new(|event| has(event, "event_user_id", &users))),
        (
            format!("resource_type=record&event_types=%5B%22update%22%5D&{users_query}"),
            Box::new(|event| {
                has(event, "resource_type", &["record"])
                    && has(event, "event_type", &["update"])
                    && has(event, "event_user_id", &users)
            }),
        ),
        ("event_types=%5B%5D&event_user_ids=%5B%5D&no_such_parameter=1".into(), Box::new(|_| true)),
    ];
    for (query, wanted) in cases {
        let want: Vec<_> = whole.iter().filter(|event| wanted(event)).cloned().collect();
        assert!(!want.is_empty(), "{query} matches nothing");
        assert_eq!(events(&mut client, &format!("page_size=1000&{query}")), want, "{query}");
        let second: Vec<_> = want.iter().skip(3).take(3).cloned().collect();
        assert_eq!(events(&mut client, &format!("{query}&page_size=3&page=2")), second, "{query}, page 2");
    }
}

#[test]
fn a_filter_without_matches_results_in_an_empty_list() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    for query in [
        "event_types=%5B%22no-such%22%5D",
        "resource_type=no-such",
        "resource_type=",
        "event_user_ids=%5B%22no-such%22%5D",
        "after_date=2100-01-01",
        "before_date=1999-12-31",
        "after_date=2025-06-02&before_date=2025-06-01",
    ] {
        assert!(events(&mut client, query).is_empty(), "{query}");
    }
}

#[test]
fn an_escaped_letter_in_a_list_is_that_letter() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    let added = client.admin("events", &json!({ "count": 1, "event_type": "update é" })).json();
    let found = events(&mut client, "event_types=%5B%22update+%5Cu00e9%22%5D");
    assert_eq!(json!(ids(&found)), added["ids"]);
}

/// Three events a microsecond apart, in a year without other events.
const EDGES: [&str; 3] =
    ["2020-05-05T12:00:00.000001+00:00", "2020-05-05T12:00:00.000002+00:00", "2020-05-05T12:00:00.000003+00:00"];

#[test]
fn date_bounds_are_inclusive_or_exclusive_as_configured() {
    for (dates, after, before) in
        [(DateBounds::Inclusive, &["b", "c"][..], &["a", "b"][..]), (DateBounds::Exclusive, &["c"], &["a"])]
    {
        let emulator = start(Config { dates, order: EventOrder::Asc, ..Config::default() });
        emulator
            .append_raw_events(EDGES.iter().zip(["a", "b", "c"]).map(|(at, id)| json!({ "id": id, "created_at": at })));
        let mut client = Client::signed_in(&emulator);
        let edge = encode(EDGES[1]);
        assert_eq!(ids(&events(&mut client, &format!("after_date={edge}&before_date=2020-12-31"))), after);
        assert_eq!(ids(&events(&mut client, &format!("after_date=2020-01-01&before_date={edge}"))), before);
        let both = events(&mut client, &format!("after_date={edge}&before_date={edge}"));
        assert_eq!(both.len(), usize::from(dates == DateBounds::Inclusive));
    }
}

#[test]
fn every_format_of_an_instant_filters_alike() {
    let emulator = start_default();
    emulator.append_raw_events([json!({ "id": "noon", "created_at": "2020-05-05T12:00:00.000Z" })]);
    let mut client = Client::signed_in(&emulator);
    for spelling in [
        "2020-05-05T12:00:00Z",
        "2020-05-05T12:00:00",
        "2020-05-05T12:00:00.000000+00:00",
        "2020-05-05T06:30:00-05:30",
        "2020-05-05T14:00:00.0+02:00",
    ] {
        let spelling = encode(spelling);
        let found = events(&mut client, &format!("after_date={spelling}&before_date={spelling}"));
        assert_eq!(ids(&found), ["noon"], "{spelling}");
    }
    let days = events(&mut client, "after_date=2020-05-05&before_date=2020-05-06");
    assert_eq!(ids(&days), ["noon"], "a date alone is its midnight");
    assert!(events(&mut client, "after_date=2020-05-06&before_date=2020-05-07").is_empty());
}

#[test]
fn malformed_queries_are_rejected() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    for query in [
        "page=-1",
        "page=one",
        "page=",
        "page=null",
        "page=1.0",
        "page=%2B1",
        "page=99999999999999999999",
        "page_size=0",
        "page_size=-5",
        "event_types=create",
        "event_types=create%2Cupdate",
        "event_types=%5B1%5D",
        "event_types=%22create%22",
        "event_types=%5B%22create%22",
        "event_types=null",
        "event_user_ids=u-1",
        "after_date=yesterday",
        "after_date=2026-02-30",
        "before_date=2026-01-02+03%3A04%3A05",
        // An unencoded plus sign is decoded as a space.
        "before_date=2026-01-02T03%3A04%3A05+00%3A00",
        "page=1&page=2",
        "resource_type",
        "resource_type=%ff",
    ] {
        rejected(&mut client, query);
    }
}

#[test]
fn appended_events_are_the_newest() {
    let emulator = start(Config { events: 20, ..Config::default() });
    let mut client = Client::signed_in(&emulator);
    let before = ids(&all(&mut client));
    let mut new = emulator.append_events(3);
    let over_http = client.admin("events", &json!({ "count": 2 })).json();
    new.extend(over_http["ids"].as_array().expect("ids").iter().map(|id| id.as_str().expect("an id").to_owned()));
    new.reverse();
    assert_eq!(new.len(), 5);
    assert_eq!(ids(&all(&mut client)), [new.clone(), before].concat());
    let newest = client.get("/workspaces/events?page_size=1").list().remove(0);
    let from = encode(&text(&newest, "created_at"));
    assert_eq!(ids(&events(&mut client, &format!("after_date={from}"))), new[..1]);
}

#[test]
fn appended_events_are_ordered_by_their_time() {
    let emulator = start(Config { events: 20, ..Config::default() });
    let mut client = Client::signed_in(&emulator);
    let newest = all(&mut client).remove(0);
    let body = json!({ "count": 2, "created_at": "2021-03-04T05:06:07.5Z", "event_type": "archive" });
    let added = client.admin("events", &body).json();
    let list = all(&mut client);
    assert_eq!(list[0], newest);
    let archived = events(&mut client, "event_types=%5B%22archive%22%5D");
    assert_eq!(archived, list[20..]);
    // Of equal instants the one appended later is newer.
    let mut archived = ids(&archived);
    archived.reverse();
    assert_eq!(json!(archived), added["ids"]);
    assert!(list[21]["created_at"].as_str().expect("a time").starts_with("2021-03-04T05:06:07.5"));
}

#[test]
fn raw_events_are_returned_unchanged() {
    let emulator = start(Config { events: 3, ..Config::default() });
    let mut client = Client::signed_in(&emulator);
    let raw = r#"{"events":[{"id":"r1","odd":1e400,"s":"\u00e9\/","created_at":"2030-01-01","event_type":"t"},17],"unchecked":true}"#;
    let reply = client.send("POST", "/__emulator/events", &[], raw).expect("a response");
    assert_eq!(reply.json(), json!({ "ids": ["r1", null] }));
    let page = client.get("/workspaces/events?page_size=2").body;
    let want = r#"[17,{"id":"r1","odd":1e400,"s":"\u00e9\/","created_at":"2030-01-01","event_type":"t"}]"#;
    assert_eq!(String::from_utf8_lossy(&page), want);
    assert_eq!(client.get("/workspaces/events?event_types=%5B%22t%22%5D").body.len(), want.len() - "17,".len());
}

#[test]
fn a_cached_page_includes_events_appended_since() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    for _ in 0..3 {
        let new = emulator.append_events(1);
        assert_eq!(ids(&events(&mut client, "page=1&page_size=1")), new);
    }
}

#[test]
fn dates_and_pages_combine() {
    let emulator = start(Config { events: 500, ..Config::default() });
    let mut client = Client::signed_in(&emulator);
    let whole = all(&mut client);
    let (from, until) = (encode("2025-03-01T00:00:00Z"), encode("2025-08-31T23:59:59.999999+00:00"));
    let months = ["2025-03", "2025-04", "2025-05", "2025-06", "2025-07", "2025-08"];
    let want: Vec<_> =
        whole.iter().filter(|event| months.contains(&&text(event, "created_at")[..7])).cloned().collect();
    let dates = format!("after_date={from}&before_date={until}");
    assert_eq!(events(&mut client, &format!("{dates}&page_size=1000")), want);
    assert_eq!(events(&mut client, &format!("{dates}&page_size=11&page=3")), want[22..33]);
}
