//! Streams of events against the emulator: everything once, whatever the server's habits, and nothing lost to faults.

mod common;

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use common::{client, emulator, settings, wait_for};
use kal_emulator::{Config, DateBounds, DropPoint, Emulator, EventOrder, Fault, PageZero};
use kaleidoscope::service::workspace::GET_EVENTS;
use kaleidoscope::service::{Params, Value};
use kaleidoscope::{CacheUse, CallOptions, Cancel, Client, Error, ErrorKind, Next, Settings, Stream};

const EVENTS: &str = "/workspaces/events";
/// Longer than any test may take: it is never waited for.
const LONG: Option<Duration> = Some(Duration::from_hours(1));

fn page_size(count: i64) -> Params {
    let mut params = Params::new(&GET_EVENTS);
    params.set("page_size", Value::Count(count)).expect("a page size");
    params
}

fn stream(client: &Client, params: Params) -> Stream {
    Stream::open(client, params, CallOptions::default()).expect("a stream")
}

fn follow(client: &Client, cursor: Option<&str>) -> Stream {
    let stream = Stream::follow(client, page_size(10), cursor, CallOptions::default()).expect("a stream");
    stream.set_backoff(Some(Duration::from_millis(1)), Some(Duration::from_millis(20))).expect("a wait");
    stream
}

/// The ids on a page, which are also those of its JSON.
fn ids(next: Result<Next, Error>) -> Vec<String> {
    let Ok(Next::Page(answer)) = next else { panic!("a page is expected, not {next:?}") };
    let json: Vec<serde_json::Value> = serde_json::from_slice(answer.json()).expect("JSON");
    let ids: Vec<_> = json.iter().map(|event| event["id"].as_str().expect("an id").to_owned()).collect();
    assert!(!ids.is_empty(), "a page is never empty");
    assert_eq!(answer.rows().len(), ids.len());
    ids
}

/// What the stream gives from now to its end.
fn rest(stream: &Stream) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        match stream.next(LONG) {
            Ok(Next::End) => return all,
            next => all.extend(ids(next)),
        }
    }
}

fn failure(next: Result<Next, Error>) -> Error {
    next.expect_err("a failure is expected")
}

/// All ids that the emulator has, asked for page by page as its options say.
fn everything(emulator: &Emulator, config: &Config) -> BTreeSet<String> {
    let client = client(emulator);
    let mut all = BTreeSet::new();
    for page in config.first_page.. {
        let mut params = page_size(1_000);
        params.set("page", Value::Count(page.try_into().expect("a page"))).expect("a page");
        let answer = client.call(params, &CallOptions::default()).expect("a page");
        if answer.rows().len() == 0 {
            return all;
        }
        all.extend(ids(Ok(Next::Page(answer))));
    }
    all
}

/// The events that this many times were given, each once.
fn once(given: &[String]) -> BTreeSet<String> {
    let set: BTreeSet<_> = given.iter().cloned().collect();
    assert_eq!(set.len(), given.len(), "something was given twice");
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
fn a_stream_gives_everything_once_while_events_arrive() {
    for config in habits() {
        let emulator = emulator(config.clone());
        let wanted = everything(&emulator, &config);
        let stream = stream(&client(&emulator), page_size(50));
        let mut given = Vec::new();
        for arriving in (0..).step_by(7) {
            match stream.next(LONG) {
                Ok(Next::End) => break,
                next => given.extend(ids(next)),
            }
            if arriving < 100 {
                emulator.append_events(arriving);
            }
        }
        assert!(once(&given).is_superset(&wanted), "something was lost: {config:?}");
    }
}

#[test]
fn a_page_size_that_the_server_cuts_down_loses_nothing() {
    let config = Config { events: 300, max_page_size: 20, ..Config::default() };
    let emulator = emulator(config.clone());
    let given = rest(&stream(&client(&emulator), page_size(100)));
    assert_eq!(once(&given), everything(&emulator, &config));
}

#[test]
fn filters_are_passed_on() {
    let emulator = emulator(Config { events: 200, ..Config::default() });
    let mut params = page_size(30);
    params.set("event_types", Value::TextList(vec!["create".into()])).expect("types");
    let given = rest(&stream(&client(&emulator), params));
    assert!(!given.is_empty() && given.len() < 200);
    let queries: Vec<_> = emulator.requests().into_iter().filter(|request| request.path == EVENTS).collect();
    assert!(queries.iter().all(|request| request.query.contains("page_size=30&event_types=%5B%22create%22%5D")));
}

#[test]
fn no_page_is_fetched_before_it_is_asked_for() {
    let emulator = emulator(Config::default());
    let stream = stream(&client(&emulator), page_size(10));
    assert_eq!(emulator.counts().total, 0);
    ids(stream.next(LONG));
    assert_eq!(emulator.counts().paths[EVENTS], 1);
}

#[test]
fn the_end_stays_the_end() {
    let emulator = emulator(Config { events: 5, ..Config::default() });
    let stream = stream(&client(&emulator), page_size(10));
    rest(&stream);
    let asked = emulator.counts().total;
    emulator.append_events(3);
    assert!(matches!(stream.next(LONG), Ok(Next::End)));
    assert!(matches!(stream.next(None), Ok(Next::End)));
    assert_eq!(emulator.counts().total, asked);
}

#[test]
fn an_empty_list_is_the_end_at_once() {
    let emulator = emulator(Config { events: 0, ..Config::default() });
    assert!(rest(&stream(&client(&emulator), Params::new(&GET_EVENTS))).is_empty());
    assert_eq!(emulator.counts().paths[EVENTS], 1);
}

/// A server whose pages behind the last are refused: 404 is what some frameworks say.
#[test]
fn a_refused_page_behind_the_last_is_the_end_and_a_refused_first_page_is_not() {
    let emulator = emulator(Config { events: 20, ..Config::default() });
    let stream = stream(&client(&emulator), page_size(10));
    let mut given = ids(stream.next(LONG));
    // Page 1 is the first again, page 2 has the rest; page 3, and page 3 once more, are refused.
    given.extend(ids(stream.next(LONG)));
    emulator.fault(Fault::on(EVENTS).status(404).times(1));
    emulator.fault(Fault::on(EVENTS).status(404).times(1).after(1));
    assert!(matches!(stream.next(LONG), Ok(Next::End)));
    assert_eq!(once(&given).len(), 20);

    emulator.reset();
    emulator.fault(Fault::on(EVENTS).status(404).times(1));
    let stream = self::stream(&client(&emulator), page_size(10));
    assert_eq!(failure(stream.next(LONG)).http_status(), Some(404));
    assert_eq!(once(&rest(&stream)).len(), 20);
}

#[test]
fn a_page_that_is_refused_once_is_asked_for_again() {
    let emulator = emulator(Config { events: 40, ..Config::default() });
    let stream = stream(&client(&emulator), page_size(10));
    let mut given = ids(stream.next(LONG));
    emulator.fault(Fault::on(EVENTS).status(404).times(1));
    given.extend(rest(&stream));
    assert_eq!(once(&given).len(), 40);
}

#[test]
fn every_failure_is_told_once_and_nothing_is_lost_to_it() {
    for fault in [
        Fault::on(EVENTS).status(503),
        Fault::on(EVENTS).status(403),
        Fault::on(EVENTS).body("<html>"),
        Fault::on(EVENTS).drop_connection(DropPoint::Before),
        Fault::on(EVENTS).drop_connection(DropPoint::Body),
    ] {
        let emulator = emulator(Config { events: 95, ..Config::default() });
        let client = Client::open(Settings { max_attempts: Some(1), ..settings(&emulator) }).expect("a client");
        let stream = stream(&client, page_size(10));
        let (mut given, mut failures) = (Vec::new(), 0);
        loop {
            emulator.fault(fault.clone());
            failures += 1;
            failure(stream.next(LONG));
            match stream.next(LONG) {
                Ok(Next::End) => break,
                next => given.extend(ids(next)),
            }
        }
        assert_eq!(once(&given).len(), 95, "{fault:?}");
        assert!(failures > 10);
    }
}

#[test]
fn a_page_on_its_way_when_the_time_is_up_is_not_lost() {
    let emulator = emulator(Config { events: 30, ..Config::default() });
    let stream = stream(&client(&emulator), page_size(10));
    emulator.fault(Fault::on(EVENTS).delay(Duration::from_millis(300)));
    let mut given = Vec::new();
    let mut waits = 0;
    loop {
        match stream.next(Some(Duration::from_millis(5))) {
            Ok(Next::NothingYet) => waits += 1,
            Ok(Next::End) => break,
            next => given.extend(ids(next)),
        }
    }
    assert!(waits > 0);
    assert_eq!(once(&given).len(), 30);
    // First, 1 (the first again), 2, 3 and 4: none was asked for twice.
    assert_eq!(emulator.counts().paths[EVENTS], 5);
}

#[test]
fn only_one_call_at_a_time_waits_for_a_stream() {
    let emulator = emulator(Config::default());
    let cancel = Cancel::default();
    let options = CallOptions { cancel: Some(cancel.clone()), ..CallOptions::default() };
    let stream = Stream::open(&client(&emulator), page_size(10), options).expect("a stream");
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

/// A thread waits for a page that does not come, or for news that do not come, until `end` ends it.
fn waits_until(end: impl Fn(&Client, &Stream, &Cancel), follows: bool) {
    let emulator = emulator(Config::default());
    let client = client(&emulator);
    let cancel = Cancel::default();
    let options = CallOptions { cancel: Some(cancel.clone()), ..CallOptions::default() };
    let stream = if follows {
        Stream::follow(&client, page_size(10), None, options).expect("a stream")
    } else {
        emulator.fault(Fault::on(EVENTS).drop_connection(DropPoint::Hang));
        Stream::open(&client, page_size(10), options).expect("a stream")
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
fn following_begins_at_the_present() {
    for config in habits() {
        let emulator = emulator(config);
        let stream = follow(&client(&emulator), None);
        assert!(matches!(stream.next(None), Ok(Next::NothingYet)));
        let wanted: BTreeSet<_> = emulator.append_events(25).into_iter().collect();
        let mut given = Vec::new();
        while given.len() < 25 {
            given.extend(ids(stream.next(LONG)));
        }
        assert_eq!(once(&given), wanted);
        assert!(matches!(stream.next(None), Ok(Next::NothingYet)));
    }
}

#[test]
fn following_from_a_date_gives_what_came_since_and_what_comes() {
    let config = Config { events: 60, ..Config::default() };
    let emulator = emulator(config.clone());
    let mut params = page_size(10);
    params.set("after_date", Value::Text("2000-01-01".into())).expect("a date");
    let stream = Stream::follow(&client(&emulator), params, None, CallOptions::default()).expect("a stream");
    let mut given = Vec::new();
    while given.len() < 60 {
        given.extend(ids(stream.next(LONG)));
    }
    let new = emulator.append_events(1);
    assert_eq!(ids(stream.next(LONG)), new);
    given.extend(new);
    assert_eq!(once(&given), everything(&emulator, &config));
}

#[test]
fn idle_rounds_are_few_requests() {
    for (order, most) in [(EventOrder::Desc, 1), (EventOrder::Asc, 2)] {
        let emulator = emulator(Config { order, ..Config::default() });
        let stream = follow(&client(&emulator), None);
        // The first rounds find the present, and how pages are numbered.
        for _ in 0..3 {
            assert!(matches!(stream.next(None), Ok(Next::NothingYet)));
        }
        emulator.reset();
        for _ in 0..10 {
            assert!(matches!(stream.next(None), Ok(Next::NothingYet)));
        }
        assert_eq!(emulator.counts().paths[EVENTS], 10 * most, "{order:?}");
    }
}

#[test]
fn an_event_that_shows_up_late_is_given() {
    for order in [EventOrder::Asc, EventOrder::Desc] {
        let emulator = emulator(Config { order, ..Config::default() });
        let stream = follow(&client(&emulator), None);
        assert!(matches!(stream.next(None), Ok(Next::NothingYet)));
        let at = |second| format!("2040-01-01T00:00:{second:02}Z");
        let event = |id: &str, second| serde_json::json!({"id": id, "created_at": at(second)});
        emulator.append_raw_events([event("in time", 20)]);
        assert_eq!(ids(stream.next(LONG)), ["in time"]);
        emulator.append_raw_events([event("late", 11)]);
        assert_eq!(ids(stream.next(LONG)), ["late"]);
        assert!(matches!(stream.next(None), Ok(Next::NothingYet)));
    }
}

#[test]
fn another_process_goes_on_from_the_cursor() {
    for config in habits() {
        let emulator = emulator(config.clone());
        let wanted = everything(&emulator, &config);
        // An export that is broken off after each page, and goes on as a follower.
        let exporting = stream(&client(&emulator), page_size(40));
        let mut given = ids(exporting.next(LONG));
        let mut cursor = exporting.cursor();
        let mut arriving = BTreeSet::new();
        loop {
            let stream = follow(&client(&emulator), Some(&cursor));
            match stream.next(None) {
                Ok(Next::NothingYet) => break,
                next => given.extend(ids(next)),
            }
            cursor = stream.cursor();
            if arriving.len() < 30 {
                arriving.extend(emulator.append_events(3));
            }
        }
        assert_eq!(once(&given), wanted.union(&arriving).cloned().collect(), "{config:?}");
    }
}

#[test]
fn a_cursor_that_was_taken_at_the_end_has_only_news_to_come() {
    let emulator = emulator(Config::default());
    let exporting = stream(&client(&emulator), page_size(100));
    assert_eq!(rest(&exporting).len(), 250);
    let stream = follow(&client(&emulator), Some(&exporting.cursor()));
    assert!(matches!(stream.next(None), Ok(Next::NothingYet)));
    let new = emulator.append_events(1);
    assert_eq!(ids(stream.next(LONG)), new);
}

#[test]
fn following_survives_a_server_that_goes_away_and_comes_back() {
    let emulator = emulator(Config::default());
    let client = Client::open(Settings { max_attempts: Some(1), ..settings(&emulator) }).expect("a client");
    let stream = follow(&client, None);
    assert!(matches!(stream.next(None), Ok(Next::NothingYet)));
    let mut wanted = emulator.append_events(25);
    let mut given = ids(stream.next(LONG));
    emulator.pause().expect("a pause");
    failure(stream.next(LONG));
    failure(stream.next(None));
    emulator.resume().expect("the port again");
    wanted.extend(emulator.append_events(5));
    while given.len() < 30 {
        match stream.next(LONG) {
            // A connection of before the pause may be found dead only now.
            Err(error) => assert!(error.is_retryable(), "{error}"),
            next => given.extend(ids(next)),
        }
    }
    assert_eq!(once(&given), wanted.into_iter().collect());
}

/// Whatever is asked of the stream meanwhile, and whoever refused: the API or the token endpoint. Red without the look at the
/// time: `next(None)` asks again at once, and so does `next(LONG)` of a stream that does not follow.
#[test]
fn no_stream_asks_before_the_time_that_the_server_asked_for() {
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
                    let all = stream(&client, page_size(10)).cursor();
                    Stream::follow(&client, page_size(10), Some(&all), CallOptions::default()).expect("a stream")
                } else {
                    stream(&client, page_size(10))
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
                assert_eq!(ids(stream.next(LONG)).len(), 10);
                assert!(refused.elapsed() >= WAIT * 9 / 10, "{:?}", refused.elapsed());
            });
        }
    });
}

#[test]
fn what_does_not_fit_a_stream_is_refused_by_name() {
    let emulator = emulator(Config::default());
    let client = client(&emulator);
    let mut with_page = page_size(10);
    with_page.set("page", Value::Count(2)).expect("a page");
    let mut with_end = page_size(10);
    with_end.set("before_date", Value::Text("2026-01-01".into())).expect("a date");
    let mut with_types = page_size(10);
    with_types.set("event_types", Value::TextList(vec!["create".into()])).expect("types");
    let cursor = stream(&client, page_size(10)).cursor();
    let none = CallOptions::default;
    for (refused, name) in [
        (Stream::open(&client, with_page.clone(), none()), "page: "),
        (Stream::follow(&client, with_page, None, none()), "page: "),
        (Stream::follow(&client, with_end, None, none()), "before_date: "),
        (Stream::follow(&client, page_size(10), Some("{}"), none()), "cursor: "),
        (Stream::follow(&client, with_types, Some(&cursor), none()), "cursor: "),
    ] {
        let error = refused.err().expect("a refusal");
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.to_string().starts_with(name), "{error}");
    }
    let only = CallOptions { cache: CacheUse::Only, ..none() };
    assert_eq!(Stream::open(&client, page_size(10), only).err().expect("a refusal").kind(), ErrorKind::NotFound);
    assert_eq!(emulator.counts().total, 0);
}
