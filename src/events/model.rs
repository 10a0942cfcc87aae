//! Streams and followers against a model of the server, over everything that its documentation leaves open.
//!
//! `KAL_PROPTEST_CASES` says how many cases each test tries.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Debug, Formatter};

use proptest::prelude::*;

use super::cursor::Start;
use super::edge::IDS_MOST;
use super::engine::{Engine, Step};
use super::order::OVERLAP;
use super::sweep::{Item, Request};

const EPOCH: i64 = 1_700_000_000_000_000;
/// No honest server makes anyone ask so often for so few events.
const REQUESTS_MOST: usize = 20_000;

#[derive(Clone, Debug)]
struct Event {
    id: String,
    at: Option<i64>,
    /// Where it stands in the list.
    place: (i64, usize),
}

/// What the server does with the number of a page that does not exist.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Behind {
    Empty,
    LastPage,
    Refused,
    /// It takes no notice of the number at all.
    Ignored,
}

#[derive(Clone, Copy, Debug)]
struct Habits {
    first_page: u64,
    newest_first: bool,
    inclusive: bool,
    /// As they were stored, rather than as they were made.
    by_arrival: bool,
    page_size: usize,
    behind: Behind,
}

#[derive(Debug)]
struct Server {
    habits: Habits,
    events: Vec<Event>,
}

/// Events that appear between two requests.
#[derive(Clone)]
struct Arrival {
    count: usize,
    gap: i64,
    /// Later than they were made.
    late: Option<i64>,
    undated: bool,
}

impl Server {
    fn new(habits: Habits, gaps: &[Arrival]) -> Self {
        let mut server = Self { habits, events: Vec::new() };
        for arrival in gaps {
            server.arrive(arrival);
        }
        server
    }

    fn newest(&self) -> i64 {
        self.events.iter().filter_map(|event| event.at).max().unwrap_or(EPOCH)
    }

    fn arrive(&mut self, arrival: &Arrival) {
        for _ in 0..arrival.count {
            let at = match arrival.late {
                Some(late) => self.newest() - late,
                None => self.newest() + arrival.gap,
            };
            let arrived = self.events.len();
            let place = match (self.habits.by_arrival, arrival.undated) {
                (true, _) => 0,
                (false, true) => self.newest(),
                (false, false) => at,
            };
            let at = (!arrival.undated).then_some(at);
            self.events.push(Event { id: format!("e{arrived}"), at, place: (place, arrived) });
        }
    }

    fn ids(&self) -> BTreeSet<String> {
        self.events.iter().map(|event| event.id.clone()).collect()
    }

    /// None: the page is refused.
    fn answer(&self, request: Request) -> Option<Vec<(String, Option<i64>)>> {
        let edge = i64::from(!self.habits.inclusive);
        let in_range = |at: i64| {
            request.range.after.is_none_or(|after| at >= after + edge)
                && request.range.before.is_none_or(|before| at <= before - edge)
        };
        let mut list: Vec<_> = self.events.iter().filter(|event| event.at.is_none_or(in_range)).collect();
        list.sort_by_key(|event| event.place);
        if self.habits.newest_first {
            list.reverse();
        }
        let mut pages = list.chunks(self.habits.page_size);
        let number = match request.page {
            _ if self.habits.behind == Behind::Ignored => 0,
            None => 0,
            Some(page) => page
                .checked_sub(self.habits.first_page)
                .and_then(|page| usize::try_from(page).ok())
                .expect("no page before the first"),
        };
        let final_page = pages.len().saturating_sub(1);
        let page = match self.habits.behind {
            Behind::Refused if number > final_page => return None,
            Behind::LastPage => pages.nth(number.min(final_page)),
            _ => pages.nth(number),
        };
        Some(page.unwrap_or_default().iter().map(|event| (event.id.clone(), event.at)).collect())
    }
}

impl Debug for Arrival {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}*{}{}", self.count, self.gap, if self.undated { "?" } else { "" })?;
        self.late.map_or(Ok(()), |late| write!(f, "(-{late})"))
    }
}

/// What happens to the one who asks, besides the answer.
#[derive(Clone)]
struct Turn {
    before: Arrival,
    /// The request fails, and is made again.
    fails: bool,
    /// The process ends behind the page, and another goes on from the cursor.
    dies: bool,
}

impl Debug for Turn {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (fails, dies) = (if self.fails { "!" } else { "" }, if self.dies { "+" } else { "" });
        write!(f, "{:?}{fails}{dies}", self.before)
    }
}

struct Run {
    /// How many ids a cursor may have.
    ids_most: usize,
    server: Server,
    given: BTreeMap<String, usize>,
    turns: std::vec::IntoIter<Turn>,
    requests: usize,
}

impl Run {
    /// Goes on until the engine wants nothing more, or has to wait.
    fn go(&mut self, mut engine: Engine) -> Result<(Engine, bool), TestCaseError> {
        while let Step::Ask(request) = engine.next() {
            self.requests += 1;
            prop_assert!(self.requests < REQUESTS_MOST, "it never ends");
            let turn = self.turns.next();
            if let Some(turn) = &turn {
                self.server.arrive(&turn.before);
            }
            if turn.as_ref().is_some_and(|turn| turn.fails) {
                prop_assert_eq!(engine.next(), Step::Ask(request));
                continue;
            }
            let Some(page) = self.server.answer(request) else {
                prop_assert!(engine.refused(), "the refusal of {request:?} is an error");
                continue;
            };
            let items: Vec<_> = page.iter().map(|(id, at)| Item { id, at: *at }).collect();
            for position in engine.accept(&items) {
                *self.given.entry(page[position as usize].0.clone()).or_default() += 1;
            }
            if turn.is_some_and(|turn| turn.dies) {
                engine = resume(&engine, self.ids_most)?;
            }
        }
        prop_assert_ne!(engine.next(), Step::Lost);
        let waits = engine.next() == Step::Wait;
        Ok((engine, waits))
    }

    fn nothing_twice(&self) -> Result<(), TestCaseError> {
        let twice: Vec<_> = self.given.iter().filter(|(_, times)| **times > 1).collect();
        prop_assert!(twice.is_empty(), "given twice: {twice:?}");
        Ok(())
    }

    fn nothing_lost(&self, wanted: &BTreeSet<String>) -> Result<(), TestCaseError> {
        let lost: Vec<_> = wanted.iter().filter(|id| !self.given.contains_key(*id)).collect();
        prop_assert!(lost.is_empty(), "lost: {lost:?}");
        Ok(())
    }
}

fn resume(engine: &Engine, ids_most: usize) -> Result<Engine, TestCaseError> {
    let text = engine.cursor_of(ids_most).into_text("f");
    let start = Start::parse(&text, "f").map_err(|error| TestCaseError::fail(error.to_string()))?;
    Ok(Engine::follow(&start, EPOCH))
}

fn gap() -> impl Strategy<Value = i64> {
    prop_oneof![
        3 => Just(0),
        2 => Just(1),
        2 => 1..2_000_000_i64,
        2 => Just(7_000_000),
        3 => 10_000_000..60_000_000_i64,
        1 => Just(3_600_000_000),
    ]
}

fn arrival(most: usize) -> impl Strategy<Value = Arrival> {
    (0..=most, gap(), proptest::bool::weighted(0.05)).prop_map(|(count, gap, undated)| Arrival {
        count,
        gap,
        late: None,
        undated,
    })
}

/// Now and then an event shows up late, but not so late that nobody looks any more.
fn late_arrival(most: usize) -> impl Strategy<Value = Arrival> {
    (arrival(most), proptest::option::weighted(0.3, 0..OVERLAP))
        .prop_map(|(arrival, late)| Arrival { late: late.filter(|_| !arrival.undated), ..arrival })
}

fn behind() -> impl Strategy<Value = Behind> {
    prop_oneof![3 => Just(Behind::Empty), 2 => Just(Behind::LastPage), 1 => Just(Behind::Refused)]
}

fn habits(by_arrival: bool) -> impl Strategy<Value = Habits> {
    (0..=1_u64, any::<bool>(), any::<bool>(), prop_oneof![1..=4_usize, 5..=30_usize], behind()).prop_map(
        move |(first_page, newest_first, inclusive, page_size, behind)| Habits {
            first_page,
            newest_first,
            inclusive,
            by_arrival,
            page_size,
            behind,
        },
    )
}

fn turns(quiet: bool, arrivals: impl Strategy<Value = Arrival>, deadly: f64) -> impl Strategy<Value = Vec<Turn>> {
    let busy = if quiet { 0.2 } else { 0.6 };
    let turn =
        (proptest::option::weighted(busy, arrivals), proptest::bool::weighted(0.1), proptest::bool::weighted(deadly))
            .prop_map(|(before, fails, dies)| {
                let none = Arrival { count: 0, gap: 0, late: None, undated: false };
                Turn { before: before.unwrap_or(none), fails, dies }
            });
    proptest::collection::vec(turn, 0..40)
}

fn initial() -> impl Strategy<Value = Vec<Arrival>> {
    proptest::collection::vec(arrival(3), 0..40)
}

/// How wrong the caller's clock is, and how long ago the newest event was.
fn skew() -> impl Strategy<Value = i64> {
    prop_oneof![-1_000_000..1_000_000_i64, -100_000_000_000..100_000_000_000_i64]
}

fn config() -> ProptestConfig {
    let cases = std::env::var("KAL_PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(2_000);
    ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 20_000, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_stream_gives_everything_once_and_ends(
        habits in habits(false), initial in initial(), turns in turns(false, arrival(9), 0.0), skew in skew(),
    ) {
        let server = Server::new(habits, &initial);
        let now = server.newest() + skew;
        let wanted = server.ids();
        let mut run = Run { ids_most: IDS_MOST, server, given: BTreeMap::new(), turns: turns.into_iter(), requests: 0 };
        let (engine, _) = run.go(Engine::stream(now))?;
        prop_assert_eq!(engine.next(), Step::End);
        run.nothing_twice()?;
        run.nothing_lost(&wanted)?;
    }

    #[test]
    fn a_stream_of_a_server_that_has_but_one_page_ends(
        habits in habits(false), initial in initial(), turns in turns(false, arrival(9), 0.0), skew in skew(),
    ) {
        let server = Server::new(Habits { behind: Behind::Ignored, ..habits }, &initial);
        let now = server.newest() + skew;
        let mut run = Run { ids_most: IDS_MOST, server, given: BTreeMap::new(), turns: turns.into_iter(), requests: 0 };
        let (engine, _) = run.go(Engine::stream(now))?;
        prop_assert_eq!(engine.next(), Step::End);
        run.nothing_twice()?;
    }

    #[test]
    fn whoever_goes_on_from_the_cursor_of_a_stream_gets_everything_once(
        habits in habits(false), initial in initial(), turns in turns(true, arrival(9), 0.15),
        skew in skew(),
    ) {
        let server = Server::new(habits, &initial);
        let now = server.newest() + skew;
        let mut run = Run { ids_most: IDS_MOST, server, given: BTreeMap::new(), turns: turns.into_iter(), requests: 0 };
        let (engine, _) = run.go(Engine::stream(now))?;
        let engine = resume(&engine, run.ids_most)?;
        catch_up(&mut run, engine)?;
        let wanted = run.server.ids();
        run.nothing_twice()?;
        run.nothing_lost(&wanted)?;
    }

    #[test]
    fn following_gives_what_comes_once_across_restarts(
        habits in any::<bool>().prop_flat_map(habits), initial in initial(), turns in turns(true, late_arrival(9), 0.15),
        skew in skew(), from_present in any::<bool>(),
    ) {
        let server = Server::new(habits, &initial);
        let now = server.newest() + skew;
        let mut run = Run { ids_most: IDS_MOST, server, given: BTreeMap::new(), turns: turns.into_iter(), requests: 0 };
        let (engine, before) = if from_present {
            let (engine, waits) = run.go(Engine::follow(&Start::Present, now))?;
            prop_assert!(waits);
            (engine, run.server.ids())
        } else {
            (Engine::follow(&Start::Beginning, now), BTreeSet::new())
        };
        catch_up(&mut run, engine)?;
        let wanted = run.server.ids().difference(&before).cloned().collect();
        run.nothing_twice()?;
        run.nothing_lost(&wanted)?;
        if from_present {
            // An event that has no time is told by its id alone, and nobody looked at those far down the list.
            let old: Vec<_> = run.given.keys().filter(|id| initial_ids(&run, &initial).contains(*id)).collect();
            prop_assert!(old.is_empty(), "given, though they were there before: {old:?}");
        }
    }

    /// Seen red when all times before the newest event counted as complete, not only those that the pass had come to.
    #[test]
    fn a_cursor_that_has_too_few_ids_repeats_but_loses_nothing(
        habits in habits(false), initial in initial(), turns in turns(true, arrival(9), 0.15), skew in skew(),
        from_stream in any::<bool>(), ids_most in 1..40_usize,
    ) {
        let server = Server::new(habits, &initial);
        let now = server.newest() + skew;
        let engine = if from_stream { Engine::stream(now) } else { Engine::follow(&Start::Beginning, now) };
        let mut run = Run { ids_most, server, given: BTreeMap::new(), turns: turns.into_iter(), requests: 0 };
        let (engine, _) = run.go(engine)?;
        let engine = resume(&engine, ids_most)?;
        catch_up(&mut run, engine)?;
        run.nothing_lost(&run.server.ids())?;
    }
}

fn initial_ids(run: &Run, initial: &[Arrival]) -> BTreeSet<String> {
    let initial = initial.iter().map(|arrival| arrival.count).sum();
    let dated = run.server.events.iter().take(initial).filter(|event| event.at.is_some());
    dated.map(|event| event.id.clone()).collect()
}

/// Polls until nothing happens any more.
fn catch_up(run: &mut Run, mut engine: Engine) -> Result<(), TestCaseError> {
    loop {
        let was_quiet = run.turns.len() == 0;
        engine.poll();
        let (next, waits) = run.go(engine)?;
        prop_assert!(waits, "what follows ended");
        engine = next;
        if was_quiet && !engine.has_news() {
            return Ok(());
        }
    }
}

/// Seen red when a page 1 that is the first page again was always taken for a sign that pages are counted from 1.
#[test]
fn late_events_that_push_the_first_page_away_do_not_change_how_pages_are_counted() {
    let arrive = |count, gap, late| Arrival { count, gap, late, undated: false };
    let habits = Habits {
        first_page: 0,
        newest_first: false,
        inclusive: false,
        by_arrival: false,
        page_size: 2,
        behind: Behind::Empty,
    };
    let server = Server::new(habits, &[arrive(1, 0, None), arrive(1, 3_600_000_000, None)]);
    let now = server.newest();
    let turns = [(0, None), (0, None), (0, None), (2, Some(1)), (0, None), (1, None)];
    let turns = turns.map(|(count, late)| Turn { before: arrive(count, 0, late), fails: false, dies: false });
    let turns = Vec::from(turns).into_iter();
    let mut run = Run { ids_most: IDS_MOST, server, given: BTreeMap::new(), turns, requests: 0 };
    let (engine, _) = run.go(Engine::follow(&Start::Present, now)).expect("the present");
    catch_up(&mut run, engine).expect("to follow");
    run.nothing_lost(&["e4".to_owned()].into()).expect("the event that came afterwards");
}
