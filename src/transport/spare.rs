//! The buffer of an answer that nobody needs any more, for the next one: a new page of memory costs more than to fill it.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The allocator keeps smaller ones itself, and a larger one is too much to keep for a call that may not come.
const WORTH: std::ops::RangeInclusive<usize> = 128 << 10..=64 << 20;

/// At most one buffer, and only as long as there are connections: both go when nobody calls any more.
#[derive(Default)]
pub(super) struct Spare(Mutex<State>);

#[derive(Default)]
struct State {
    is_open: bool,
    buffer: Option<Vec<u8>>,
}

impl Spare {
    /// An empty buffer with so much room, and not much more.
    pub(super) fn take(&self, room: usize) -> Option<Vec<u8>> {
        self.lock().buffer.take_if(|buffer| (room..=2 * room).contains(&buffer.capacity()))
    }

    /// Whether it is a buffer that is worth keeping.
    pub(super) fn wants(buffer: &Vec<u8>) -> bool {
        WORTH.contains(&buffer.capacity())
    }

    /// Keeps a buffer, if it is worth it. What was kept before goes.
    pub(super) fn give(&self, mut buffer: Vec<u8>) {
        if !Self::wants(&buffer) {
            return;
        }
        buffer.clear();
        let mut state = self.lock();
        if state.is_open {
            let before = state.buffer.replace(buffer);
            drop(state);
            drop(before);
        }
    }

    /// Keeps buffers from now on.
    pub(super) fn open(&self) {
        self.lock().is_open = true;
    }

    /// Keeps none any more, and drops the one that is kept.
    pub(super) fn close(&self) {
        *self.lock() = State::default();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    fn open() -> Spare {
        let spare = Spare::default();
        spare.open();
        spare
    }

    /// Red when `give` does not clear: the next answer begins with the last one.
    #[test]
    fn a_buffer_comes_back_empty_for_an_answer_of_its_size() {
        let spare = open();
        spare.give(vec![b'x'; 2 * MIB]);
        assert!(spare.take(3 * MIB).is_none() && spare.take(MIB / 2).is_none());
        let taken = spare.take(2 * MIB).expect("the buffer");
        assert!(taken.is_empty() && taken.capacity() >= 2 * MIB);
        assert!(spare.take(2 * MIB).is_none());
    }

    /// Red when `give` does not look at the size.
    #[test]
    fn small_and_huge_buffers_are_not_kept() {
        let spare = open();
        for size in [MIB / 16, 65 * MIB] {
            spare.give(Vec::with_capacity(size));
            assert!(spare.take(size).is_none(), "{size}");
        }
    }

    /// Red when `give` does not look whether it is open.
    #[test]
    fn nothing_is_kept_before_it_is_opened_or_after_it_is_closed() {
        let spare = Spare::default();
        spare.give(Vec::with_capacity(MIB));
        assert!(spare.take(MIB).is_none());
        spare.open();
        spare.give(Vec::with_capacity(MIB));
        spare.close();
        assert!(spare.take(MIB).is_none());
        spare.give(Vec::with_capacity(MIB));
        assert!(spare.take(MIB).is_none());
    }
}
