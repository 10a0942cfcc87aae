//! Strategies: products of the server's habits. `rate` is how often a habit is not the plain one.

use std::fmt::{self, Debug, Formatter};

use proptest::prelude::*;

use super::super::order::OVERLAP;
use super::super::request::Range;
use super::dates::{Dates, Unit};
use super::disturbance::{Delete, Disturbance};
use super::events::{Arrival, DAY, HOUR, Ids, MINUTE, SECOND, Stamp, YEAR};
use super::paging::{PageZero, Paging, PastEnd, Sizes};
use super::server::{Caller, ListOrder, Server, Traits};

/// A server with events, and what happens to it.
#[derive(Clone)]
pub(super) struct Case {
    pub(super) traits: Traits,
    pub(super) initial: Vec<Arrival>,
    pub(super) caller: (Option<u8>, Option<u8>, bool),
    pub(super) disturbances: Vec<Disturbance>,
}

/// What a case is for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct For {
    /// The stream is followed, and resumed from its cursor: events may arrive late, but none is ahead.
    pub(super) follows: bool,
    /// No event arrives late: a cursor with too few IDs may miss those.
    pub(super) in_time: bool,
    /// From the present: the caller has no dates.
    pub(super) from_present: bool,
}

impl Debug for Case {
    /// A line for each part, and never more.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { traits, initial, caller, disturbances } = self;
        write!(f, "{traits:?}\ninitial {initial:?}, caller {caller:?}\ndisturbances {disturbances:?}")
    }
}

impl Case {
    /// In a list without order, a page must show that: its events are dated, or none is, and not too close.
    fn without_apparent_order(mut self) -> Self {
        if self.traits.order != ListOrder::None {
            return self;
        }
        self.caller.0 = None;
        self.caller.1 = None;
        let is_undated = self.initial.iter().all(|arrival| arrival.stamp == Stamp::Undated);
        let arrivals = self.disturbances.iter_mut().flat_map(|disturbance| &mut disturbance.arrivals);
        for arrival in self.initial.iter_mut().chain(arrivals) {
            arrival.gap = if arrival.gap == 0 { 0 } else { arrival.gap.max(MINUTE) };
            arrival.stamp = if is_undated { Stamp::Undated } else { Stamp::Now };
        }
        self
    }

    /// Dates of the caller are percentages of the time that the initial events span.
    pub(super) fn server(&self) -> Server {
        let first = Server::new(self.traits, Caller::default(), &self.initial);
        let times = || first.events.iter().filter_map(|event| event.at);
        let (oldest, newest) = (times().min().unwrap_or(0), times().max().unwrap_or(0));
        let date = |percent: u8| (oldest + (newest - oldest) / 100 * i64::from(percent)).div_euclid(SECOND) * SECOND;
        let (after, before, has_size) = self.caller;
        let (after, before) = (after.map(date), before.map(date));
        let range = Range { after, before: before.filter(|before| after.is_none_or(|after| after < *before)) };
        // No server has a default of a few events.
        let has_size = has_size || self.traits.paging.page_size < 10;
        let size = u32::try_from(self.traits.paging.page_size).ok().filter(|_| has_size);
        Server::new(self.traits, Caller { range, page_size: size }, &self.initial)
    }
}

/// How often what happens. Chosen first, so that plain cases are frequent.
#[derive(Clone, Copy, Debug)]
struct Rates {
    odd: f64,
    arrival: f64,
    deletion: f64,
    restart: f64,
}

fn rates(what: For) -> impl Strategy<Value = Rates> {
    // Plain servers, those with one odd habit or two, and those with many.
    let odd = prop_oneof![Just(0.0), Just(0.05)];
    let between =
        prop_oneof![2 => Just((0.2, 0.0)), 1 => Just((0.6, 0.0)), 1 => Just((0.2, 0.3)), 1 => Just((0.0, 1.0))];
    let restart = prop_oneof![Just(0.0), Just(0.15), Just(1.0)];
    (odd, between, restart).prop_map(move |(odd, (arrival, deletion), restart)| Rates {
        odd,
        arrival,
        deletion,
        restart: if what.follows { restart } else { 0.0 },
    })
}

pub(super) fn cases(what: For) -> impl Strategy<Value = Case> {
    let page_size = prop_oneof![1 => 5..=9_usize, 4 => 10..=30_usize];
    (rates(what), page_size).prop_flat_map(move |(rates, page_size)| {
        let before = percent(if what.follows { 0.0 } else { rates.odd });
        let after = percent(if what.from_present { 0.0 } else { rates.odd });
        (
            traits(rates.odd, page_size, what),
            initial(rates.odd, page_size, what),
            (after, before, any::<bool>()),
            disturbances(rates, page_size, what),
        )
            .prop_map(|(traits, initial, caller, disturbances)| {
                Case { traits, initial, caller, disturbances }.without_apparent_order()
            })
    })
}

/// A value at this rate, which may be 0 or 1.
fn perhaps<T: Debug>(rate: f64, value: impl Strategy<Value = T>) -> impl Strategy<Value = Option<T>> {
    (proptest::bool::weighted(rate), value).prop_map(|(is_some, value)| is_some.then_some(value))
}

fn odd<T: Clone + Debug + 'static>(
    rate: f64,
    plain: T,
    odd: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = T> {
    perhaps(rate, odd).prop_map(move |odd| odd.unwrap_or_else(|| plain.clone()))
}

fn percent(rate: f64) -> impl Strategy<Value = Option<u8>> {
    perhaps(rate, 0..=110_u8)
}

fn traits(rate: f64, page_size: usize, what: For) -> impl Strategy<Value = Traits> {
    // Pages of a few events show no order, nor that there is none.
    let none = if page_size < 5 { ListOrder::Arrival } else { ListOrder::None };
    let order =
        odd(rate, ListOrder::Time, prop_oneof![Just(ListOrder::TimeAlone), Just(ListOrder::Arrival), Just(none)]);
    let ids = odd(rate, Ids::Plain, Just(Ids::Nul));
    (order, any::<bool>(), paging(rate, page_size, what), dates(rate), ids, clock_error()).prop_map(
        |(order, newest_first, paging, dates, ids, clock_error)| Traits {
            order,
            newest_first,
            paging,
            dates,
            ids,
            clock_error,
        },
    )
}

fn paging(rate: f64, page_size: usize, what: For) -> impl Strategy<Value = Paging> {
    let past_end = prop_oneof![
        3 => Just(PastEnd::Empty),
        2 => Just(PastEnd::LastPage),
        1 => Just(PastEnd::FirstPage),
        1 => Just(PastEnd::Wraps),
        1 => Just(PastEnd::Rejected),
        1 => Just(PastEnd::Ignored),
    ];
    let page_zero = prop_oneof![Just(PageZero::First), Just(PageZero::Rejected), Just(PageZero::Empty)];
    let sizes = prop_oneof![Just(Sizes::Capped), Just(Sizes::Ignored), Just(Sizes::Rejected)];
    let numbers = (0..=1_u64, page_zero, past_end);
    let sizes = odd(0.4, Sizes::Honoured, sizes);
    let window = perhaps(rate, 1..=6_usize);
    let empty_page = perhaps(rate, 1..=5_usize);
    (numbers, sizes, window, empty_page, proptest::bool::weighted(rate)).prop_map(
        move |((first_page, page_zero, past_end), sizes, window, empty_page, hides_rows)| Paging {
            first_page,
            page_zero,
            page_size,
            sizes,
            past_end,
            window: window.map(|pages| pages * page_size),
            empty_page,
            // A page of one or two events would often be empty, and two such pages may follow each other.
            hides_rows: hides_rows && page_size > 2 && !what.follows,
        },
    )
}

fn dates(rate: f64) -> impl Strategy<Value = Dates> {
    let unit = odd(rate, Unit::Exact, prop_oneof![Just(Unit::Second), Just(Unit::Day), Just(Unit::Ignored)]);
    (unit, any::<bool>(), proptest::bool::weighted(rate), proptest::bool::weighted(rate)).prop_map(
        |(unit, inclusive, drops_undated, rejects_empty)| Dates { unit, inclusive, drops_undated, rejects_empty },
    )
}

/// The server's clock minus the client's, or the age of the newest event.
fn clock_error() -> impl Strategy<Value = i64> {
    prop_oneof![4 => Just(0), 2 => -SECOND..SECOND, 2 => Just(-YEAR), 2 => Just(HOUR), 1 => Just(-DAY), 1 => -YEAR..HOUR]
}

/// The events at the first request.
fn initial(rate: f64, page_size: usize, what: For) -> impl Strategy<Value = Vec<Arrival>> {
    let regular = (0..=120_usize, prop_oneof![Just(MINUTE), Just(HOUR), Just(20 * SECOND), Just(SECOND)])
        .prop_map(|(count, gap)| vec![Arrival::new(count, gap)]);
    let mixed = proptest::collection::vec(arrival(3), 0..40);
    let at_once = (0..=80_usize).prop_map(|count| vec![Arrival::new(count, 0)]);
    // Several bulks, each with one time.
    let bulks = proptest::collection::vec((0..=2 * page_size + 1, 0..5_usize), 1..5).prop_map(|bulks| {
        let bulk = |(count, others)| [Arrival::new(others, MINUTE), Arrival::new(1, HOUR), Arrival::new(count, 0)];
        bulks.into_iter().flat_map(bulk).collect::<Vec<_>>()
    });
    let undated = (1..=60_usize).prop_map(|count| vec![Arrival::new(count, MINUTE).stamped(Stamp::Undated)]);
    let sprinkled = |stamp: BoxedStrategy<Stamp>| {
        let part = (1..=12_usize, stamp)
            .prop_map(|(count, stamp)| [Arrival::new(count, MINUTE), Arrival::new(1, MINUTE).stamped(stamp)]);
        proptest::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
    };
    let late = sprinkled(late(what).boxed());
    let some_undated = sprinkled(Just(Stamp::Undated).boxed());
    let ahead = sprinkled(Just(if what.follows { Stamp::Now } else { Stamp::Ahead(HOUR) }).boxed());
    let plain = prop_oneof![2 => regular, 1 => mixed];
    let special = prop_oneof![at_once, bulks, undated, late, some_undated, ahead];
    (perhaps(rate, special), plain).prop_map(|(special, plain)| special.unwrap_or(plain))
}

fn gap() -> impl Strategy<Value = i64> {
    prop_oneof![
        3 => Just(0),
        2 => Just(1),
        1 => 1..2 * SECOND,
        2 => Just(7 * SECOND),
        1 => 10 * SECOND..MINUTE,
        4 => Just(MINUTE),
        1 => Just(HOUR),
        1 => Just(DAY),
    ]
}

/// An event may appear up to the overlap late, and that inclusive.
fn late(what: For) -> impl Strategy<Value = Stamp> {
    prop_oneof![Just(1), Just(5 * SECOND), Just(OVERLAP), 0..=OVERLAP]
        .prop_map(move |late| if what.in_time { Stamp::Now } else { Stamp::Late(late) })
}

/// A few events at the new end.
fn arrival(most: usize) -> impl Strategy<Value = Arrival> {
    (0..=most, gap(), proptest::bool::weighted(0.05)).prop_map(|(count, gap, undated)| {
        Arrival::new(count, gap).stamped(if undated { Stamp::Undated } else { Stamp::Now })
    })
}

/// Events that arrive before a request: a few, some of them late, or a whole page.
fn arrivals(page_size: usize, what: For) -> impl Strategy<Value = Arrival> {
    let late = (1..=4_usize, late(what)).prop_map(|(count, late)| Arrival::new(count, 0).stamped(late));
    // A follower that is in the middle of a burst when late events appear sees those by luck.
    let (few, bulk_gap) = if what.follows { (1, MINUTE) } else { (9, 0) };
    let one = prop_oneof![Just(7 * SECOND), Just(MINUTE), Just(HOUR)].prop_map(|gap| Arrival::new(1, gap));
    prop_oneof![
        6 => arrival(few),
        3 => one,
        1 => Just(Arrival::new(page_size, bulk_gap.max(SECOND))),
        1 => Just(Arrival::new(2 * page_size + 1, bulk_gap)),
        if what.follows { 3 } else { 1 } => late,
    ]
}

fn disturbances(rates: Rates, page_size: usize, what: For) -> impl Strategy<Value = Vec<Disturbance>> {
    let delete = prop_oneof![
        Just(Delete::LastGiven),
        Just(Delete::FirstGiven),
        (0..1_000_usize).prop_map(Delete::AnyGiven),
        Just(Delete::FiveOfLastPage),
        Just(Delete::NotGiven),
    ];
    let disturbance = (
        perhaps(rates.arrival, arrivals(page_size, what)),
        perhaps(rates.deletion, delete),
        proptest::bool::weighted(0.1),
        proptest::bool::weighted(rates.restart),
    )
        .prop_map(|(arrival, deletes, fails, restarts)| Disturbance {
            arrivals: arrival.into_iter().collect(),
            deletes: deletes.unwrap_or_default(),
            fails,
            restarts,
        });
    proptest::collection::vec(disturbance, 0..40)
}
