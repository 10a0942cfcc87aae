//! Pages requested ahead of a walk, by number.
//!
//! The walk knows its next request only from the page before. But the pages that follow the next one have numbers within the
//! range of that request. Each is a little smaller than the one before, so that they overlap, as requests by date do.
//!
//! A page serves as the answer to the request by date that its turn brings, or not at all. It does if it is full, sorted, starts
//! outside of that request's range and ends with a new event: then what it has of the range is how the answer to the request
//! begins. Otherwise, the pages requested ahead are dropped, and the walk continues by date.

use super::engine::{Engine, Stage, Step};
use super::order::Order;
use super::page::Item;
use super::request::{Range, Request};

/// So many pages at most are in memory or on their way besides the next one, however many are asked for.
const MAX_AHEAD: usize = 11;
/// After so many attempts in a row of which no page served, nothing is requested ahead any more.
const MAX_MISSES: u32 = 4;

/// How far to read ahead: twice as far with each set of pages that served.
#[derive(Debug, Default)]
pub(super) struct ReadAhead {
    depth: usize,
    misses: u32,
    /// Page 1 is taken for the first page. None: as the habits say.
    one_based: Option<bool>,
}

impl ReadAhead {
    /// How many pages to request now, of `most` at a time.
    fn deepen(&mut self, most: usize) -> usize {
        if self.misses >= MAX_MISSES {
            return 0;
        }
        let depth = self.depth;
        self.depth = (2 * depth + 1).min(MAX_AHEAD);
        depth.min(most)
    }
}

impl Engine {
    /// The requests for the pages that follow the next one, at most so many. Call it when the next request is sent, once for each.
    pub(super) fn requests_ahead(&mut self, most: usize) -> Vec<Request> {
        let Stage::Walking(walk) = &self.stage else { return Vec::new() };
        let is_sorted = self.evidence.is_strong() && self.evidence.disorder() == 0 && !self.ledger.has_undated;
        if !self.was_full || self.is_baseline || !is_sorted || self.has_gaps || !walk.reads_on() {
            return Vec::new();
        }
        let (range, overlap, size) = (walk.range(), walk.overlap(), self.size(walk));
        // More where the events are denser, and one outside of the range.
        let overlap = overlap + (overlap / 2).max((self.full / 12).min(8)) + 1;
        let first = self.first_ahead();
        let mut end = size.filter(|_| self.sizes_work).map_or(self.full, |size| size as usize);
        let mut requests = Vec::new();
        for index in 1..=self.ahead.deepen(most) {
            let size = end.saturating_sub(overlap) / index;
            let new = (size * (index + 1)).saturating_sub(end);
            if new < self.full.div_ceil(2) {
                break;
            }
            end += new;
            let Ok(sent) = u32::try_from(size) else { break };
            requests.push(Request { page: Some(first + index as u64 - 1), size: Some(sent), range });
        }
        requests
    }

    /// Processes the answer to the first of the requests ahead that are left. None: it does not serve. Drop the others, and
    /// send what [`Engine::next`] says.
    pub(super) fn accept_ahead(&mut self, request: Request, items: &[Item<'_>]) -> Option<Vec<u32>> {
        let Some(from) = self.serves(request, items) else {
            self.miss_ahead(request);
            return None;
        };
        if request.page == Some(self.first_ahead()) {
            self.setup.habits.note_page_one(self.counts_from_one());
        }
        self.ahead.misses = 0;
        self.is_ahead = true;
        let mut new = self.accept(&items[from..]);
        self.is_ahead = false;
        let from = u32::try_from(from).unwrap_or(u32::MAX);
        for position in &mut new {
            *position += from;
        }
        Some(new)
    }

    /// A request ahead has failed, or its page does not serve.
    pub(super) fn miss_ahead(&mut self, request: Request) {
        self.ahead.depth = 0;
        if request.page == Some(self.first_ahead()) && self.was_full {
            self.ahead.misses += 1;
            // The server may count from the other number.
            self.ahead.one_based = Some(!self.counts_from_one());
        }
    }

    fn counts_from_one(&self) -> bool {
        self.ahead.one_based.unwrap_or(self.setup.habits.is_one_based())
    }

    /// The number of the page that follows the first page.
    fn first_ahead(&self) -> u64 {
        1 + u64::from(self.counts_from_one())
    }

    /// Where the answer to the next request begins on a page requested ahead. None: it does not serve.
    fn serves(&self, request: Request, items: &[Item<'_>]) -> Option<usize> {
        let Stage::Walking(walk) = &self.stage else { return None };
        let Step::Fetch(next) = self.next() else { return None };
        let is_full = request.size.is_some_and(|size| items.len() == size as usize);
        if !is_full || !walk.reads_on() {
            return None;
        }
        let order = walk.order();
        let depths: Option<Vec<i64>> = items.iter().map(|item| item.at.map(|at| order.depth(at))).collect();
        let depths = depths?;
        let from = items.iter().position(|item| item.at.is_some_and(|at| is_after_start(order, next.range, at)))?;
        let is_sorted = depths.is_sorted();
        // A page without new events that is smaller than those by date would seem to be the last one.
        let goes_on = depths.last().copied() > walk.last().map(|at| order.depth(at))
            && items.last().is_some_and(|last| self.ledger.page(std::slice::from_ref(last)).new > 0);
        let overlaps = self.ledger.has_seen(items[from].id);
        (from > 0 && is_sorted && goes_on && overlaps).then_some(from)
    }
}

/// Whether an event is behind the bound of the range at which the list starts.
fn is_after_start(order: Order, range: Range, at: i64) -> bool {
    match order {
        Order::OldestFirst => range.after.is_none_or(|after| at > after),
        Order::NewestFirst => range.before.is_none_or(|before| at < before),
    }
}
