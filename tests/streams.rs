//! Event streams against the emulator: each event once with every paging behaviour, and none lost to faults.

mod common;

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use common::{client, emulator, events, settings, wait_for};
use kal_emulator::{Config, DateBounds, DropPoint, Emulator, EventOrder, Fault, PageZero};
use kaleidoscope::service::workspace::GET_EVENTS;
use kaleidoscope::service::{Params, Value};
use kaleidoscope::{CacheUse, CallOptions, Cancel, Client, Error, ErrorKind, Next, Settings, Stream};

const EVENTS: &str = "/workspaces/events";
/// Longer than any test takes: never waited for in full.
const LONG: Option<Duration> = Some(Duration::from_secs(60 * 60));

fn stream(client: &Client, params: Params) -> Stream {
    Stream::open(client, params, CallOptions::default()).expect("a stream")
}

fn follow(client: &Client, cursor: Option<&str>) -> Stream {
    let stream = Stream::follow(client, events(10), cursor, CallOptions::default()).expect("a stream");
    stream.set_backoff(Some(Duration::from_millis(1)), Some(Duration::from_millis(20))).expect("a wait");
    stream
}

/// The ids on a page, which are also those of its JSON.
fn page_ids(next: Result<Next, Error>) -> Vec<String> {
    let Ok(Next::Page(answer)) = next else { panic!("a page is expected, not {next:?}") };
    let json: Vec<serde_json::Value> = serde_json::from_slice(answer.json()).expect("JSON");
    let ids: Vec<_> = json.iter().map(|event| event["id"].as_str().expect("an id").to_owned()).collect();
    assert!(!ids.is_empty(), "a page is never empty");
    assert_eq!(answer.rows().len(), ids.len());
    ids
}

/// The remaining events of the stream.
fn rest(stream: &Stream) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        match stream.next(LONG) {
            Ok(Next::End) => return all,
            next => all.extend(page_ids(next)),
        }
    }
}

fn failure(next: Result<Next, Error>) -> Error {
    next.expect_err("a failure is expected")
}

/// The ids of all events of the emulator, fetched page by page.
fn everything(emulator: &Emulator, config: &Config) -> BTreeSet<String> {
    let client = client(emulator);
    let mut all = BTreeSet::new();
    for page in config.first_page.. {
        let mut params = events(1_000);
        params.set("page", Value::Count(page.try_into().expect("a page"))).expect("a page");
        let answer = client.call(params, &CallOptions::default()).expect("a page");
        if answer.rows().len() == 0 {
            return all;
        }
        all.extend(page_ids(Ok(Next::Page(answer))));
    }
    all
}

/// The set of ids; asserts that none repeats.
fn once(ids: &[String]) -> BTreeSet<String> {
    let set: BTreeSet<_> = ids.iter().cloned().collect();
    assert_eq!(set.len(), ids.len(), "an event was returned twice");
    set
}

fn habits() -> impl Iterator<Item = Config> {
    let zero = [(0, PageZero::First), (1, PageZero::Error), (1, PageZero::First), (1, PageZero::Empty)];
    zero.into_iter().flat_map(|(first_page, page_zero)| {
        [EventOrder::Asc, EventOrder::Desc].into_iter().flat_map(move |order| {
            [DateBounds::Inclusive, DateBounds::Exclusive].into_iter().map(move |dates| Config {
                first_page,
                page_zero,
                order,
                dates,
                events: 730,
                ..Config::default()
            })
        })
    })
}

#[test]
fn a_stream_returns_each_event_once_while_events_arrive() {
    for config in habits() {
        let emulator = emulator(config.clone());
        let wanted = everything(&emulator, &config);
        let stream = stream(&client(&emulator), events(50));
        let mut ids = Vec::new();
        for arriving in (0..).step_by(7) {
            match stream.next(LONG) {
                Ok(Next::End) => break,
                next => ids.extend(page_ids(next)),
            }
            if arriving < 100 {
                emulator.append_events(arriving);
            }
        }
        assert!(once(&ids).is_superset(&wanted), "an event was lost: {config:?}");
    }
}

#[test]
fn a_page_size_reduced_by_the_server_loses_no_events() {
    let config = Config { events: 300, max_page_size: 20, ..Config::default() };
    let emulator = emulator(config.clone());
    let ids = rest(&stream(&client(&emulator), events(100)));
    assert_eq!(once(&ids), everything(&emulator, &config));
}

#[test]
fn filters_are_sent() {
    let emulator = emulator(Config { events: 200, ..Config::default() });
    let mut params = events(30);
    params.set("event_types", Value::TextList(vec!["create".into()])).expect("types");
    let ids = rest(&stream(&client(&emulator), params));
    assert!(!ids.is_empty() && ids.len() < 200);
    let queries: Vec<_> = emulator.requests().into_iter().filter(|request| request.path == EVENTS).collect();
    assert!(queries.iter().all(|request| request.query.contains("&event_types=%5B%22create%22%5D")));
    // A request by date asks for the overlap besides.
    let size = |query: &str| query.split('&').find_map(|pair| pair.strip_prefix("page_size=")?.parse::<u32>().ok());
    assert!(queries.iter().all(|request| size(&request.query).is_some_and(|size| (30..=60).contains(&size))));
}

#[test]
fn pages_are_fetched_on_demand_only() {
    let emulator = emulator(Config::default());
    let stream = stream(&client(&emulator), events(10));
    assert_eq!(emulator.counts().total, 0);
    page_ids(stream.next(LONG));
    assert_eq!(emulator.counts().paths[EVENTS], 1);
}

#[test]
fn next_after_the_end_stays_at_the_end() {
    let emulator = emulator(Config { events: 5, ..Config::default() });
    let stream = stream(&client(&emulator), events(10));
    rest(&stream);
    let asked = emulator.counts().total;
    emulator.append_events(3);
    assert!(matches!(stream.next(LONG), Ok(Next::End)));
    assert!(matches!(stream.next(None), Ok(Next::End)));
    assert_eq!(emulator.counts().total, asked);
}

#[test]
fn an_empty_first_page_is_the_end() {
    let emulator = emulator(Config { events: 0, ..Config::default() });
    assert!(rest(&stream(&client(&emulator), Params::new(&GET_EVENTS))).is_empty());
    assert_eq!(emulator.counts().paths[EVENTS], 1);
}

/// A server that responds with an error to pages after the last: some frameworks send 404.
#[test]
fn an_error_after_the_last_page_is_the_end_and_an_error_on_the_first_page_is_not() {
    let emulator = emulator(Config { events: 20, ..Config::default() });
    let stream = stream(&client(&emulator), events(10));
    let mut ids = page_ids(stream.next(LONG));
    // Page 1 repeats the first page, page 2 has the rest; page 3 fails, twice.
    ids.extend(page_ids(stream.next(LONG)));
    emulator.fault(Fault::on(EVENTS).status(404).times(1));
    emulator.fault(Fault::on(EVENTS).status(404).times(1).after(1));
    assert!(matches!(stream.next(LONG), Ok(Next::End)));
    assert_eq!(once(&ids).len(), 20);

    emulator.reset();
    emulator.fault(Fault::on(EVENTS).status(404).times(1));
    let stream = self::stream(&client(&emulator), events(10));
    assert_eq!(failure(stream.next(LONG)).http_status(), Some(404));
    assert_eq!(once(&rest(&stream)).len(), 20);
}

#[test]
fn a_page_that_fails_once_is_fetched_again() {
    let emulator = emulator(Config { events: 40, ..Config::default() });
    let stream = stream(&client(&emulator), events(10));
    let mut ids = page_ids(stream.next(LONG));
    emulator.fault(Fault::on(EVENTS).status(404).times(1));
    ids.extend(rest(&stream));
    assert_eq!(once(&ids).len(), 40);
}

#[test]
fn each_failure_is_reported_once_and_loses_no_events() {
    for fault in [
        Fault::on(EVENTS).status(503),
        Fault::on(EVENTS).status(403),
        Fault::on(EVENTS).body("<html>"),
        Fault::on(EVENTS).drop_connection(DropPoint::Before),
        Fault::on(EVENTS).drop_connection(DropPoint::Body),
    ] {
        let emulator = emulator(Config { events: 95, ..Config::default() });
        let client = Client::open(Settings { max_attempts: Some(1), ..settings(&emulator) }).expect("a client");
        let stream = stream(&client, events(10));
        let (mut ids, mut failures) = (Vec::new(), 0);
        loop {
            emulator.fault(fault.clone());
            failures += 1;
            failure(stream.next(LONG));
            match stream.next(LONG) {
                Ok(Next::End) => break,
                next => ids.extend(page_ids(next)),
            }
        }
        assert_eq!(once(&ids).len(), 95, "{fault:?}");
        assert!(failures > 10);
    }
}

#[test]
fn a_page_that_arrives_after_a_timeout_is_not_lost() {
    let emulator = emulator(Config { events: 30, ..Config::default() });
    let stream = stream(&client(&emulator), events(10));
    emulator.fault(Fault::on(EVENTS).delay(Duration::from_millis(300)));
    let mut ids = Vec::new();
    let mut waits = 0;
    loop {
        match stream.next(Some(Duration::from_millis(5))) {
            Ok(Next::NothingYet) => waits += 1,
            Ok(Next::End) => break,
            next => ids.extend(page_ids(next)),
        }
    }
    assert!(waits > 0);
    assert_eq!(once(&ids).len(), 30);
    // The first page, 1 (the first again), 2, 3 and 4: none was requested twice.
    assert_eq!(emulator.counts().paths[EVENTS], 5);
}

#[test]
fn a_second_concurrent_wait_on_a_stream_is_rejected() {
    let emulator = emulator(Config::default());
    let cancel = Cancel::default();
    let options = CallOptions { cancel: Some(cancel.clone()), ..CallOptions::default() };
    let stream = Stream::open(&client(&emulator), events(10), options).expect("a stream");
    emulator.fault(Fault::on(EVENTS).drop_connection(DropPoint::Hang));
    let waiting = thread::spawn({
        let stream = stream.clone();
        move || stream.next(LONG)
    });
    wait_for("the request", || emulator.counts().paths.contains_key(EVENTS));
    assert_eq!(failure(stream.next(LONG)).kind(), ErrorKind::InvalidState);
    cancel.fire();
    assert_eq!(failure(waiting.join().expect("no panic")).kind(), ErrorKind::Cancelled);
    assert_eq!(failure(stream.next(LONG)).kind(), ErrorKind::Cancelled);
}

/// A thread waits for a page or for new events that never arrive, until `end` ends the wait.
fn waits_until(end: impl Fn(&Client, &Stream, &Cancel), follows: bool) {
    let emulator = emulator(Config::default());
    let client = client(&emulator);
    let cancel = Cancel::default();
    let options = CallOptions { cancel: Some(cancel.clone()), ..CallOptions::default() };
    let stream = if follows {
        Stream::follow(&client, events(10), None, options).expect("a stream")
    } else {
        emulator.fault(Fault::on(EVENTS).drop_connection(DropPoint::Hang));
        Stream::open(&client, events(10), options).expect("a stream")
    };
    let waiting = thread::spawn({
        let stream = stream.clone();
        move || stream.next(LONG)
    });
    wait_for("the request", || emulator.counts().paths.contains_key(EVENTS));
    end(&client, &stream, &cancel);
    assert_eq!(failure(waiting.join().expect("no panic")).kind(), ErrorKind::Cancelled);
    assert_eq!(failure(stream.next(None)).kind(), ErrorKind::Cancelled);
}

#[test]
fn cancelling_closing_and_freeing_end_a_wait() {
    for follows in [false, true] {
        waits_until(|_, _, cancel| cancel.fire(), follows);
        waits_until(|client, _, _| client.close(), follows);
        waits_until(|_, stream, _| stream.close(), follows);
    }
}

#[test]
fn a_follower_starts_at_the_present() {
    for config in habits() {
        let emulator = emulator(config);
        let stream = follow(&client(&emulator), None);
        assert!(matches!(stream.next(None), Ok(Next::NothingYet)));
        let wanted: BTreeSet<_> = emulator.append_events(25).into_iter().collect();
        let mut ids = Vec::new();
        while ids.len() < 25 {
            ids.extend(page_ids(stream.next(LONG)));
        }
        assert_eq!(once(&ids), wanted);
        assert!(matches!(stream.next(None), Ok(Next::NothingYet)));
    }
}

#[test]
fn a_follower_with_a_date_returns_events_since_then_and_new_ones() {
    let config = Config { events: 60, ..Config::default() };
    let emulator = emulator(config.clone());
    let mut params = events(10);
    params.set("after_date", Value::Text("2000-01-01".into())).expect("a date");
    let stream = Stream::follow(&client(&emulator), params, None, CallOptions::default()).expect("a stream");
    let mut ids = Vec::new();
    while ids.len() < 60 {
        ids.extend(page_ids(stream.next(LONG)));
    }
    let new = emulator.append_events(1);
    assert_eq!(page_ids(stream.next(LONG)), new);
    ids.extend(new);
    assert_eq!(once(&ids), everything(&emulator, &config));
}

#[test]
fn an_idle_follower_sends_few_requests() {
    for order in [EventOrder::Desc, EventOrder::Asc] {
        let emulator = emulator(Config { order, ..Config::default() });
        let stream = follow(&client(&emulator), None);
        // The first polls find the newest events and detect how pages are numbered.
        for _ in 0..3 {
            assert!(matches!(stream.next(None), Ok(Next::NothingYet)));
        }
        emulator.reset();
        for _ in 0..10 {
            assert!(matches!(stream.next(None), Ok(Next::NothingYet)));
        }
        assert_eq!(emulator.counts().paths[EVENTS], 10, "{order:?}");
    }
}

#[test]
fn an_event_that_appears_late_is_returned() {
    for order in [EventOrder::Asc, EventOrder::Desc] {
        let emulator = emulator(Config { order, ..Config::default() });
        let stream = follow(&client(&emulator), None);
        assert!(matches!(stream.next(None), Ok(Next::NothingYet)));
        let at = |second| format!("2040-01-01T00:00:{second:02}Z");
        let event = |id: &str, second| serde_json::json!({"id": id, "created_at": at(second)});
        emulator.append_raw_events([event("in time", 20)]);
        assert_eq!(page_ids(stream.next(LONG)), ["in time"]);
        emulator.append_raw_events([event("late", 11)]);
        assert_eq!(page_ids(stream.next(LONG)), ["late"]);
        assert!(matches!(stream.next(None), Ok(Next::NothingYet)));
    }
}

#[test]
fn another_process_resumes_from_the_cursor() {
    for config in habits() {
        let emulator = emulator(config.clone());
        let wanted = everything(&emulator, &config);
        // An export that is interrupted after each page and then continues as a follower.
        let exporting = stream(&client(&emulator), events(40));
        let mut ids = page_ids(exporting.next(LONG));
        let mut cursor = exporting.cursor();
        let mut arriving = BTreeSet::new();
        loop {
            let stream = follow(&client(&emulator), Some(&cursor));
            match stream.next(None) {
                Ok(Next::NothingYet) => break,
                next => ids.extend(page_ids(next)),
            }
            cursor = stream.cursor();
            if arriving.len() < 30 {
                arriving.extend(emulator.append_events(3));
            }
        }
        assert_eq!(once(&ids), wanted.union(&arriving).cloned().collect(), "{config:?}");
    }
}

#[test]
fn a_cursor_taken_at_the_end_resumes_with_new_events_only() {
    let emulator = emulator(Config::default());
    let exporting = stream(&client(&emulator), events(100));
    assert_eq!(rest(&exporting).len(), 250);
    let stream = follow(&client(&emulator), Some(&exporting.cursor()));
    assert!(matches!(stream.next(None), Ok(Next::NothingYet)));
    let new = emulator.append_events(1);
    assert_eq!(page_ids(stream.next(LONG)), new);
}

#[test]
fn a_follower_survives_a_server_restart() {
    let emulator = emulator(Config::default());
    let client = Client::open(Settings { max_attempts: Some(1), ..settings(&emulator) }).expect("a client");
    let stream = follow(&client, None);
    assert!(matches!(stream.next(None), Ok(Next::NothingYet)));
    let mut wanted = emulator.append_events(25);
    let mut ids = page_ids(stream.next(LONG));
    emulator.pause().expect("a pause");
    failure(stream.next(LONG));
    failure(stream.next(None));
    emulator.resume().expect("the port again");
    wanted.extend(emulator.append_events(5));
    while ids.len() < 30 {
        match stream.next(LONG) {
            // A connection from before the pause may only now turn out to be closed.
            Err(error) => assert!(error.is_retryable(), "{error}"),
            next => ids.extend(page_ids(next)),
        }
    }
    assert_eq!(once(&ids), wanted.into_iter().collect());
}

/// Whatever call is made on the stream meanwhile, and whether the API or the token endpoint sent Retry-After. Red when the time
/// is not checked: `next(None)` sends a request at once, and so does `next(LONG)` of a stream that does not follow.
#[test]
fn streams_respect_retry_after() {
    const WAIT: Duration = Duration::from_secs(2);
    let refusals = [
        Fault::on(EVENTS).status(429).header("Retry-After", "2"),
        Fault::on(EVENTS)
            .status(503)
            .header("Date", "Wed, 21 Oct 2015 07:28:00 GMT")
            .header("Retry-After", "Wed, 21 Oct 2015 07:28:02 GMT"),
        Fault::on("/auth/oauth/token").status(429).header("Retry-After", "2"),
    ];
    thread::scope(|scope| {
        for (refusal, follows) in refusals.iter().flat_map(|refusal| [(refusal, false), (refusal, true)]) {
            scope.spawn(move || {
                let emulator = emulator(Config::default());
                let once = Settings { max_attempts: Some(1), ..settings(&emulator) };
                let client = Client::open(once).expect("a client");
                emulator.fault(refusal.clone());
                let stream = if follows {
                    let all = stream(&client, events(10)).cursor();
                    Stream::follow(&client, events(10), Some(&all), CallOptions::default()).expect("a stream")
                } else {
                    stream(&client, events(10))
                };
                let error = failure(stream.next(LONG));
                let refused = Instant::now();
                assert_eq!(error.details().retry_after, Some(WAIT), "{error}");
                let sent = emulator.counts().total;
                stream.set_backoff(Some(Duration::from_millis(1)), Some(Duration::from_millis(1))).expect("a backoff");
                while refused.elapsed() < WAIT / 2 {
                    assert!(matches!(stream.next(None), Ok(Next::NothingYet)), "{refusal:?}");
                    assert!(
                        matches!(stream.next(Some(Duration::from_millis(20))), Ok(Next::NothingYet)),
                        "{refusal:?}"
                    );
                }
                assert_eq!(emulator.counts().total, sent, "{refusal:?}, follows: {follows}");
                assert_eq!(page_ids(stream.next(LONG)).len(), 10);
                assert!(refused.elapsed() >= WAIT * 9 / 10, "{:?}", refused.elapsed());
            });
        }
    });
}

#[test]
fn parameters_that_streams_do_not_support_are_rejected_by_name() {
    let emulator = emulator(Config::default());
    let client = client(&emulator);
    let mut with_page = events(10);
    with_page.set("page", Value::Count(2)).expect("a page");
    let mut with_end = events(10);
    with_end.set("before_date", Value::Text("2026-01-01".into())).expect("a date");
    let mut with_types = events(10);
    with_types.set("event_types", Value::TextList(vec!["create".into()])).expect("types");
    let cursor = stream(&client, events(10)).cursor();
    let none = CallOptions::default;
    for (refused, name) in [
        (Stream::open(&client, with_page.clone(), none()), "page: "),
        (Stream::follow(&client, with_page, None, none()), "page: "),
        (Stream::follow(&client, with_end, None, none()), "before_date: "),
        (Stream::follow(&client, events(10), Some("{}"), none()), "cursor: "),
        (Stream::follow(&client, with_types, Some(&cursor), none()), "cursor: "),
    ] {
        let error = refused.err().expect("a refusal");
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.to_string().starts_with(name), "{error}");
    }
    let only = CallOptions { cache: CacheUse::Only, ..none() };
    assert_eq!(Stream::open(&client, events(10), only).err().expect("a refusal").kind(), ErrorKind::NotFound);
    assert_eq!(emulator.counts().total, 0);
}
