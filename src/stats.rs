//! Counters of a client.

use std::sync::atomic::{AtomicU64, Ordering};

/// A monotonic counter.
#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) requests: Counter,
    pub(crate) retries: Counter,
    pub(crate) token_requests: Counter,
    /// Without those that the cache counts.
    pub(crate) cache_hits: Counter,
    pub(crate) shared_requests: Counter,
    pub(crate) bytes_received: Counter,
}

impl Counters {
    /// A request is sent: there is a connection for it.
    pub(crate) fn count_request(&self, is_token_request: bool, is_retry: bool) {
        self.requests.add(1);
        self.token_requests.add(is_token_request.into());
        self.retries.add(is_retry.into());
    }

    pub(crate) fn read(&self) -> Stats {
        Stats {
            requests: self.requests.get(),
            retries: self.retries.get(),
            token_requests: self.token_requests.get(),
            cache_hits: self.cache_hits.get(),
            shared_requests: self.shared_requests.get(),
            bytes_received: self.bytes_received.get(),
        }
    }
}

/// The counters of a client since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// HTTP requests sent: each counts once there is a connection for it.
    pub requests: u64,
    /// How many of them were retries. A repetition with a new token after a 401 is none.
    pub retries: u64,
    /// How many of them were token requests.
    pub token_requests: u64,
    /// Calls answered from the cache.
    pub cache_hits: u64,
    /// Calls that joined another call's request instead of sending their own.
    pub shared_requests: u64,
    /// Bytes of response bodies, after decompression, counted as they arrive.
    pub bytes_received: u64,
}
