//! Followers of particular servers. Each lost or repeated events once.

use std::collections::BTreeSet;

use super::super::cursor::Start;
use super::super::engine::Engine;
use super::super::order::OVERLAP;
use super::dates::{Dates, Unit};
use super::disturbance::{Delete, Disturbance};
use super::drive::{Pause, Run, follow};
use super::events::{Arrival, HOUR, MINUTE, SECOND, Stamp, YEAR};
use super::paging::{Paging, PastEnd};
use super::server::{Caller, ListOrder, Server, Traits};

/// A follower from the present that has reached it.
fn at_present(traits: Traits, initial: &[Arrival]) -> (Run, Engine) {
    let mut run = Run::new(Server::new(traits, Caller::default(), initial), Vec::new());
    let (engine, pause) = run.drive(follow(&Start::Present, run.setup));
    assert_eq!((pause, run.given.len()), (Pause::Wait, 0), "{traits:?}");
    (run, engine)
}

/// Lets the events arrive, and checks that the follower gives exactly these, without an error.
fn check_new(run: &mut Run, engine: Engine, arrivals: &[Arrival]) -> Result<(), String> {
    let before: BTreeSet<_> = run.server.ids();
    for arrival in arrivals {
        run.server.arrive(*arrival);
    }
    if run.catch_up(engine)? {
        return Err("an error".to_owned());
    }
    run.given_once()?;
    if let Some(old) = run.given.iter().find(|id| before.contains(*id)) {
        return Err(format!("{old:?} was there before"));
    }
    let new: BTreeSet<_> = run.server.ids().difference(&before).cloned().collect();
    run.none_missed(&new)
}

/// Checks newest-first and oldest-first lists.
fn check(traits: Traits, initial: &[Arrival], arrivals: &[Arrival]) {
    let mut failures = Vec::new();
    for newest_first in [true, false] {
        let (mut run, engine) = at_present(Traits { newest_first, ..traits }, initial);
        if let Err(failure) = check_new(&mut run, engine, arrivals) {
            failures.push(format!("newest first {newest_first}: {failure}"));
        }
    }
    assert!(failures.is_empty(), "{traits:?}: {failures:#?}");
}

fn pages_of(page_size: usize) -> Paging {
    Paging { page_size, ..Paging::default() }
}

/// Red when a page 1 equal to the first page always counted as a sign of one-based numbering.
#[test]
fn late_events_that_shift_the_first_page_do_not_change_the_numbering() {
    let traits = Traits { paging: pages_of(2), ..Traits::default() };
    let traits = Traits { dates: Dates { inclusive: false, ..Dates::default() }, ..traits };
    let server = Server::new(traits, Caller::default(), &[Arrival::new(1, 0), Arrival::new(1, HOUR)]);
    let late = Arrival::new(2, 0).stamped(Stamp::Late(1));
    let mut disturbances = vec![Disturbance::default(); 6];
    disturbances[3] = Disturbance::arrival(late);
    disturbances[5] = Disturbance::arrival(Arrival::new(1, 0));
    let mut run = Run::new(server, disturbances);
    let (engine, _) = run.drive(follow(&Start::Present, run.setup));
    run.catch_up(engine).expect("to follow");
    run.none_missed(&["e4".to_owned()].into()).expect("the last event");
}

/// Red when the events of the next page moved to one that was already read.
#[test]
fn one_given_event_is_deleted_before_every_page_of_the_catch_up() {
    let mut failures = Vec::new();
    for deletes in [Delete::LastGiven, Delete::FirstGiven, Delete::AnyGiven(1), Delete::FiveOfLastPage] {
        for newest_first in [true, false] {
            for page_size in [10, 100] {
                let traits = Traits { newest_first, paging: pages_of(page_size), ..Traits::default() };
                let (mut run, engine) = at_present(traits, &[Arrival::new(20, MINUTE)]);
                run.disturbances = vec![Disturbance::delete(deletes); 200].into();
                if let Err(failure) = check_new(&mut run, engine, &[Arrival::new(390, MINUTE)]) {
                    failures.push(format!("{deletes:?}, newest first {newest_first}, {page_size}: {failure}"));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

/// Red when the oldest IDs were forgotten before the round was over.
#[test]
fn more_than_10_000_events_in_one_round() {
    let traits = Traits { paging: pages_of(100), ..Traits::default() };
    for (count, clock_error, gap) in [(10_010, 0, SECOND), (12_000, HOUR, SECOND), (20_000, 0, MINUTE)] {
        check(Traits { clock_error, ..traits }, &[Arrival::new(500, MINUTE)], &[Arrival::new(count, gap)]);
    }
}

/// The same, 10 a second.
#[test]
fn more_than_10_000_events_in_one_busy_round() {
    let traits = Traits { paging: pages_of(100), ..Traits::default() };
    for (count, clock_error) in [(10_010, 0), (12_000, HOUR)] {
        check(Traits { clock_error, ..traits }, &[Arrival::new(500, MINUTE)], &[Arrival::new(count, SECOND / 10)]);
    }
}

/// Red when a page was taken for the first again, and its events for new ones.
#[test]
fn a_list_in_no_order_or_undated_where_the_first_page_follows_the_last() {
    for past_end in [PastEnd::FirstPage, PastEnd::Wraps] {
        for first_page in [0, 1] {
            let paging = Paging { first_page, past_end, ..pages_of(100) };
            let traits = Traits { paging, ..Traits::default() };
            let (dated, undated) = (Stamp::Now, Stamp::Undated);
            for (order, stamp) in [(ListOrder::None, dated), (ListOrder::Time, undated), (ListOrder::None, undated)] {
                let events = |count| Arrival::new(count, MINUTE).stamped(stamp);
                check(Traits { order, ..traits }, &[events(500)], &[events(7)]);
                // From the beginning.
                let server = Server::new(Traits { order, ..traits }, Caller::default(), &[events(500)]);
                let mut run = Run::new(server, vec![Disturbance::arrival(events(3)); 20]);
                run.check_follower(false).expect("each once");
            }
        }
    }
}

/// Red when the limit itself was not within the overlap: where an event of that very time was given already.
#[test]
fn an_event_exactly_10_seconds_late() {
    let initial = [Arrival::new(50, MINUTE), Arrival::new(1, OVERLAP)];
    for order in [ListOrder::Time, ListOrder::Arrival] {
        for late in [OVERLAP - 1, OVERLAP] {
            let traits = Traits { order, paging: pages_of(100), ..Traits::default() };
            let late = Arrival::new(1, 0).stamped(Stamp::Late(late));
            check(traits, &initial, &[late]);
            // One before every request, also while the present is searched for.
            for newest_first in [true, false] {
                let server = Server::new(Traits { newest_first, ..traits }, Caller::default(), &initial);
                let arrivals = Disturbance { arrivals: vec![Arrival::new(1, OVERLAP), late], ..Disturbance::default() };
                Run::new(server, vec![arrivals; 20]).check_follower(true).expect("each once");
            }
        }
    }
}

/// Red when the search for the present relied on dates that do nothing, or on the client's clock.
#[test]
fn six_new_events_whatever_the_server_makes_of_dates() {
    let traits = Traits { paging: pages_of(100), ..Traits::default() };
    let six = [Arrival::new(6, SECOND)];
    for initial in [0, 1, 99, 100, 250, 1_000] {
        let initial = [Arrival::new(initial, MINUTE)];
        for inclusive in [true, false] {
            for unit in [Unit::Second, Unit::Day, Unit::Ignored] {
                let dates = Dates { unit, inclusive, ..Dates::default() };
                check(Traits { dates, ..traits }, &initial, &six);
            }
            let dates = Dates { inclusive, ..Dates::default() };
            for clock_error in [-YEAR, HOUR] {
                check(Traits { dates, clock_error, ..traits }, &initial, &six);
            }
        }
    }
}

/// A process that ends before its first answer has no cursor but that of its start.
#[test]
fn a_restart_before_the_first_answer() {
    for newest_first in [true, false] {
        let traits = Traits { newest_first, ..Traits::default() };
        let mut run = Run::new(Server::new(traits, Caller::default(), &[Arrival::new(35, MINUTE)]), Vec::new());
        let engine = run.resume(&follow(&Start::Present, run.setup));
        let (engine, _) = run.drive(engine);
        assert_eq!(run.given.len(), 0, "the present is still the present");
        check_new(&mut run, engine, &[Arrival::new(6, SECOND)]).expect("the new ones");

        let server = Server::new(traits, Caller::default(), &[Arrival::new(35, MINUTE)]);
        let mut run = Run::new(server, Vec::new());
        let engine = run.resume(&follow(&Start::Beginning, run.setup));
        run.catch_up(engine).expect("to follow");
        run.none_missed(&run.server.ids()).expect("all");
    }
}
