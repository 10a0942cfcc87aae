//! Pages requested by number: alone, or where dates lead no further.

use super::dates::Grain;
use super::engine::{Engine, Numbered, Stage};
use super::order::Order;
use super::page::Page;
use super::pages::{Outcome, Pages, SMALL_PAGE};
use super::passes::MAX_RESTARTS;
use super::unknowable::Unknowable;
use super::walk::Walk;

/// After so many passes over a range that changes with every request, the dates decide.
const MAX_FRUITLESS: u32 = 3;

impl Engine {
    /// Judges a page requested by number.
    pub(super) fn read_numbered(&mut self, mut numbered: Numbered, page: &Page) -> Vec<u32> {
        let is_first = numbered.pages.request().page.is_none();
        if numbered.pages.request().size.is_none() {
            self.note_page(page.len());
        }
        let may_walk = numbered.walk.is_none() && !self.by_number && numbered.pages.is_first_pass() && !page.is_empty();
        if let Some(order) = self.evidence.order().filter(|_| may_walk) {
            let is_full = self.setup.page_size.is_some_and(|size| page.len() >= size as usize);
            let is_certain = self.evidence.is_strong() || is_full || !(self.is_first_pass || self.is_baseline);
            if is_first && is_certain && self.is_order_enough(page) {
                return self.walk(self.new_walk(order), page);
            }
            if !is_first && page.new > 0 && self.evidence.is_conclusive() {
                let walk = self.walk_after(&numbered, order);
                // Late events on the page before may hide what follows them.
                if walk.shows_new(page) {
                    return self.start_walk(&numbered, walk);
                }
            }
        }
        let shows_gap = numbered.is_short && page.new > 0 && self.retries.gap_at != Some(self.ledger.delivered);
        // Not past late events, which may be before what the walk requests next.
        if let Some(walk) = numbered.walk.take_if(|walk| shows_gap && walk.shows_new(page)) {
            // If they have arrived meanwhile, dates lead to them.
            self.retries.gap_at = Some(self.ledger.delivered);
            self.stage = Stage::Walking(walk);
            return Vec::new();
        }
        let had_news = numbered.pages.has_news();
        let (filled, last_len) = (numbered.pages.filled(), numbered.pages.last_len());
        let is_whole = is_first && numbered.walk.is_none();
        let lacks_known = page.len() < self.assumed_full() && page.known_dated() < self.wanted.1;
        let is_empty_below_band = page.times().next().is_none() && self.wanted.0.before.is_some();
        if is_whole && (lacks_known || is_empty_below_band) && self.grain != Grain::Day {
            self.widen();
            return Vec::new();
        }
        let checks_end = numbered.pages.checks_end();
        let outcome = numbered.pages.accept(page, &self.ledger.seen, self.full_page());
        if let Some(was_first) = numbered.pages.page_one_was_first() {
            self.setup.habits.note_page_one(was_first);
        }
        if numbered.pages.filled() > filled && filled > 0 {
            self.note_full_page(last_len);
        }
        if numbered.walk.is_some() && filled == 1 && !is_first && last_len < self.full {
            // What follows a short page.
            let is_last = numbered.pages.filled() == 1;
            self.setup.habits.short_page_is_last |= is_last && outcome != Outcome::More;
            self.has_gaps |= !is_last;
        }
        // What is on a page of another size comes with the next pass.
        let new = if checks_end { Vec::new() } else { self.ledger.deliver(page, usize::MAX) };
        let times = new.iter().filter_map(|position| page.rows[*position as usize].at);
        let is_ahead = self.advance_walk(&mut numbered, times);
        match (is_ahead, numbered.walk.take()) {
            // Everything before is known, and this page continues it.
            (true, Some(walk)) if !had_news && page.known() > 0 => self.stage = Stage::Walking(walk),
            (true, walk) => self.stage = Stage::Numbered(Numbered { walk, ..numbered }),
            (false, walk) => self.apply_outcome(Numbered { walk, ..numbered }, outcome),
        }
        if self.is_baseline { Vec::new() } else { new }
    }

    /// Known events are missing: the server may compare days. Reads the range by number again, with whole days around it.
    fn widen(&mut self) {
        self.grain = Grain::Day;
        let range = self.new_walk(Order::OldestFirst).range();
        // Or they were deleted: only for this pass.
        self.has_widened = true;
        self.stage = self.numbered(range);
    }

    /// The order is known after some pages: continues by date from there. Nothing of this page was delivered.
    fn start_walk(&mut self, numbered: &Numbered, walk: Walk) -> Vec<u32> {
        if !numbered.pages.has_stalled() {
            self.has_gaps |= numbered.pages.last_len() < self.full;
            self.note_full_page(numbered.pages.last_len());
        }
        self.continue_by_date(numbered, walk);
        Vec::new()
    }

    /// A walk from the last page on.
    fn walk_after(&self, numbered: &Numbered, order: Order) -> Walk {
        let mut walk = self.new_walk(order);
        walk.advance(numbered.pages.last_times().iter().copied(), self.assumed_full(), self.evidence.disorder());
        walk
    }

    fn continue_by_date(&mut self, numbered: &Numbered, walk: Walk) {
        if walk.order() == Order::NewestFirst {
            // What arrives from now on may be later than what else this pass delivers.
            self.top = self.top.or(self.ledger.settled());
        }
        self.first_page = numbered.pages.first_page().to_vec();
        if numbered.pages.filled() > 1 {
            let pages = Pages::new(walk.range_behind(), self.setup.habits.is_one_based(), &mut self.ledger.seen);
            self.stage = Stage::Numbered(Numbered {
                pages,
                walk: Some(walk),
                is_behind: true,
                is_short: false,
                checks_gap: false,
            });
        } else {
            self.stage = Stage::Walking(walk);
        }
    }

    /// Page numbers have led to events that dates did not reach. If dates lead further now, the pages so far are read again up
    /// to there, because page numbers shift when events are deleted; then the walk goes on. Returns whether they do.
    pub(super) fn advance_walk(&mut self, numbered: &mut Numbered, times: impl Iterator<Item = i64>) -> bool {
        let mut times = times.peekable();
        let Some(walk) = numbered.walk.as_mut().filter(|_| times.peek().is_some()) else { return false };
        let before = walk.range();
        walk.advance_unsettled(times, self.assumed_full(), self.evidence.disorder());
        if numbered.is_behind || walk.range() == before || walk.overlap() >= self.full {
            return false;
        }
        let range = before.and(walk.range_behind());
        numbered.pages = Pages::new(range, self.setup.habits.is_one_based(), &mut self.ledger.seen);
        numbered.is_behind = true;
        true
    }

    /// The first page may have been full, and page numbers be ignored, or have shifted by a deletion. The order is not certain,
    /// but it is worth a try.
    pub(super) fn may_go_on_by_date(&self, numbered: &Numbered) -> bool {
        let may_be_full = self.setup.page_size.is_none() && numbered.pages.last_len() >= SMALL_PAGE;
        !self.by_number
            && numbered.pages.is_first_pass()
            && (numbered.pages.has_repeated_end() || may_be_full)
            && numbered.pages.filled() == 1
            && self.evidence.order().is_some()
    }

    /// Nothing was found since the dates led no further.
    fn has_ended_by_date(&self) -> bool {
        self.retries.missing.is_some_and(|(delivered, _)| delivered == self.ledger.delivered)
    }

    fn end_by_date(&mut self) {
        self.top = self.retries.missing.and_then(|(_, top)| top);
        self.finish();
    }

    fn may_walk_again(&self) -> bool {
        !self.by_number && self.evidence.is_conclusive() && self.retries.restarts < MAX_RESTARTS
    }

    pub(super) fn apply_outcome(&mut self, mut numbered: Numbered, outcome: Outcome) {
        let is_unconfirmed = matches!(outcome, Outcome::Failed(Unknowable::NumbersIgnored | Unknowable::Rejected(_)));
        if is_unconfirmed && !numbered.checks_gap {
            if let Some(mut walk) = numbered.walk.take_if(|walk| walk.may_retest_days()) {
                walk.retest_days();
                self.stage = Stage::Walking(walk);
                return;
            }
        }
        match (outcome, numbered.walk.take()) {
            // The range was read by date, and only the page number does not confirm its end.
            (Outcome::Failed(Unknowable::NumbersIgnored | Unknowable::Rejected(_)), Some(walk))
                if numbered.checks_gap =>
            {
                self.finish_walk(walk);
            }
            // The walk has read beyond this range, and this was to find what had shifted meanwhile.
            (Outcome::Failed(Unknowable::NumbersIgnored | Unknowable::Rejected(_)), Some(walk))
                if numbered.is_behind =>
            {
                self.stage = Stage::Walking(walk);
            }
            (Outcome::Failed(Unknowable::NumbersIgnored | Unknowable::Rejected(_)), None)
                if !self.by_number && self.evidence.order().is_some() =>
            {
                // The order was not certain, but it is worth a try.
                let order = self.evidence.order().unwrap_or(Order::OldestFirst);
                let walk = self.walk_after(&numbered, order);
                self.continue_by_date(&numbered, walk);
            }
            // By date, the list has ended. The page numbers only do not confirm it.
            (Outcome::Failed(Unknowable::NumbersIgnored | Unknowable::Rejected(_)), None)
                if self.has_ended_by_date() =>
            {
                self.end_by_date();
            }
            // Nor do they show anything else, however often they are read.
            (Outcome::NextPass, None) if numbered.pages.passes() > MAX_FRUITLESS && self.has_ended_by_date() => {
                self.end_by_date();
            }
            // New events are on the first page: dates may lead to what is before them.
            (Outcome::Failed(Unknowable::NumbersIgnored | Unknowable::Rejected(_)), None)
                if self.retries.missing.is_some() && self.retries.restarts < MAX_RESTARTS =>
            {
                self.retries.restarts += 1;
                (self.by_number, self.retries.missing) = (false, None);
                let order = self.evidence.order().unwrap_or(Order::OldestFirst);
                self.stage = Stage::Walking(self.new_walk(order));
            }
            (Outcome::Failed(why), _) => self.stage = Stage::Failed(why),
            (Outcome::Finished, Some(mut walk)) if numbered.is_behind => {
                walk.settle();
                self.stage = Stage::Walking(walk);
            }
            (Outcome::Finished, Some(mut walk)) => {
                walk.settle();
                self.finish_walk(walk);
            }
            (Outcome::Finished, None) if self.may_go_on_by_date(&numbered) => {
                let order = self.evidence.order().unwrap_or(Order::OldestFirst);
                let walk = self.walk_after(&numbered, order);
                self.continue_by_date(&numbered, walk);
            }
            (Outcome::Finished, None)
                if self.wanted.1 > 0 && !numbered.pages.has_met_known() && self.grain != Grain::Day =>
            {
                self.widen();
            }
            (Outcome::Finished, None) => self.finish(),
            (Outcome::More, walk) => self.stage = Stage::Numbered(Numbered { walk, ..numbered }),
            // The range changes with every request: dates may lead through it, from the start.
            (Outcome::NextPass, walk)
                if numbered.pages.passes() > MAX_FRUITLESS
                    && (numbered.is_behind || walk.is_none())
                    && self.may_walk_again() =>
            {
                self.retries.restarts += 1;
                let order = self.evidence.order().unwrap_or(Order::OldestFirst);
                self.stage = Stage::Walking(self.new_walk(order));
            }
            (Outcome::NextPass, walk) => {
                // A pass over the gap below the band shows nothing of later events.
                if walk.is_none() && self.wanted.0.before.is_none() {
                    self.top = self.top.max(self.ledger.settled());
                }
                numbered.pages.restart(&mut self.ledger.seen);
                self.stage = Stage::Numbered(Numbered { walk, ..numbered });
            }
        }
    }
}
