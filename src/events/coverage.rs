//! Time ranges whose events were all delivered.

/// Every event in these ranges was delivered. Events outside of them are deduplicated by ID.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Coverage {
    /// Everything up to and including this time.
    pub(super) done: Option<i64>,
    /// Everything in this range. In a newest-first list, the gap between `done` and the band is still to be read.
    pub(super) band: Option<Band>,
}

/// Later than `floor`, up to and including `top`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Band {
    pub(super) floor: i64,
    pub(super) top: i64,
}

impl Coverage {
    pub(super) fn contains(&self, at: i64) -> bool {
        self.done.is_some_and(|done| at <= done) || self.band.is_some_and(|band| band.floor < at && at <= band.top)
    }
}
