//! What was given, as spans of time.

/// Every event was given whose time they cover. What else was given is known by its id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bounds {
    /// Everything up to here.
    pub(super) done: Option<i64>,
    /// Everything in here, too: while newest come first, what lies between it and `done` is still to come.
    pub(super) band: Option<Band>,
}

/// Later than `floor`, up to `top`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Band {
    pub(super) floor: i64,
    pub(super) top: i64,
}

impl Bounds {
    pub(super) fn cover(&self, at: i64) -> bool {
        self.done.is_some_and(|done| at <= done) || self.band.is_some_and(|band| band.floor < at && at <= band.top)
    }
}
