//! How the server lists events, as far as its answers have shown.

/// Spares later streams of the same client some requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ListHabits {
    /// How often page 1 turned out to be the first page. Events that shift a newest-first list by a page look like that too, so
    /// once is not enough.
    one_based: u8,
    /// Counting has shown that date filters hide no event.
    pub(crate) shows_all_by_date: bool,
    /// A page with fewer events than requested was the last one.
    pub(crate) short_page_is_last: bool,
    /// A larger page size than the caller's was rejected.
    pub(crate) fixed_page_size: bool,
}

impl ListHabits {
    pub(crate) fn is_one_based(self) -> bool {
        self.one_based >= 2
    }

    /// Page 1 was the first page, or was not.
    pub(crate) fn note_page_one(&mut self, was_first: bool) {
        self.one_based = if was_first { self.one_based.saturating_add(1) } else { 0 };
    }
}
