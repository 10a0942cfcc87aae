//! What a page requested by date means for the walk: new events, the end, or that dates do not work as requested.

use super::dates::Grain;
use super::order::Order;
use super::page::{Kind, Page};
use super::request::Range;
use super::walk::{Reach, Walk};

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

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
pub(super) enum PageOutcome {
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
    /// None of the events delivered last is there: whether dates work is not known.
    Lost,
    /// The server does not filter by date.
    NoDates,
    /// There are no events after the time that was jumped to.
    Overshot,
}

impl Walk {
    /// Judges a page. `full`: the number of events on a full page. `is_cut`: more of the range may follow.
    pub(super) fn accept(&mut self, page: &Page, full: usize, is_cut: bool, gaps: Gaps) -> PageOutcome {
        // Once dates were seen to work, they are not tested again.
        let shows_same_day = self.shows_same_day(page);
        self.dates_work |= shows_same_day;
        if std::mem::take(&mut self.tests_day) {
            if !shows_same_day {
                // The events of the last page are hidden by a bound of seconds.
                (self.grain, self.is_day_certain) = (Grain::Day, true);
                return PageOutcome::Again;
            }
            if self.order == Order::NewestFirst {
                // The page was not limited to the wanted range.
                self.reach = Reach::Start;
                self.tail.clear();
                return PageOutcome::Again;
            }
        }
        let outcome = self.judge(page, full, is_cut, gaps);
        if self.grain == Grain::Day
            && !self.is_day_certain
            && matches!(outcome, PageOutcome::Deliver | PageOutcome::Skip)
        {
            // The known events may also have been deleted.
            (self.grain, self.tests_day) = (Grain::Second, true);
            let earliest = page.times().min().map(|at| at.saturating_sub(1));
            self.wanted.after = self.wanted.after.map(|after| earliest.map_or(after, |at| at.min(after)));
        }
        outcome
    }

    fn judge(&mut self, page: &Page, full: usize, is_cut: bool, gaps: Gaps) -> PageOutcome {
        match self.excess(page) {
            0 => {}
            excess if excess <= SECOND => drop(self.reject_fractions()),
            excess if excess <= 2 * DAY => (self.grain, self.is_day_certain) = (Grain::Day, true),
            _ => {
                // A list that starts with its newest events still shows all of them, down to known ones.
                let is_top = self.order == Order::NewestFirst && self.reach == Reach::Start && !self.is_below_band();
                return match (is_top && page.known() > 0, page.new) {
                    (true, 0) => PageOutcome::Finished,
                    (true, _) => PageOutcome::DeliverLast,
                    (false, _) => PageOutcome::NoDates,
                };
            }
        }
        self.has_met_known |= page.known_dated() > 0;
        if self.reach == Reach::Start {
            self.old_at_start = page.rows.iter().filter(|row| row.kind == Kind::Old).count();
            self.start_times = page.times().collect();
        }
        let dates_work = self.dates_work;
        let expects_tail = matches!(self.reach, Reach::Near | Reach::Wide) && !self.tail.is_empty();
        if expects_tail && !self.meets_tail(page) && self.look_further_back(dates_work) {
            return PageOutcome::Again;
        }
        if self.order == Order::NewestFirst && page.times().last().is_some_and(|at| Some(at) <= self.done) {
            return if page.new > 0 { PageOutcome::DeliverLast } else { PageOutcome::Finished };
        }
        // Those seen in this walk do not count: late events are also on its next page, above others that are new.
        let is_seen_before = |number: u32| self.stops_before.is_some_and(|first| number < first);
        if page.rows.last().and_then(|row| row.number).is_some_and(is_seen_before) {
            return if page.new > 0 { PageOutcome::DeliverLast } else { PageOutcome::Finished };
        }
        if let Reach::Jump(_) = self.reach {
            return if page.times().next().is_none() { PageOutcome::Overshot } else { PageOutcome::Deliver };
        }
        let is_start_below_band = self.reach == Reach::Start && self.is_below_band();
        if is_start_below_band && self.grain == Grain::Second && !dates_work {
            // Nothing on the page is of the day of the bound. The server may compare days, and have hidden what is before the bound.
            self.grain = Grain::Day;
            return PageOutcome::Again;
        }
        let lacks_known = page.known_dated() < self.known_before && page.len() < full;
        let hides_known = match self.order {
            Order::OldestFirst => page.known_dated() == 0 || lacks_known,
            Order::NewestFirst => page.is_empty() || lacks_known && page.new == 0,
        };
        if self.reach == Reach::Start && self.known_before > 0 && hides_known && self.grain != Grain::Day && !dates_work
        {
            // The server may compare days.
            self.grain = Grain::Day;
            return PageOutcome::Again;
        }
        let expects = match self.reach {
            // The known events are the last ones of the list.
            Reach::Start if self.order == Order::NewestFirst => false,
            Reach::Start => self.known_before > 0,
            _ => expects_tail,
        };
        if self.reach == Reach::Start && page.known_dated() == 0 && expects && self.look_further_back(dates_work) {
            return PageOutcome::Again;
        }
        if page.new > 0 {
            // If all of them were deleted, dates that have worked before are trusted.
            let is_trusted = !expects || dates_work || self.reach == Reach::Start || self.has_met_tail;
            self.has_met_tail |= self.reach == Reach::Near && page.known_dated() > 0;
            return if page.known_dated() > 0 || is_trusted { PageOutcome::Deliver } else { PageOutcome::Lost };
        }
        if self.grain == Grain::Day && !self.is_day_certain && page.known() > 0 {
            return PageOutcome::Skip;
        }
        let deepest = page.times().map(|at| self.order.depth(at)).max();
        if (page.len() >= full || gaps == Gaps::Known) && deepest > self.tail.last().copied() {
            return PageOutcome::Skip;
        }
        if is_cut || gaps != Gaps::None {
            if page.len() >= full && self.grain == Grain::Second && !self.no_fractions && self.reach == Reach::Near {
                self.grain = Grain::Micro;
                return PageOutcome::Again;
            }
            return PageOutcome::Stuck;
        }
        if self.known_before > 0 && !self.has_met_known && self.grain == Grain::Second && !dates_work {
            // The server may compare days, and have hidden the new events with the known ones.
            self.grain = Grain::Day;
            self.reach = Reach::Start;
            return PageOutcome::Again;
        }
        PageOutcome::Finished
    }

    /// Whether the page has an event that was delivered before the last one, or that one, if any such is in the range.
    fn meets_tail(&self, page: &Page) -> bool {
        let is_asked_for = self.expected() > 0;
        let is_behind = |at: i64| !is_asked_for || Some(&self.order.depth(at)) <= self.tail.last();
        page.rows.iter().any(|row| row.is_known_dated() && row.at.is_some_and(is_behind))
    }

    /// Whether the next request shows the new events of this page, too.
    pub(super) fn shows_new(&self, page: &Page) -> bool {
        let Range { after, before } = self.range();
        let is_shown = |at: i64| after.is_none_or(|after| at > after) && before.is_none_or(|before| at < before);
        page.rows.iter().filter(|row| row.kind == Kind::New).all(|row| row.at.is_none_or(is_shown))
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

    /// None of the events delivered last is on the page: they were deleted, or the server takes a bound for a whole day.
    fn look_further_back(&mut self, dates_work: bool) -> bool {
        match (self.reach, self.grain) {
            (Reach::Wide, Grain::Micro) => {
                self.reject_fractions();
                self.reach = Reach::Near;
            }
            (Reach::Wide | Reach::Start, _) if dates_work => return false,
            (Reach::Near, _) => self.reach = Reach::Wide,
            (Reach::Wide, Grain::Second) => (self.reach, self.grain) = (Reach::Near, Grain::Day),
            (Reach::Start, Grain::Second) => self.grain = Grain::Day,
            _ => return false,
        }
        true
    }
}
