//! State that is sharded by thread: threads that use it at the same time do not contend.

#[cfg(not(kal_loom))]
use std::cell::Cell;
#[cfg(not(kal_loom))]
use std::sync::atomic::{AtomicUsize, Ordering};

pub(crate) const SHARD_BITS: u32 = 4;
/// More threads than these share shards.
pub(crate) const SHARDS: usize = 1 << SHARD_BITS;

/// One `T` for each shard.
pub(crate) struct Sharded<T>([Aligned<T>; SHARDS]);

/// Aligned to its own cache line.
#[repr(align(128))]
struct Aligned<T>(T);

impl<T> Sharded<T> {
    pub(crate) fn new(mut make: impl FnMut() -> T) -> Self {
        Self(std::array::from_fn(|_| Aligned(make())))
    }

    /// A shard by its number, which is less than [`SHARDS`]; it wraps around.
    #[inline]
    pub(crate) fn at(&self, shard: usize) -> &T {
        &self.0[shard % SHARDS].0
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|shard| &shard.0)
    }
}

/// The shard of this thread. In the loom models there is one, where all threads meet.
#[cfg(kal_loom)]
pub(crate) fn own_shard() -> usize {
    0
}

/// The shard of this thread.
#[cfg(not(kal_loom))]
#[inline]
pub(crate) fn own_shard() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static OWN: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    OWN.with(|own| {
        if own.get() == usize::MAX {
            own.set(NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS);
        }
        own.get()
    })
}
