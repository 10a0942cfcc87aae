//! Streams that request pages while the caller works on the one before.

mod common;

use std::collections::BTreeSet;
use std::time::Duration;

use common::{client, emulator, events, get, settings, wait_for};
use kal_emulator::{Config, DropPoint, Emulator, EventOrder, Fault};
use kaleidoscope::service::workspace::GET_WORKSPACE;
use kaleidoscope::{CallOptions, Cancel, Client, Next, Settings, Stream};

const EVENTS: &str = "/workspaces/events";
/// Events on a long page, and in the list of those pages.
const PAGE: i64 = 240;
const LISTED: usize = 7_000;
/// Longer than any test takes: never waited for in full.
const LONG: Option<Duration> = Some(Duration::from_secs(60 * 60));

/// Dropping a stream, closing it, and its cancel. What they return is kept.
const WAYS_TO_END: [fn(Stream, &Cancel) -> Option<Stream>; 3] = [
    |_, _| None,
    |stream, _| {
        stream.close();
        Some(stream)
    },
    |stream, cancel| {
        cancel.fire();
        Some(stream)
    },
];

fn stream(client: &Client, options: CallOptions) -> Stream {
    let stream = Stream::open(client, events(10), options).expect("a stream");
    stream.set_read_ahead(12);
    stream
}

fn ids(next: &Next) -> Vec<String> {
    let Next::Page(page) = next else { panic!("a page is expected, not {next:?}") };
    let events: Vec<serde_json::Value> = serde_json::from_slice(page.json()).expect("JSON");
    events.iter().map(|event| event["id"].as_str().expect("an id").to_owned()).collect()
}

fn requests(emulator: &Emulator) -> u64 {
    emulator.counts().paths.get(EVENTS).copied().unwrap_or_default()
}

/// The number of requests once those that were sent have arrived: others of the same thread go behind them.
fn settled_requests(emulator: &Emulator) -> u64 {
    for _ in 0..3 {
        get(&client(emulator), &GET_WORKSPACE).expect("a workspace");
    }
    requests(emulator)
}

/// Every event of a stream, in its order.
fn read(stream: &Stream) -> Vec<String> {
    let mut seen = Vec::new();
    loop {
        match stream.next(LONG).expect("a page or the end") {
            Next::Page(page) => seen.extend(ids(&Next::Page(page))),
            Next::End | Next::NothingYet => return seen,
        }
    }
}

fn take(stream: &Stream, pages: u64) -> Vec<String> {
    (0..pages).flat_map(|_| ids(&stream.next(LONG).expect("a page"))).collect()
}

/// The list of a new emulator, read one page at a time, and a client that knows how its pages are numbered.
fn listed(config: Config, settings_of: impl Fn(&Emulator) -> Settings) -> (Emulator, Client, Vec<String>) {
    let emulator = emulator(Config { events: LISTED, ..config });
    let client = Client::open(settings_of(&emulator)).expect("a client");
    let plain = Stream::open(&client, events(PAGE), CallOptions::default()).expect("a stream");
    let all = read(&plain);
    assert_eq!(all.len(), LISTED);
    take(&long_pages(&client, CallOptions::default()), 10);
    emulator.reset();
    (emulator, client, all)
}

/// A stream that reads ahead, of pages long enough for twelve of them.
fn long_pages(client: &Client, options: CallOptions) -> Stream {
    let stream = Stream::open(client, events(PAGE), options).expect("a stream");
    stream.set_read_ahead(12);
    stream
}

/// A stream behind its eighth page: it has requested the first, the second, then two, four and now eight at once. These are
/// left without an answer if `hangs`.
fn eight_ahead(emulator: &Emulator, client: &Client, options: CallOptions, hangs: bool) -> (Stream, Vec<String>) {
    ahead_of((8, 8), emulator, client, options, hangs)
}

/// A stream behind so many pages, and how many it has requested at once since the last of them.
fn ahead_of(
    (pages, at_once): (u64, u64),
    emulator: &Emulator,
    client: &Client,
    options: CallOptions,
    hangs: bool,
) -> (Stream, Vec<String>) {
    let stream = long_pages(client, options);
    let mut seen = take(&stream, pages - 1);
    // The next page has been requested: the fault is not for it.
    let before = settled_requests(emulator);
    if hangs {
        emulator.fault(Fault::on(EVENTS).drop_connection(DropPoint::Hang).times(at_once));
    }
    seen.extend(take(&stream, 1));
    wait_for("the requests", || requests(emulator) == before + at_once);
    (stream, seen)
}

#[test]
fn the_next_page_is_requested_ahead_and_the_cursor_stays() {
    let emulator = emulator(Config { events: 95, ..Config::default() });
    let stream = stream(&client(&emulator), CallOptions::default());
    let first = ids(&stream.next(LONG).expect("a page"));
    let cursor = stream.cursor();
    wait_for("the request for the next page", || requests(&emulator) == 2);
    assert_eq!(settled_requests(&emulator), 2, "one page ahead at first");
    assert_eq!(stream.cursor(), cursor);
    let seen = [first, read(&stream)].concat();
    assert_ne!(stream.cursor(), cursor);
    assert_eq!((seen.len(), seen.iter().collect::<BTreeSet<_>>().len()), (95, 95));
    let total = requests(&emulator);
    assert!(matches!(stream.next(LONG), Ok(Next::End)));
    assert_eq!(settled_requests(&emulator), total, "nothing after the end");
}

/// None of them is answered.
#[test]
fn eight_pages_are_requested_at_once_then_twelve_and_no_more() {
    for (order, first_page) in [(EventOrder::Asc, 0), (EventOrder::Desc, 1)] {
        let (emulator, client, _) = listed(Config { order, first_page, ..Config::default() }, settings);
        for set in [(8, 8), (16, 12)] {
            let (stream, seen) = ahead_of(set, &emulator, &client, CallOptions::default(), true);
            let total = requests(&emulator);
            assert_eq!(settled_requests(&emulator), total, "{set:?}: another request, after {} events", seen.len());
            drop(stream);
            emulator.reset();
        }
    }
}

/// Red when the number only switches reading ahead on: eight.
#[test]
fn no_more_pages_are_requested_at_once_than_the_caller_allows() {
    let (emulator, client, _) = listed(Config::default(), settings);
    for (allowed, behind) in [(1, 8), (3, 7), (3, 10)] {
        let stream = long_pages(&client, CallOptions::default());
        stream.set_read_ahead(allowed);
        take(&stream, behind - 1);
        // The page behind has been requested: the fault is not for it.
        let before = settled_requests(&emulator);
        emulator.fault(Fault::on(EVENTS).drop_connection(DropPoint::Hang).times(100));
        take(&stream, 1);
        assert_eq!(settled_requests(&emulator) - before, allowed as u64, "behind page {behind}");
        drop(stream);
        emulator.reset();
    }
}

#[test]
fn the_order_is_that_of_a_stream_that_does_not_read_ahead() {
    for (order, first_page) in [(EventOrder::Asc, 0), (EventOrder::Desc, 1)] {
        let (emulator, client, all) = listed(Config { order, first_page, ..Config::default() }, settings);
        // The first answers of the eight come last.
        emulator.fault(Fault::on(EVENTS).after(8).times(3).delay(Duration::from_millis(20)));
        let seen = read(&long_pages(&client, CallOptions::default()));
        assert!(seen == all, "{order:?}, {first_page}: {} of {}", seen.len(), all.len());
    }
}

#[test]
fn events_that_arrive_between_pages_change_nothing() {
    for order in [EventOrder::Asc, EventOrder::Desc] {
        let (emulator, client, all) = listed(Config { order, ..Config::default() }, settings);
        let stream = long_pages(&client, CallOptions::default());
        let mut seen = Vec::new();
        while let Next::Page(page) = stream.next(LONG).expect("a page or the end") {
            seen.extend(ids(&Next::Page(page)));
            if seen.len() < 2 * LISTED {
                emulator.append_events(3);
            }
        }
        assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), seen.len(), "twice");
        let old: BTreeSet<_> = all.iter().collect();
        seen.retain(|id| old.contains(id));
        assert!(seen == all, "{order:?}: {} of {}", seen.len(), all.len());
    }
}

#[test]
fn a_cursor_between_pages_in_memory_resumes_behind_the_last_one_returned() {
    let (emulator, client, all) = listed(Config::default(), settings);
    let (stream, mut seen) = eight_ahead(&emulator, &client, CallOptions::default(), false);
    for pages in [0, 1, 3] {
        seen.extend(take(&stream, pages));
        let rest = Stream::follow(&client, events(PAGE), Some(&stream.cursor()), CallOptions::default());
        let rest = rest.expect("a stream");
        let mut both = seen.clone();
        while let Next::Page(page) = rest.next(None).expect("a page or nothing yet") {
            both.extend(ids(&Next::Page(page)));
        }
        assert!(both == all, "{} of {}", both.len(), all.len());
    }
}

#[test]
fn pages_in_memory_are_returned_before_a_failure() {
    let one_attempt = |emulator: &Emulator| Settings { max_attempts: Some(1), ..settings(emulator) };
    let (emulator, client, all) = listed(Config::default(), one_attempt);
    let (stream, mut seen) = eight_ahead(&emulator, &client, CallOptions::default(), false);
    wait_for("eight answers", || emulator.requests().iter().all(|request| request.status.is_some()));
    emulator.fault(Fault::on(EVENTS).status(503).times(0));
    seen.extend(take(&stream, 8));
    assert_eq!(stream.next(LONG).expect_err("a failure").http_status(), Some(503));
    emulator.reset();
    seen.extend(read(&stream));
    assert!(seen == all, "{} of {}", seen.len(), all.len());
}

/// The page is there when it is requested by date.
#[test]
fn a_request_ahead_that_fails_costs_a_request_and_nothing_else() {
    for status in [404, 503] {
        let one_attempt = |emulator: &Emulator| Settings { max_attempts: Some(1), ..settings(emulator) };
        let (emulator, client, all) = listed(Config::default(), one_attempt);
        emulator.fault(Fault::on(EVENTS).query("page", "4").status(status).times(0));
        let seen = read(&long_pages(&client, CallOptions::default()));
        assert!(seen == all, "{status}: {} of {}", seen.len(), all.len());
    }
}

#[test]
fn a_timeout_leaves_the_requests_ahead_in_flight() {
    let (emulator, client, all) = listed(Config::default(), settings);
    let (stream, mut seen) = eight_ahead(&emulator, &client, CallOptions::default(), true);
    let total = requests(&emulator);
    assert!(matches!(stream.next(Some(Duration::from_millis(1))), Ok(Next::NothingYet)));
    assert_eq!(settled_requests(&emulator), total);
    emulator.reset();
    seen.extend(read(&stream));
    assert!(seen == all, "{} of {}", seen.len(), all.len());
}

#[test]
fn ending_a_stream_ends_all_its_requests_ahead() {
    for end in WAYS_TO_END {
        let eight_slots = |emulator: &Emulator| Settings { max_in_flight: Some(8), ..settings(emulator) };
        let (emulator, client, _) = listed(Config::default(), eight_slots);
        let cancel = Cancel::default();
        let options = CallOptions { cancel: Some(cancel.clone()), ..CallOptions::default() };
        let (stream, _) = eight_ahead(&emulator, &client, options, true);
        let _kept = end(stream, &cancel);
        get(&client, &GET_WORKSPACE).expect("a slot is free");
    }
}

#[test]
fn nothing_is_requested_ahead_by_default_or_once_it_is_off_again() {
    let emulator = emulator(Config::default());
    let by_default = Stream::open(&client(&emulator), events(10), CallOptions::default()).expect("a stream");
    by_default.next(LONG).expect("a page");
    assert_eq!(settled_requests(&emulator), 1);
    by_default.set_read_ahead(12);
    by_default.set_read_ahead(0);
    by_default.next(LONG).expect("a page");
    let total = requests(&emulator);
    assert_eq!(settled_requests(&emulator), total);
}

/// Red when a waiting follower polls ahead.
#[test]
fn a_follower_that_waits_for_its_next_poll_requests_nothing_ahead() {
    let emulator = emulator(Config { events: 10, ..Config::default() });
    let follower = Stream::follow(&client(&emulator), events(10), None, CallOptions::default()).expect("a stream");
    follower.set_read_ahead(12);
    follower.set_backoff(Some(Duration::from_secs(60 * 60)), None).expect("a wait");
    assert!(matches!(follower.next(None), Ok(Next::NothingYet)));
    emulator.append_events(3);
    assert_eq!(ids(&follower.next(None).expect("a page")).len(), 3);
    // What completes this round may be requested ahead.
    while !matches!(follower.next(None).expect("a page or nothing"), Next::NothingYet) {}
    emulator.append_events(3);
    assert_eq!(ids(&follower.next(None).expect("a page")).len(), 3);
    while !matches!(follower.next(None).expect("a page or nothing"), Next::NothingYet) {}
    let total = requests(&emulator);
    assert_eq!(settled_requests(&emulator), total);
}

#[test]
fn a_failure_of_the_request_ahead_is_that_of_the_next_call() {
    let emulator = emulator(Config { events: 30, ..Config::default() });
    let client = Client::open(Settings { max_attempts: Some(1), ..settings(&emulator) }).expect("a client");
    let stream = stream(&client, CallOptions::default());
    emulator.fault(Fault::on(EVENTS).status(503).after(1));
    let mut seen = ids(&stream.next(LONG).expect("a page"));
    let cursor = stream.cursor();
    wait_for("the request", || requests(&emulator) == 2);
    assert_eq!(stream.next(LONG).expect_err("a failure").http_status(), Some(503));
    assert_eq!(stream.cursor(), cursor);
    loop {
        match stream.next(LONG).expect("a page or the end") {
            Next::End => break,
            next => seen.extend(ids(&next)),
        }
    }
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 30);
}

/// Red when the request ahead does not know the stream's cancel: it keeps the client's only slot.
#[test]
fn ending_a_stream_ends_its_request_ahead() {
    for end in WAYS_TO_END {
        let emulator = emulator(Config::default());
        let client = Client::open(Settings { max_in_flight: Some(1), ..settings(&emulator) }).expect("a client");
        let cancel = Cancel::default();
        let stream = stream(&client, CallOptions { cancel: Some(cancel.clone()), ..CallOptions::default() });
        emulator.fault(Fault::on(EVENTS).drop_connection(DropPoint::Hang).after(1));
        stream.next(LONG).expect("a page");
        wait_for("the request ahead", || requests(&emulator) == 2);
        let _kept = end(stream, &cancel);
        get(&client, &GET_WORKSPACE).expect("the slot is free");
    }
}
