//! One pass after another over the pages of a query: which events on a page were not given before, and what was given so far.

use std::collections::BTreeSet;

use super::bounds::{Band, Bounds};
use super::dates::{just_after, just_before};
use super::order::{Evidence, OVERLAP, Order};
use super::pages::{Pages, Turn};
use super::seen::{Seen, Sight};

/// An event as far as it matters here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item<'a> {
    pub(super) id: &'a str,
    /// Unix microseconds; none: the event has no time, and is told from others by its id alone.
    pub(super) at: Option<i64>,
}

/// What to ask the server for, besides the caller's own filters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) page: Option<u64>,
    pub(super) range: Range,
}

/// Dates in whole seconds, as Unix microseconds, that lie outside of what is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) after: Option<i64>,
    pub(super) before: Option<i64>,
}

impl Range {
    /// What the bounds leave open: all that came later than `done`, and while there is a band, only what lies below it.
    fn of(bounds: Bounds) -> Self {
        Self { after: bounds.done.map(just_before), before: bounds.band.map(|band| just_after(band.floor)) }
    }

    fn is_narrower_than(self, other: Self) -> bool {
        self.after > other.after || self.before.is_some_and(|before| other.before.is_none_or(|other| before < other))
    }
}

/// Whether a pass is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    More,
    Finished,
    /// There is no telling whether it is.
    Lost,
}

/// What is done with events that were not given before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Give,
    /// They happened before the caller came: they are only remembered.
    Remember,
}

#[derive(Debug, Default)]
pub(super) struct Sweep {
    pub(super) seen: Seen,
    /// What was given, as far as the order of the list tells.
    pub(super) bounds: Bounds,
    /// The same, for certain: an event is dropped by its time only if these cover it. Within a pass ids are enough, and a list
    /// that turns out to be in no order loses nothing.
    trusted: Bounds,
    evidence: Evidence,
    newest: Option<i64>,
    /// What the passes before this one found is complete up to here, but not including it. None: not known, because the passes
    /// were another process's.
    complete_to: Option<i64>,
    is_over: bool,
    pass: Pass,
    /// Page 1 was seen to be the first page, in a list that grows at its end.
    from_one: bool,
}

#[derive(Debug)]
struct Pass {
    pages: Pages,
    range: Range,
    /// It fills the gap below the band.
    is_below: bool,
    begun: bool,
    forgot: bool,
    /// The newest event when the pass began, as far as it is known.
    newest: Option<i64>,
    /// The newest event that is older than that by the overlap. What arrives while the pass is under way is later.
    anchor: Option<i64>,
    oldest: Option<i64>,
    latest: Option<i64>,
    /// Times up to the anchor within the overlap of the latest: there may be others between them, out of order.
    recent: BTreeSet<i64>,
}

impl Pass {
    fn new(range: Range, is_below: bool, pages: Pages) -> Self {
        Self {
            pages,
            range,
            is_below,
            begun: false,
            forgot: false,
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
        Self::new(Range::default(), false, Pages::new(false, 0))
    }
}

impl Sweep {
    /// From what was given before: bounds, and ids that they do not cover.
    pub(super) fn restore<'a>(bounds: Bounds, ids: impl Iterator<Item = Item<'a>>) -> Self {
        let mut sweep = Self { bounds, ..Self::default() };
        for item in ids {
            sweep.seen.see(item.id, item.at);
            sweep.newest = sweep.newest.max(item.at);
        }
        sweep.newest = sweep.newest.max(bounds.done).max(bounds.band.map(|band| band.top));
        sweep
    }

    /// Begins a pass over what the bounds leave open.
    pub(super) fn begin(&mut self) {
        self.begin_with(Range::of(self.bounds), 0);
    }

    /// Whether the pass, in a list that begins with its oldest, has come to events that it did not know of when it began: then
    /// it cannot tell which of them were there.
    pub(super) fn has_outrun(&self) -> bool {
        let pass = &self.pass;
        self.order() == Order::OldestFirst && !pass.is_below && pass.latest > pass.newest
    }

    /// There is an event as new as this.
    pub(super) fn learn_newest(&mut self, at: Option<i64>) {
        self.newest = self.newest.max(at);
    }

    /// Begins a pass over what came after an instant; what came before it counts as given.
    pub(super) fn begin_after(&mut self, at: i64) {
        self.bounds = Bounds { done: self.bounds.done.max(Some(at)), band: None };
        self.begin();
    }

    fn begin_with(&mut self, range: Range, strikes: u32) {
        self.complete_to = self.complete_to();
        self.seen.begin_pass();
        self.is_over = false;
        self.trusted = self.bounds;
        self.pass = Pass::new(range, self.bounds.band.is_some(), Pages::new(self.from_one, strikes));
    }

    pub(super) fn request(&self) -> Request {
        Request { page: self.pass.pages.number(), range: self.pass.range }
    }

    pub(super) fn order(&self) -> Order {
        self.evidence.order()
    }

    /// The newest event that was seen.
    pub(super) fn newest(&self) -> Option<i64> {
        self.newest
    }

    /// How many events the largest page had.
    pub(super) fn largest_page(&self) -> usize {
        self.seen.largest_page()
    }

    /// Whether the pass fills the gap below the band.
    pub(super) fn is_below(&self) -> bool {
        self.pass.is_below
    }

    /// Takes the page that was asked for. Gives the positions of the events on it that are to be given.
    pub(super) fn accept(&mut self, items: &[Item<'_>], purpose: Purpose) -> (Vec<u32>, Progress) {
        if self.pass.pages.is_far_behind() {
            let fresh = items.iter().filter(|item| !self.seen.is_of_this_pass(item.id)).count();
            let turn = self.pass.pages.turn(items.iter().map(|item| item.id), fresh);
            return (Vec::new(), self.follow(turn));
        }
        let times = || items.iter().filter_map(|item| item.at);
        self.evidence.observe(times());
        let old_from = self.old_from(items);
        let (mut give, mut fresh) = (Vec::new(), 0);
        for (position, item) in (0..).zip(items) {
            let sight = self.seen.see(item.id, item.at);
            fresh += usize::from(sight != Sight::Again);
            let is_old = item.at.map_or(position > old_from, |at| self.trusted.cover(at));
            if sight == Sight::New && !is_old {
                give.push(position);
            }
        }
        if purpose == Purpose::Remember {
            give.clear();
        }
        if !give.is_empty() {
            self.pass.pages.gave();
        }
        let turn = self.pass.pages.turn(items.iter().map(|item| item.id), fresh);
        self.advance(times);
        self.from_one = self.counts_from_one();
        self.forget(items.len());
        let progress = if self.came_to_known(times, purpose) { self.finish() } else { self.follow(turn) };
        (give, progress)
    }

    /// Whether page 1 is the first page for certain: late events that fill a page before those of the first one make it page 1 as
    /// well, but only if they can be older.
    fn counts_from_one(&self) -> bool {
        let is_settled =
            self.pass.oldest.zip(self.newest).is_some_and(|(at, newest)| at <= newest.saturating_sub(OVERLAP));
        self.order() == Order::OldestFirst && self.pass.pages.count_from_one() && (self.from_one || is_settled)
    }

    /// The position of the first event that was there before, where the newest come first: an event behind it that has no time
    /// was there before, too.
    fn old_from(&self, items: &[Item<'_>]) -> u32 {
        let Some(done) = self.trusted.done.filter(|_| self.order() == Order::NewestFirst) else { return u32::MAX };
        (0..)
            .zip(items)
            .find(|(_, item)| item.at.is_some_and(|at| at <= done))
            .map_or(u32::MAX, |(position, _)| position)
    }

    /// The server refused the page. None: that is an error like any other.
    pub(super) fn refused(&mut self) -> Option<Progress> {
        let turn = self.pass.pages.refused()?;
        Some(self.follow(turn))
    }

    fn follow(&mut self, turn: Turn) -> Progress {
        match turn {
            Turn::Go => Progress::More,
            Turn::End => self.finish(),
            Turn::Lost => Progress::Lost,
            Turn::Stalled => {
                let open = Range::of(self.bounds);
                if open.is_narrower_than(self.pass.range) {
                    // In a list that ends where this pass has come to, nothing moves any more.
                    self.begin_with(open, self.pass.pages.strikes());
                    return Progress::More;
                }
                let turn = self.pass.pages.verify();
                self.follow(turn)
            }
        }
    }

    /// What the page tells about the spans of time that were given.
    fn advance<I: Iterator<Item = i64>>(&mut self, times: impl Fn() -> I) {
        let pass = &mut self.pass;
        let latest = times().max();
        if !pass.begun {
            pass.begun = true;
            pass.newest = self.newest.max(latest);
        }
        self.newest = self.newest.max(latest);
        pass.latest = pass.latest.max(latest);
        pass.oldest = [pass.oldest, times().min()].into_iter().flatten().min();
        let settled = |at: &i64| pass.newest.is_some_and(|newest| *at <= newest.saturating_sub(OVERLAP));
        pass.anchor = pass.anchor.max(times().filter(settled).max());
        let (Some(latest), Some(oldest)) = (pass.latest, pass.oldest) else { return };
        let edge = latest.saturating_sub(OVERLAP);
        let recent = pass.recent.split_off(&edge.saturating_add(1));
        let passed = std::mem::replace(&mut pass.recent, recent).last().copied();
        // Of the times behind the edge, only the last one counts.
        let passed = passed.max(times().filter(settled).filter(|at| *at <= edge).max());
        pass.recent.extend(times().filter(settled).filter(|at| *at > edge));
        match self.evidence.order() {
            Order::Unknown => self.bounds = self.trusted,
            Order::OldestFirst => self.bounds.done = self.bounds.done.max(passed),
            Order::NewestFirst => {
                let floor = oldest.saturating_add(OVERLAP);
                match (&mut self.bounds.band, pass.anchor) {
                    (Some(band), _) => band.floor = band.floor.min(floor),
                    (band @ None, Some(top)) if floor < top => *band = Some(Band { floor, top }),
                    (None, _) => {}
                }
            }
        }
    }

    fn forget(&mut self, page: usize) {
        let pinned = self.newest.map(|newest| newest.saturating_sub(OVERLAP));
        let forgot = self.seen.forget(page, |at| at.is_some_and(|at| Some(at) > pinned));
        self.pass.forgot |= forgot;
        if self.pass.forgot {
            // Ids alone are not enough any more.
            self.trusted = self.bounds;
        }
    }

    /// Whether the pass has come to what is known from earlier, where the rest is known too.
    fn came_to_known<I: Iterator<Item = i64>>(&self, times: impl Fn() -> I, purpose: Purpose) -> bool {
        if self.evidence.order() != Order::NewestFirst {
            return false;
        }
        let known = match purpose {
            Purpose::Give => self.trusted.done,
            // Nobody has been here before: what is out of order has to be passed, too.
            Purpose::Remember => self.pass.anchor.map(|anchor| anchor.saturating_sub(OVERLAP)),
        };
        known.is_some_and(|known| times().any(|at| at <= known))
    }

    /// The pass is over: everything in its range was seen.
    fn finish(&mut self) -> Progress {
        let done = if self.pass.is_below { self.bounds.band.map(|band| band.top) } else { self.pass.anchor };
        self.bounds = Bounds { done: self.bounds.done.max(done), band: None };
        self.trusted = self.bounds;
        self.is_over = true;
        Progress::Finished
    }

    /// Whether the last pass is over and the next has not begun.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// What was given is complete up to here, but not including it, as far as it is known.
    pub(super) fn complete_to(&self) -> Option<i64> {
        let pass = &self.pass;
        let found = match self.evidence.order() {
            _ if pass.is_below => None,
            // Above the band's floor, or the pass is over.
            Order::NewestFirst => pass.newest,
            _ if self.is_over => pass.newest,
            // What arrived since the pass began may have been passed over, and what has this very time may be to come.
            _ => pass.newest.min(pass.latest),
        };
        self.complete_to.max(found)
    }

    /// The lowest floor that the order allows, for when ids are too many: none when events were out of order.
    pub(super) fn strict_floor(&self) -> Option<i64> {
        let is_strict = self.evidence.is_strict() && self.evidence.order() == Order::NewestFirst;
        self.pass.oldest.filter(|_| is_strict)
    }
}
