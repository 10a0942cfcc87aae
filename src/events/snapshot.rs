//! What a cursor stores of a sweep: the coverage, and the delivered IDs outside of it.

use super::coverage::{Band, Coverage};
use super::order::Order;
use super::sweep::Sweep;

/// The maximum number of IDs in a cursor. Enough for a bulk operation that creates many events with the same time.
pub(super) const MAX_IDS: usize = 1_000;
/// The maximum length of these IDs together, in bytes.
const MAX_ID_BYTES: usize = 64 * 1024;

/// The delivered events.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Snapshot<Id> {
    pub(super) coverage: Coverage,
    /// Time and ID of delivered events outside of the coverage.
    pub(super) ids: Vec<(Option<i64>, Id)>,
}

impl Sweep {
    /// A snapshot from which another sweep can resume, with at most `max_ids` IDs ([`MAX_IDS`] except in tests).
    ///
    /// With too many IDs, the overlap shrinks first: late events may then be missed, but only on a server that is both busy
    /// and late. After that, the oldest IDs are dropped: these events may be delivered again.
    pub(super) fn snapshot(&self, max_ids: usize) -> Snapshot<&str> {
        let uncovered = |coverage: Coverage| self.seen.select(|at| !at.is_some_and(|at| coverage.contains(at)));
        let mut coverage = self.coverage;
        let mut ids = uncovered(coverage);
        if ids.len() > max_ids {
            coverage = self.extended_coverage(coverage, &ids, max_ids);
            ids = uncovered(coverage);
        }
        let mut bytes = 0;
        let fitting = ids.iter().rev().take(max_ids).take_while(|(_, id)| {
            bytes += id.len();
            bytes <= MAX_ID_BYTES
        });
        let fitting = fitting.count();
        Snapshot { coverage, ids: ids.split_off(ids.len() - fitting) }
    }

    /// Extends the coverage without the safety margin of the overlap, as far as the order of the list allows.
    fn extended_coverage(&self, mut coverage: Coverage, ids: &[(Option<i64>, &str)], max_ids: usize) -> Coverage {
        let mut complete: Vec<i64> =
            ids.iter().filter_map(|(at, _)| *at).filter(|at| Some(*at) < self.complete_to()).collect();
        complete.sort_unstable();
        let excess = complete.len().saturating_sub(max_ids / 2);
        let raised = excess.checked_sub(1).and_then(|last| complete.get(last).copied());
        if self.is_over() || (self.order() == Order::OldestFirst && !self.is_below()) {
            coverage.done = coverage.done.max(raised);
        } else if let Some(floor) = self.strict_floor() {
            let top = coverage.band.map(|band| band.top).max(raised);
            let floor = coverage.band.map_or(floor, |band| band.floor.min(floor));
            coverage.band = top.filter(|top| floor < *top).map(|top| Band { floor, top }).or(coverage.band);
        }
        coverage
    }
}
