//! Reuses the buffer of a response body for the next one: mapping new pages costs more than filling them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

/// The allocator reuses smaller buffers itself, and larger ones are too much memory to hold for a call that may never come.
const KEPT_CAPACITY: std::ops::RangeInclusive<usize> = 128 << 10..=64 << 20;

/// Room for what the decoder appends in place.
pub(super) const SENTINEL: usize = 16;

/// At most one buffer, and only while requests are sent.
#[derive(Default)]
pub(super) struct SpareBuffer(Mutex<State>);

#[derive(Default)]
struct State {
    is_open: bool,
    is_used: bool,
    buffer: Option<Vec<u8>>,
}

impl SpareBuffer {
    /// Takes the buffer if its capacity is at least `capacity` and at most twice that. None: the length of the body is not known, and
    /// any buffer will do until [`Self::fit`].
    pub(super) fn take(&self, capacity: Option<usize>) -> Option<Vec<u8>> {
        let fits = |buffer: &mut Vec<u8>| {
            capacity.is_none_or(|capacity| (capacity..=2 * capacity).contains(&buffer.capacity()))
        };
        self.lock().buffer.take_if(fits)
    }

    /// Moves a body out of a buffer that is far too large for it, and keeps that buffer for a larger one.
    pub(super) fn fit(&self, mut body: Vec<u8>) -> Vec<u8> {
        if body.capacity() / 2 <= body.len() + SENTINEL {
            return body;
        }
        if !Self::is_worth_keeping(&body) {
            body.shrink_to(body.len() + SENTINEL);
            return body;
        }
        let mut fitting = Vec::with_capacity(body.len() + SENTINEL);
        fitting.extend_from_slice(&body);
        self.put(body);
        fitting
    }

    /// Whether a buffer is worth keeping.
    pub(super) fn is_worth_keeping(buffer: &Vec<u8>) -> bool {
        KEPT_CAPACITY.contains(&buffer.capacity())
    }

    /// Keeps a buffer if it is worth keeping, and drops the previous one.
    pub(super) fn put(&self, mut buffer: Vec<u8>) {
        if !Self::is_worth_keeping(&buffer) {
            return;
        }
        buffer.clear();
        let mut state = self.lock();
        if state.is_open {
            let previous = state.buffer.replace(buffer);
            drop(state);
            drop(previous);
        }
    }

    /// Keeps buffers until this has not been called for `idle`.
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

    /// Drops the buffer and keeps no more if there was no request since the last call. Returns whether that is so.
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

async fn close_when_unused(spare: Weak<SpareBuffer>, idle: Duration) {
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

    fn open() -> SpareBuffer {
        let spare = SpareBuffer::default();
        spare.lock().is_open = true;
        spare
    }

    /// Red when `put` does not clear: the next body begins with the previous one.
    #[test]
    fn a_buffer_is_reused_empty_for_a_body_of_similar_size() {
        let spare = open();
        spare.put(vec![b'x'; 2 * MIB]);
        assert!(spare.take(Some(3 * MIB)).is_none() && spare.take(Some(MIB / 2)).is_none());
        let taken = spare.take(Some(2 * MIB)).expect("the buffer");
        assert!(taken.is_empty() && taken.capacity() >= 2 * MIB);
        assert!(spare.take(Some(2 * MIB)).is_none());
    }

    /// Red when a body stays in any buffer that it was read into.
    #[test]
    fn a_body_of_unknown_length_takes_any_buffer_and_gives_back_what_is_too_large() {
        let spare = open();
        spare.put(Vec::with_capacity(8 * MIB));
        let mut small = spare.take(None).expect("the buffer");
        small.extend_from_slice(b"[]");
        let small = spare.fit(small);
        assert!(small == b"[]" && small.capacity() <= 2 * (2 + SENTINEL));
        let mut large = spare.take(None).expect("the buffer again");
        large.resize(5 * MIB, b'x');
        let address = large.as_ptr();
        let large = spare.fit(large);
        assert_eq!(large.as_ptr(), address);
        assert!(spare.take(None).is_none());
        let mut grown = Vec::with_capacity(MIB / 16);
        grown.push(b'x');
        assert!(spare.fit(grown).capacity() < MIB / 16 && spare.take(None).is_none());
    }

    /// Red when `put` ignores the capacity.
    #[test]
    fn small_and_huge_buffers_are_not_kept() {
        let spare = open();
        for size in [MIB / 16, 65 * MIB] {
            spare.put(Vec::with_capacity(size));
            assert!(spare.take(Some(size)).is_none(), "{size}");
        }
    }

    /// Red when `put` ignores `is_open`.
    #[tokio::test(start_paused = true)]
    async fn no_buffer_is_kept_without_recent_requests() {
        let spare = Arc::new(SpareBuffer::default());
        spare.put(Vec::with_capacity(MIB));
        assert!(spare.take(Some(MIB)).is_none());
        for _ in 0..2 {
            for _ in 0..3 {
                SpareBuffer::keep_while_used(&spare, IDLE);
                tokio::time::sleep(IDLE * 2 / 3).await;
            }
            spare.put(Vec::with_capacity(MIB));
            assert!(spare.lock().buffer.is_some());
            tokio::time::sleep(IDLE * 2).await;
            assert!(spare.take(Some(MIB)).is_none());
            spare.put(Vec::with_capacity(MIB));
            assert!(spare.take(Some(MIB)).is_none());
        }
    }
}
