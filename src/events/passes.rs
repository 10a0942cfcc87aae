//! What each page means for the pass over the list.

use super::coverage::Band;
use super::dates::Grain;
use super::engine::{Engine, Numbered, Retries, SEARCH_PAGE, Stage};
use super::order::{OVERLAP, Order};
use super::page::Page;
use super::page_outcome::PageOutcome;
use super::pages::{FullPage, Pages, SMALL_PAGE};
use super::request::Range;
use super::walk::Walk;

/// A pass starts again so often when all of the events that it delivered last were deleted.
pub(super) const MAX_RESTARTS: u32 = 3;
/// No server has a smaller default page.
const LIKELY_PAGE: usize = 20;

impl Engine {
    /// Starts a pass over what the coverage leaves open.
    pub(super) fn begin(&mut self) {
        self.wanted = self.ledger.begin();
        self.by_number = self.dates_fail || self.evidence.is_unordered();
        if std::mem::take(&mut self.has_widened) {
            self.grain = Grain::Second;
        }
        self.last_len = 0;
        self.was_full = false;
        self.retries = Retries::default();
        self.has_news = false;
        self.idle = 0;
        self.first_page.clear();
        self.top = self.ledger.coverage.band.map(|band| band.top);
        self.stage = match self.evidence.order() {
            Some(order) if !self.by_number => Stage::Walking(self.new_walk(order)),
            _ => self.numbered(self.new_walk(Order::OldestFirst).range()),
        };
    }

    pub(super) fn new_walk(&self, order: Order) -> Walk {
        let (mut wanted, known) = self.wanted;
        if order == Order::NewestFirst && self.ledger.has_undated {
            // A date in the query may hide events without one. The first page has the new ones.
            wanted.after = None;
        }
        let walk = Walk::new(order, wanted, self.wanted.0.after, self.grain, known);
        if self.has_widened { walk.doubt_days() } else { walk }
    }

    pub(super) fn numbered(&mut self, range: Range) -> Stage {
        // Everything known before the pass is settled after it.
        self.top = self.top.or(self.ledger.settled());
        let pages = Pages::new(range, self.setup.habits.is_one_based(), &mut self.ledger.seen);
        Stage::Numbered(Numbered { pages, walk: None, is_behind: false, is_short: false, checks_gap: false })
    }

    /// Reads the range by number from its first page on: dates are of no use.
    pub(super) fn read_by_number(&mut self) {
        self.by_number = true;
        let range = self.new_walk(Order::OldestFirst).range();
        self.stage = self.numbered(range);
    }

    /// Judges a page requested by date.
    pub(super) fn walk(&mut self, mut walk: Walk, page: &Page) -> Vec<u32> {
        if self.evidence.is_unordered() {
            self.read_by_number();
            return Vec::new();
        }
        let size = self.size(&walk);
        let is_plain = size.is_none() && !self.is_ahead;
        // A larger page size was requested, and had an effect.
        self.sizes_work |= size.is_some() && page.len() > self.full;
        let is_sized = size.is_some() && self.sizes_work;
        let full = size.filter(|_| is_sized).map_or(self.full, |size| size as usize);
        self.was_full = self.is_ahead || page.len() >= full;
        let is_start = walk.is_at_start();
        if is_start && !self.is_order_enough(page) {
            let stage = self.numbered(walk.range());
            return match stage {
                Stage::Numbered(numbered) if is_plain => self.read_numbered(numbered, page),
                stage => {
                    self.stage = stage;
                    Vec::new()
                }
            };
        }
        if is_start {
            self.first_page = page.id_set();
            if walk.order() == Order::NewestFirst && page.new == 0 && !self.is_baseline {
                // What arrives from now on may be later than what else this pass delivers.
                self.top = self.top.or(self.ledger.settled());
            }
        }
        if is_plain {
            self.note_page(page.len());
        }
        let is_cut = page.len() >= full || !is_sized && page.known() < walk.expected();
        let outcome = walk.accept(page, full, is_cut, self.gaps());
        self.grain = walk.certain_grain();
        if !walk.stops_at_known() {
            self.last_id = page.rows.last().map(|row| row.id).or(self.last_id);
        }
        match outcome {
            PageOutcome::Deliver | PageOutcome::DeliverLast => {
                // After a larger page that is full, the page before was shorter because others had not arrived yet.
                let has_grown = is_sized && page.len() >= full && self.last_len < self.full;
                if !has_grown {
                    self.note_full_page(self.last_len);
                }
                self.last_len = if is_plain { page.len() } else { 0 };
                return self.deliver_walked(walk, page, full, outcome == PageOutcome::DeliverLast);
            }
            PageOutcome::Skip => {
                self.ledger.deliver(page, 0);
                walk.skip(page.times(), self.assumed_full());
                self.stage = Stage::Walking(walk);
            }
            PageOutcome::Again => self.stage = Stage::Walking(walk),
            PageOutcome::Overshot => {
                self.search.overshot();
                walk.return_from_jump();
                self.search_on(walk);
            }
            PageOutcome::Finished => {
                self.ledger.deliver(page, 0);
                match self.ledger.newest() {
                    Some(newest) if self.is_baseline && self.must_see_overlap(&mut walk, newest) => {
                        self.stage = Stage::Walking(walk);
                    }
                    _ => self.finish_walk(walk),
                }
            }
            PageOutcome::Stuck => {
                let (range, one_based) = (walk.numbered_range(), self.setup.habits.is_one_based());
                let is_first_page = is_plain && range == walk.range();
                let pages = if is_first_page {
                    Pages::after_first(range, one_based, page, &mut self.ledger.seen)
                } else {
                    Pages::new(range, one_based, &mut self.ledger.seen)
                };
                if is_first_page {
                    self.ledger.deliver(page, 0);
                }
                self.stage = Stage::Numbered(Numbered {
                    pages,
                    walk: Some(walk),
                    is_behind: false,
                    is_short: page.len() < full,
                    checks_gap: !is_cut,
                });
            }
            PageOutcome::Lost if self.retries.restarts < MAX_RESTARTS => {
                self.retries.restarts += 1;
                self.stage = Stage::Walking(self.new_walk(walk.order()));
            }
            PageOutcome::Lost => self.read_by_number(),
            PageOutcome::NoDates => {
                self.dates_fail = true;
                self.read_by_number();
            }
        }
        Vec::new()
    }

    /// Whether the order is known well enough to go on from the first page by date. A page that is not full has everything.
    pub(super) fn is_order_enough(&self, page: &Page) -> bool {
        let full = self.full_page();
        let is_full = page.len() >= if full.is_certain { full.len } else { SMALL_PAGE };
        !is_full || self.evidence.is_conclusive()
    }

    pub(super) fn deliver_walked(&mut self, mut walk: Walk, page: &Page, full: usize, is_last: bool) -> Vec<u32> {
        let limit = match self.setup.page_size {
            Some(size) if !self.is_baseline => size as usize,
            _ => usize::MAX,
        };
        let new = self.ledger.deliver(page, limit);
        if walk.is_jumping() && self.search.landed() {
            self.ledger.restart_latest(page);
        }
        let (assumed, disorder) = (self.assumed_full(), self.evidence.disorder());
        if walk.is_jumping() {
            walk.advance(page.times(), assumed, disorder);
        } else {
            let delivered = new.iter().filter_map(|position| page.rows.get(*position as usize));
            walk.advance(delivered.filter_map(|row| row.at), assumed, disorder);
        }
        self.has_news |= !new.is_empty();
        if walk.order() == Order::NewestFirst {
            self.top = self.top.or(self.ledger.settled());
        }
        if self.is_baseline {
            self.read_on_to_present(walk, page.len(), full);
            return Vec::new();
        }
        self.cover(&walk);
        // What exceeds the page size comes with the next page.
        let is_last = is_last && new.len() == page.new;
        if is_last && walk.stops_at_known() {
            self.finish_walk(walk);
        } else if is_last {
            self.finish();
        } else {
            self.stage = Stage::Walking(walk);
        }
        new
    }

    /// Extends the coverage up to where the walk is.
    pub(super) fn cover(&mut self, walk: &Walk) {
        match (walk.order(), walk.settled(), self.top) {
            (Order::OldestFirst, settled, _) => self.ledger.cover(settled.min(self.ledger.settled()), None),
            (Order::NewestFirst, Some(settled), Some(top)) if settled.saturating_sub(1) < top => {
                self.ledger.cover(None, Some(Band { floor: settled.saturating_sub(1), top }));
            }
            _ => {}
        }
    }

    /// Marks the newest events as seen, so that only later ones are delivered.
    pub(super) fn read_on_to_present(&mut self, mut walk: Walk, len: usize, full: usize) {
        let Some(newest) = self.ledger.newest() else { return self.finish() };
        match walk.order() {
            Order::NewestFirst if walk.last() < Some(newest.saturating_sub(2 * OVERLAP)) => {
                // Earlier events than the last one were not read.
                let margin = if self.evidence.disorder() > 0 { OVERLAP } else { 0 };
                self.top = self.top.max(walk.last().map(|last| last.saturating_add(margin)));
                self.finish();
            }
            Order::NewestFirst if len < full => self.finish(),
            Order::NewestFirst => self.stage = Stage::Walking(walk),
            Order::OldestFirst if !self.search.is_last(len, full) => self.search_on(walk),
            Order::OldestFirst if self.must_see_overlap(&mut walk, newest) || self.search.may_confirm() => {
                self.stage = Stage::Walking(walk);
            }
            Order::OldestFirst => self.finish(),
        }
    }

    /// Events within the overlap may exist before the time that the search has jumped to. Jumps to them.
    pub(super) fn must_see_overlap(&mut self, walk: &mut Walk, newest: i64) -> bool {
        let overlap = newest.saturating_sub(OVERLAP + 1);
        let target = self.search.jump_back(overlap);
        target.map(|target| walk.jump(target)).is_some()
    }

    pub(super) fn search_on(&mut self, mut walk: Walk) {
        let largest = if self.setup.habits.fixed_page_size { self.full } else { SEARCH_PAGE as usize };
        let size = self.search.page().unwrap_or(largest);
        let next = walk.last().and_then(|last| self.search.next(last, walk.spacing(), size, self.setup.now));
        if let Some(target) = next {
            walk.jump(target);
        }
        self.stage = Stage::Walking(walk);
    }

    /// A page of this length was followed by another one: it was full, or the server hides some events.
    pub(super) fn note_full_page(&mut self, len: usize) {
        // A page of a few events was not full: others have arrived meanwhile.
        let is_credible = len >= 10 || self.setup.page_size.is_some_and(|size| len >= size as usize);
        if is_credible {
            self.has_gaps |= self.full_is_known && len < self.full;
            self.full = if self.full_is_known { self.full.max(len) } else { len };
            self.full_is_known = true;
        }
    }

    /// The number of events on a full page, or a likely one.
    pub(super) fn assumed_full(&self) -> usize {
        if self.full_page().is_certain || self.full_is_known { self.full } else { self.full.max(LIKELY_PAGE) }
    }

    pub(super) fn full_page(&self) -> FullPage {
        FullPage { len: self.full, is_certain: self.setup.page_size.is_some() }
    }

    /// A page of the caller's size has this length.
    pub(super) fn note_page(&mut self, len: usize) {
        if self.full_is_known || self.setup.page_size.is_none() {
            self.full = self.full.max(len);
        }
    }

    pub(super) fn finish_with(&mut self, walk: &Walk) {
        if walk.order() == Order::OldestFirst && self.wanted.0.before.is_none() {
            let settled = self.ledger.settled();
            self.top = if self.has_news { walk.settled().min(settled) } else { settled };
        }
        self.finish();
    }

    /// The pass has delivered everything in its range.
    pub(super) fn finish(&mut self) {
        let filled_gap = self.ledger.coverage.band.is_some() && self.wanted.0.before.is_some();
        if self.is_baseline {
            self.top = self.top.max(self.ledger.settled());
        }
        // What is settled is earlier than the last event by the overlap.
        let is_open = self.wanted.0.before.is_none();
        self.complete = self.top.filter(|_| is_open).map(|top| top.saturating_add(OVERLAP));
        self.ledger.finish(self.top);
        self.is_first_pass = false;
        self.is_baseline = false;
        if !self.follows {
            self.stage = Stage::Ended;
        } else if filled_gap {
            // Continue with events that arrived meanwhile.
            self.begin();
        } else {
            self.stage = Stage::Waiting;
        }
    }
}
