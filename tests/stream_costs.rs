//! How many requests a stream needs, counted at the emulator: read once, read by date, finding the present, and polls.

mod common;

use std::collections::BTreeSet;
use std::fmt::Write;

use common::{client, emulator, events, settings};
use kal_emulator::{Config, Emulator, EventOrder, PageZero};
use kaleidoscope::service::{Params, Value};
use kaleidoscope::{CallOptions, Client, Next, Settings, Stream};

const EVENTS: &str = "/workspaces/events";
const PAGE: usize = 100;

/// Every order with every way of numbering pages.
fn servers(events: usize) -> impl Iterator<Item = Config> {
    let numberings = [(0, PageZero::First), (1, PageZero::First), (1, PageZero::Error), (1, PageZero::Empty)];
    [EventOrder::Asc, EventOrder::Desc].into_iter().flat_map(move |order| {
        numberings.map(|(first_page, page_zero)| Config { order, first_page, page_zero, events, ..Config::default() })
    })
}

fn name(config: &Config) -> String {
    let Config { order, first_page, page_zero, events, .. } = config;
    format!("{events} events, {order:?}, first page {first_page}, page zero {page_zero:?}")
}

/// The queries of events since the last call.
fn queries(emulator: &Emulator) -> Vec<String> {
    let requests = emulator.requests();
    emulator.reset();
    requests.into_iter().filter(|request| request.path == EVENTS).map(|request| request.query).collect()
}

/// The number that a query has for this parameter.
fn number(query: &str, name: &str) -> Option<usize> {
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
}

/// Every event of a stream, as id and time; none twice.
fn read(client: &Client, params: Params) -> Vec<(String, String)> {
    let stream = Stream::open(client, params, CallOptions::default()).expect("a stream");
    let mut all = Vec::new();
    let mut ids = BTreeSet::new();
    loop {
        let page = match stream.next(None).expect("a page") {
            Next::Page(page) => page,
            Next::NothingYet => panic!("nothing yet, in a stream that does not follow"),
            Next::End => return all,
        };
        assert!((1..=PAGE).contains(&page.rows().len()), "{} events on a page", page.rows().len());
        let events: Vec<serde_json::Value> = serde_json::from_slice(page.json()).expect("JSON");
        for event in events {
            let [id, at] = ["id", "created_at"].map(|name| event[name].as_str().expect("a text").to_owned());
            assert!(ids.insert(id.clone()), "{id} came twice");
            all.push((id, at));
        }
    }
}

/// Fails with the whole table when a row needs more than it may.
fn assert_table(rows: &[(String, usize, usize)]) {
    let mut table = String::new();
    for (name, count, most) in rows {
        let mark = if count > most { '!' } else { ' ' };
        writeln!(table, "{count:4} of {most:2} {mark} {name}").expect("memory");
    }
    println!("{table}");
    assert!(rows.iter().all(|(_, count, most)| count <= most), "too many requests:\n{table}");
}

/// Red when a stream does not keep for the next one what it has seen of the server, and when it searches for the present.
#[test]
fn a_stream_of_ten_pages_needs_twelve_requests_and_the_next_one_eleven() {
    let mut rows = Vec::new();
    for config in servers(1_000) {
        let emulator = emulator(config.clone());
        let client = client(&emulator);
        for (which, most) in [("first", 12), ("second", 11), ("third", 11)] {
            assert_eq!(read(&client, events(100)).len(), 1_000, "{}", name(&config));
            let queries = queries(&emulator);
            rows.push((format!("{which} stream: {}", name(&config)), queries.len(), most));
            assert_no_search(&queries);
        }
    }
    assert_table(&rows);
}

/// A search for the present asks for pages of 1,000.
fn assert_no_search(queries: &[String]) {
    let largest = queries.iter().filter_map(|query| number(query, "page_size")).max();
    assert!(largest < Some(2 * PAGE), "a search: {queries:#?}");
}

/// Red as above. Events outside of the dates are neither read nor counted.
#[test]
fn a_slice_costs_what_its_events_cost() {
    let mut rows = Vec::new();
    for config in servers(1_000) {
        let emulator = emulator(config.clone());
        let mut times: Vec<_> = read(&client(&emulator), events(100)).into_iter().map(|(_, at)| at).collect();
        times.sort();
        let client = client(&emulator);
        for (which, (first, last)) in [(250, 549), (250, 260), (0, 299), (700, 999), (0, 999)].into_iter().enumerate() {
            let mut params = events(100);
            params.set("after_date", Value::Text(times[first].clone())).expect("a date");
            params.set("before_date", Value::Text(times[last].clone())).expect("a date");
            emulator.reset();
            assert_eq!(read(&client, params).len(), last - first + 1, "{}", name(&config));
            let queries = queries(&emulator);
            assert_no_search(&queries);
            let most = (last - first + 1).div_ceil(PAGE) + if which == 0 { 2 } else { 1 };
            rows.push((format!("events {first} to {last}: {}", name(&config)), queries.len(), most));
        }
    }
    assert_table(&rows);
}

/// The first poll learns that a short page is the last one. Red when it does not keep that: the next one needs three requests.
#[test]
fn the_present_is_found_with_eight_requests_and_a_poll_needs_one() {
    let mut rows = Vec::new();
    for config in servers(1_000).chain(servers(12_000)) {
        let emulator = emulator(config.clone());
        let stream = Stream::follow(&client(&emulator), events(100), None, CallOptions::default()).expect("a stream");
        let present = if config.order == EventOrder::Asc { 8 } else { 2 };
        for (which, most) in [("present", present), ("first poll", 3), ("second poll", 1), ("third poll", 1)] {
            // Without a timeout, it does not wait for the time of the next poll.
            assert!(matches!(stream.next(None), Ok(Next::NothingYet)), "{which}: {}", name(&config));
            rows.push((format!("{which}: {}", name(&config)), queries(&emulator).len(), most));
        }
        let new = emulator.append_events(1);
        let Ok(Next::Page(page)) = stream.next(None) else { panic!("the new event is expected: {}", name(&config)) };
        assert!(String::from_utf8_lossy(page.json()).contains(&new[0]));
        rows.push((format!("a new event: {}", name(&config)), queries(&emulator).len(), 1));
    }
    assert_table(&rows);
}

/// A search for the present asks for 1,000 events. Red when a response that is too long for that fails each call, and when
/// the search gives up after five jumps: the rest of the list is read, on 600 pages.
#[test]
fn the_present_is_found_on_small_pages_where_large_ones_cannot_be_had() {
    let mut rows = Vec::new();
    for (count, max_page_size, cap) in
        [(5_000, 1_000, Some(64 << 10)), (12_000, 1_000, Some(64 << 10)), (12_000, 100, None), (12_000, 20, None)]
    {
        let emulator = emulator(Config { order: EventOrder::Asc, events: count, max_page_size, ..Config::default() });
        let client = Client::open(Settings { max_response_bytes: cap, ..settings(&emulator) }).expect("settings");
        let stream = Stream::follow(&client, events(10), None, CallOptions::default()).expect("a stream");
        assert!(matches!(stream.next(None), Ok(Next::NothingYet)));
        let name = format!("{count} events, at most {max_page_size} on a page, at most {cap:?} bytes");
        rows.push((name, queries(&emulator).len(), 30));
        let new = emulator.append_events(1);
        let Ok(Next::Page(page)) = stream.next(None) else { panic!("the new event is expected") };
        assert!(String::from_utf8_lossy(page.json()).contains(&new[0]));
    }
    assert_table(&rows);
}

/// Reads on from a cursor, until there is nothing yet. Returns how many events that were.
fn read_on(client: &Client, params: Params, cursor: &str) -> usize {
    let stream = Stream::follow(client, params, Some(cursor), CallOptions::default()).expect("a stream");
    let pages = std::iter::from_fn(|| match stream.next(None).expect("a page or nothing yet") {
        Next::Page(page) => Some(page.rows().len()),
        Next::NothingYet | Next::End => None,
    });
    pages.sum()
}

/// Of more than 50,000 events, not every id is remembered. Red when only those that are were counted: the stream fails at its end.
#[test]
fn a_list_longer_than_the_memory_of_a_stream_costs_no_more() {
    let mut rows = Vec::new();
    for order in [EventOrder::Asc, EventOrder::Desc] {
        let config = Config { order, events: 52_000, max_page_size: 2_000, ..Config::default() };
        let emulator = emulator(config.clone());
        let client = client(&emulator);
        let params = events(1_000);
        let open = || Stream::open(&client, params.clone(), CallOptions::default()).expect("a stream");
        let take = |stream: &Stream, pages: usize| -> usize {
            let page = |_| match stream.next(None).expect("a page") {
                Next::Page(page) => page.rows().len(),
                Next::NothingYet | Next::End => 0,
            };
            (0..pages).map(page).sum()
        };
        let whole = open();
        assert_eq!(take(&whole, 60), 52_000, "{}", name(&config));
        rows.push((format!("to the end: {}", name(&config)), queries(&emulator).len(), 54));
        assert_eq!(read_on(&client, params.clone(), &whole.cursor()), 0);
        rows.push((format!("from there on: {}", name(&config)), queries(&emulator).len(), 3));
        // Besides its pages: how pages are numbered, whether a short page is the last one, and the count at the end.
        let half = open();
        let before = take(&half, 47);
        queries(&emulator);
        let after = read_on(&client, params.clone(), &half.cursor());
        assert_eq!(before + after, 52_000, "resumed: {}", name(&config));
        rows.push((format!("resumed after 47 of 52 pages: {}", name(&config)), queries(&emulator).len(), 5 + 10));
    }
    assert_table(&rows);
}
