//! How long a call may take.

use std::time::{Duration, Instant};

/// The timeout of a call, and when it passes.
#[derive(Clone, Copy)]
pub(crate) struct TimeLimit {
    /// As errors report it.
    pub(crate) timeout: Duration,
    pub(crate) deadline: Instant,
}

impl TimeLimit {
    pub(crate) fn from_now(timeout: Duration) -> Self {
        Self { timeout, deadline: Instant::now() + timeout }
    }
}
