//! Reads a sorted list by date: each request starts at the events that were delivered last, and overlaps them.
//!
//! Page numbers shift when events are inserted or deleted, and servers limit them; dates do not. An event that was delivered
//! before and is on the page again shows that nothing between the two pages was skipped.

use super::dates::Grain;
use super::order::{OVERLAP, Order};
use super::page::{Kind, Page};
use super::request::Range;

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// A walk along a list, in terms of depth: a number that grows along the list ([`Order::depth`]).
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent observations of the server")]
pub(super) struct Walk {
    order: Order,
    /// Events later than `after`, and up to `before`, are wanted.
    wanted: Range,
    /// Everything up to this time was delivered earlier.
    done: Option<i64>,
    grain: Grain,
    /// The depths of the events delivered last, sorted.
    tail: Vec<i64>,
    /// Where the events begin that the last page added.
    last_page: Option<i64>,
    reach: Reach,
    /// The most by which an event was out of order.
    disorder: i64,
    /// The number of events on a full page.
    full: usize,
    /// [`Walk::settled`] before the last page.
    settled: Option<i64>,
    /// So many events in the wanted range were delivered earlier: the server should show them.
    known_before: usize,
    has_met_known: bool,
    /// Dates have led to the events delivered last.
    has_met_tail: bool,
    /// Bounds are not taken for whole days: events of their day were on a page.
    dates_work: bool,
    no_fractions: bool,
    /// Bounds are for whole days, for certain; or the next page shows whether they are.
    is_day_certain: bool,
    /// Only what arrived at the start of the list is wanted.
    stops_at_known: bool,
    tests_day: bool,
    /// Events on the first page that are known by their time alone.
    old_at_start: usize,
    start_times: Vec<i64>,
}

/// Where the next request starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    Start,
    /// A few events before the last one.
    Near,
    /// All events of the last page.
    Wide,
    /// Anywhere: at this time.
    Jump(i64),
}

/// Whether pages other than the last one are short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gaps {
    None,
    /// Nothing has shown it yet.
    Unknown,
    Known,
}

/// What a page means for the walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Deliver the new events, then [`Walk::advance`].
    Deliver,
    /// Deliver the new events; the list has no more.
    DeliverLast,
    /// The page proves nothing. Send the next request.
    Again,
    /// The list has no more events.
    Finished,
    /// A full page of events that were delivered earlier. [`Walk::advance`] past them.
    Skip,
    /// Dates do not lead further from here: too many events have one time. Continue by page number.
    Stuck,
    /// The server does not filter by date.
    NoDates,
    /// There are no events after the time that was jumped to.
    Overshot,
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
            stops_at_known: false,
            tests_day: false,
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

    /// The resolution of dates, as far as it is certain.
    pub(super) fn certain_grain(&self) -> Grain {
        if self.grain == Grain::Day && !self.is_day_certain { Grain::Second } else { self.grain }
    }

    /// The range to request.
    pub(super) fn range(&self) -> Range {
        let bound = match self.reach {
            Reach::Start => None,
            Reach::Jump(at) => Some(at),
            Reach::Near => self.edge().map(|depth| self.order.depth(depth)),
            Reach::Wide => self.last_page.map(|depth| self.order.depth(depth)),
        };
        self.rounded(bound)
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
        let far = last.saturating_sub(OVERLAP);
        let within = self.tail.len() - self.tail.partition_point(|depth| *depth < far);
        let is_cheap = within <= (self.full / 4).max(1);
        Some(near.min(if is_cheap { far } else { last.saturating_sub(self.disorder) }))
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

    /// Judges a page. `full`: the number of events on a full page. `is_cut`: more of the range may follow.
    pub(super) fn accept(&mut self, page: &Page, full: usize, is_cut: bool, gaps: Gaps) -> Turn {
        if std::mem::take(&mut self.tests_day) && !self.shows_same_day(page) {
            // The events of the last page are hidden by a bound of seconds.
            (self.grain, self.is_day_certain) = (Grain::Day, true);
            return Turn::Again;
        }
        // Once they were seen to work, they are not tested again.
        self.dates_work |= self.shows_same_day(page);
        let turn = self.judge(page, full, is_cut, gaps);
        if self.grain == Grain::Day && !self.is_day_certain && matches!(turn, Turn::Deliver | Turn::Skip) {
            // The known events may also have been deleted.
            (self.grain, self.tests_day) = (Grain::Second, true);
            let earliest = page.times().min().map(|at| at.saturating_sub(1));
            self.wanted.after = self.wanted.after.map(|after| earliest.map_or(after, |at| at.min(after)));
        }
        turn
    }

    fn judge(&mut self, page: &Page, full: usize, is_cut: bool, gaps: Gaps) -> Turn {
        match self.excess(page) {
            0 => {}
            excess if excess <= SECOND => drop(self.reject_fractions()),
            excess if excess <= 2 * DAY => (self.grain, self.is_day_certain) = (Grain::Day, true),
            _ => {
                // A list that starts with its newest events still shows all of them, down to known ones.
                let is_top = self.order == Order::NewestFirst && self.reach == Reach::Start;
                return match (is_top && page.known() > 0, page.new) {
                    (true, 0) => Turn::Finished,
                    (true, _) => Turn::DeliverLast,
                    (false, _) => Turn::NoDates,
                };
            }
        }
        self.has_met_known |= page.known() > 0;
        if self.reach == Reach::Start {
            self.old_at_start = page.rows.iter().filter(|row| row.kind == Kind::Old).count();
            self.start_times = page.times().collect();
        }
        if self.order == Order::NewestFirst && page.times().last().is_some_and(|at| Some(at) <= self.done) {
            return if page.new > 0 { Turn::DeliverLast } else { Turn::Finished };
        }
        if self.stops_at_known && page.rows.last().is_some_and(|row| row.kind == Kind::Known) {
            return if page.new > 0 { Turn::DeliverLast } else { Turn::Finished };
        }
        if let Reach::Jump(_) = self.reach {
            return if page.times().next().is_none() { Turn::Overshot } else { Turn::Deliver };
        }
        let dates_work = self.dates_work;
        let hides_known = match self.order {
            Order::OldestFirst => page.known() == 0 || page.known() < self.known_before && page.len() < full,
            Order::NewestFirst => {
                page.is_empty() || page.known() < self.known_before && page.len() < full && page.new == 0
            }
        };
        if self.reach == Reach::Start && self.known_before > 0 && hides_known && self.grain != Grain::Day && !dates_work
        {
            // The server may compare days.
            self.grain = Grain::Day;
            return Turn::Again;
        }
        let expects = match self.reach {
            // The known events are the last ones of the list.
            Reach::Start if self.order == Order::NewestFirst => false,
            Reach::Start => self.known_before > 0,
            _ => !self.tail.is_empty(),
        };
        if page.known() == 0 && expects && self.look_further_back(dates_work) {
            return Turn::Again;
        }
        if page.new > 0 {
            // If all of them were deleted, dates that have worked before are trusted.
            let is_trusted = !expects || dates_work || self.reach == Reach::Start || self.has_met_tail;
            self.has_met_tail |= self.reach == Reach::Near && page.known() > 0;
            return if page.known() > 0 || is_trusted { Turn::Deliver } else { Turn::NoDates };
        }
        if self.grain == Grain::Day && !self.is_day_certain && page.known() > 0 {
            return Turn::Skip;
        }
        let deepest = page.times().map(|at| self.order.depth(at)).max();
        if (page.len() >= full || gaps == Gaps::Known) && deepest > self.tail.last().copied() {
            return Turn::Skip;
        }
        if is_cut || gaps != Gaps::None {
            if page.len() >= full && self.grain == Grain::Second && !self.no_fractions && self.reach == Reach::Near {
                self.grain = Grain::Micro;
                return Turn::Again;
            }
            return Turn::Stuck;
        }
        if self.known_before > 0 && !self.has_met_known && self.grain == Grain::Second {
            // The server may compare days, and have hidden the new events with the known ones.
            self.grain = Grain::Day;
            self.reach = Reach::Start;
            return Turn::Again;
        }
        Turn::Finished
    }

    /// Whether the page has events of the day of the bound: the server does not take it for a whole day.
    fn shows_same_day(&self, page: &Page) -> bool {
        let range = self.range();
        let bound = match self.order {
            Order::OldestFirst => range.after,
            Order::NewestFirst => range.before,
        };
        bound.is_some_and(|bound| page.times().any(|at| at.div_euclid(DAY) == bound.div_euclid(DAY)))
    }

    /// How far events are outside of the requested range: the server has compared at a lower resolution, or not at all.
    fn excess(&self, page: &Page) -> i64 {
        let range = self.range();
        let excess = |at: i64| {
            let early = range.after.map_or(0, |after| after.saturating_sub(at));
            let late = range.before.map_or(0, |before| at.saturating_sub(before));
            early.max(late)
        };
        page.times().map(excess).max().unwrap_or(0).max(0)
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

    /// None of the events delivered last is on the page: they were deleted, or the server takes a bound for a whole day.
    fn look_further_back(&mut self, dates_work: bool) -> bool {
        match (self.reach, self.grain) {
            (Reach::Wide | Reach::Start, _) if dates_work => return false,
            (Reach::Wide, Grain::Micro) => {
                self.reject_fractions();
                self.reach = Reach::Near;
            }
            (Reach::Near, _) => self.reach = Reach::Wide,
            (Reach::Wide, Grain::Second) => (self.reach, self.grain) = (Reach::Near, Grain::Day),
            (Reach::Start, Grain::Second) => self.grain = Grain::Day,
            _ => return false,
        }
        true
    }

    /// Continues after a page of events that were delivered earlier.
    pub(super) fn skip(&mut self, times: impl Iterator<Item = i64>, full: usize) {
        self.tail.clear();
        let settled = self.settled;
        self.advance(times, full, self.disorder);
        self.settled = settled;
    }

    /// Continues after these events, which were delivered. `disorder`: the most by which an event was out of order.
    pub(super) fn advance(&mut self, times: impl Iterator<Item = i64>, full: usize, disorder: i64) {
        if let Reach::Jump(_) = self.reach {
            self.tail.clear();
        }
        self.full = full;
        self.settled = self.settled_now();
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

    /// Reads what was added at the start of the list, down to the first event that is known.
    pub(super) fn only_to_known(self) -> Self {
        Self { stops_at_known: true, ..self }
    }

    pub(super) fn stops_at_known(&self) -> bool {
        self.stops_at_known
    }

    /// The next page shows how the server takes dates.
    pub(super) fn tests_day(&self) -> bool {
        self.tests_day
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
