//! Reads a sorted list by date: each request starts at the events that were delivered last, and overlaps them.
//!
//! Page numbers shift when events are inserted or deleted, and servers limit them; dates do not. An event that was delivered
//! before and is on the page again shows that nothing between the two pages was skipped.

use super::dates::Grain;
use super::order::{OVERLAP, Order};
use super::request::Range;

/// A walk along a list, in terms of depth: a number that grows along the list ([`Order::depth`]).
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent observations of the server")]
pub(super) struct Walk {
    pub(super) order: Order,
    /// Events later than `after`, and up to `before`, are wanted.
    pub(super) wanted: Range,
    /// Everything up to this time was delivered earlier.
    pub(super) done: Option<i64>,
    pub(super) grain: Grain,
    /// The depths of the events delivered last, sorted.
    pub(super) tail: Vec<i64>,
    /// Where the events begin that the last page added.
    last_page: Option<i64>,
    pub(super) reach: Reach,
    /// The most by which an event was out of order.
    disorder: i64,
    /// The number of events on a full page.
    full: usize,
    /// See [`Walk::settled`].
    settled: Option<i64>,
    /// So many events in the wanted range were delivered earlier: the server should show them.
    pub(super) known_before: usize,
    pub(super) has_met_known: bool,
    /// Dates have led to the events delivered last.
    pub(super) has_met_tail: bool,
    /// Bounds are not taken for whole days: events of their day were on a page.
    pub(super) dates_work: bool,
    pub(super) no_fractions: bool,
    /// Bounds are for whole days, for certain; or the next page shows whether they are.
    pub(super) is_day_certain: bool,
    /// Only what arrived at the start of the list is wanted, down to an event whose number is less than this one.
    pub(super) stops_before: Option<u32>,
    pub(super) tests_day: bool,
    /// The last event delivered when that was tested once more.
    retested_at: Option<i64>,
    /// Events on the first page that are known by their time alone.
    pub(super) old_at_start: usize,
    pub(super) start_times: Vec<i64>,
}

/// Where the next request starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    Start,
    /// A few events before the last one.
    Near,
    /// All events of the last page.
    Wide,
    /// Anywhere: at this time.
    Jump(i64),
}

impl Walk {
    /// `known_before`: how many events in the wanted range were delivered earlier.
    pub(super) fn new(order: Order, wanted: Range, done: Option<i64>, grain: Grain, known_before: usize) -> Self {
        Self {
            order,
            wanted,
            done,
            grain,
            tail: Vec::new(),
            last_page: None,
            reach: Reach::Start,
            disorder: 0,
            full: 0,
            settled: None,
            known_before,
            has_met_known: false,
            has_met_tail: false,
            dates_work: false,
            no_fractions: false,
            is_day_certain: grain == Grain::Day,
            stops_before: None,
            tests_day: false,
            retested_at: None,
            old_at_start: 0,
            start_times: Vec::new(),
        }
    }

    pub(super) fn order(&self) -> Order {
        self.order
    }

    /// Whole days were only a guess.
    pub(super) fn doubt_days(self) -> Self {
        Self { is_day_certain: false, ..self }
    }

    /// Whether to test again that bounds are for whole days, once for each last event: it may have been deleted at the last test.
    pub(super) fn may_retest_days(&self) -> bool {
        self.grain == Grain::Day && self.retested_at != self.last()
    }

    pub(super) fn retest_days(&mut self) {
        self.retested_at = self.last();
        (self.grain, self.tests_day, self.reach) = (Grain::Second, true, Reach::Near);
    }

    /// The resolution of dates, as far as it is certain.
    pub(super) fn certain_grain(&self) -> Grain {
        if self.grain == Grain::Day && !self.is_day_certain { Grain::Second } else { self.grain }
    }

    /// The range to request.
    pub(super) fn range(&self) -> Range {
        self.rounded(self.bound())
    }

    /// The same to be read by number: it costs little to include what may be out of order, however dense the list is.
    pub(super) fn numbered_range(&self) -> Range {
        match (self.reach, self.bound(), self.tail.last()) {
            (Reach::Near | Reach::Wide, Some(bound), Some(last)) => {
                let depth = self.order.depth(bound).min(last.saturating_sub(OVERLAP));
                self.rounded(Some(self.order.depth(depth)))
            }
            _ => self.range(),
        }
    }

    fn bound(&self) -> Option<i64> {
        match self.reach {
            Reach::Start => None,
            Reach::Jump(at) => Some(at),
            Reach::Near => self.edge().map(|depth| self.order.depth(depth)),
            Reach::Wide => self.last_page.min(self.edge()).map(|depth| self.order.depth(depth)),
        }
    }

    /// The range of the first request.
    pub(super) fn start_range(&self) -> Range {
        self.rounded(None)
    }

    /// The wanted range from the start up to the last event delivered.
    pub(super) fn range_behind(&self) -> Range {
        let last = self.tail.last().map(|depth| self.order.depth(*depth));
        let Range { after, before } = self.rounded(None);
        match self.order {
            Order::OldestFirst => Range { after, before: last.map(|at| self.grain.just_after(at)).or(before) },
            Order::NewestFirst => Range { after: last.map(|at| self.grain.just_before(at)).or(after), before },
        }
    }

    fn rounded(&self, bound: Option<i64>) -> Range {
        let after = self.wanted.after.map(|at| self.grain.just_before(at.saturating_add(1)));
        let before = self.wanted.before.map(|at| self.grain.just_after(at));
        let Some(bound) = bound else { return Range { after, before } };
        match self.order {
            Order::OldestFirst => Range { after: after.max(Some(self.grain.just_before(bound))), before },
            Order::NewestFirst => {
                let bound = self.grain.just_after(bound);
                let Range { after, before } = if self.tests_day { Range::default() } else { Range { after, before } };
                Range { after, before: Some(before.map_or(bound, |before| before.min(bound))) }
            }
        }
    }

    /// The depth from which events are requested again: a few events before the last one, and further if events were out
    /// of order by more.
    fn edge(&self) -> Option<i64> {
        let last = *self.tail.last()?;
        let near = self.tail[self.tail.len() - self.min_overlap()];
        // A list in the order of storage may go on with events that are older than the last one by as much.
        let far = if self.is_dense() { self.disorder } else { OVERLAP };
        Some(near.min(last.saturating_sub(far)))
    }

    /// Whether so many events are within the overlap that it would take pages to request them again.
    fn is_dense(&self) -> bool {
        let far = self.tail.last().map(|last| last.saturating_sub(OVERLAP));
        let within = self.tail.len() - self.tail.partition_point(|depth| Some(*depth) < far);
        within > (self.full / 2).max(1)
    }

    /// How many of the events delivered last the next request asks for again.
    pub(super) fn overlap(&self) -> usize {
        if self.reach == Reach::Start { 0 } else { self.expected() }
    }

    /// How many events of the tail the next request overlaps at least.
    fn min_overlap(&self) -> usize {
        (self.full / 12).clamp(1, 8).min(self.tail.len())
    }

    /// How many of the events delivered before the range asks for again.
    pub(super) fn expected(&self) -> usize {
        if self.reach == Reach::Start {
            return self.known_before;
        }
        let Range { after, before } = self.range();
        let inside = |at: i64| after.is_none_or(|after| at > after) && before.is_none_or(|before| at < before);
        self.tail.iter().rev().take_while(|depth| inside(self.order.depth(**depth))).count()
    }

    /// The server does not support fractions of a second. Returns whether they were used.
    pub(super) fn reject_fractions(&mut self) -> bool {
        self.no_fractions = true;
        let were_used = self.grain == Grain::Micro;
        if were_used {
            self.grain = Grain::Second;
        }
        were_used
    }

    /// Continues after a page of events that were delivered earlier.
    pub(super) fn skip(&mut self, times: impl Iterator<Item = i64>, full: usize) {
        let is_continuous = self.is_continuous();
        self.tail.clear();
        self.advance_unsettled(times, full, self.disorder);
        if self.order == Order::OldestFirst && is_continuous {
            self.settle();
        }
    }

    /// Nothing was skipped.
    pub(super) fn settle(&mut self) {
        self.settled = self.settled_now();
    }

    /// Whether the request starts before everything that may still appear late. In a dense list, it does not.
    fn is_continuous(&self) -> bool {
        match self.reach {
            Reach::Start | Reach::Jump(_) => true,
            Reach::Near | Reach::Wide => self.is_dense() || self.range().after <= self.settled,
        }
    }

    /// Continues after these events, which were delivered. `disorder`: the most by which an event was out of order.
    pub(super) fn advance(&mut self, times: impl Iterator<Item = i64>, full: usize, disorder: i64) {
        let (is_continuous, settled_before) = (self.is_continuous(), self.settled_now());
        self.advance_unsettled(times, full, disorder);
        match self.order {
            Order::NewestFirst => self.settled = settled_before,
            Order::OldestFirst if is_continuous => self.settle(),
            Order::OldestFirst => {}
        }
    }

    /// The same after a page that was requested by number: events before these may have been skipped.
    pub(super) fn advance_unsettled(&mut self, times: impl Iterator<Item = i64>, full: usize, disorder: i64) {
        if let Reach::Jump(_) = self.reach {
            self.tail.clear();
        }
        self.full = full;
        let before = self.tail.len();
        let order = self.order;
        self.tail.extend(times.map(|at| order.depth(at)));
        if self.tail.len() > before {
            self.last_page = self.tail[before..].iter().min().copied();
            self.tail.sort_unstable();
        }
        self.disorder = disorder;
        self.tail.drain(..self.tail.len().saturating_sub(2 * full.max(16)));
        self.reach = if self.tail.is_empty() { Reach::Start } else { Reach::Near };
    }

    /// The mean time between the events delivered last.
    pub(super) fn spacing(&self) -> i64 {
        let (Some(first), Some(last)) = (self.tail.first(), self.tail.last()) else { return 1 };
        last.saturating_sub(*first) / i64::try_from(self.tail.len()).unwrap_or(i64::MAX)
    }

    /// Whether all events in the range of the first request are wanted.
    pub(super) fn can_be_counted(&self) -> bool {
        self.wanted.after == self.done
    }

    /// Reads what was added at the start of the list, down to the first event that was seen before. `seen`: how many were.
    pub(super) fn only_to_known(self, seen: u32) -> Self {
        Self { stops_before: Some(seen), ..self }
    }

    pub(super) fn stops_at_known(&self) -> bool {
        self.stops_before.is_some()
    }

    /// Whether what is wanted is before events that were delivered.
    pub(super) fn is_below_band(&self) -> bool {
        self.wanted.before.is_some()
    }

    pub(super) fn is_at_start(&self) -> bool {
        self.reach == Reach::Start
    }

    pub(super) fn old_at_start(&self) -> usize {
        self.old_at_start
    }

    /// Continues after the first page, which was known.
    pub(super) fn skip_start(&mut self, full: usize) {
        let times = std::mem::take(&mut self.start_times);
        self.skip(times.into_iter(), full);
    }

    /// Whether it continues after a page, with nothing to find out about dates.
    pub(super) fn reads_on(&self) -> bool {
        self.reach == Reach::Near && self.grain == Grain::Second && !self.tests_day && !self.stops_at_known()
    }

    pub(super) fn is_jumping(&self) -> bool {
        matches!(self.reach, Reach::Jump(_))
    }

    /// Continues at a later time, past events that need not be seen.
    pub(super) fn jump(&mut self, at: i64) {
        self.reach = Reach::Jump(at);
    }

    /// Continues after the events delivered last, after a jump too far.
    pub(super) fn return_from_jump(&mut self) {
        self.reach = Reach::Near;
    }

    /// The time of the last event delivered.
    pub(super) fn last(&self) -> Option<i64> {
        self.tail.last().map(|depth| self.order.depth(*depth))
    }

    /// Everything before this time, along the list, was delivered. An event that appears late may be earlier than those of
    /// the last page, but not than those before it.
    pub(super) fn settled(&self) -> Option<i64> {
        self.settled
    }

    fn settled_now(&self) -> Option<i64> {
        let last = *self.tail.last()?;
        Some(self.order.depth(self.edge()?.min(last.saturating_sub(OVERLAP)).saturating_sub(1)))
    }
}
