//! Streams from particular servers. Each was incomplete or endless once.

use super::super::request::Range;
use super::dates::{Dates, Unit};
use super::disturbance::{Delete, Disturbance};
use super::drive::Run;
use super::events::{Arrival, HOUR, MINUTE, SECOND, Stamp};
use super::paging::{PAST_ENDS, Paging, PastEnd};
use super::server::{Caller, ListOrder, Server, Traits};

/// One event a minute.
fn minutes(count: usize) -> Vec<Arrival> {
    vec![Arrival::new(count, MINUTE)]
}

fn pages_of(page_size: usize) -> Paging {
    Paging { page_size, ..Paging::default() }
}

/// Checks the stream of newest-first and of oldest-first lists. It must not fail either.
fn check(traits: Traits, caller: Caller, initial: &[Arrival], disturbances: &[Disturbance]) {
    let mut failures = Vec::new();
    for newest_first in [true, false] {
        let server = Server::new(Traits { newest_first, ..traits }, caller, initial);
        let mut run = Run::new(server, disturbances.to_vec());
        if let Err(failure) = run.check_complete_stream() {
            failures.push(format!("newest first {newest_first}: {failure}"));
        }
    }
    assert!(failures.is_empty(), "{traits:?}: {failures:#?}");
}

/// Red when an oldest-first list was narrowed by `after_date` beyond the caller's `before_date`: the same request for
/// ever.
#[test]
fn a_before_date_in_the_past_where_empty_ranges_are_rejected() {
    let paging = pages_of(10);
    let dates = Dates { rejects_empty: true, ..Dates::default() };
    for past_end in PAST_ENDS {
        for inclusive in [true, false] {
            let traits = Traits {
                paging: Paging { past_end, ..paging },
                dates: Dates { inclusive, ..dates },
                ..Traits::default()
            };
            let events = Server::new(traits, Caller::default(), &minutes(100));
            for before in [events.events[60].at, events.events[1].at] {
                let range = Range { after: None, before };
                check(traits, Caller { range, page_size: None }, &minutes(100), &[]);
                check(
                    traits,
                    Caller { range, page_size: None },
                    &minutes(100),
                    &[Disturbance::arrival(Arrival::new(3, SECOND)), Disturbance::arrival(Arrival::new(3, SECOND))],
                );
            }
        }
    }
}

/// Red when the IDs in memory were all that told the first page from a new one: the same events for ever.
#[test]
fn page_numbers_that_wrap_around_after_12_000_events() {
    for first_page in [0, 1] {
        let paging = Paging { first_page, past_end: PastEnd::Wraps, ..pages_of(100) };
        check(Traits { paging, ..Traits::default() }, Caller::default(), &minutes(12_000), &[]);
    }
}

/// Red when a page that is rejected twice was the end: 1,000 of 2,500 events.
#[test]
fn pages_beyond_the_1_000th_event_are_rejected() {
    for past_end in PAST_ENDS {
        let paging = Paging { past_end, window: Some(1_000), ..pages_of(100) };
        check(Traits { paging, ..Traits::default() }, Caller::default(), &minutes(2_500), &[]);
    }
}

/// Red when the next page began after the events that had moved to the page before.
#[test]
fn one_given_event_is_deleted_before_every_page() {
    for deletes in [Delete::LastGiven, Delete::FirstGiven, Delete::AnyGiven(1), Delete::AnyGiven(2)] {
        for (count, page_size) in [(380, 10), (350, 10), (380, 100), (350, 100)] {
            let traits = Traits { paging: pages_of(page_size), ..Traits::default() };
            check(traits, Caller::default(), &minutes(count), &vec![Disturbance::delete(deletes); 500]);
        }
    }
}

#[test]
fn five_events_of_page_1_are_deleted_before_page_2() {
    for past_end in PAST_ENDS {
        let deletions = [Delete::None, Delete::FiveOfLastPage].map(Disturbance::delete);
        let paging = Paging { past_end, ..pages_of(100) };
        check(Traits { paging, ..Traits::default() }, Caller::default(), &minutes(380), &deletions);
        let deletions = [Delete::None, Delete::None, Delete::FiveOfLastPage].map(Disturbance::delete);
        check(Traits { paging, ..Traits::default() }, Caller::default(), &minutes(380), &deletions);
    }
}

#[test]
fn events_not_given_are_deleted_before_every_page() {
    let traits = Traits { paging: pages_of(10), ..Traits::default() };
    check(traits, Caller::default(), &minutes(380), &vec![Disturbance::delete(Delete::NotGiven); 500]);
}

/// Red when an empty page was the end.
#[test]
fn an_empty_page_in_the_middle_of_500_events() {
    for past_end in [PastEnd::Empty, PastEnd::LastPage, PastEnd::FirstPage, PastEnd::Wraps, PastEnd::Rejected] {
        for (first_page, empty) in [(0, 1), (0, 2), (1, 1), (1, 2), (1, 4)] {
            let paging = Paging { first_page, past_end, empty_page: Some(empty), ..pages_of(100) };
            check(Traits { paging, ..Traits::default() }, Caller::default(), &minutes(500), &[]);
            // Without the help of dates.
            let traits = Traits { paging, order: ListOrder::None, ..Traits::default() };
            check(traits, Caller::default(), &minutes(500), &[]);
        }
    }
}

/// Pages of 6 to 9 events of 10.
#[test]
fn rows_hidden_after_the_page_was_cut() {
    for past_end in PAST_ENDS {
        let paging = Paging { past_end, hides_rows: true, ..pages_of(10) };
        check(Traits { paging, ..Traits::default() }, Caller::default(), &minutes(300), &[]);
    }
}

/// Red when each page was read once: some events are on two pages, and as many on none. Red when two passes had to repeat the same ones:
/// the stream fails.
#[test]
fn equal_times_in_another_order_for_each_request() {
    for (newest_first, first_page) in [(true, 0), (true, 1), (false, 0), (false, 1)] {
        for (initial, page_size) in [
            // All 300 at the same time.
            (vec![Arrival::new(300, 0)], 100),
            // 30 bulks of 10, so that the end of a page is within a bulk.
            ([Arrival::new(1, HOUR), Arrival::new(9, 0)].repeat(30), 25),
        ] {
            let paging = Paging { first_page, ..pages_of(page_size) };
            let traits = Traits { order: ListOrder::TimeAlone, newest_first, paging, ..Traits::default() };
            let mut run = Run::new(Server::new(traits, Caller::default(), &initial), Vec::new());
            match first_page {
                0 => run.check_complete_stream().expect("all"),
                // Page 1, in another order, is not seen to be the first page again.
                _ => run.check_stream().expect("all or an error"),
            }
        }
    }
}

/// Red when the first page, seen again, was the end: 100 of 400.
#[test]
fn a_page_arrives_before_the_second_request_where_the_first_page_follows_the_last() {
    for past_end in PAST_ENDS {
        for first_page in [1, 0] {
            let arrivals = [Disturbance::default(), Disturbance::arrival(Arrival::new(100, MINUTE))];
            let paging = Paging { first_page, past_end, ..pages_of(100) };
            let traits = Traits { paging, ..Traits::default() };
            check(traits, Caller::default(), &minutes(400), &arrivals);
            if past_end != PastEnd::Ignored {
                // Without the help of dates.
                let arrivals = [Disturbance::default(), Disturbance::arrival(Arrival::new(100, 0))];
                check(traits, Caller::default(), &[Arrival::new(400, 0)], &arrivals);
            }
        }
    }
}

/// Red when events were taken for given because later ones had been: those after an event ahead.
#[test]
fn four_of_400_are_stamped_an_hour_ahead() {
    for past_end in [PastEnd::Empty, PastEnd::LastPage, PastEnd::FirstPage, PastEnd::Wraps, PastEnd::Rejected] {
        for (before, page_size) in [(49, 10), (50, 10), (59, 10), (60, 10), (99, 100), (199, 100), (100, 100)] {
            // The last on a page, the first on one, or neither.
            let mut initial = minutes(before);
            for _ in 0..4 {
                initial.push(Arrival::new(1, MINUTE).stamped(Stamp::Ahead(HOUR)));
                initial.push(Arrival::new((396 - before) / 4, MINUTE));
            }
            let paging = Paging { past_end, ..pages_of(page_size) };
            let traits = Traits { paging, order: ListOrder::Arrival, ..Traits::default() };
            check(traits, Caller::default(), &initial, &[]);
        }
    }
}

/// Red when a list was narrowed by date that had undated events further on.
#[test]
fn dates_that_exclude_the_57_undated_of_500() {
    let mut initial = [Arrival::new(7, MINUTE), Arrival::new(1, MINUTE).stamped(Stamp::Undated)].repeat(57);
    initial.push(Arrival::new(44, MINUTE));
    let dates = Dates { drops_undated: true, ..Dates::default() };
    for past_end in [PastEnd::Empty, PastEnd::LastPage, PastEnd::FirstPage, PastEnd::Wraps, PastEnd::Rejected] {
        for arrivals in [vec![], vec![Disturbance::arrival(Arrival::new(10, SECOND)); 10]] {
            let traits = Traits { paging: Paging { past_end, ..pages_of(20) }, dates, ..Traits::default() };
            check(traits, Caller::default(), &initial, &arrivals);
        }
    }
}

/// A plain server whose list is shorter than a page: never an error.
#[test]
fn three_events_at_the_same_time_of_a_page_of_100() {
    for past_end in [PastEnd::Empty, PastEnd::LastPage, PastEnd::Rejected] {
        for first_page in [0, 1] {
            let paging = Paging { first_page, past_end, ..pages_of(100) };
            let caller = Caller { page_size: Some(100), range: Range::default() };
            check(Traits { paging, ..Traits::default() }, caller, &[Arrival::new(3, 0)], &[]);
        }
    }
}

/// Where nothing tells one page of the list from all of it, the stream must not end as if that were all.
#[test]
fn a_page_number_and_dates_that_are_ignored_are_an_error() {
    let paging = Paging { past_end: PastEnd::Ignored, ..pages_of(10) };
    let dates = Dates { unit: Unit::Ignored, ..Dates::default() };
    for newest_first in [true, false] {
        let traits = Traits { newest_first, paging, dates, ..Traits::default() };
        let mut run = Run::new(Server::new(traits, Caller::default(), &minutes(25)), Vec::new());
        run.check_stream().expect("an error");
    }
}
