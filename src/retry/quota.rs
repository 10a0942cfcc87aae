//! A budget for retries, shared by all calls of a client: when everything fails, it stops the storm that retrying makes.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::error::Retry;

const FULL: u32 = 500;
const COST_TRANSIENT: u32 = 14;
const COST_THROTTLED: u32 = 5;
const PAID_BACK: u32 = 1;

/// A token bucket: retries take from it, successes pay back.
pub(crate) struct Quota(AtomicU32);

impl Default for Quota {
    fn default() -> Self {
        Self(AtomicU32::new(FULL))
    }
}

impl Quota {
    /// Pays for a retry, or says that there is nothing left to pay with.
    pub(crate) fn take(&self, retry: Retry) -> bool {
        let cost = if retry == Retry::Throttled { COST_THROTTLED } else { COST_TRANSIENT };
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(cost)).is_ok()
    }

    /// A request succeeded.
    pub(crate) fn pay_back(&self) {
        let more = |left: u32| (left < FULL).then(|| (left + PAID_BACK).min(FULL));
        // Full already is fine too.
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quota_ends_and_is_earned_again() {
        let quota = Quota::default();
        let taken = (0..1_000).filter(|_| quota.take(Retry::Transient)).count();
        assert_eq!(taken, 35, "500 / 14");
        for _ in 0..4 {
            quota.pay_back();
        }
        assert!(quota.take(Retry::Transient), "10 were left, 4 were earned");
        assert!(!quota.take(Retry::Throttled));
    }

    #[test]
    fn more_than_full_is_not_earned() {
        let quota = Quota::default();
        quota.pay_back();
        assert_eq!((0..1_000).filter(|_| quota.take(Retry::Throttled)).count(), 100);
    }
}
