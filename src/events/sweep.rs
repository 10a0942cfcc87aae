//! Passes over the pages of a query: which events on a page are new, and which time ranges are covered.

use std::collections::BTreeSet;

use super::coverage::{Band, Coverage};
use super::dedup::{Lookup, SeenIds};
use super::order::{Evidence, OVERLAP, Order};
use super::pager::{PageOutcome, Pager};
use super::request::{Range, Request};

/// The ID and time of an event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item<'a> {
    pub(super) id: &'a str,
    /// Unix microseconds. An event without a time is deduplicated by ID alone.
    pub(super) at: Option<i64>,
}

/// The state of a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    More,
    Finished,
    /// The pager gave up: the end of the list cannot be determined.
    GaveUp,
}

/// What to do with new events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Deliver,
    /// They are older than the start of the stream: only mark them as seen.
    MarkSeen,
}

#[derive(Debug, Default)]
pub(super) struct Sweep {
    pub(super) seen: SeenIds,
    /// What was delivered, assuming that the list is in the order observed so far.
    pub(super) coverage: Coverage,
    /// What was delivered for certain. Only this is used to drop an event by its time, so that an unordered list loses
    /// nothing: within a pass, events are deduplicated by ID.
    trusted: Coverage,
    evidence: Evidence,
    newest: Option<i64>,
    /// Earlier passes delivered everything before this time. None: unknown, because they ran in another process.
    complete_to: Option<i64>,
    is_over: bool,
    pass: Pass,
    /// Page 1 is known to be the first page, in an oldest-first list.
    one_based: bool,
}

#[derive(Debug)]
struct Pass {
    pager: Pager,
    range: Range,
    /// The pass fills the gap below the band.
    is_below: bool,
    is_started: bool,
    evicted: bool,
    /// The newest event known when the pass started.
    newest: Option<i64>,
    /// The newest event that is older than `newest` by at least the overlap. Events that arrive during the pass are
    /// later.
    anchor: Option<i64>,
    oldest: Option<i64>,
    latest: Option<i64>,
    /// Times up to `anchor` within the overlap of `latest`: events between them may still follow, out of order.
    recent: BTreeSet<i64>,
}

impl Pass {
    fn new(range: Range, is_below: bool, pager: Pager) -> Self {
        Self {
            pager,
            range,
            is_below,
            is_started: false,
            evicted: false,
            newest: None,
            anchor: None,
            oldest: None,
            latest: None,
            recent: BTreeSet::new(),
        }
    }
}

impl Default for Pass {
    fn default() -> Self {
        Self::new(Range::default(), false, Pager::new(false, 0))
    }
}

impl Sweep {
    /// Restores the state from a snapshot.
    pub(super) fn restore<'a>(coverage: Coverage, ids: impl Iterator<Item = Item<'a>>) -> Self {
        let mut sweep = Self { coverage, ..Self::default() };
        for item in ids {
            sweep.seen.insert(item.id, item.at);
            sweep.newest = sweep.newest.max(item.at);
        }
        sweep.newest = sweep.newest.max(coverage.done).max(coverage.band.map(|band| band.top));
        sweep
    }

    /// Starts a pass over what the coverage leaves open.
    pub(super) fn begin(&mut self) {
        self.begin_with(Range::outside_of(self.coverage), 0);
    }

    /// Whether the pass, over an oldest-first list, has reached events newer than any known when it started.
    /// It cannot tell which of them existed then.
    pub(super) fn is_past_newest_known(&self) -> bool {
        let pass = &self.pass;
        self.order() == Order::OldestFirst && !pass.is_below && pass.latest > pass.newest
    }

    /// Records that an event with this time exists.
    pub(super) fn update_newest(&mut self, at: Option<i64>) {
        self.newest = self.newest.max(at);
    }

    /// Starts a pass over events later than `at`; earlier ones count as delivered.
    pub(super) fn begin_after(&mut self, at: i64) {
        self.coverage = Coverage { done: self.coverage.done.max(Some(at)), band: None };
        self.begin();
    }

    fn begin_with(&mut self, range: Range, strikes: u32) {
        self.complete_to = self.complete_to();
        self.seen.begin_pass();
        self.is_over = false;
        self.trusted = self.coverage;
        self.pass = Pass::new(range, self.coverage.band.is_some(), Pager::new(self.one_based, strikes));
    }

    pub(super) fn request(&self) -> Request {
        Request { page: self.pass.pager.number(), range: self.pass.range }
    }

    pub(super) fn order(&self) -> Order {
        self.evidence.order()
    }

    /// The time of the newest event seen.
    pub(super) fn newest(&self) -> Option<i64> {
        self.newest
    }

    /// The number of events on the largest page.
    pub(super) fn largest_page(&self) -> usize {
        self.seen.largest_page()
    }

    /// Whether the pass fills the gap below the band.
    pub(super) fn is_below(&self) -> bool {
        self.pass.is_below
    }

    /// Processes the requested page. Returns the positions of the new events on it.
    pub(super) fn accept(&mut self, items: &[Item<'_>], purpose: Purpose) -> (Vec<u32>, Progress) {
        if self.pass.pager.is_probing() {
            let unseen = items.iter().filter(|item| !self.seen.is_seen_this_pass(item.id)).count();
            let outcome = self.pass.pager.accept(items.iter().map(|item| item.id), unseen);
            return (Vec::new(), self.apply(outcome));
        }
        let times = || items.iter().filter_map(|item| item.at);
        self.evidence.observe(times());
        let known_from = self.known_from(items);
        let (mut new, mut unseen) = (Vec::new(), 0);
        for (position, item) in (0..).zip(items) {
            let lookup = self.seen.insert(item.id, item.at);
            unseen += usize::from(lookup != Lookup::SeenThisPass);
            let is_known = item.at.map_or(position > known_from, |at| self.trusted.contains(at));
            if lookup == Lookup::New && !is_known {
                new.push(position);
            }
        }
        if purpose == Purpose::MarkSeen {
            new.clear();
        }
        if !new.is_empty() {
            self.pass.pager.reset_strikes();
        }
        let outcome = self.pass.pager.accept(items.iter().map(|item| item.id), unseen);
        self.advance(times);
        self.one_based = self.is_one_based();
        self.evict(items.len());
        let progress = if self.has_reached_known(times, purpose) { self.finish() } else { self.apply(outcome) };
        (new, progress)
    }

    /// Whether page 1 is certainly the first page. Late events that fill a page before those of the first page also
    /// make it page 1, but only if they can be older.
    fn is_one_based(&self) -> bool {
        let is_settled =
            self.pass.oldest.zip(self.newest).is_some_and(|(at, newest)| at <= newest.saturating_sub(OVERLAP));
        self.order() == Order::OldestFirst && self.pass.pager.is_one_based() && (self.one_based || is_settled)
    }

    /// In a newest-first list, the position of the first known event: events without a time after it are
    /// known too.
    fn known_from(&self, items: &[Item<'_>]) -> u32 {
        let Some(done) = self.trusted.done.filter(|_| self.order() == Order::NewestFirst) else { return u32::MAX };
        (0..)
            .zip(items)
            .find(|(_, item)| item.at.is_some_and(|at| at <= done))
            .map_or(u32::MAX, |(position, _)| position)
    }

    /// The server rejected the page. None: handle it as an ordinary error.
    pub(super) fn page_rejected(&mut self) -> Option<Progress> {
        let outcome = self.pass.pager.page_rejected()?;
        Some(self.apply(outcome))
    }

    fn apply(&mut self, outcome: PageOutcome) -> Progress {
        match outcome {
            PageOutcome::Continue => Progress::More,
            PageOutcome::End => self.finish(),
            PageOutcome::GaveUp => Progress::GaveUp,
            PageOutcome::Stalled => {
                let open = Range::outside_of(self.coverage);
                if open.is_narrower_than(self.pass.range) {
                    // A narrower query ends where this pass is now, so its pages are stable.
                    self.begin_with(open, self.pass.pager.strikes());
                    return Progress::More;
                }
                let outcome = self.pass.pager.verify();
                self.apply(outcome)
            }
        }
    }

    /// Updates the coverage from the times on the page.
    fn advance<I: Iterator<Item = i64>>(&mut self, times: impl Fn() -> I) {
        let pass = &mut self.pass;
        let latest = times().max();
        if !pass.is_started {
            pass.is_started = true;
            pass.newest = self.newest.max(latest);
        }
        self.newest = self.newest.max(latest);
        pass.latest = pass.latest.max(latest);
        pass.oldest = [pass.oldest, times().min()].into_iter().flatten().min();
        let is_settled = |at: &i64| pass.newest.is_some_and(|newest| *at <= newest.saturating_sub(OVERLAP));
        pass.anchor = pass.anchor.max(times().filter(is_settled).max());
        let (Some(latest), Some(oldest)) = (pass.latest, pass.oldest) else { return };
        let edge = latest.saturating_sub(OVERLAP);
        let recent = pass.recent.split_off(&edge.saturating_add(1));
        let passed = std::mem::replace(&mut pass.recent, recent).last().copied();
        // Of the times up to the edge, only the last one matters.
        let passed = passed.max(times().filter(is_settled).filter(|at| *at <= edge).max());
        pass.recent.extend(times().filter(is_settled).filter(|at| *at > edge));
        match self.evidence.order() {
            Order::Unknown => self.coverage = self.trusted,
            Order::OldestFirst => self.coverage.done = self.coverage.done.max(passed),
            Order::NewestFirst => {
                let floor = oldest.saturating_add(OVERLAP);
                match (&mut self.coverage.band, pass.anchor) {
                    (Some(band), _) => band.floor = band.floor.min(floor),
                    (band @ None, Some(top)) if floor < top => *band = Some(Band { floor, top }),
                    (None, _) => {}
                }
            }
        }
    }

    fn evict(&mut self, page: usize) {
        let pinned = self.newest.map(|newest| newest.saturating_sub(OVERLAP));
        let evicted = self.seen.evict(page, |at| at.is_some_and(|at| Some(at) > pinned));
        self.pass.evicted |= evicted;
        if self.pass.evicted {
            // IDs alone no longer suffice.
            self.trusted = self.coverage;
        }
    }

    /// Whether the pass has reached events known from earlier, after which everything is known.
    fn has_reached_known<I: Iterator<Item = i64>>(&self, times: impl Fn() -> I, purpose: Purpose) -> bool {
        if self.evidence.order() != Order::NewestFirst {
            return false;
        }
        let known = match purpose {
            Purpose::Deliver => self.trusted.done,
            // The first pass must also cover events that are out of order.
            Purpose::MarkSeen => self.pass.anchor.map(|anchor| anchor.saturating_sub(OVERLAP)),
        };
        known.is_some_and(|known| times().any(|at| at <= known))
    }

    /// The pass has seen everything in its range.
    fn finish(&mut self) -> Progress {
        let done = if self.pass.is_below { self.coverage.band.map(|band| band.top) } else { self.pass.anchor };
        self.coverage = Coverage { done: self.coverage.done.max(done), band: None };
        self.trusted = self.coverage;
        self.is_over = true;
        Progress::Finished
    }

    /// Whether the last pass is over and the next one has not started.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Everything before this time was delivered, as far as known.
    pub(super) fn complete_to(&self) -> Option<i64> {
        let pass = &self.pass;
        let found = match self.evidence.order() {
            _ if pass.is_below => None,
            // Above the floor of the band, or the pass is over.
            Order::NewestFirst => pass.newest,
            _ if self.is_over => pass.newest,
            // Events that arrived during the pass may have been skipped, and events with this very time may follow.
            _ => pass.newest.min(pass.latest),
        };
        self.complete_to.max(found)
    }

    /// The lowest floor that the order allows, used when there are too many IDs. None if any event was out of order.
    pub(super) fn strict_floor(&self) -> Option<i64> {
        let is_strict = self.evidence.is_strict() && self.evidence.order() == Order::NewestFirst;
        self.pass.oldest.filter(|_| is_strict)
    }
}
