//! What to do next: request a page, wait, or end. A state machine without I/O or clock, so that tests can drive it.
//!
//! `passes` decides what each page means.

use super::ahead::ReadAhead;
use super::audit::Audit;
use super::cursor::{Cursor, Start};
use super::dates::Grain;
use super::dedup::Id;
use super::ledger::{LATEST, Ledger};
use super::order::{Evidence, Order};
use super::page::Item;
use super::pages::Pages;
use super::present::Search;
use super::request::{Range, Request};
use super::snapshot::MAX_IDS;
use super::unknowable::Unknowable;
use super::walk::Walk;
use crate::service::ListHabits;

/// So many pages without new events, and several times those that the known events fill, do not follow each other.
const MAX_IDLE: usize = 100;
/// The page size for finding the newest event of an oldest-first list.
pub(super) const SEARCH_PAGE: u32 = 1_000;

/// How a stream is set up.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Setup {
    /// The caller's page size.
    pub(super) page_size: Option<u32>,
    /// What earlier streams have shown.
    pub(super) habits: ListHabits,
    /// Unix microseconds. A wrong clock costs requests, not events.
    pub(super) now: i64,
}

impl Setup {
    fn max_latest(self) -> usize {
        self.page_size.map_or(LATEST, |size| (size as usize / 2).clamp(1, LATEST))
    }
}

#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent observations of the server")]
pub(super) struct Engine {
    pub(super) ledger: Ledger,
    pub(super) stage: Stage,
    pub(super) evidence: Evidence,
    pub(super) grain: Grain,
    /// The grain is that of days for this pass only.
    pub(super) has_widened: bool,
    pub(super) setup: Setup,
    /// The times that the pass is to read, and how many events in them were delivered before it.
    pub(super) wanted: (Range, usize),
    /// Everything up to this time was delivered when the pass is over.
    pub(super) top: Option<i64>,
    /// Everything up to this time was in the list and delivered, but for events that appear late.
    pub(super) complete: Option<i64>,
    /// The number of events on a full page, and on the last page of the caller's page size.
    pub(super) full: usize,
    pub(super) full_is_known: bool,
    /// A larger page size than the caller's has led to a larger page.
    pub(super) sizes_work: bool,
    pub(super) last_len: usize,
    /// Pages are known to be shorter than `full` although others follow.
    pub(super) has_gaps: bool,
    /// The last page by date was full, and others are likely to follow it.
    pub(super) was_full: bool,
    pub(super) ahead: ReadAhead,
    /// The page was requested ahead: it is smaller than those by date.
    pub(super) is_ahead: bool,
    /// The IDs on the first page of the range, and the last one on the page read last.
    pub(super) first_page: Vec<Id>,
    pub(super) last_id: Option<Id>,
    /// The pass reads pages by number throughout.
    pub(super) by_number: bool,
    /// Dates do not filter the list.
    pub(super) dates_fail: bool,
    /// Consecutive pages of the pass without new events.
    pub(super) idle: usize,
    /// The pass has found new events.
    pub(super) has_news: bool,
    /// The list is read for the first time.
    pub(super) is_first_pass: bool,
    pub(super) retries: Retries,
    /// Consecutive rejections of requests by date.
    pub(super) rejections: u32,
    /// Existing events are only marked as seen: the present is yet to be found.
    pub(super) is_baseline: bool,
    pub(super) search: Search,
    /// Whether it continues with new events after the end of the list.
    pub(super) follows: bool,
    /// Whether events were delivered since the last wait.
    pub(super) delivered: bool,
}

/// What a pass has read again, so that it does not do so for ever.
#[derive(Debug, Default)]
pub(super) struct Retries {
    /// How often the pass has started again.
    pub(super) restarts: u32,
    /// How many events were delivered when a page number last led to events that dates had not.
    pub(super) gap_at: Option<usize>,
    /// How often the events were counted.
    pub(super) audits: u32,
    /// How many were delivered when the start of the list was last read again after that.
    pub(super) counted: Option<usize>,
    /// Events were missing: how many were delivered, and [`Engine::top`], then.
    pub(super) missing: Option<(usize, Option<i64>)>,
}

#[derive(Debug)]
pub(super) enum Stage {
    Walking(Walk),
    Numbered(Numbered),
    Auditing(Audit, Walk),
    Waiting,
    Ended,
    Failed(Unknowable),
}

/// Pages are read by number.
#[derive(Debug)]
pub(super) struct Numbered {
    pub(super) pages: Pages,
    /// Continue with this walk when dates lead further.
    pub(super) walk: Option<Walk>,
    /// The walk has passed this range, which is read again because page numbers shift.
    pub(super) is_behind: bool,
    /// The page by date was not full.
    pub(super) is_short: bool,
    /// And nothing else was missing on it: this is to see whether the server hides events of a page.
    pub(super) checks_gap: bool,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Send this request and pass the answer to [`Engine::accept`]. After a failure, repeat it.
    Fetch(Request),
    /// Wait, then call [`Engine::poll`].
    Wait,
    /// The stream has ended.
    End,
    /// Whether there are more events cannot be known.
    Failed(Unknowable),
}

impl Engine {
    /// Every existing event, once.
    pub(super) fn stream(setup: Setup) -> Self {
        let ledger = Ledger::new(setup.max_latest());
        let mut engine = Self::new(ledger, setup);
        engine.is_first_pass = true;
        engine
    }

    /// New events, from `start` on.
    pub(super) fn follow(start: &Start, setup: Setup) -> Self {
        let ledger = match start {
            Start::Present | Start::Beginning => Ledger::new(setup.max_latest()),
            Start::Snapshot(snapshot) => Ledger::restore(snapshot.coverage, &snapshot.ids, setup.max_latest()),
        };
        let mut engine = Self::new(ledger, setup);
        engine.follows = true;
        engine.is_baseline = *start == Start::Present;
        engine.is_first_pass = *start == Start::Beginning;
        engine
    }

    fn new(ledger: Ledger, setup: Setup) -> Self {
        let mut engine = Self {
            ledger,
            stage: Stage::Waiting,
            evidence: Evidence::default(),
            grain: Grain::default(),
            has_widened: false,
            setup,
            wanted: (Range::default(), 0),
            top: None,
            complete: None,
            full: setup.page_size.map_or(0, |size| size as usize),
            full_is_known: false,
            sizes_work: false,
            last_len: 0,
            has_gaps: false,
            was_full: false,
            ahead: ReadAhead::default(),
            is_ahead: false,
            first_page: Vec::new(),
            last_id: None,
            by_number: false,
            dates_fail: false,
            idle: 0,
            has_news: false,
            is_first_pass: false,
            retries: Retries::default(),
            rejections: 0,
            is_baseline: false,
            search: Search::default(),
            follows: false,
            delivered: false,
        };
        engine.begin();
        engine
    }

    pub(super) fn follows(&self) -> bool {
        self.follows
    }

    /// What the answers have shown about the server.
    pub(super) fn habits(&self) -> ListHabits {
        self.setup.habits
    }

    /// Whether a follower has not found the present yet: its cursor is of no use.
    pub(super) fn is_before_present(&self) -> bool {
        self.is_baseline
    }

    pub(super) fn next(&self) -> Step {
        match &self.stage {
            Stage::Walking(walk) => Step::Fetch(Request { page: None, size: self.size(walk), range: walk.range() }),
            Stage::Numbered(numbered) => Step::Fetch(numbered.pages.request()),
            Stage::Auditing(audit, _) => Step::Fetch(audit.request()),
            Stage::Waiting => Step::Wait,
            Stage::Ended => Step::End,
            Stage::Failed(why) => Step::Failed(*why),
        }
    }

    /// The page size for a request by date: the overlap is added, so that it costs no page.
    pub(super) fn size(&self, walk: &Walk) -> Option<u32> {
        if self.setup.habits.fixed_page_size {
            return None;
        }
        if self.is_baseline && walk.order() == Order::OldestFirst {
            return Some(self.setup.page_size.unwrap_or_default().max(SEARCH_PAGE));
        }
        let size = self.setup.page_size.filter(|size| *size as usize == self.full)?;
        let overlap = u32::try_from(walk.overlap()).unwrap_or(u32::MAX).min(size);
        (overlap > 0).then(|| size.saturating_add(overlap))
    }

    /// Processes the answer to a request. Returns the positions of the new events, which are marked as delivered.
    pub(super) fn accept(&mut self, items: &[Item<'_>]) -> Vec<u32> {
        let mut page = self.ledger.page(items);
        self.evidence.observe(page.times());
        if let (Some(Order::NewestFirst), Some(done)) = (self.evidence.order(), self.wanted.0.after) {
            page.drop_undated_after(done);
        }
        self.rejections = 0;
        let new = match std::mem::replace(&mut self.stage, Stage::Waiting) {
            Stage::Walking(walk) => self.walk(walk, &page),
            Stage::Numbered(numbered) => self.read_numbered(numbered, &page),
            Stage::Auditing(audit, walk) => self.audit(audit, walk, &page),
            stage @ (Stage::Waiting | Stage::Ended | Stage::Failed(_)) => {
                self.stage = stage;
                Vec::new()
            }
        };
        if self.ledger.seen.is_full() {
            self.stage = Stage::Failed(Unknowable::TooMany);
        }
        self.idle = if new.is_empty() { self.idle + 1 } else { 0 };
        if self.idle > MAX_IDLE + 4 * self.ledger.seen.len() / self.full.max(1) {
            self.stage = Stage::Failed(Unknowable::Unstable);
        }
        self.delivered |= !new.is_empty();
        new
    }

    /// The server rejected the request in a way in which some servers reject a page past the end. Returns false if it
    /// is an error after all, and the request must be repeated.
    pub(super) fn page_rejected(&mut self) -> bool {
        if self.size_rejected() {
            return true;
        }
        if let Stage::Walking(walk) = &mut self.stage {
            if walk.range() == Range::default() {
                return false;
            }
            if walk.reject_fractions() {
                return true;
            }
            self.rejections += 1;
            if self.rejections > 1 {
                self.dates_fail = true;
                self.read_by_number();
            }
            return true;
        }
        match std::mem::replace(&mut self.stage, Stage::Waiting) {
            Stage::Numbered(mut numbered) => {
                let outcome = numbered.pages.page_rejected(self.full_page());
                if let Some(outcome) = outcome {
                    self.apply_outcome(numbered, outcome);
                } else {
                    self.stage = Stage::Numbered(numbered);
                }
                outcome.is_some()
            }
            Stage::Auditing(_, walk) => {
                self.count_rejected(walk);
                true
            }
            stage => {
                self.stage = stage;
                false
            }
        }
    }

    /// A larger page size than the caller's was too much. Returns whether the request had one.
    pub(super) fn size_rejected(&mut self) -> bool {
        let was_larger = matches!(&self.stage, Stage::Walking(walk) if self.size(walk).is_some());
        self.setup.habits.fixed_page_size |= was_larger;
        was_larger
    }

    /// The wait is over: starts a new pass.
    pub(super) fn poll(&mut self) {
        if matches!(self.stage, Stage::Waiting) {
            self.delivered = false;
            self.begin();
        }
    }

    /// The failure was reported. A follower tries again after a wait.
    pub(super) fn clear_failure(&mut self) {
        if self.follows && matches!(self.stage, Stage::Failed(_)) {
            if self.is_baseline {
                *self = Self::follow(&Start::Present, self.setup);
            } else {
                self.stage = Stage::Waiting;
            }
        }
    }

    /// Whether events were delivered since the last wait.
    pub(super) fn has_delivered(&self) -> bool {
        self.delivered
    }

    /// The cursor after the delivered events. `Present` while the present is not found.
    pub(super) fn cursor(&self) -> Cursor {
        self.cursor_with(MAX_IDS)
    }

    /// The same with at most `max_ids` IDs.
    pub(super) fn cursor_with(&self, max_ids: usize) -> Cursor {
        if self.is_baseline { Cursor::Present } else { Cursor::Snapshot(self.snapshot(max_ids)) }
    }

    /// The number of IDs in memory.
    #[cfg(test)]
    pub(super) fn seen_len(&self) -> usize {
        self.ledger.seen.len()
    }
}
