//! The errors of a stream that cannot make sure that it is complete.

use std::fmt::{self, Display, Formatter};

use super::dedup::MAX_IDS;

/// Why it cannot be known whether there are more events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unknowable {
    /// Every pass shows other events.
    Unstable,
    /// A full page is followed by an error, and dates lead no further.
    Rejected(u64),
    /// Every page number gives the same full page.
    NumbersIgnored,
    /// Too many events to tell the new ones from the others.
    TooMany,
    /// Date filters hide events of a list that is too long to be read again.
    Hidden,
}

impl Display for Unknowable {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unstable => write!(
                f,
                "the list changes with every request, and its events are not sorted by created_at: whether it was returned \
                 completely cannot be known"
            ),
            Self::Rejected(page) => write!(
                f,
                "the server rejects page {page} after a full page, and its events are not sorted by created_at: whether more \
                 follow cannot be known. Narrow the query by date or type"
            ),
            Self::NumbersIgnored => write!(
                f,
                "the server returns the same full page for every page number, and its events are not sorted by created_at: \
                 whether there are more cannot be known. Increase page_size"
            ),
            Self::TooMany => write!(
                f,
                "more than {MAX_IDS} events that are not sorted by created_at. Narrow the query by date or type"
            ),
            Self::Hidden => write!(
                f,
                "the server's list has more events than its answers to queries by date, and is too long to be read again. \
                 Narrow the query by date or type"
            ),
        }
    }
}
