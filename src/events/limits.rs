//! Long lists, and many events with the same time: memory and cursors stay small.

use std::collections::BTreeMap;

use super::cursor::Start;
use super::engine::{Engine, Setup, Step};
use super::page::Item;
use super::request::Request;
use super::snapshot::MAX_IDS;

const PAGE: usize = 100;
const MAX_REQUESTS: u32 = 20_000;
const EPOCH: i64 = 1_700_000_000_000_000;

/// A list that does not change. The ID of an event is its position, oldest first.
struct List {
    times: Vec<i64>,
    newest_first: bool,
}

impl List {
    fn answer(&self, request: Request) -> Vec<(String, i64)> {
        let from = request.range.after.map_or(0, |after| self.times.partition_point(|at| *at < after));
        let until =
            request.range.before.map_or(self.times.len(), |before| self.times.partition_point(|at| *at <= before));
        // Pages are zero-based.
        let skip = PAGE * usize::try_from(request.page.unwrap_or(0)).expect("a page");
        let event = |position: usize| (position.to_string(), self.times[position]);
        if self.newest_first {
            (from..until).rev().skip(skip).take(PAGE).map(event).collect()
        } else {
            (from..until).skip(skip).take(PAGE).map(event).collect()
        }
    }

    /// Runs the engine until it ends or waits. After a page with new events, `after_page` may replace the engine.
    fn drive(
        &self,
        mut engine: Engine,
        mut after_page: impl FnMut(Engine) -> Engine,
    ) -> (Engine, BTreeMap<String, u32>) {
        let mut delivered = BTreeMap::new();
        let mut requests = 0;
        while let Step::Fetch(request) = engine.next() {
            requests += 1;
            assert!(requests < MAX_REQUESTS, "too many requests");
            let page = self.answer(request);
            let items: Vec<_> = page.iter().map(|(id, at)| Item { id: id.as_bytes(), at: Some(*at) }).collect();
            let new = engine.accept(&items);
            for position in &new {
                *delivered.entry(page[*position as usize].0.clone()).or_default() += 1;
            }
            if !new.is_empty() {
                engine = after_page(engine);
            }
        }
        (engine, delivered)
    }

    fn now(&self) -> i64 {
        *self.times.last().expect("an event")
    }
}

fn lists(times: impl Iterator<Item = i64> + Clone) -> impl Iterator<Item = List> {
    [false, true].into_iter().map(move |newest_first| List { times: times.clone().collect(), newest_first })
}

fn resume(list: &List, engine: &Engine) -> Engine {
    let text = engine.cursor().into_text("f");
    assert!(text.len() < 128 * 1024, "a cursor of {} bytes", text.len());
    let start = Start::parse(&text, "f").expect("a cursor");
    if let Start::Snapshot(snapshot) = &start {
        assert!(snapshot.ids.len() <= MAX_IDS);
    }
    Engine::follow(&start, setup(list.now()))
}

/// Red without eviction.
#[test]
fn memory_does_not_grow_with_the_list() {
    let spread = lists((0..100_000).map(|number| EPOCH + number * 1_000_000));
    let same_time = lists((0..100_000).map(|_| EPOCH));
    for (list, max) in spread.map(|list| (list, 50_100)).chain(same_time.map(|list| (list, 110_000))) {
        let mut largest = 0;
        let (_, delivered) = list.drive(Engine::stream(setup(list.now())), |engine| {
            largest = engine.seen_len().max(largest);
            engine
        });
        assert_eq!((delivered.len(), delivered.values().max()), (100_000, Some(&1)));
        assert!(largest <= max, "{largest} IDs in memory");
    }
}

/// Red when the search for the newest events stopped at the first ones found: 100 delivered twice.
#[test]
fn a_cursor_taken_at_a_high_event_rate_loses_and_repeats_nothing() {
    // 500 events per second: more than a cursor holds are within the overlap.
    for list in lists((0..20_000).map(|number| EPOCH + number * 2_000)) {
        let mut pages = 0;
        let (_, delivered) = list.drive(Engine::stream(setup(list.now())), |engine| {
            pages += 1;
            if pages % 7 == 0 { resume(&list, &engine) } else { engine }
        });
        assert_eq!(
            (delivered.len(), delivered.values().max()),
            (20_000, Some(&1)),
            "newest first: {}",
            list.newest_first
        );
    }
}

#[test]
fn a_cursor_within_500_events_of_the_same_time_repeats_nothing() {
    // Not at the end of a page: without two times on a page, the order is unknown.
    for list in lists((0..1_960).map(|number| EPOCH + number / 490 * 3_600_000_000)) {
        let (_, delivered) = list.drive(Engine::stream(setup(list.now())), |engine| resume(&list, &engine));
        assert_eq!(
            (delivered.len(), delivered.values().max()),
            (1_960, Some(&1)),
            "newest first: {}",
            list.newest_first
        );
    }
}

#[test]
fn a_cursor_within_more_events_of_the_same_time_may_repeat_but_loses_nothing() {
    for list in lists((0..3_000).map(|number| EPOCH + number / 1_500 * 3_600_000_000)) {
        let mut pages = 0;
        let (_, delivered) = list.drive(Engine::stream(setup(list.now())), |engine| {
            pages += 1;
            if pages == 14 { resume(&list, &engine) } else { engine }
        });
        assert_eq!(delivered.len(), 3_000, "newest first: {}", list.newest_first);
    }
}

fn setup(now: i64) -> Setup {
    Setup { now, ..Setup::default() }
}

/// Red when only the IDs in memory were counted: the server seemed to hide events from dates.
#[test]
fn a_list_longer_than_the_memory_ends() {
    for list in lists((0..120_000).map(|number| EPOCH + number * 60_000_000)) {
        let setup = Setup { page_size: Some(100), ..setup(list.now()) };
        let (engine, delivered) = list.drive(Engine::stream(setup), |engine| engine);
        assert_eq!((engine.next(), delivered.len()), (Step::End, 120_000), "newest first: {}", list.newest_first);
        let (mut engine, delivered) = list.drive(Engine::follow(&Start::Beginning, setup), |engine| engine);
        assert_eq!((engine.next(), delivered.len()), (Step::Wait, 120_000), "newest first: {}", list.newest_first);
        engine.poll();
        let (engine, delivered) = list.drive(engine, |engine| engine);
        assert_eq!((engine.next(), delivered.len()), (Step::Wait, 0), "newest first: {}", list.newest_first);
    }
}
