//! Streams that request a page while the caller works on the one before.

mod common;

use std::collections::BTreeSet;
use std::time::Duration;

use common::{client, emulator, events, get, settings, wait_for};
use kal_emulator::{Config, DropPoint, Emulator, Fault};
use kaleidoscope::service::workspace::GET_WORKSPACE;
use kaleidoscope::{CallOptions, Cancel, Client, Next, Settings, Stream};

const EVENTS: &str = "/workspaces/events";
/// Longer than any test takes: never waited for in full.
const LONG: Option<Duration> = Some(Duration::from_secs(60 * 60));

fn stream(client: &Client, options: CallOptions) -> Stream {
    let stream = Stream::open(client, events(10), options).expect("a stream");
    stream.set_read_ahead(true);
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

/// Red without the request ahead, and when another one follows it before the page is taken.
#[test]
fn one_page_is_requested_ahead_and_the_cursor_stays() {
    let emulator = emulator(Config { events: 95, ..Config::default() });
    let stream = stream(&client(&emulator), CallOptions::default());
    let mut seen = ids(&stream.next(LONG).expect("a page"));
    let cursor = stream.cursor();
    for page in 2.. {
        emulator.fault(Fault::on(EVENTS).delay(Duration::from_millis(20)));
        let next = stream.next(LONG).expect("a page or the end");
        if matches!(next, Next::End) {
            break;
        }
        seen.extend(ids(&next));
        if page < 8 {
            let cursor = stream.cursor();
            wait_for("the request for the next page", || requests(&emulator) == page + 1);
            assert_eq!(settled_requests(&emulator), page + 1, "one page ahead");
            assert_eq!(stream.cursor(), cursor);
        }
    }
    assert_ne!(stream.cursor(), cursor);
    assert_eq!((seen.len(), seen.iter().collect::<BTreeSet<_>>().len()), (95, 95));
    let total = requests(&emulator);
    assert!(matches!(stream.next(LONG), Ok(Next::End)));
    assert_eq!(settled_requests(&emulator), total, "nothing after the end");
}

#[test]
fn nothing_is_requested_ahead_by_default_or_once_it_is_off_again() {
    let emulator = emulator(Config::default());
    let by_default = Stream::open(&client(&emulator), events(10), CallOptions::default()).expect("a stream");
    by_default.next(LONG).expect("a page");
    assert_eq!(settled_requests(&emulator), 1);
    by_default.set_read_ahead(true);
    by_default.set_read_ahead(false);
    by_default.next(LONG).expect("a page");
    let total = requests(&emulator);
    assert_eq!(settled_requests(&emulator), total);
}

/// Red when a waiting follower polls ahead.
#[test]
fn a_follower_that_waits_for_its_next_poll_requests_nothing_ahead() {
    let emulator = emulator(Config { events: 10, ..Config::default() });
    let follower = Stream::follow(&client(&emulator), events(10), None, CallOptions::default()).expect("a stream");
    follower.set_read_ahead(true);
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
    let ways: [fn(Stream, &Cancel) -> Option<Stream>; 3] = [
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
    for end in ways {
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
