//! A limit on the time of one search.
//!
//! A server can craft texts, and tokens, for which every secret has to be compared everywhere; the search runs on the library's
//! only I/O thread.

use std::cell::Cell;

/// Costs in steps, about a nanosecond each.
pub(super) const DECODED_BYTE: usize = 6;
pub(super) const ESCAPE: usize = 6;
pub(super) const ESCAPE_COMPARED: usize = 16;
pub(super) const MATCH: usize = 24;
/// About 30 ms. A body full of escapes can exceed it if there are many secrets to search for, and is hidden then.
const MAX_STEPS: usize = 16_000_000;

/// The steps spent so far.
#[derive(Default)]
pub(super) struct Budget(Cell<usize>);

#[cfg(test)]
thread_local! {
    /// Bytes compared by this thread: tests count steps instead of reading a clock.
    pub(super) static COMPARED: Cell<usize> = const { Cell::new(0) };
}

impl Budget {
    pub(super) fn spend(&self, steps: usize) {
        self.0.set(self.0.get() + steps);
    }

    /// Bytes compared one by one.
    pub(super) fn spend_compared(&self, bytes: usize) {
        self.spend(bytes);
        #[cfg(test)]
        COMPARED.set(COMPARED.get() + bytes);
    }

    /// Bytes searched by `memmem`.
    pub(super) fn spend_searched(&self, bytes: usize) {
        self.spend(16 + bytes / 16);
    }

    pub(super) fn is_exceeded(&self) -> bool {
        self.0.get() > MAX_STEPS
    }
}
