//! Long lists, and many events of one moment: what is remembered stays small, and what a cursor holds, too.

use std::collections::BTreeMap;

use super::cursor::Start;
use super::edge::IDS_MOST;
use super::engine::{Engine, Step};
use super::sweep::{Item, Request};

const PAGE: usize = 100;
const REQUESTS_MOST: u32 = 20_000;
const EPOCH: i64 = 1_700_000_000_000_000;

/// A list that stands still. An event's id is its position, oldest first.
struct List {
    times: Vec<i64>,
    newest_first: bool,
}

impl List {
    fn answer(&self, request: Request) -> Vec<(String, i64)> {
        let from = request.range.after.map_or(0, |after| self.times.partition_point(|at| *at < after));
        let until =
            request.range.before.map_or(self.times.len(), |before| self.times.partition_point(|at| *at <= before));
        // Pages are counted from 0.
        let skip = PAGE * usize::try_from(request.page.unwrap_or(0)).expect("a page");
        let event = |position: usize| (position.to_string(), self.times[position]);
        if self.newest_first {
            (from..until).rev().skip(skip).take(PAGE).map(event).collect()
        } else {
            (from..until).skip(skip).take(PAGE).map(event).collect()
        }
    }

    /// Goes on until there is nothing more for now. After a page with something new, `after_page` may put another engine in the
    /// place of this one.
    fn go(&self, mut engine: Engine, mut after_page: impl FnMut(Engine) -> Engine) -> (Engine, BTreeMap<String, u32>) {
        let mut given = BTreeMap::new();
        let mut requests = 0;
        while let Step::Ask(request) = engine.next() {
            requests += 1;
            assert!(requests < REQUESTS_MOST, "it never ends");
            let page = self.answer(request);
            let items: Vec<_> = page.iter().map(|(id, at)| Item { id, at: Some(*at) }).collect();
            let new = engine.accept(&items);
            for position in &new {
                *given.entry(page[*position as usize].0.clone()).or_default() += 1;
            }
            if !new.is_empty() {
                engine = after_page(engine);
            }
        }
        (engine, given)
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
    if let Start::From(given) = &start {
        assert!(given.ids.len() <= IDS_MOST);
    }
    Engine::follow(&start, list.now())
}

/// Seen red with a window that forgets nothing.
#[test]
fn what_is_remembered_does_not_grow_with_the_list() {
    let spread = lists((0..100_000).map(|number| EPOCH + number * 1_000_000));
    let one_moment = lists((0..100_000).map(|_| EPOCH));
    for (list, most) in spread.map(|list| (list, 10_100)).chain(one_moment.map(|list| (list, 110_000))) {
        let mut largest = 0;
        let (_, given) = list.go(Engine::stream(list.now()), |engine| {
            largest = engine.remembered().max(largest);
            engine
        });
        assert_eq!((given.len(), given.values().max()), (100_000, Some(&1)));
        assert!(largest <= most, "{largest} ids are remembered");
    }
}

/// Seen red when the search for the newest events ended with the first that it found: 100 given twice.
#[test]
fn a_cursor_of_a_busy_time_loses_nothing_and_repeats_nothing() {
    // Five hundred a second: more than a cursor holds lie within the overlap.
    for list in lists((0..20_000).map(|number| EPOCH + number * 2_000)) {
        let mut pages = 0;
        let (_, given) = list.go(Engine::stream(list.now()), |engine| {
            pages += 1;
            if pages % 7 == 0 { resume(&list, &engine) } else { engine }
        });
        assert_eq!((given.len(), given.values().max()), (20_000, Some(&1)), "newest first: {}", list.newest_first);
    }
}

#[test]
fn a_cursor_within_five_hundred_events_of_one_moment_repeats_nothing() {
    // Not at the end of a page: where no page shows two times, nothing tells the order.
    for list in lists((0..1_960).map(|number| EPOCH + number / 490 * 3_600_000_000)) {
        let (_, given) = list.go(Engine::stream(list.now()), |engine| resume(&list, &engine));
        assert_eq!((given.len(), given.values().max()), (1_960, Some(&1)), "newest first: {}", list.newest_first);
    }
}

#[test]
fn a_cursor_within_more_events_of_one_moment_may_repeat_but_loses_nothing() {
    for list in lists((0..3_000).map(|number| EPOCH + number / 1_500 * 3_600_000_000)) {
        let mut pages = 0;
        let (_, given) = list.go(Engine::stream(list.now()), |engine| {
            pages += 1;
            if pages == 14 { resume(&list, &engine) } else { engine }
        });
        assert_eq!(given.len(), 3_000, "newest first: {}", list.newest_first);
    }
}
