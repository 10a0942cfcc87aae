//! What an engine can find out from the answers of a server. It must find out everything, except what is here.

use std::collections::BTreeSet;

use super::super::pages::SMALL_PAGE;
use super::dates::Unit;
use super::events::{DAY, SECOND};
use super::paging::{PastEnd, Sizes};
use super::server::{ListOrder, Server};

/// Events this close may be out of order twice over, or be asked for again: lateness, disorder, and rounding.
const CLOSE: i64 = 25 * SECOND;

impl Server {
    /// Far more requests than the list needs. A search by date needs some per event at most.
    pub(super) fn request_limit(&self) -> usize {
        1_000 + 20 * self.events.len().div_ceil(self.traits.paging.page_size)
    }

    /// Whether the list can be read by date instead of by page number: it is sorted by date, date bounds do what is
    /// expected, and no page is full of events that are too close to go on from.
    pub(super) fn is_readable_by_date(&self) -> bool {
        let dates = self.traits.dates;
        let reach = match dates.unit {
            Unit::Exact | Unit::Second => CLOSE,
            Unit::Day if dates.inclusive => 2 * DAY + CLOSE,
            Unit::Day | Unit::Ignored => return false,
        };
        let is_sorted = match self.traits.order {
            ListOrder::Time | ListOrder::TimeAlone => true,
            ListOrder::Arrival => !self.has_events_ahead(),
            ListOrder::None => false,
        };
        let full = self.traits.paging.fewest_on_full_page();
        // Without a page size, a page of so many events may be a full one.
        let is_size_known = self.caller.page_size.is_some() || self.events.len() < SMALL_PAGE;
        let full = if is_size_known { full } else { full.min(SMALL_PAGE) };
        // The other half is for what follows.
        is_sorted && !self.has_undated() && self.most_within(reach) <= full / 2
    }

    /// Whether the engine may fail because it cannot make sure that it has every event.
    pub(super) fn may_fail(&self) -> bool {
        let paging = self.traits.paging;
        // The only page may be full.
        let is_size_unknown = self.caller.page_size.is_none() && self.events.len() >= 10;
        let repeats = !matches!(paging.past_end, PastEnd::Empty | PastEnd::Rejected);
        if self.is_readable_by_date() && !(is_size_unknown && repeats) {
            return false;
        }
        let may_look_cut = match paging.past_end {
            PastEnd::Ignored => true,
            // The same page again and again, as if the page number were ignored.
            PastEnd::LastPage | PastEnd::FirstPage | PastEnd::Wraps => {
                self.is_one_page() || paging.sizes != Sizes::Honoured
            }
            // A rejection after a full page, as if there were more.
            PastEnd::Rejected => self.is_one_page() || self.may_end_with_full_page() || paging.sizes != Sizes::Honoured,
            PastEnd::Empty => false,
        };
        let is_near_window = paging.window.is_some_and(|window| 2 * self.events.len() >= window);
        may_look_cut
            || is_near_window
            // Some events are on two pages, others on none.
            || self.traits.order == ListOrder::TimeAlone
            || self.loses_by_deletion()
            || self.moves_by_pages()
    }

    /// Whether an engine may miss events and cannot know that it does.
    pub(super) fn may_miss(&self) -> bool {
        let paging = self.traits.paging;
        let is_cut = paging.past_end == PastEnd::Ignored || paging.window.is_some() || paging.empty_page.is_some();
        let hides_undated = self.traits.dates.drops_undated && self.has_undated();
        // A page that is not full before a page that is rejected: the end elsewhere.
        let looks_ended = (paging.window.is_some() && (paging.hides_rows || paging.empty_page.is_some()))
            || (paging.hides_rows
                && (paging.empty_page.is_some()
                    || paging.past_end == PastEnd::Ignored && (paging.page_size < 10 || !self.is_readable_by_date())));
        // Events that are on two pages, as after an arrival.
        let looks_moved = self.traits.order == ListOrder::TimeAlone && self.most_arrived > 0;
        self.loses_by_deletion()
            || self.moves_by_pages()
            || is_cut && hides_undated
            || looks_ended
            || looks_moved && !self.is_readable_by_date()
    }

    fn is_one_page(&self) -> bool {
        self.events.len() <= self.traits.paging.page_size
    }

    fn may_end_with_full_page(&self) -> bool {
        let count = self.matching().count();
        let has_changed = self.most_arrived > 0 || !self.deleted.is_empty();
        has_changed || self.traits.paging.hides_rows || count % self.traits.paging.page_size == 0
    }

    /// Events of the next page move to one that was already read.
    fn loses_by_deletion(&self) -> bool {
        !self.deleted.is_empty() && !self.is_readable_by_date()
    }

    /// A page with nothing new on it is the end, or a page has arrived since the last request. The page after it shows
    /// which, unless more have.
    fn moves_by_pages(&self) -> bool {
        let repeats = !matches!(self.traits.paging.past_end, PastEnd::Empty | PastEnd::Rejected);
        repeats && self.pages_arrived > 1 && !self.is_readable_by_date()
    }

    /// The events that were stored after newer ones, in a list so dense that dates alone do not lead through it: an engine sees
    /// those that appear behind its back by luck.
    pub(super) fn late_in_the_dense(&self) -> BTreeSet<String> {
        if self.is_readable_by_date() {
            return BTreeSet::new();
        }
        let mut newest = i64::MIN;
        let mut late = BTreeSet::new();
        for event in &self.events {
            match event.at {
                Some(at) if at < newest => drop(late.insert(event.id.clone())),
                at => newest = newest.max(at.unwrap_or(newest)),
            }
        }
        late
    }

    pub(super) fn has_undated(&self) -> bool {
        self.events.iter().any(|event| event.at.is_none())
    }

    fn has_events_ahead(&self) -> bool {
        self.events.iter().any(|event| event.at.is_some_and(|at| at > event.stored_at))
    }

    /// The most events within any span of this length.
    fn most_within(&self, span: i64) -> usize {
        let mut times: Vec<_> = self.events.iter().filter_map(|event| event.at).collect();
        times.sort_unstable();
        let until = |at: i64| times.partition_point(|other| *other <= at + span);
        times.iter().enumerate().map(|(position, at)| until(*at) - position).max().unwrap_or(0)
    }
}
