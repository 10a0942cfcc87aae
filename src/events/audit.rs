//! Checks, once the dates lead no further, that they hid no event.
//!
//! A list in the order in which events were stored, with some of them stamped an hour ahead, looks sorted, and so does one whose
//! undated events vanish with the first date in the query. Their places in the list do not vanish: the page number on which
//! the last event has to be tells how many there are.

use super::dedup::Id;
use super::page::{Kind, Page};
use super::request::{Range, Request};

/// The page to request by number.
#[derive(Debug)]
pub(super) struct Audit {
    number: u64,
    range: Range,
    /// The number of events on the first page, and their IDs.
    page_len: usize,
    /// The places before this page.
    before: usize,
    delivered: usize,
    /// The numbering is not known: this page may be the one before.
    is_uncertain: bool,
    /// It is taken for the page before: then this one has as many events as are expected.
    is_assumed: bool,
    /// What it means if the page is the first one again. Next: to request the first one, too.
    if_first_again: Finding,
    /// It is requested: if it is another one by now, a page has arrived.
    confirms: bool,
    /// The page that seemed to be the last one again, or the page before that.
    last_again: Option<Vec<Id>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// Every event was delivered.
    Complete,
    /// Request the next page number.
    Next,
    /// There may be more.
    Missing,
}

impl Audit {
    /// `delivered`: how many events in this range were delivered.
    pub(super) fn new(
        range: Range,
        delivered: usize,
        page_len: usize,
        one_based: bool,
        if_first_again: Finding,
    ) -> Self {
        let page_len = page_len.max(1);
        // Page 0 is not asked for: servers that count from 1 reject it.
        let index = (delivered / page_len).max(1);
        let number = index as u64 + u64::from(one_based);
        Self {
            number,
            range,
            page_len,
            before: index * page_len,
            delivered,
            is_uncertain: !one_based,
            is_assumed: false,
            if_first_again,
            confirms: false,
            last_again: None,
        }
    }

    pub(super) fn request(&self) -> Request {
        Request { page: (!self.confirms).then_some(self.number), size: None, range: self.range }
    }

    /// `first`: the IDs of the first page, sorted. `last`: the ID of the last event in the list.
    pub(super) fn accept(&mut self, page: &Page, first: &[Id], is_last: impl Fn(&Id) -> bool) -> Finding {
        let ids = page.id_set();
        if self.confirms {
            return if ids == first { Finding::Complete } else { Finding::Missing };
        }
        if page.is_empty() {
            return Finding::Complete;
        }
        if ids == first {
            // Page 1 of a server that counts from 1; or the first page again past the end. In later passes, new events may have
            // shifted the list by a page, and count.
            if self.number == 1 && self.is_uncertain {
                self.number = 2;
                self.is_uncertain = false;
                return Finding::Next;
            }
            self.confirms = self.if_first_again == Finding::Next;
            return self.if_first_again;
        }
        let places = page.rows.iter().filter(|row| row.kind != Kind::New).count();
        if page.len() >= self.page_len && (page.new > 0 || !self.is_uncertain) {
            // And there are more pages.
            return Finding::Missing;
        }
        if page.new > 0 {
            return Finding::Missing;
        }
        if self.last_again.as_ref() == Some(&ids) {
            return Finding::Complete;
        }
        let ends_with_last = page.rows.last().is_some_and(|row| is_last(&row.id));
        let expected = self.delivered.saturating_sub(self.before);
        if self.is_uncertain && (places == self.page_len || places == expected) {
            // The page before, of a server that counts from 1?
            if expected == 0 && ends_with_last && self.if_first_again != Finding::Next {
                return Finding::Complete;
            }
            if ends_with_last == (expected == 0) {
                self.number += 1;
                (self.is_uncertain, self.is_assumed) = (false, true);
                // Or the last page again, past the end.
                self.last_again = ends_with_last.then_some(ids);
                return Finding::Next;
            }
        }
        if places == expected || places < expected && !self.is_assumed {
            return Finding::Complete;
        }
        Finding::Missing
    }
}
