//! Cells: the eight-byte units that rows are made of.
//!
//! A text is its span in the buffer, a list its span among the items, a boolean 0 or 1. A time is its text and then
//! its microseconds; an integer is whether it is there and then its value. Either half of a pair fits in 32 bits.

use std::ops::Range;

/// Null or absent. No span is like this: it would begin where no byte can be.
pub(super) const NONE: u64 = u64::MAX;
/// A value that could not be converted. It only matters if no later duplicate of the key makes up for it.
pub(super) const INVALID: u64 = u64::MAX - 1;
/// The microseconds of a text that is no time: no time is as early as this.
pub(super) const NO_TIME: u64 = i64::MIN.cast_unsigned();
/// What an integer's first cell holds if the integer is there.
pub(super) const PRESENT: u64 = 1;

/// The cell for `range`, which lies within 4 GiB.
#[inline]
pub(super) fn span(range: Range<usize>) -> u64 {
    (range.start as u64) << 32 | range.end as u64
}

/// The range in `cell`, unless it holds none.
#[inline]
pub(super) fn range(cell: u64) -> Option<Range<usize>> {
    if cell >= INVALID {
        return None;
    }
    let end = cell & u64::from(u32::MAX);
    Some(usize::try_from(cell >> 32).ok()?..usize::try_from(end).ok()?)
}
