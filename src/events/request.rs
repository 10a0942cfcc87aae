//! What to request from the server, besides the caller's own filters.

use super::coverage::Coverage;
use super::dates::{just_after, just_before};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) page: Option<u64>,
    pub(super) range: Range,
}

/// Bounds in Unix microseconds, rounded outwards to whole seconds: every wanted event lies strictly between them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) after: Option<i64>,
    pub(super) before: Option<i64>,
}

impl Range {
    /// The range that the coverage leaves open: later than `done`, and below the band if there is one.
    pub(super) fn outside_of(coverage: Coverage) -> Self {
        Self { after: coverage.done.map(just_before), before: coverage.band.map(|band| just_after(band.floor)) }
    }

    pub(super) fn is_narrower_than(self, other: Self) -> bool {
        self.after > other.after || self.before.is_some_and(|before| other.before.is_none_or(|other| before < other))
    }
}
