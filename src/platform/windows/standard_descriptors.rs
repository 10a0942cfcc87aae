//! Standard handles are not numbers that a file gets.

/// There is nothing to occupy.
pub(crate) struct OccupyStandard(());

impl OccupyStandard {
    pub(crate) fn new() -> Self {
        Self(())
    }
}
