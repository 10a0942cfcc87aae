//! Streams of events from servers with habits that the emulator does not have, and cursors that are damaged or taken early.

mod common;
#[path = "common/raw.rs"]
mod raw;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{client, emulator, events};
use kal_emulator::{Config, EventOrder, Fault};
use kaleidoscope::{CallOptions, Client, ErrorKind, Next, Stream};
use raw::{Raw, Then, sized, token};

const EVENTS: &str = "/workspaces/events";
const PAGE: usize = 100;

fn stream(client: &Client) -> Stream {
    Stream::open(client, events(100), CallOptions::default()).expect("a stream")
}

fn follow(client: &Client, cursor: Option<&str>) -> Stream {
    Stream::follow(client, events(100), cursor, CallOptions::default()).expect("a stream")
}

/// The ids of the next page. None at the end, and when there is nothing yet.
fn page(stream: &Stream) -> Option<Vec<String>> {
    let Next::Page(page) = stream.next(None).expect("a page or the end") else { return None };
    let events: Vec<serde_json::Value> = serde_json::from_slice(page.json()).expect("JSON");
    assert!((1..=PAGE).contains(&events.len()), "{} events on a page", events.len());
    Some(events.iter().map(|event| event["id"].as_str().expect("an id").to_owned()).collect())
}

fn rest(stream: &Stream) -> Vec<String> {
    std::iter::from_fn(|| page(stream)).flatten().collect()
}

fn sorted(ids: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut ids: Vec<_> = ids.into_iter().collect();
    ids.sort();
    ids
}

/// A list of events, one a minute, as ids and times. Its dates are compared as texts: they have one form.
struct List {
    events: Mutex<Vec<(String, String)>>,
    newest_first: bool,
    /// Page numbers lead to so many events. 422 beyond.
    most_by_number: usize,
}

impl List {
    fn new(count: usize, newest_first: bool) -> Arc<Self> {
        let at = |number: usize| {
            let (day, hour, minute) = (number / 1_440 + 1, number / 60 % 24, number % 60);
            format!("2026-01-{day:02}T{hour:02}:{minute:02}:00+00:00")
        };
        let events = Mutex::new((0..count).map(|number| (format!("event-{number:05}"), at(number))).collect());
        Arc::new(Self { events, newest_first, most_by_number: usize::MAX })
    }

    fn ids(&self) -> Vec<String> {
        self.events.lock().expect("no panic").iter().map(|(id, _)| id.clone()).collect()
    }

    fn serve(self: &Arc<Self>) -> Raw {
        let list = Arc::clone(self);
        Raw::with_queries(move |target, _| match target.split_once('?') {
            Some((EVENTS, query)) => (list.answer(&query.replace("%3A", ":").replace("%2B", "+")), Then::GoOn),
            _ => token(),
        })
    }

    /// Pages count from 1.
    fn answer(&self, query: &str) -> Vec<u8> {
        let text = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        let number = |name: &str| text(name).map(|number| number.parse::<usize>().expect("a number"));
        let (after, before) = (text("after_date"), text("before_date"));
        let size = number("page_size").unwrap_or(PAGE);
        let Some(page) = number("page").unwrap_or(1).checked_sub(1).filter(|page| page * size < self.most_by_number)
        else {
            return sized("422 Unprocessable", "", b"{}");
        };
        let events = self.events.lock().expect("no panic");
        let matches = |at: &str| after.is_none_or(|after| at >= after) && before.is_none_or(|before| at <= before);
        let mut found: Vec<_> = events.iter().filter(|(_, at)| matches(at)).collect();
        if self.newest_first {
            found.reverse();
        }
        let json = |(id, at): &(String, String)| format!(r#"{{"id":"{id}","created_at":"{at}"}}"#);
        let found: Vec<_> = found.into_iter().skip(page * size).take(size).map(json).collect();
        sized("200 OK", "", format!("[{}]", found.join(",")).as_bytes())
    }
}

fn open(server: &Raw) -> Client {
    Client::open(server.settings()).expect("good settings")
}

/// Red when a stream reads by number: it ends at the 1,000th event.
#[test]
fn a_server_that_numbers_no_page_beyond_the_thousandth_event_gives_all() {
    for newest_first in [false, true] {
        let mut list = List::new(2_500, newest_first);
        Arc::get_mut(&mut list).expect("the only one").most_by_number = 1_000;
        let server = list.serve();
        let client = open(&server);
        // The second stream knows the server.
        for _ in 0..2 {
            assert_eq!(sorted(rest(&stream(&client))), list.ids(), "newest first: {newest_first}");
        }
        let half = stream(&client);
        let mut ids: Vec<_> = (0..12).filter_map(|_| page(&half)).flatten().collect();
        ids.extend(rest(&follow(&open(&server), Some(&half.cursor()))));
        assert_eq!(sorted(ids), list.ids(), "resumed, newest first: {newest_first}");
    }
}

/// A request by date asks for more events than the caller, for those that it overlaps. Here they are gone meanwhile. Red when the
/// rest of such a page is given with it.
#[test]
fn no_page_has_more_events_than_asked_for_and_none_is_lost() {
    for newest_first in [false, true] {
        let list = List::new(2_500, newest_first);
        let server = list.serve();
        let stream = stream(&open(&server));
        let mut ids = Vec::new();
        let mut largest = 0;
        while let Some(page) = page(&stream) {
            largest = page.len().max(largest);
            // All events of the page but the first few.
            list.events.lock().expect("no panic").retain(|(id, _)| !page[80..].contains(id));
            ids.extend(page);
        }
        assert!(list.ids().len() < 2_500 && largest == PAGE);
        assert_eq!(sorted(ids).len(), 2_500, "newest first: {newest_first}");
    }
}

/// A C string ends at U+0000, so that structs have U+FFFD instead. Red when ids are compared as in structs.
#[test]
fn ids_that_differ_in_a_character_that_no_c_string_has_are_two_events() {
    let emulator = emulator(Config { events: 0, ..Config::default() });
    let ids = ["one\0", "one\u{fffd}", "\0", "\u{fffd}"];
    emulator.append_raw_events(ids.map(|id| serde_json::json!({ "id": id, "created_at": "2026-01-01T00:00:00Z" })));
    let stream = stream(&client(&emulator));
    assert_eq!(sorted(rest(&stream)), sorted(ids.map(Into::into)));
    // And they are still known to another process.
    let follower = follow(&client(&emulator), Some(&stream.cursor()));
    assert_eq!(rest(&follower), Vec::<String>::new());
}

/// Red without the checksum.
#[test]
fn a_cursor_with_a_damaged_bit_is_refused() {
    let emulator = emulator(Config { events: 1_000, ..Config::default() });
    let client = client(&emulator);
    let stream = stream(&client);
    for _ in 0..3 {
        page(&stream).expect("a page");
    }
    let cursor = stream.cursor();
    let mut random = 1_u64;
    let mut refused = 0;
    while refused < 200 {
        // Knuth's generator; its high bits are the good ones.
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut bytes = cursor.clone().into_bytes();
        let bit = usize::try_from(random >> 33).expect("31 bits") % (bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        let Ok(damaged) = String::from_utf8(bytes) else { continue };
        let error = Stream::follow(&client, events(100), Some(&damaged), CallOptions::default()).err();
        let error = error.unwrap_or_else(|| panic!("bit {bit} makes another cursor of {cursor}"));
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "bit {bit}");
        assert!(error.to_string().starts_with("cursor: "), "{error}");
        refused += 1;
    }
    follow(&client, Some(&cursor));
}

/// Red when the wait ends with "nothing yet": the events are new to the stream that starts when it is asked again, and lost.
#[test]
fn a_follower_has_nothing_yet_only_once_it_has_found_the_present() {
    for order in [EventOrder::Asc, EventOrder::Desc] {
        let emulator = emulator(Config { events: 1_000, order, ..Config::default() });
        emulator.fault(Fault::on(EVENTS).delay(Duration::from_secs(1)));
        let stream = follow(&client(&emulator), None);
        let error = stream.next(Some(Duration::from_millis(1))).expect_err("no start");
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::TimedOut, true), "{error}");
        while let Err(error) = stream.next(Some(Duration::from_millis(10))) {
            assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
        }
        let cursor = stream.cursor();
        let new: BTreeSet<_> = emulator.append_events(250).into_iter().collect();
        let resumed = rest(&follow(&client(&emulator), Some(&cursor)));
        assert_eq!((resumed.len(), resumed.into_iter().collect()), (250, new.clone()), "{order:?}");
        let went_on = rest(&stream);
        assert_eq!((went_on.len(), went_on.into_iter().collect()), (250, new), "{order:?}");
    }
}
