//! What to do next: request a page, wait, or end. A state machine without I/O or clock, so that tests can drive it.

use super::cursor::{Cursor, Start};
use super::order::{OVERLAP, Order};
use super::pager::MAX_STRIKES;
use super::request::{Range, Request};
use super::snapshot::MAX_IDS;
use super::sweep::{Item, Progress, Purpose, Sweep};

/// In an oldest-first list, the search for the newest events starts this long ago. The distance grows by a
/// factor of 8 until there are events, and is then halved while there is more than a page of them.
const INITIAL_LOOKBACK: i64 = 60_000_000;
/// The search stops at this resolution: the server filters by whole seconds.
const LOOKBACK_RESOLUTION: i64 = 1_000_000;

#[derive(Debug)]
pub(super) struct Engine {
    sweep: Sweep,
    stage: Stage,
    /// Whether it continues with new events after the end of the list.
    follows: bool,
    now: i64,
    /// Whether events were delivered since the last wait.
    delivered: bool,
    /// Passes since events were last delivered.
    idle_passes: u32,
    /// Whether the newest events were searched for since the last wait.
    searched: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Marks the existing events as seen, so that only later ones are delivered.
    Baseline,
    /// The list is oldest-first and may be long: searches for the newest events.
    Search {
        back: i64,
        /// The longest lookback without events.
        empty_at: i64,
        /// The shortest lookback with events.
        found_at: Option<i64>,
        purpose: Purpose,
    },
    /// As `Baseline`, from the result of the search on.
    BaselineTail,
    Sweeping,
    Waiting,
    Ended,
    Failed(Purpose),
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
    /// The end of the list cannot be determined from the pages of the server.
    Failed,
}

impl Engine {
    /// Every existing event, once.
    ///
    /// `now`: Unix microseconds. A wrong clock costs requests, not events.
    pub(super) fn stream(now: i64) -> Self {
        Self::new(Sweep::default(), Stage::Sweeping, false, now)
    }

    /// New events, from `start` on.
    pub(super) fn follow(start: &Start, now: i64) -> Self {
        match start {
            Start::Present => Self::new(Sweep::default(), Stage::Baseline, true, now),
            Start::Beginning => Self::new(Sweep::default(), Stage::Sweeping, true, now),
            Start::Snapshot(snapshot) => {
                let ids = snapshot.ids.iter().map(|(at, id)| Item { id, at: *at });
                Self::new(Sweep::restore(snapshot.coverage, ids), Stage::Sweeping, true, now)
            }
        }
    }

    fn new(mut sweep: Sweep, stage: Stage, follows: bool, now: i64) -> Self {
        sweep.begin();
        Self { sweep, stage, follows, now, delivered: false, idle_passes: 0, searched: false }
    }

    pub(super) fn follows(&self) -> bool {
        self.follows
    }

    pub(super) fn next(&self) -> Step {
        match self.stage {
            Stage::Baseline | Stage::BaselineTail | Stage::Sweeping => Step::Fetch(self.sweep.request()),
            Stage::Search { back, .. } => {
                let range = Range { after: Some(self.ago(back)), before: None };
                Step::Fetch(Request { page: None, range })
            }
            Stage::Waiting => Step::Wait,
            Stage::Ended => Step::End,
            Stage::Failed(_) => Step::Failed,
        }
    }

    /// Processes the answer to a request. Returns the positions of the new events, which are marked as delivered.
    pub(super) fn accept(&mut self, items: &[Item<'_>]) -> Vec<u32> {
        let purpose = match self.stage {
            Stage::Search { .. } => {
                self.search(items);
                return Vec::new();
            }
            Stage::Baseline | Stage::BaselineTail => Purpose::MarkSeen,
            Stage::Sweeping => Purpose::Deliver,
            Stage::Waiting | Stage::Ended | Stage::Failed(_) => return Vec::new(),
        };
        let (new, progress) = self.sweep.accept(items, purpose);
        if !new.is_empty() {
            self.delivered = true;
            self.idle_passes = 0;
        }
        self.advance(progress);
        new
    }

    /// The server rejected the request in a way in which some servers reject a page past the end. Returns false if it
    /// is an error after all, and the request must be repeated.
    pub(super) fn page_rejected(&mut self) -> bool {
        if !matches!(self.stage, Stage::Baseline | Stage::BaselineTail | Stage::Sweeping) {
            return false;
        }
        let Some(progress) = self.sweep.page_rejected() else { return false };
        self.advance(progress);
        true
    }

    /// The wait is over: starts a new pass.
    pub(super) fn poll(&mut self) {
        if self.stage == Stage::Waiting {
            self.delivered = false;
            self.idle_passes = 0;
            self.searched = false;
            self.begin();
        }
    }

    /// The failure was reported. A follower tries again after a wait.
    pub(super) fn clear_failure(&mut self) {
        match self.stage {
            Stage::Failed(Purpose::Deliver) if self.follows => self.stage = Stage::Waiting,
            Stage::Failed(Purpose::MarkSeen) => {
                *self = Self::new(Sweep::default(), Stage::Baseline, true, self.now);
            }
            _ => {}
        }
    }

    /// Whether events were delivered since the last wait.
    pub(super) fn has_delivered(&self) -> bool {
        self.delivered
    }

    /// The cursor after the delivered events. `Present` while the baseline is not complete.
    pub(super) fn cursor(&self) -> Cursor<'_> {
        self.cursor_with(MAX_IDS)
    }

    /// The same with at most `max_ids` IDs.
    pub(super) fn cursor_with(&self, max_ids: usize) -> Cursor<'_> {
        match self.stage {
            Stage::Baseline
            | Stage::BaselineTail
            | Stage::Search { purpose: Purpose::MarkSeen, .. }
            | Stage::Failed(Purpose::MarkSeen) => Cursor::Present,
            _ => Cursor::Snapshot(self.sweep.snapshot(max_ids)),
        }
    }

    /// The number of IDs in memory.
    #[cfg(test)]
    pub(super) fn seen_len(&self) -> usize {
        self.sweep.seen.len()
    }

    fn begin(&mut self) {
        self.sweep.begin();
        self.stage = Stage::Sweeping;
    }

    fn advance(&mut self, progress: Progress) {
        match progress {
            Progress::More if self.stage == Stage::Baseline && self.sweep.order() == Order::OldestFirst => {
                self.stage = Stage::search(Purpose::MarkSeen);
            }
            Progress::More if self.stage == Stage::Sweeping && !self.searched && self.sweep.is_past_newest_known() => {
                self.searched = true;
                self.stage = Stage::search(Purpose::Deliver);
            }
            Progress::More => {}
            Progress::Finished if !self.follows => self.stage = Stage::Ended,
            Progress::Finished if self.sweep.is_below() && self.idle_passes < MAX_STRIKES => {
                // The gap is filled; continue with events that arrived meanwhile.
                self.idle_passes += 1;
                let stage = self.stage;
                self.begin();
                self.stage = stage;
            }
            Progress::Finished => self.stage = Stage::Waiting,
            Progress::GaveUp if self.stage == Stage::Sweeping => self.stage = Stage::Failed(Purpose::Deliver),
            Progress::GaveUp => self.stage = Stage::Failed(Purpose::MarkSeen),
        }
    }

    /// Processes a page of the search.
    fn search(&mut self, items: &[Item<'_>]) {
        let Stage::Search { back, empty_at, found_at, purpose } = self.stage else { return };
        let found = items.iter().filter_map(|item| item.at).max();
        let is_full_page = found.is_some() && items.len() >= self.sweep.largest_page();
        let is_known = self.sweep.newest().is_some_and(|known| self.ago(back) <= known);
        self.sweep.update_newest(found);
        let (empty_at, found_at) = match (found, found_at) {
            (None, None) if !is_known => {
                self.stage = Stage::Search { back: back.saturating_mul(8), empty_at: back, found_at, purpose };
                return;
            }
            (None, _) => (back, found_at),
            (Some(_), _) => (empty_at, Some(back)),
        };
        let open = found_at.map_or(0, |found_at| found_at - empty_at);
        if open > LOOKBACK_RESOLUTION && (is_full_page || found.is_none()) {
            self.stage = Stage::Search { back: empty_at + open / 2, empty_at, found_at, purpose };
            return;
        }
        match (purpose, found_at) {
            (Purpose::Deliver, _) => self.begin(),
            (Purpose::MarkSeen, found_at) => {
                match found_at {
                    // Events created from now on cannot be earlier than this.
                    Some(found_at) => self.sweep.begin_after(self.ago(found_at).saturating_sub(OVERLAP)),
                    None => self.sweep.begin(),
                }
                self.stage = Stage::BaselineTail;
            }
        }
    }

    fn ago(&self, back: i64) -> i64 {
        self.now.saturating_sub(back)
    }
}

impl Stage {
    fn search(purpose: Purpose) -> Self {
        Self::Search { back: INITIAL_LOOKBACK, empty_at: 0, found_at: None, purpose }
    }
}
