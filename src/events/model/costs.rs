//! How many requests a stream and a follower need.

use super::super::cursor::Start;
use super::super::request::Range;
use super::drive::{Pause, Run, Setup, follow, learned, stream};
use super::events::{Arrival, DAY, HOUR, MINUTE, YEAR};
use super::paging::{PAST_ENDS, Paging};
use super::server::{Caller, Server, Traits};
use crate::service::ListHabits;

/// A server with one event a minute, 100 on a page.
fn server(events: usize, traits: Traits) -> Server {
    let caller = Caller { page_size: Some(100), range: Range::default() };
    Server::new(traits, caller, &[Arrival::new(events, MINUTE)])
}

fn orders() -> impl Iterator<Item = Traits> {
    let numberings = [(true, 0), (true, 1), (false, 0), (false, 1)].into_iter();
    numberings.flat_map(|(newest_first, first_page)| {
        PAST_ENDS.into_iter().map(move |past_end| {
            let paging = Paging { page_size: 100, first_page, past_end, ..Paging::default() };
            Traits { newest_first, paging, ..Traits::default() }
        })
    })
}

fn name(traits: Traits) -> String {
    let order = if traits.newest_first { "newest first" } else { "oldest first" };
    format!("{order}, from {}, {:?}", traits.paging.first_page, traits.paging.past_end)
}

/// Fails with the whole table if any row needs more requests than `most`.
fn assert_table(rows: &[(String, usize)], most: usize) {
    let table: String = rows
        .iter()
        .map(|(name, count)| format!("{count:4}{} {name}\n", if *count > most { " !" } else { "  " }))
        .collect();
    println!("{table}");
    assert!(rows.iter().all(|(_, count)| *count <= most), "more than {most} requests:\n{table}");
}

fn read_all(traits: Traits, habits: ListHabits) -> (usize, ListHabits) {
    let mut run = Run::new(server(1_000, traits), Vec::new());
    let (engine, pause) = run.drive(stream(Setup { habits, ..run.setup }));
    assert_eq!((pause, run.given.len()), (Pause::End, 1_000), "{}", name(traits));
    (run.requests, self::learned(&engine))
}

#[test]
fn a_stream_of_10_pages_needs_12_requests() {
    let rows: Vec<_> = orders().map(|traits| (name(traits), read_all(traits, ListHabits::default()).0)).collect();
    assert_table(&rows, 12);
}

#[test]
fn a_stream_that_knows_the_server_needs_11_requests() {
    let known = |traits| read_all(traits, read_all(traits, ListHabits::default()).1).0;
    let rows: Vec<_> = orders().map(|traits| (name(traits), known(traits))).collect();
    assert_table(&rows, 11);
}

#[test]
fn the_present_is_found_with_8_requests() {
    let mut rows = Vec::new();
    let mut idle = Vec::new();
    for newest_first in [true, false] {
        for events in [1_000, 12_000] {
            for (age, back) in
                [("now", 0), ("a day", DAY), ("a year", YEAR), ("ten years", 10 * YEAR), ("an hour ahead", -HOUR)]
            {
                let paging = Paging { page_size: 100, ..Paging::default() };
                let traits = Traits { newest_first, paging, clock_error: -back, ..Traits::default() };
                let mut run = Run::new(server(events, traits), Vec::new());
                let (mut engine, pause) = run.drive(follow(&Start::Present, run.setup));
                let name = format!("newest first {newest_first}, {events} events, newest {age}");
                assert_eq!((pause, run.given.len()), (Pause::Wait, 0), "{name}");
                rows.push((name.clone(), run.requests));
                let counts = [(); 3].map(|()| {
                    run.requests = 0;
                    engine.poll();
                    let (next, _) = run.drive(std::mem::replace(&mut engine, stream(run.setup)));
                    engine = next;
                    run.requests
                });
                idle.push((format!("{name}: polls of {counts:?}"), counts.into_iter().max().unwrap_or(0)));
            }
        }
    }
    assert_table(&rows, 8);
    assert_table(&idle, 2);
}
