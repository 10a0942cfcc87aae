//! What a cursor keeps of a sweep: bounds, and the ids that they do not cover.

use super::bounds::{Band, Bounds};
use super::order::Order;
use super::sweep::Sweep;

/// A cursor has at most so many ids.
///
/// That is far more than the few of the last seconds: a bulk operation can make many events of one and the same time.
pub(super) const IDS_MOST: usize = 1_000;
/// And they have at most so many bytes together.
const BYTES_MOST: usize = 64 * 1024;

/// What was given.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Edge<'a> {
    pub(super) bounds: Bounds,
    pub(super) ids: Vec<(Option<i64>, &'a str)>,
}

impl Sweep {
    /// What was given, so that another sweep can go on from there.
    ///
    /// With too many ids the overlap shrinks first: late events are then missed, which happens only to a server that is both
    /// busy and late. After that the oldest ids go: those events may be given again.
    ///
    /// `ids_most` is [`IDS_MOST`] but in tests.
    pub(super) fn edge(&self, ids_most: usize) -> Edge<'_> {
        let uncovered = |bounds: Bounds| self.seen.remembered(|at| !at.is_some_and(|at| bounds.cover(at)));
        let mut bounds = self.bounds;
        let mut ids = uncovered(bounds);
        if ids.len() > ids_most {
            bounds = self.shrunk(bounds, &ids, ids_most);
            ids = uncovered(bounds);
        }
        let mut bytes = 0;
        let fitting = ids.iter().rev().take(ids_most).take_while(|(_, id)| {
            bytes += id.len();
            bytes <= BYTES_MOST
        });
        let fitting = fitting.count();
        Edge { bounds, ids: ids.split_off(ids.len() - fitting) }
    }

    /// Bounds that cover as much as is certain.
    fn shrunk(&self, mut bounds: Bounds, ids: &[(Option<i64>, &str)], ids_most: usize) -> Bounds {
        let mut later: Vec<i64> =
            ids.iter().filter_map(|(at, _)| *at).filter(|at| Some(*at) < self.complete_to()).collect();
        later.sort_unstable();
        let half = later.len().saturating_sub(ids_most / 2);
        let raised = half.checked_sub(1).and_then(|last| later.get(last).copied());
        if self.is_over() || (self.order() == Order::OldestFirst && !self.is_below()) {
            bounds.done = bounds.done.max(raised);
        } else if let Some(floor) = self.strict_floor() {
            let top = bounds.band.map(|band| band.top).max(raised);
            let floor = bounds.band.map_or(floor, |band| band.floor.min(floor));
            bounds.band = top.filter(|top| floor < *top).map(|top| Band { floor, top }).or(bounds.band);
        }
        bounds
    }
}
