//! Which events were delivered.

use super::coverage::{Band, Coverage};
use super::dedup::{Id, SeenIds, id_of};
use super::order::OVERLAP;
use super::page::{Item, Kind, Page};
use super::request::Range;

/// An event that appears late is delivered if it is one of the last few, or within the overlap. A few events that are stamped
/// too late do not hide others.
pub(super) const LATEST: usize = 10;

#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) seen: SeenIds,
    /// What was delivered, as of the last pass.
    pub(super) coverage: Coverage,
    /// What is dropped by its time alone. Within a pass, events are told apart by their IDs, so that a list in another order
    /// than it seems to be in loses nothing.
    trusted: Coverage,
    /// The latest times seen, sorted.
    latest: Vec<i64>,
    /// How many of them: fewer than fill a page, so that a poll needs one.
    max_latest: usize,
    /// The number of events delivered, and whether any had no time.
    pub(super) delivered: usize,
    pub(super) has_undated: bool,
}

impl Ledger {
    pub(super) fn new(max_latest: usize) -> Self {
        Self { max_latest, ..Self::default() }
    }

    /// Restores the state from a snapshot.
    pub(super) fn restore(coverage: Coverage, ids: &[(Option<i64>, Id)], max_latest: usize) -> Self {
        let mut ledger = Self { coverage, trusted: coverage, max_latest, ..Self::default() };
        for (at, id) in ids {
            ledger.seen.insert(*id, *at);
            ledger.note(*at);
        }
        ledger
    }

    pub(super) fn page(&self, items: &[Item<'_>]) -> Page {
        Page::new(items, &self.seen, |at| self.trusted.contains(at))
    }

    /// Marks up to `limit` new events of a page as delivered. Returns their positions.
    pub(super) fn deliver(&mut self, page: &Page, limit: usize) -> Vec<u32> {
        let mut positions = Vec::new();
        for (position, row) in (0..).zip(&page.rows) {
            if row.kind != Kind::New {
                self.seen.insert(row.id, row.at);
            } else if positions.len() < limit && self.seen.insert(row.id, row.at) {
                positions.push(position);
                self.delivered += 1;
                self.note(row.at);
            }
        }
        positions
    }

    pub(super) fn has_seen(&self, id: &[u8]) -> bool {
        self.seen.number(id_of(id)).is_some()
    }

    fn note(&mut self, at: Option<i64>) {
        let Some(at) = at else {
            self.has_undated = true;
            return;
        };
        if self.latest.len() < self.max_latest || self.latest.first().is_some_and(|first| at > *first) {
            let place = self.latest.partition_point(|other| *other <= at);
            self.latest.insert(place, at);
            if self.latest.len() > self.max_latest {
                self.latest.remove(0);
            }
        }
    }

    /// The latest times are those of this page: events before it were skipped.
    pub(super) fn restart_latest(&mut self, page: &Page) {
        self.latest.clear();
        page.rows.iter().for_each(|row| self.note(row.at));
    }

    pub(super) fn newest(&self) -> Option<i64> {
        self.latest.last().copied()
    }

    /// Later events may still appear; earlier ones do not.
    pub(super) fn settled(&self) -> Option<i64> {
        let (first, last) = (self.latest.first()?, self.latest.last()?);
        Some((*first).min(last.saturating_sub(OVERLAP)).saturating_sub(1))
    }

    /// Starts a pass. Returns the times that are wanted, and how many events in them were delivered.
    pub(super) fn begin(&mut self) -> (Range, usize) {
        self.trusted = self.coverage;
        self.seen.reset_evicted();
        let wanted = Range { after: self.coverage.done, before: self.coverage.band.map(|band| band.floor) };
        (wanted, self.known_in(wanted, false))
    }

    /// How many events with these times were delivered, also those without a time if `undated`.
    pub(super) fn known_in(&self, wanted: Range, undated: bool) -> usize {
        let is_wanted =
            |at: i64| wanted.after.is_none_or(|after| at > after) && wanted.before.is_none_or(|before| at <= before);
        self.seen.count(|at| at.map_or(undated, is_wanted))
    }

    /// A pass is over: everything up to `done` was delivered.
    pub(super) fn finish(&mut self, done: Option<i64>) {
        let band = self.coverage.band.map(|band| band.top);
        self.coverage = Coverage { done: self.coverage.done.max(done).max(band), band: None };
        self.trusted = self.coverage;
        self.note_coverage();
    }

    /// In the middle of a pass: everything up to `done`, or in the band, was delivered.
    pub(super) fn cover(&mut self, done: Option<i64>, band: Option<Band>) {
        let band = match (self.coverage.band, band) {
            (Some(old), Some(new)) => Some(Band { floor: old.floor.min(new.floor), top: old.top.max(new.top) }),
            (old, new) => new.or(old),
        };
        self.coverage = Coverage { done: self.coverage.done.max(done), band };
        self.note_coverage();
        let coverage = self.coverage;
        self.seen.evict(|at| at.is_none_or(|at| !coverage.contains(at)));
        if self.seen.has_evicted() {
            // IDs alone no longer suffice.
            self.trusted = coverage;
        }
    }

    fn note_coverage(&mut self) {
        let coverage = self.coverage;
        self.seen.cover(|at| at.is_some_and(|at| coverage.contains(at)));
    }
}
