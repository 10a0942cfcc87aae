//! Servers on which random cases have found that events were lost or repeated, or a stream failed without need.

use super::dates::{Dates, Unit};
use super::disturbance::{Delete, Disturbance};
use super::drive::Run;
use super::events::{Arrival, HOUR, MINUTE, SECOND, Stamp};
use super::habits::Case;
use super::paging::{Paging, PastEnd, Sizes};
use super::server::{ListOrder, Traits};

const NEWEST_FIRST: bool = true;
const OLDEST_FIRST: bool = false;

fn traits(newest_first: bool, page_size: usize, past_end: PastEnd) -> Traits {
    let paging = Paging { first_page: 0, page_size, past_end, ..Paging::default() };
    Traits { newest_first, paging, dates: Dates { inclusive: false, ..Dates::default() }, ..Traits::default() }
}

fn arrive(count: usize, gap: i64) -> Disturbance {
    Disturbance::arrival(Arrival::new(count, gap))
}

/// `count` events, created this long before the newest one.
fn late(count: usize, late: i64) -> Disturbance {
    Disturbance::arrival(Arrival::new(count, 0).stamped(Stamp::Late(late)))
}

fn restart(disturbance: Disturbance) -> Disturbance {
    Disturbance { restarts: true, ..disturbance }
}

/// `disturbances`: each with the number of requests before it. `has_size`: the caller has a page size.
fn run(traits: Traits, initial: &[Arrival], has_size: bool, disturbances: &[(usize, Disturbance)]) -> Run {
    let mut all = vec![Disturbance::default(); disturbances.iter().map(|(at, _)| at + 1).max().unwrap_or(0)];
    for (at, disturbance) in disturbances {
        all[*at] = disturbance.clone();
    }
    let case = Case { traits, initial: initial.to_vec(), caller: (None, None, has_size), disturbances: all };
    Run::new(case.server(), case.disturbances)
}

/// Red when a page number that led to new events showed that dates had hidden them.
#[test]
fn events_that_arrive_while_a_page_number_is_tried() {
    let minutes = |count| [Arrival::new(count, MINUTE)];
    let newest_first = traits(NEWEST_FIRST, 23, PastEnd::Ignored);
    let arrivals = [(2, arrive(47, MINUTE)), (15, arrive(1, 7 * SECOND))];
    run(newest_first, &minutes(11), false, &arrivals).check_follower(true).expect("a page and more");

    let arrivals = [(0, arrive(1, 0)), (5, late(1, 1)), (8, arrive(1, 0)), (12, arrive(33, MINUTE))];
    let oldest_first = traits(OLDEST_FIRST, 16, PastEnd::FirstPage);
    run(oldest_first, &minutes(10), false, &arrivals).check_follower(true).expect("two pages and more");
}

/// Red when the overlap was a quarter of a page at most, and a later event settled what had not been requested again.
#[test]
fn late_events_before_a_later_one() {
    let arrivals = [(4, arrive(53, MINUTE)), (9, late(3, 1)), (10, late(3, 1)), (12, late(1, 5 * SECOND))];
    let later = [(13, arrive(1, 10 * SECOND)), (14, late(1, 1))];
    let traits = traits(OLDEST_FIRST, 26, PastEnd::Empty);
    let mut run = run(traits, &[Arrival::new(4, MINUTE)], true, &[&arrivals[..], &later[..]].concat());
    run.check_follower(true).expect("each");
}

/// Red when a walk whose last events were all deleted was read on by number.
#[test]
fn all_events_delivered_last_are_deleted() {
    let disturbances = [(0, late(2, 1)), (2, arrive(12, MINUTE)), (3, Disturbance::delete(Delete::FiveOfLastPage))];
    let traits = traits(NEWEST_FIRST, 12, PastEnd::Ignored);
    run(traits, &[], true, &disturbances).check_resumed_stream().expect("no failure");
}

/// Red when a known event without a time showed that the server does not compare days.
#[test]
fn an_undated_event_of_a_server_that_compares_days() {
    let initial = [Arrival::new(1, 0), Arrival::new(1, 0).stamped(Stamp::Undated)];
    let mut day = traits(NEWEST_FIRST, 26, PastEnd::Empty);
    day.dates.unit = Unit::Day;
    run(day, &initial, false, &[(2, arrive(1, 7 * SECOND))]).check_follower(true).expect("the new event");
}

/// Red when a cursor dropped the IDs of events that no pass had reached.
#[test]
fn a_short_cursor_after_a_pass_with_arrivals() {
    let traits = traits(NEWEST_FIRST, 21, PastEnd::Ignored);
    let disturbances = [(2, arrive(1, 0)), (4, arrive(43, MINUTE))];
    let mut run = run(traits, &[Arrival::new(9, MINUTE)], false, &disturbances);
    run.check_short_cursor(true, 1).expect("none is lost");
}

/// Red when the search for the present ended at known events, without all of the last 10 seconds.
#[test]
fn the_present_of_a_list_on_small_pages() {
    let mut traits = traits(OLDEST_FIRST, 5, PastEnd::Empty);
    traits.dates.inclusive = true;
    traits.paging.sizes = Sizes::Rejected;
    run(traits, &[Arrival::new(34, SECOND)], true, &[]).check_follower(true).expect("nothing old");
}

/// Red when the first page again was the end, though a page had arrived and shifted the list by one.
#[test]
fn a_page_arrives_while_the_events_are_counted() {
    let mut traits = traits(NEWEST_FIRST, 13, PastEnd::Empty);
    traits.paging.first_page = 1;
    traits.paging.sizes = Sizes::Capped;
    traits.dates.drops_undated = true;
    let undated = Arrival::new(2, 11 * SECOND).stamped(Stamp::Undated);
    let initial = [Arrival::new(1, 7 * SECOND), undated, Arrival::new(2, SECOND / 2), Arrival::new(11, 0)];
    let initial = [&initial[..], &[Arrival::new(1, 7 * SECOND)]].concat();
    run(traits, &initial, true, &[(5, arrive(13, SECOND))]).check_stream().expect("the undated ones");
}

/// Red when a page of events that had appeared late showed the order of the list.
#[test]
fn a_page_full_of_late_events() {
    let mut traits = traits(NEWEST_FIRST, 8, PastEnd::Empty);
    traits.order = ListOrder::Arrival;
    let disturbances = [(0, restart(late(4, 1))), (1, restart(late(3, 1)))];
    run(traits, &[Arrival::new(9, MINUTE)], false, &disturbances).check_resumed_stream().expect("what is below them");
}

/// Red when everything up to events that had arrived meanwhile counted as delivered with them.
#[test]
fn pages_arrive_after_the_first_page_where_dates_are_ignored() {
    let mut traits = traits(NEWEST_FIRST, 22, PastEnd::Empty);
    traits.dates.unit = Unit::Ignored;
    let disturbances = [(1, arrive(45, MINUTE)), (3, restart(Disturbance::default()))];
    run(traits, &[Arrival::new(1, 0)], false, &disturbances).check_resumed_stream().expect("those in between");
}

/// Red when known events were looked for only on a page that was not full.
#[test]
fn a_page_of_undated_events_where_days_are_compared() {
    let mut traits = traits(OLDEST_FIRST, 5, PastEnd::Empty);
    traits.dates.unit = Unit::Day;
    let undated = |count| Arrival::new(count, MINUTE).stamped(Stamp::Undated);
    let disturbances = [(0, Disturbance::arrival(undated(1))), (1, restart(Disturbance::default()))];
    let initial = [Arrival::new(1, MINUTE), undated(1)].repeat(4);
    run(traits, &initial, false, &disturbances).check_resumed_stream().expect("the dated ones");
}

/// Red when a page with events of the day before showed that the server does not compare days.
#[test]
fn an_event_at_midnight_where_days_are_compared() {
    let mut traits = traits(NEWEST_FIRST, 6, PastEnd::Empty);
    traits.dates.unit = Unit::Day;
    let restarts = [(3, restart(Disturbance::default()))];
    run(traits, &[Arrival::new(24, HOUR)], false, &restarts).check_resumed_stream().expect("midnight");

    traits.paging.page_size = 18;
    let restarts = [(0, restart(Disturbance::default())), (1, restart(Disturbance::default()))];
    let mut short = run(traits, &[Arrival::new(30, HOUR)], false, &restarts);
    short.check_short_cursor(true, 1).expect("midnight, with a short cursor");
}

/// Red when a page that ended before others arrived was taken for a full one.
#[test]
fn a_page_that_others_follow_later() {
    let disturbances =
        [(13, arrive(1, 11 * SECOND)), (14, arrive(22, MINUTE)), (15, Disturbance::delete(Delete::LastGiven))];
    let traits = traits(OLDEST_FIRST, 22, PastEnd::Ignored);
    let mut run = run(traits, &[Arrival::new(11, MINUTE)], true, &disturbances);
    run.check_short_cursor(true, 1).expect("no failure");
}

/// Red when the second look, further back, began after the first one.
#[test]
fn a_late_event_after_the_last_one_was_deleted() {
    let last = || Disturbance::delete(Delete::LastGiven);
    let and_last = |disturbance: Disturbance| Disturbance { deletes: Delete::LastGiven, ..disturbance };
    let first = [(2, arrive(1, 0)), (3, last()), (4, arrive(1, 0)), (6, and_last(arrive(35, MINUTE)))];
    let second = [(10, and_last(late(1, 5 * SECOND))), (11, arrive(17, MINUTE))];
    let traits = traits(OLDEST_FIRST, 17, PastEnd::LastPage);
    let mut run = run(traits, &[Arrival::new(9, MINUTE)], true, &[&first[..], &second[..]].concat());
    run.check_follower(true).expect("the late one");
}

/// Red when an empty page showed that days are compared, though the last event had been deleted: a needless error.
#[test]
fn the_last_event_is_deleted_while_days_are_tested() {
    let first = [(0, arrive(1, MINUTE)), (2, arrive(1, MINUTE)), (4, Disturbance::delete(Delete::LastGiven))];
    let second = [(5, arrive(1, 0)), (12, Disturbance::delete(Delete::LastGiven)), (13, arrive(43, MINUTE))];
    let traits = traits(OLDEST_FIRST, 21, PastEnd::Ignored);
    for from_stream in [true, false] {
        let mut run = run(traits, &[Arrival::new(18, HOUR)], true, &[&first[..], &second[..]].concat());
        run.check_short_cursor(from_stream, 1).expect("no failure");
    }
}

/// Red when pages that change with every request were read until that failed, where dates lead through the list.
#[test]
fn equal_times_in_another_order_while_the_list_grows_beyond_a_page() {
    let mut traits = traits(NEWEST_FIRST, 11, PastEnd::Ignored);
    traits.order = ListOrder::TimeAlone;
    let first = [(0, arrive(1, 0)), (1, arrive(4, 0)), (2, arrive(1, 25 * SECOND + 1)), (3, arrive(3, 0))];
    let last = arrive(1, 7 * SECOND);
    for last in [last.clone(), restart(last)] {
        let second = [(4, arrive(1, 18 * SECOND + 1)), (5, arrive(1, 7 * SECOND)), (6, last)];
        let mut run = run(traits, &[], true, &[&first[..], &second[..]].concat());
        run.check_short_cursor(false, 1).expect("no failure");
    }
}

/// Red when late events hid what follows them, or one of the same page was taken for one up to which all had been read.
#[test]
fn an_event_below_late_ones_that_fill_a_page() {
    let mut traits = traits(NEWEST_FIRST, 5, PastEnd::Rejected);
    traits.order = ListOrder::Arrival;
    traits.paging = Paging { first_page: 1, sizes: Sizes::Rejected, ..traits.paging };
    let failed = (11, Disturbance { fails: true, ..arrive(5, MINUTE) });
    let undated = (20, Disturbance::arrival(Arrival::new(1, 0).stamped(Stamp::Undated)));
    let arrivals = [failed.clone(), (16, arrive(1, 7 * SECOND)), (18, arrive(1, 7 * SECOND))];
    let same = [(1, arrive(5, MINUTE)), failed, (16, restart(arrive(1, 0))), (18, arrive(1, 0)), (19, late(4, 1))];
    let late = late(4, 10 * SECOND);
    for disturbances in [
        [&arrivals[..], &[(19, late.clone()), undated.clone()]].concat(),
        [&arrivals[..], &[(19, restart(late)), undated.clone()]].concat(),
        [&same[..], &[undated]].concat(),
    ] {
        run(traits, &[Arrival::new(6, MINUTE)], false, &disturbances).check_follower(false).expect("the one below");
    }
}

/// Red when the second page of a server that counts from 1 was taken for the last one.
#[test]
fn an_undated_event_after_two_full_pages() {
    let mut traits = traits(OLDEST_FIRST, 10, PastEnd::Empty);
    traits.dates.drops_undated = true;
    let undated = Arrival::new(1, MINUTE).stamped(Stamp::Undated);
    let initial = [Arrival::new(8, MINUTE), undated, Arrival::new(11, MINUTE), undated];
    traits.paging.first_page = 1;
    run(traits, &initial, false, &[]).check_stream().expect("the last one");
}

/// Red when a page in the middle had as many events as the last one should have.
#[test]
fn hidden_rows_on_the_page_with_which_events_are_counted() {
    let mut traits = traits(OLDEST_FIRST, 11, PastEnd::Empty);
    traits.paging = Paging { first_page: 1, sizes: Sizes::Capped, hides_rows: true, ..traits.paging };
    let gaps = [(8, 1), (6, MINUTE), (3, 7 * SECOND), (1, 220_717), (2, MINUTE), (1, 0), (2, MINUTE), (5, 1)];
    let gaps = [&gaps[..], &[(1, 222_458), (3, MINUTE), (3, 518_937), (3, 0), (2, 1)]].concat();
    let initial: Vec<_> = gaps.into_iter().map(|(count, gap)| Arrival::new(count, gap)).collect();
    run(traits, &initial, true, &[(0, late(3, 1))]).check_stream().expect("the last one");
}

/// Red when the first page again was the end where the order is certain: a page had arrived, and shifted the list by one.
#[test]
fn a_page_arrives_while_the_events_of_two_pages_are_counted() {
    let mut traits = traits(NEWEST_FIRST, 10, PastEnd::Empty);
    traits.order = ListOrder::Arrival;
    let ahead = Arrival::new(1, MINUTE).stamped(Stamp::Ahead(HOUR));
    let initial = [Arrival::new(3, MINUTE), ahead, Arrival::new(14, MINUTE)];
    for first_page in [0, 1] {
        traits.paging.first_page = first_page;
        for at in 1..6 {
            let mut run = run(traits, &initial, true, &[(at, arrive(10, MINUTE))]);
            run.check_stream().expect("the one ahead");
        }
    }
}

/// Red when the dates of a list that is not in the order of its first page were the end where page numbers are rejected.
#[test]
fn a_late_event_on_the_only_page_that_can_be_had() {
    let mut traits = traits(NEWEST_FIRST, 5, PastEnd::Empty);
    traits.order = ListOrder::Arrival;
    traits.paging.window = Some(5);
    let initial = [Arrival::new(2, 0), Arrival::new(2, 1), Arrival::new(6, 0)];
    run(traits, &initial, false, &[(0, late(1, 1))]).check_stream().expect("an error");
}

/// Red when a page ahead served that had no new event: it was smaller than a full one, and so the end.
#[test]
fn a_page_ahead_of_events_that_are_known_where_page_numbers_are_ignored() {
    let arrivals = [(0, arrive(1, 0)), (1, arrive(57, MINUTE)), (2, arrive(57, MINUTE)), (3, restart(arrive(0, 0)))];
    let run = run(traits(NEWEST_FIRST, 28, PastEnd::Ignored), &[], false, &arrivals);
    Run { reads_ahead: true, ..run }.check_resumed_stream().expect("each once");
}

/// Red when the first page again, with another last event because one was deleted, was a second page of the list.
#[test]
fn a_burst_after_events_that_were_deleted_before_they_were_read() {
    let not_given = || Disturbance::delete(Delete::NotGiven);
    let disturbances = [
        (4, arrive(33, MINUTE)),
        (5, not_given()),
        (7, not_given()),
        (16, arrive(33, MINUTE)),
        (17, arrive(1, 7 * SECOND)),
        (21, Disturbance::delete(Delete::AnyGiven(92))),
    ];
    let traits = traits(NEWEST_FIRST, 16, PastEnd::Ignored);
    for has_size in [false, true] {
        run(traits, &[Arrival::new(2, MINUTE)], has_size, &disturbances).check_follower(true).expect("each");
    }
}

/// Red when a walk went on past an event that a page number had shown, before what it requests next.
#[test]
fn a_late_event_while_the_end_is_confirmed() {
    let disturbances = [
        (0, arrive(1, 0)),
        (1, arrive(1, 0)),
        (2, arrive(1, 0)),
        (4, arrive(1, 25 * SECOND + 2)),
        (5, late(4, 1)),
        (6, late(1, 1)),
        (7, late(1, 5 * SECOND)),
        (9, restart(arrive(19, MINUTE))),
    ];
    let traits = traits(OLDEST_FIRST, 19, PastEnd::Empty);
    run(traits, &[Arrival::new(7, MINUTE)], true, &disturbances).check_resumed_stream().expect("the late one");
}
