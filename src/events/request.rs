//! What to request from the server, besides the caller's own filters.

/// Times are Unix microseconds. Bounds are rounded outwards ([`super::dates::Grain`]): every wanted event lies strictly
/// between them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Request {
    /// None: no number, which is the first page.
    pub(super) page: Option<u64>,
    /// None: the caller's page size.
    pub(super) size: Option<u32>,
    pub(super) range: Range,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) after: Option<i64>,
    pub(super) before: Option<i64>,
}

impl Range {
    /// What is in both ranges.
    pub(super) fn and(self, other: Self) -> Self {
        let before = match (self.before, other.before) {
            (Some(one), Some(two)) => Some(one.min(two)),
            (one, two) => one.or(two),
        };
        Self { after: self.after.max(other.after), before }
    }
}
