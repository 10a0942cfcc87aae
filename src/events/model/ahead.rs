//! Pages requested ahead: on which servers they serve, and that nothing depends on them.

use super::super::request::Range;
use super::disturbance::{Delete, Disturbance};
use super::drive::{Pause, Run, stream};
use super::events::{Arrival, MINUTE, SECOND};
use super::paging::{PAST_ENDS, PageZero, Paging, PastEnd, Sizes};
use super::server::{Caller, Server, Traits};

const PAGES: usize = 20;
const PAGE: usize = 100;

fn read(traits: Traits, sized: bool, (pages, gap): (usize, i64), disturbances: Vec<Disturbance>) -> Run {
    let traits = Traits { paging: Paging { page_size: PAGE, ..traits.paging }, ..traits };
    let caller = Caller { page_size: sized.then_some(100), range: Range::default() };
    let server = Server::new(traits, caller, &[Arrival::new(pages * PAGE, gap)]);
    let mut run = Run { reads_ahead: true, ..Run::new(server, disturbances) };
    run.check_complete_stream().unwrap_or_else(|failure| panic!("{traits:?}, {sized}, {gap}: {failure}"));
    run
}

fn servers() -> impl Iterator<Item = Traits> {
    let numberings = [(0, PageZero::First), (1, PageZero::First), (1, PageZero::Rejected), (1, PageZero::Empty)];
    [true, false].into_iter().flat_map(move |newest_first| {
        numberings.into_iter().flat_map(move |(first_page, page_zero)| {
            PAST_ENDS.into_iter().map(move |past_end| {
                let paging = Paging { first_page, page_zero, past_end, ..Paging::default() };
                Traits { newest_first, paging, ..Traits::default() }
            })
        })
    })
}

/// Red without the margin of the overlap, and when the number of the first page is not tried both ways.
#[test]
fn most_pages_of_a_long_list_are_served_ahead() {
    for traits in servers().filter(|traits| [PastEnd::Empty, PastEnd::Wraps].contains(&traits.paging.past_end)) {
        for sizes in [Sizes::Honoured, Sizes::Capped] {
            for (sized, gap) in [(true, MINUTE), (true, SECOND), (false, MINUTE)] {
                let traits = Traits { paging: Paging { sizes, ..traits.paging }, ..traits };
                let run = read(traits, sized, (PAGES, gap), Vec::new());
                println!("{gap} {} of {} requests served", run.served_ahead, run.requests);
                assert!(run.served_ahead >= PAGES / 3, "{traits:?}, {sized}, {gap}: {}", run.served_ahead);
            }
        }
    }
}

/// The pages past the end are the price. Red when misses do not stop it.
#[test]
fn a_server_whose_page_numbers_lead_nowhere_costs_few_requests() {
    for newest_first in [true, false] {
        let paging = Paging { past_end: PastEnd::Ignored, ..Paging::default() };
        let run = read(Traits { newest_first, paging, ..Traits::default() }, true, (PAGES, MINUTE), Vec::new());
        assert_eq!(run.served_ahead, 0);
        assert!(run.requests <= PAGES + 2 + 4, "{}", run.requests);
    }
}

#[test]
fn deletions_and_arrivals_between_pages_lose_nothing() {
    for deletes in
        [Delete::LastGiven, Delete::FirstGiven, Delete::AnyGiven(1), Delete::FiveOfLastPage, Delete::NotGiven]
    {
        for traits in
            servers().filter(|traits| (traits.paging.past_end, traits.paging.first_page) == (PastEnd::Empty, 0))
        {
            let arrivals = vec![Arrival::new(3, SECOND)];
            let disturbance = Disturbance { arrivals, deletes, ..Disturbance::default() };
            let run = read(traits, true, (8, MINUTE), vec![disturbance.clone(); 30]);
            println!("{deletes:?}: {} of {} requests served", run.served_ahead, run.requests);
        }
    }
}

/// What the documentation says of the overlaps. Up to eleven requests at the end are in vain. Red with a margin of
/// an eighth of a page more.
#[test]
fn overlaps_take_5_percent_more_requests_of_1_000_events_and_45_of_100() {
    for (page_size, percent) in [(1_000, 5), (100, 45)] {
        for newest_first in [true, false] {
            let traits =
                Traits { newest_first, paging: Paging { page_size, ..Paging::default() }, ..Traits::default() };
            let [alone, ahead] = [false, true].map(|reads_ahead| {
                let caller = Caller { page_size: u32::try_from(page_size).ok(), range: Range::default() };
                let server = Server::new(traits, caller, &[Arrival::new(PAGES * page_size, MINUTE)]);
                let mut run = Run { reads_ahead, ..Run::new(server, Vec::new()) };
                run.check_complete_stream().expect("each once");
                run.requests
            });
            assert!(ahead <= alone * (100 + percent) / 100 + 11, "{page_size}: {ahead}, {alone}");
        }
    }
}

/// A list of a page, and one of exactly a page, cost what they cost without.
#[test]
fn a_short_list_costs_no_more() {
    for count in [0, 1, 50, 99, 100, 101, 150, 199, 200] {
        for traits in servers() {
            let traits = Traits { paging: Paging { page_size: PAGE, ..traits.paging }, ..traits };
            let requests = [false, true].map(|reads_ahead| {
                let caller = Caller { page_size: Some(100), range: Range::default() };
                let server = Server::new(traits, caller, &[Arrival::new(count, MINUTE)]);
                let mut run = Run { reads_ahead, ..Run::new(server, Vec::new()) };
                let (_, pause) = run.drive(stream(run.setup));
                assert!(pause == Pause::End || traits.paging.past_end == PastEnd::Ignored, "{traits:?}, {count}");
                run.requests
            });
            assert!(requests[1] <= requests[0] + usize::from(count >= 200), "{traits:?}, {count}: {requests:?}");
        }
    }
}
