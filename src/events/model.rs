//! Tests streams and followers against a model of the server, for everything that its documentation leaves open.
//!
//! `KAL_PROPTEST_CASES` sets the number of cases per test.

mod server;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Debug, Formatter};

use proptest::prelude::*;

use super::cursor::Start;
use super::engine::{Engine, Step};
use super::order::OVERLAP;
use super::snapshot::MAX_IDS;
use super::sweep::Item;
use server::{Arrival, EPOCH, PastEnd, Server, Traits};

/// Far more requests than any of these lists needs.
const MAX_REQUESTS: usize = 20_000;

/// What happens around a request.
#[derive(Clone)]
struct Disturbance {
    before: Arrival,
    /// The request fails and is repeated.
    fails: bool,
    /// The process ends after the page, and another one resumes from the cursor.
    restarts: bool,
}

impl Debug for Disturbance {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (fails, restarts) = (if self.fails { "!" } else { "" }, if self.restarts { "+" } else { "" });
        write!(f, "{:?}{fails}{restarts}", self.before)
    }
}

struct Run {
    /// The maximum number of IDs in a cursor.
    max_ids: usize,
    server: Server,
    delivered: BTreeMap<String, usize>,
    disturbances: std::vec::IntoIter<Disturbance>,
    requests: usize,
}

impl Run {
    /// Runs the engine until it ends or waits. Returns whether it waits.
    fn drive(&mut self, mut engine: Engine) -> Result<(Engine, bool), TestCaseError> {
        while let Step::Fetch(request) = engine.next() {
            self.requests += 1;
            prop_assert!(self.requests < MAX_REQUESTS, "too many requests");
            let disturbance = self.disturbances.next();
            if let Some(disturbance) = &disturbance {
                self.server.arrive(&disturbance.before);
            }
            if disturbance.as_ref().is_some_and(|disturbance| disturbance.fails) {
                prop_assert_eq!(engine.next(), Step::Fetch(request));
                continue;
            }
            let Some(page) = self.server.answer(request) else {
                prop_assert!(engine.page_rejected(), "the rejection of {request:?} is an error");
                continue;
            };
            let items: Vec<_> = page.iter().map(|(id, at)| Item { id, at: *at }).collect();
            for position in engine.accept(&items) {
                *self.delivered.entry(page[position as usize].0.clone()).or_default() += 1;
            }
            if disturbance.is_some_and(|disturbance| disturbance.restarts) {
                engine = resume(&engine, self.max_ids)?;
            }
        }
        prop_assert_ne!(engine.next(), Step::Failed);
        let waits = engine.next() == Step::Wait;
        Ok((engine, waits))
    }

    fn assert_no_duplicates(&self) -> Result<(), TestCaseError> {
        let twice: Vec<_> = self.delivered.iter().filter(|(_, times)| **times > 1).collect();
        prop_assert!(twice.is_empty(), "delivered twice: {twice:?}");
        Ok(())
    }

    fn assert_none_lost(&self, expected: &BTreeSet<String>) -> Result<(), TestCaseError> {
        let lost: Vec<_> = expected.iter().filter(|id| !self.delivered.contains_key(*id)).collect();
        prop_assert!(lost.is_empty(), "lost: {lost:?}");
        Ok(())
    }
}

fn resume(engine: &Engine, max_ids: usize) -> Result<Engine, TestCaseError> {
    let text = engine.cursor_with(max_ids).into_text("f");
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

/// Some events appear late, but within the overlap.
fn late_arrival(most: usize) -> impl Strategy<Value = Arrival> {
    (arrival(most), proptest::option::weighted(0.3, 0..OVERLAP))
        .prop_map(|(arrival, late)| Arrival { late: late.filter(|_| !arrival.undated), ..arrival })
}

fn past_end() -> impl Strategy<Value = PastEnd> {
    prop_oneof![3 => Just(PastEnd::Empty), 2 => Just(PastEnd::LastPage), 1 => Just(PastEnd::Rejected)]
}

fn traits(by_arrival: bool) -> impl Strategy<Value = Traits> {
    (0..=1_u64, any::<bool>(), any::<bool>(), prop_oneof![1..=4_usize, 5..=30_usize], past_end()).prop_map(
        move |(first_page, newest_first, inclusive, page_size, past_end)| Traits {
            first_page,
            newest_first,
            inclusive,
            by_arrival,
            page_size,
            past_end,
        },
    )
}

fn disturbances(
    quiet: bool,
    arrivals: impl Strategy<Value = Arrival>,
    restart_rate: f64,
) -> impl Strategy<Value = Vec<Disturbance>> {
    let busy = if quiet { 0.2 } else { 0.6 };
    let disturbance = (
        proptest::option::weighted(busy, arrivals),
        proptest::bool::weighted(0.1),
        proptest::bool::weighted(restart_rate),
    )
        .prop_map(|(before, fails, restarts)| {
            let none = Arrival { count: 0, gap: 0, late: None, undated: false };
            Disturbance { before: before.unwrap_or(none), fails, restarts }
        });
    proptest::collection::vec(disturbance, 0..40)
}

fn initial() -> impl Strategy<Value = Vec<Arrival>> {
    proptest::collection::vec(arrival(3), 0..40)
}

/// The error of the clock, or the age of the newest event.
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
    fn a_stream_delivers_every_event_once_and_ends(
        traits in traits(false), initial in initial(), disturbances in disturbances(false, arrival(9), 0.0), skew in skew(),
    ) {
        let server = Server::new(traits, &initial);
        let now = server.newest() + skew;
        let expected = server.ids();
        let mut run = Run { max_ids: MAX_IDS, server, delivered: BTreeMap::new(), disturbances: disturbances.into_iter(), requests: 0 };
        let (engine, _) = run.drive(Engine::stream(now))?;
        prop_assert_eq!(engine.next(), Step::End);
        run.assert_no_duplicates()?;
        run.assert_none_lost(&expected)?;
    }

    #[test]
    fn a_stream_ends_if_the_server_ignores_the_page_number(
        traits in traits(false), initial in initial(), disturbances in disturbances(false, arrival(9), 0.0), skew in skew(),
    ) {
        let server = Server::new(Traits { past_end: PastEnd::Ignored, ..traits }, &initial);
        let now = server.newest() + skew;
        let mut run = Run { max_ids: MAX_IDS, server, delivered: BTreeMap::new(), disturbances: disturbances.into_iter(), requests: 0 };
        let (engine, _) = run.drive(Engine::stream(now))?;
        prop_assert_eq!(engine.next(), Step::End);
        run.assert_no_duplicates()?;
    }

    #[test]
    fn resuming_from_the_cursor_of_a_stream_delivers_every_event_once(
        traits in traits(false), initial in initial(), disturbances in disturbances(true, arrival(9), 0.15),
        skew in skew(),
    ) {
        let server = Server::new(traits, &initial);
        let now = server.newest() + skew;
        let mut run = Run { max_ids: MAX_IDS, server, delivered: BTreeMap::new(), disturbances: disturbances.into_iter(), requests: 0 };
        let (engine, _) = run.drive(Engine::stream(now))?;
        let engine = resume(&engine, run.max_ids)?;
        catch_up(&mut run, engine)?;
        let expected = run.server.ids();
        run.assert_no_duplicates()?;
        run.assert_none_lost(&expected)?;
    }

    #[test]
    fn following_delivers_new_events_once_across_restarts(
        traits in any::<bool>().prop_flat_map(traits), initial in initial(), disturbances in disturbances(true, late_arrival(9), 0.15),
        skew in skew(), from_present in any::<bool>(),
    ) {
        let server = Server::new(traits, &initial);
        let now = server.newest() + skew;
        let mut run = Run { max_ids: MAX_IDS, server, delivered: BTreeMap::new(), disturbances: disturbances.into_iter(), requests: 0 };
        let (engine, before) = if from_present {
            let (engine, waits) = run.drive(Engine::follow(&Start::Present, now))?;
            prop_assert!(waits);
            (engine, run.server.ids())
        } else {
            (Engine::follow(&Start::Beginning, now), BTreeSet::new())
        };
        catch_up(&mut run, engine)?;
        let expected = run.server.ids().difference(&before).cloned().collect();
        run.assert_no_duplicates()?;
        run.assert_none_lost(&expected)?;
        if from_present {
            // An event without a time is known by ID alone, and the baseline did not read those far down the list.
            let old: Vec<_> = run.delivered.keys().filter(|id| initial_ids(&run, &initial).contains(*id)).collect();
            prop_assert!(old.is_empty(), "delivered although older than the start: {old:?}");
        }
    }

    /// Red when everything before the newest event counted as complete, not only what the pass had reached.
    #[test]
    fn a_cursor_with_too_few_ids_may_repeat_but_loses_nothing(
        traits in traits(false), initial in initial(), disturbances in disturbances(true, arrival(9), 0.15), skew in skew(),
        from_stream in any::<bool>(), max_ids in 1..40_usize,
    ) {
        let server = Server::new(traits, &initial);
        let now = server.newest() + skew;
        let engine = if from_stream { Engine::stream(now) } else { Engine::follow(&Start::Beginning, now) };
        let mut run = Run { max_ids, server, delivered: BTreeMap::new(), disturbances: disturbances.into_iter(), requests: 0 };
        let (engine, _) = run.drive(engine)?;
        let engine = resume(&engine, max_ids)?;
        catch_up(&mut run, engine)?;
        run.assert_none_lost(&run.server.ids())?;
    }
}

fn initial_ids(run: &Run, initial: &[Arrival]) -> BTreeSet<String> {
    let initial = initial.iter().map(|arrival| arrival.count).sum();
    let dated = run.server.events.iter().take(initial).filter(|event| event.at.is_some());
    dated.map(|event| event.id.clone()).collect()
}

/// Polls until no more events arrive.
fn catch_up(run: &mut Run, mut engine: Engine) -> Result<(), TestCaseError> {
    loop {
        let was_quiet = run.disturbances.len() == 0;
        engine.poll();
        let (next, waits) = run.drive(engine)?;
        prop_assert!(waits, "the follower ended");
        engine = next;
        if was_quiet && !engine.has_delivered() {
            return Ok(());
        }
    }
}

/// Red when a page 1 equal to the first page always counted as a sign of one-based numbering.
#[test]
fn late_events_that_shift_the_first_page_do_not_change_the_numbering() {
    let arrive = |count, gap, late| Arrival { count, gap, late, undated: false };
    let traits = Traits {
        first_page: 0,
        newest_first: false,
        inclusive: false,
        by_arrival: false,
        page_size: 2,
        past_end: PastEnd::Empty,
    };
    let server = Server::new(traits, &[arrive(1, 0, None), arrive(1, 3_600_000_000, None)]);
    let now = server.newest();
    let disturbances = [(0, None), (0, None), (0, None), (2, Some(1)), (0, None), (1, None)];
    let disturbances =
        disturbances.map(|(count, late)| Disturbance { before: arrive(count, 0, late), fails: false, restarts: false });
    let disturbances = Vec::from(disturbances).into_iter();
    let mut run = Run { max_ids: MAX_IDS, server, delivered: BTreeMap::new(), disturbances, requests: 0 };
    let (engine, _) = run.drive(Engine::follow(&Start::Present, now)).expect("the present");
    catch_up(&mut run, engine).expect("to follow");
    run.assert_none_lost(&["e4".to_owned()].into()).expect("the last event");
}
