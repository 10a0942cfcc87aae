//! What the decoder collects besides rows, and the limit on all of it.

use std::ops::Range;

use super::cell::range;
use super::fault::{Fault, TooLarge};
use super::original::Original;
use super::schema::Kind;

/// The decoder's working state besides the rows.
#[derive(Debug)]
pub(super) struct Scratch {
    /// The strings of all lists, as spans.
    pub(super) items: Vec<u64>,
    /// The bytes that were overwritten.
    pub(super) original: Original,
    /// Conversion errors of the current record: the last one of each column.
    pub(super) deferred: Vec<DeferredError>,
    /// Values that are present but read as absent.
    pub(super) ignored: Vec<IgnoredSpan>,
    /// The current row.
    pub(super) row: usize,
    /// Memory used by complete rows, in bytes.
    pub(super) row_bytes: usize,
    /// Memory limit for rows, list items and overwritten bytes together, in bytes.
    pub(super) limit: usize,
}

/// A value of the wrong type. An error unless a later duplicate of the key has a valid value.
#[derive(Debug)]
pub(super) struct DeferredError {
    pub(super) column: usize,
    pub(super) at: usize,
    end: usize,
    item: Option<usize>,
    expected: &'static str,
}

/// A value that reads as absent because it could not be converted.
#[derive(Clone, Debug)]
pub(crate) struct IgnoredSpan {
    pub(crate) row: usize,
    pub(crate) column: usize,
    /// Its span in the body.
    pub(crate) place: Range<usize>,
}

/// At most this many are recorded; the log does not need all of them.
const MAX_IGNORED: usize = 8;

/// Memory for a string in a list: its span, and the pointer to it in the C struct.
const LIST_ITEM_BYTES: usize = 2 * size_of::<u64>();

impl Scratch {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            items: Vec::new(),
            original: Original::default(),
            deferred: Vec::new(),
            ignored: Vec::new(),
            row: 0,
            row_bytes: 0,
            limit,
        }
    }

    /// Fails at offset `at` if the memory limit is exceeded.
    #[inline]
    pub(super) fn check_limit(&self, at: usize) -> Result<(), Fault> {
        let bytes = self.row_bytes + self.items.len() * LIST_ITEM_BYTES + self.original.memory();
        if bytes > self.limit { Err(Fault::too_large(at, &TooLarge::Records)) } else { Ok(()) }
    }

    /// Records a conversion error, replacing an earlier one of the same column.
    pub(super) fn defer(&mut self, error: DeferredError) {
        match self.deferred.iter_mut().find(|known| known.column == error.column) {
            Some(known) => *known = error,
            None => self.deferred.push(error),
        }
    }

    pub(super) fn note_ignored(&mut self, column: usize, place: Range<usize>) {
        if self.ignored.len() < MAX_IGNORED {
            self.ignored.push(IgnoredSpan { row: self.row, column, place });
        }
    }

    /// Discards what was collected from offset `at` on.
    pub(super) fn rewind_to(&mut self, at: usize) {
        self.items.truncate(self.items.partition_point(|item| range(*item).is_some_and(|item| item.start < at)));
        self.ignored.retain(|ignored| ignored.place.start < at);
        self.original.rewind_to(at);
        self.deferred.retain(|error| error.at < at);
    }
}

impl DeferredError {
    pub(super) fn new(column: usize, kind: Kind, at: usize, end: usize) -> Self {
        Self { column, at, end, item: None, expected: expected(kind) }
    }

    /// The same for an element of a list.
    pub(super) fn in_item(self, item: usize) -> Self {
        Self { item: Some(item), ..self }
    }

    pub(super) fn to_fault(&self, body: &[u8]) -> Fault {
        let mut fault = Fault::mismatch(body, self.at, self.end, self.expected).in_column(self.column);
        fault.item = self.item;
        fault
    }
}

fn expected(kind: Kind) -> &'static str {
    match kind {
        Kind::Id | Kind::Text | Kind::Word(_) => "a string",
        Kind::Int => "an integer",
        Kind::Bool => "a boolean",
        Kind::Time => "a time",
        Kind::TextList => "an array",
        Kind::Object => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Red when every error is stored: an answer of 100 MB can have 14 million of them in one record.
    #[test]
    fn only_the_last_conversion_error_of_a_column_is_stored() {
        let mut scratch = Scratch::new(usize::MAX);
        for at in 0..3000 {
            scratch.defer(DeferredError::new(at % 3, Kind::Int, at, at + 1));
        }
        let deferred: Vec<_> = scratch.deferred.iter().map(|error| (error.column, error.at)).collect();
        assert_eq!(deferred, [(0, 2997), (1, 2998), (2, 2999)]);
    }
}
