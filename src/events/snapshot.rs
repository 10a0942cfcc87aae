//! What a cursor stores: the coverage, and the delivered IDs outside of it.

use super::coverage::{Band, Coverage};
use super::dedup::Id;
use super::engine::{Engine, Stage};
use super::order::{OVERLAP, Order};
use super::walk::Walk;

/// The maximum number of IDs in a cursor: at most about 110 KB of text. Enough for a bulk operation that creates many events with the same time.
pub(super) const MAX_IDS: usize = 2_500;

/// The delivered events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Snapshot {
    pub(super) coverage: Coverage,
    /// Time and ID of delivered events outside of the coverage.
    pub(super) ids: Vec<(Option<i64>, Id)>,
}

impl Engine {
    /// A snapshot from which another engine can resume, with at most `max_ids` IDs ([`MAX_IDS`] except in tests).
    ///
    /// With too many IDs, the overlap shrinks first: late events may then be missed, but only on a server that is both busy
    /// and late. After that, the oldest IDs are dropped: these events may be delivered again.
    pub(super) fn snapshot(&self, max_ids: usize) -> Snapshot {
        let uncovered =
            |coverage: Coverage| self.ledger.seen.uncovered(|at| at.is_some_and(|at| coverage.contains(at)));
        let mut coverage = self.ledger.coverage;
        let mut ids = uncovered(coverage);
        if ids.len() > max_ids {
            coverage = self.extended_coverage(coverage, &ids, max_ids);
            ids = uncovered(coverage);
        }
        let excess = ids.len().saturating_sub(max_ids);
        Snapshot { coverage, ids: ids.split_off(excess) }
    }

    fn current_walk(&self) -> Option<&Walk> {
        match &self.stage {
            Stage::Walking(walk) | Stage::Auditing(_, walk) => Some(walk),
            Stage::Numbered(numbered) => numbered.walk.as_ref(),
            Stage::Waiting | Stage::Ended | Stage::Failed(_) => None,
        }
    }

    /// Extends the coverage without the safety margin of the overlap, as far as the order of the list allows.
    fn extended_coverage(&self, mut coverage: Coverage, ids: &[(Option<i64>, Id)], max_ids: usize) -> Coverage {
        let walk = self.current_walk();
        if self.evidence.disorder() > 0 || matches!(self.stage, Stage::Numbered(_)) {
            return coverage;
        }
        let place = walk.map(|walk| (walk.order(), walk.last()));
        // What is settled is earlier than the last event by the overlap.
        let is_within =
            |at: i64, settled: Option<i64>| settled.is_some_and(|settled| at.saturating_sub(OVERLAP) <= settled);
        let is_complete = |at: i64| match place {
            // Events with the very time of the last one may follow.
            Some((Order::OldestFirst, last)) => Some(at) < last && is_within(at, walk.and_then(Walk::settled)),
            // Above the band may be another gap.
            Some((Order::NewestFirst, _)) if self.wanted.0.before.is_some() => false,
            Some((Order::NewestFirst, last)) => Some(at) > last && is_within(at, self.top),
            None => Some(at) <= self.complete,
        };
        let mut complete: Vec<i64> = ids.iter().filter_map(|(at, _)| *at).filter(|at| is_complete(*at)).collect();
        complete.sort_unstable();
        let excess = complete.len().saturating_sub(max_ids / 2);
        let raised = excess.checked_sub(1).and_then(|last| complete.get(last).copied());
        match place {
            Some((Order::NewestFirst, Some(floor))) => {
                let top = coverage.band.map(|band| band.top).max(raised);
                coverage.band = top.filter(|top| floor < *top).map(|top| Band { floor, top }).or(coverage.band);
            }
            Some((Order::NewestFirst, None)) => {}
            Some((Order::OldestFirst, _)) | None => coverage.done = coverage.done.max(raised),
        }
        coverage
    }
}
