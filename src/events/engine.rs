//! What to do next: the next page, a wait, or nothing more. No I/O and no clock, so that tests and fuzzers can drive it.

use super::cursor::{Cursor, Start};
use super::edge::IDS_MOST;
use super::order::{OVERLAP, Order};
use super::pages::STRIKES;
use super::sweep::{Item, Progress, Purpose, Range, Request, Sweep};

/// Where the search for the newest events begins, in a list that begins with its oldest: a minute ago, then eight times as long
/// ago, and so on, until there are some; then halfway back while there are more than a page.
const SEARCH_BACK: i64 = 60_000_000;
/// And so close it comes: what is asked for is in whole seconds.
const SEARCH_CLOSE: i64 = 1_000_000;

#[derive(Debug)]
pub(super) struct Engine {
    sweep: Sweep,
    stage: Stage,
    /// It goes on for ever.
    follows: bool,
    now: i64,
    /// Whether something was given since the last wait.
    news: bool,
    /// Passes since something was given.
    passes: u32,
    /// Whether the newest events were looked for since the last wait.
    searched: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Remembers what there is, so that only what comes later is given.
    Baseline,
    /// The list begins with its oldest, and may be long: looks for one of the newest events.
    Search {
        back: i64,
        /// There was nothing that long ago.
        barren: i64,
        /// There was a page that long ago, and maybe more behind it.
        full: Option<i64>,
        purpose: Purpose,
    },
    /// As `Baseline`, from there on.
    Rest,
    Sweeping,
    Waiting,
    Ended,
    Lost(Purpose),
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Ask for this and hand the answer to [`Engine::accept`]. After a failure it is still this.
    Ask(Request),
    /// Nothing now; then call [`Engine::poll`].
    Wait,
    /// There is nothing more.
    End,
    /// The server's pages make no sense.
    Lost,
}

impl Engine {
    /// Everything there is, once.
    ///
    /// `now`: Unix microseconds; a clock that is wrong costs requests, not events.
    pub(super) fn stream(now: i64) -> Self {
        Self::new(Sweep::default(), Stage::Sweeping, false, now)
    }

    /// What comes, from `start` on.
    pub(super) fn follow(start: &Start, now: i64) -> Self {
        match start {
            Start::Present => Self::new(Sweep::default(), Stage::Baseline, true, now),
            Start::Beginning => Self::new(Sweep::default(), Stage::Sweeping, true, now),
            Start::From(cursor) => {
                let ids = cursor.ids.iter().map(|(at, id)| Item { id, at: *at });
                Self::new(Sweep::restore(cursor.bounds, ids), Stage::Sweeping, true, now)
            }
        }
    }

    fn new(mut sweep: Sweep, stage: Stage, follows: bool, now: i64) -> Self {
        sweep.begin();
        Self { sweep, stage, follows, now, news: false, passes: 0, searched: false }
    }

    pub(super) fn follows(&self) -> bool {
        self.follows
    }

    pub(super) fn next(&self) -> Step {
        match self.stage {
            Stage::Baseline | Stage::Rest | Stage::Sweeping => Step::Ask(self.sweep.request()),
            Stage::Search { back, .. } => {
                let range = Range { after: Some(self.ago(back)), before: None };
                Step::Ask(Request { page: None, range })
            }
            Stage::Waiting => Step::Wait,
            Stage::Ended => Step::End,
            Stage::Lost(_) => Step::Lost,
        }
    }

    /// Takes the answer to what was asked. Gives the positions of the events that are to be given; they are marked as given.
    pub(super) fn accept(&mut self, items: &[Item<'_>]) -> Vec<u32> {
        let purpose = match self.stage {
            Stage::Search { .. } => {
                self.search(items);
                return Vec::new();
            }
            Stage::Baseline | Stage::Rest => Purpose::Remember,
            Stage::Sweeping => Purpose::Give,
            Stage::Waiting | Stage::Ended | Stage::Lost(_) => return Vec::new(),
        };
        let (give, progress) = self.sweep.accept(items, purpose);
        if !give.is_empty() {
            self.news = true;
            self.passes = 0;
        }
        self.advance(progress);
        give
    }

    /// The server refused what was asked, in a way in which some refuse a page behind the end. Says whether that settles it;
    /// otherwise it is an error, and the same is asked again.
    pub(super) fn refused(&mut self) -> bool {
        if !matches!(self.stage, Stage::Baseline | Stage::Rest | Stage::Sweeping) {
            return false;
        }
        let Some(progress) = self.sweep.refused() else { return false };
        self.advance(progress);
        true
    }

    /// The wait is over.
    pub(super) fn poll(&mut self) {
        if self.stage == Stage::Waiting {
            self.news = false;
            self.passes = 0;
            self.searched = false;
            self.begin();
        }
    }

    /// The caller was told that the pages make no sense: one who follows tries again later.
    pub(super) fn told(&mut self) {
        match self.stage {
            Stage::Lost(Purpose::Give) if self.follows => self.stage = Stage::Waiting,
            Stage::Lost(Purpose::Remember) => {
                *self = Self::new(Sweep::default(), Stage::Baseline, true, self.now);
            }
            _ => {}
        }
    }

    /// Whether something was given since the last wait.
    pub(super) fn has_news(&self) -> bool {
        self.news
    }

    /// What was given so far; without an edge, nothing was yet, and the present is still to be found.
    pub(super) fn cursor(&self) -> Cursor<'_> {
        self.cursor_of(IDS_MOST)
    }

    /// The same with so many ids at most.
    pub(super) fn cursor_of(&self, ids_most: usize) -> Cursor<'_> {
        match self.stage {
            Stage::Baseline
            | Stage::Rest
            | Stage::Search { purpose: Purpose::Remember, .. }
            | Stage::Lost(Purpose::Remember) => Cursor::Present,
            _ => Cursor::From(self.sweep.edge(ids_most)),
        }
    }

    /// How many ids are remembered.
    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.sweep.seen.len()
    }

    fn begin(&mut self) {
        self.sweep.begin();
        self.stage = Stage::Sweeping;
    }

    fn advance(&mut self, progress: Progress) {
        match progress {
            Progress::More if self.stage == Stage::Baseline && self.sweep.order() == Order::OldestFirst => {
                self.stage = Stage::search(Purpose::Remember);
            }
            Progress::More if self.stage == Stage::Sweeping && !self.searched && self.sweep.has_outrun() => {
                self.searched = true;
                self.stage = Stage::search(Purpose::Give);
            }
            Progress::More => {}
            Progress::Finished if !self.follows => self.stage = Stage::Ended,
            Progress::Finished if self.sweep.is_below() && self.passes < STRIKES => {
                // The gap is filled; now for what has come since.
                self.passes += 1;
                let stage = self.stage;
                self.begin();
                self.stage = stage;
            }
            Progress::Finished => self.stage = Stage::Waiting,
            Progress::Lost if self.stage == Stage::Sweeping => self.stage = Stage::Lost(Purpose::Give),
            Progress::Lost => self.stage = Stage::Lost(Purpose::Remember),
        }
    }

    /// Takes what came since the moment that was looked at.
    fn search(&mut self, items: &[Item<'_>]) {
        let Stage::Search { back, barren, full, purpose } = self.stage else { return };
        let found = items.iter().filter_map(|item| item.at).max();
        let is_full = found.is_some() && items.len() >= self.sweep.largest_page();
        let is_known = self.sweep.newest().is_some_and(|known| self.ago(back) <= known);
        self.sweep.learn_newest(found);
        let (barren, full) = match (found, full) {
            (None, None) if !is_known => {
                self.stage = Stage::Search { back: back.saturating_mul(8), barren: back, full, purpose };
                return;
            }
            (None, _) => (back, full),
            (Some(_), _) => (barren, Some(back)),
        };
        let open = full.map_or(0, |full| full - barren);
        if open > SEARCH_CLOSE && (is_full || found.is_none()) {
            self.stage = Stage::Search { back: barren + open / 2, barren, full, purpose };
            return;
        }
        match (purpose, full) {
            (Purpose::Give, _) => self.begin(),
            (Purpose::Remember, full) => {
                match full {
                    // What comes later than now cannot be earlier than this.
                    Some(full) => self.sweep.begin_after(self.ago(full).saturating_sub(OVERLAP)),
                    None => self.sweep.begin(),
                }
                self.stage = Stage::Rest;
            }
        }
    }

    fn ago(&self, back: i64) -> i64 {
        self.now.saturating_sub(back)
    }
}

impl Stage {
    fn search(purpose: Purpose) -> Self {
        Self::Search { back: SEARCH_BACK, barren: 0, full: None, purpose }
    }
}
