//! How long to wait between attempts: exponential with full jitter, so that clients do not come back in step.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use crate::error::Retry;

const BASE: Duration = Duration::from_millis(50);
const BASE_THROTTLED: Duration = Duration::from_secs(1);
const CAP: Duration = Duration::from_secs(20);

/// A random time between nothing and the step of this try, which doubles from try to try.
pub(super) fn full_jitter(tries: u32, retry: Retry) -> Duration {
    step(tries, retry).mul_f64(random())
}

fn step(tries: u32, retry: Retry) -> Duration {
    let base = if retry == Retry::Throttled { BASE_THROTTLED } else { BASE };
    base.saturating_mul(2_u32.saturating_pow(tries.saturating_sub(1))).min(CAP)
}

/// Evenly between 0 and 1. The keys of the standard library's hasher differ from one instance to the next; jitter needs no more.
#[expect(clippy::cast_precision_loss, reason = "53 bits are kept, as many as the fraction has")]
pub(crate) fn random() -> f64 {
    (RandomState::new().hash_one(()) >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_step_doubles_up_to_the_cap() {
        let ms = |tries, retry| step(tries, retry).as_millis();
        assert_eq!([1, 2, 3, 9, 10, 40].map(|n| ms(n, Retry::Transient)), [50, 100, 200, 12_800, 20_000, 20_000]);
        assert_eq!([1, 2, 5, 6].map(|n| ms(n, Retry::Throttled)), [1_000, 2_000, 16_000, 20_000]);
    }

    #[test]
    fn the_jitter_is_full() {
        let waits: Vec<_> = (0..1_000).map(|_| full_jitter(1, Retry::Throttled)).collect();
        assert!(waits.iter().all(|wait| *wait <= BASE_THROTTLED));
        assert!(waits.iter().any(|wait| *wait < BASE_THROTTLED / 10));
        assert!(waits.iter().any(|wait| *wait > BASE_THROTTLED * 9 / 10));
    }
}
