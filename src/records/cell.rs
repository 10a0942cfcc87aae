//! Cells: the 8-byte units of a row.
//!
//! A text is a span of the buffer, a list a span of the list items, a boolean 0 or 1. A time is the span of its text followed
//! by its microseconds, an integer a presence flag followed by its value. The bounds of a span are 32 bits each.

use std::ops::Range;

/// Null or absent. Not a valid span: no offset is that large.
pub(super) const NONE: u64 = u64::MAX;
/// A value of the wrong type. An error unless a later duplicate of the key is valid.
pub(super) const INVALID: u64 = u64::MAX - 1;
/// The microseconds of a text that is not a time. Earlier than any valid time.
pub(super) const NO_TIME: u64 = from_int(i64::MIN);
/// The first cell of an integer that is present.
pub(super) const PRESENT: u64 = 1;

/// The cell for `value`: its bits.
#[inline]
pub(super) const fn from_int(value: i64) -> u64 {
    u64::from_ne_bytes(value.to_ne_bytes())
}

/// The integer of a cell.
#[inline]
pub(super) const fn to_int(cell: u64) -> i64 {
    i64::from_ne_bytes(cell.to_ne_bytes())
}

/// The cell for `range`, whose bounds are below 4 GiB.
#[inline]
pub(super) fn span(range: Range<usize>) -> u64 {
    (range.start as u64) << 32 | range.end as u64
}

/// The range in `cell`, if it holds one.
#[inline]
pub(super) fn range(cell: u64) -> Option<Range<usize>> {
    if cell >= INVALID {
        return None;
    }
    let end = cell & u64::from(u32::MAX);
    Some(usize::try_from(cell >> 32).ok()?..usize::try_from(end).ok()?)
}
