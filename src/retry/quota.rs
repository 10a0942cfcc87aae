//! A retry budget shared by all calls of a client. When every request fails, it prevents a retry storm.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::error::Retry;

const CAPACITY: u32 = 500;
const TRANSIENT_COST: u32 = 14;
const THROTTLED_COST: u32 = 5;
const REFUND: u32 = 1;

/// A token bucket: a retry takes tokens, a success returns one.
pub(crate) struct Quota(AtomicU32);

impl Default for Quota {
    fn default() -> Self {
        Self(AtomicU32::new(CAPACITY))
    }
}

impl Quota {
    /// Takes the tokens for a retry. Returns `false` if too few are left.
    pub(crate) fn take(&self, retry: Retry) -> bool {
        let cost = if retry == Retry::Throttled { THROTTLED_COST } else { TRANSIENT_COST };
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(cost)).is_ok()
    }

    /// Records a success.
    pub(crate) fn refund(&self) {
        let refunded = |left: u32| (left < CAPACITY).then(|| (left + REFUND).min(CAPACITY));
        // An error means that the bucket is full.
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, refunded);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quota_runs_out_and_is_refunded() {
        let quota = Quota::default();
        let taken = (0..1_000).filter(|_| quota.take(Retry::Transient)).count();
        assert_eq!(taken, 35, "500 / 14");
        for _ in 0..4 {
            quota.refund();
        }
        assert!(quota.take(Retry::Transient), "10 were left, 4 were refunded");
        assert!(!quota.take(Retry::Throttled));
    }

    #[test]
    fn the_quota_never_exceeds_its_capacity() {
        let quota = Quota::default();
        quota.refund();
        assert_eq!((0..1_000).filter(|_| quota.take(Retry::Throttled)).count(), 100);
    }
}
