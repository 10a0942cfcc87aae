//! How much of the heap is in use, counted where it is given out: resident memory grows by jumps, and never shrinks by them.
#![allow(unsafe_code, reason = "an allocator is nothing else")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

static IN_USE: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator, which counts: `#[global_allocator] static HEAP: Counted = Counted;`.
pub struct Counted;

// SAFETY: everything is left to the system's.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: asked of the caller, here and below.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}

/// Bytes that were given out and did not come back.
pub fn in_use() -> usize {
    IN_USE.load(Ordering::Relaxed)
}
