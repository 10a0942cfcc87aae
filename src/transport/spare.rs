//! The buffer of an answer that nobody needs any more, for the next one: a new page of memory costs more than to fill it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

/// The allocator keeps smaller ones itself, and a larger one is too much to keep for a call that may not come.
const WORTH: std::ops::RangeInclusive<usize> = 128 << 10..=64 << 20;

/// At most one buffer, and only as long as there are requests.
#[derive(Default)]
pub(super) struct Spare(Mutex<State>);

#[derive(Default)]
struct State {
    is_open: bool,
    is_used: bool,
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

    /// Keeps buffers from now on, until this has not been called for so long.
    pub(super) fn keep_while_used(spare: &Arc<Self>, idle: Duration) {
        let was_open = {
            let mut state = spare.lock();
            state.is_used = true;
            std::mem::replace(&mut state.is_open, true)
        };
        if !was_open {
            tokio::spawn(close_when_unused(Arc::downgrade(spare), idle));
        }
    }

    /// Drops the buffer and keeps no more, if it was not used since the last time.
    fn close_if_unused(&self) -> bool {
        let mut state = self.lock();
        let is_used = std::mem::take(&mut state.is_used);
        if !is_used {
            *state = State::default();
        }
        !is_used
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn close_when_unused(spare: Weak<Spare>, idle: Duration) {
    loop {
        tokio::time::sleep(idle).await;
        if spare.upgrade().is_none_or(|spare| spare.close_if_unused()) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;
    const IDLE: Duration = Duration::from_secs(20);

    fn open() -> Spare {
        let spare = Spare::default();
        spare.lock().is_open = true;
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
    #[tokio::test(start_paused = true)]
    async fn nothing_is_kept_before_the_first_request_or_long_after_the_last() {
        let spare = Arc::new(Spare::default());
        spare.give(Vec::with_capacity(MIB));
        assert!(spare.take(MIB).is_none());
        for _ in 0..2 {
            for _ in 0..3 {
                Spare::keep_while_used(&spare, IDLE);
                tokio::time::sleep(IDLE * 2 / 3).await;
            }
            spare.give(Vec::with_capacity(MIB));
            assert!(spare.lock().buffer.is_some());
            tokio::time::sleep(IDLE * 2).await;
            assert!(spare.take(MIB).is_none());
            spare.give(Vec::with_capacity(MIB));
            assert!(spare.take(MIB).is_none());
        }
    }
}
