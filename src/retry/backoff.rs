//! Exponential backoff: delays double, so that a server has time to restart, and have jitter, so that clients do not retry in
//! step.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use crate::error::Retry;

/// The base of the first delay, unless configured.
pub(crate) const BASE: Duration = Duration::from_millis(250);
/// The factor for throttled requests.
const THROTTLED: u32 = 4;
const MAX: Duration = Duration::from_secs(20);
/// A configured base may be as long as this: short enough to be added to any clock, and to end before the deadline of a call
/// without a limit.
const LONGEST_BASE: Duration = Duration::from_secs(50 * 24 * 60 * 60);

/// `delay`, doubled `times` times, but at most `max`.
pub(crate) fn doubled(delay: Duration, times: u32, max: Duration) -> Duration {
    delay.saturating_mul(2_u32.saturating_pow(times)).min(max)
}

/// The delay after attempt number `attempt`: a random time between half of the backoff and all of it.
pub(super) fn with_jitter(base: Duration, attempt: u32, retry: Retry) -> Duration {
    without_jitter(base, attempt, retry).mul_f64(f64::midpoint(1.0, random()))
}

/// A configured base above the maximum is not doubled.
fn without_jitter(base: Duration, attempt: u32, retry: Retry) -> Duration {
    let base = base.min(LONGEST_BASE);
    let base = if retry == Retry::Throttled { base.saturating_mul(THROTTLED) } else { base };
    doubled(base, attempt.saturating_sub(1), MAX.max(base))
}

/// Uniform in [0, 1). The standard library's hashers have random keys, which is enough for jitter.
#[expect(clippy::cast_precision_loss, reason = "53 bits are kept, the precision of an f64")]
fn random() -> f64 {
    (RandomState::new().hash_one(()) >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_maximum() {
        let ms = |attempt, retry| without_jitter(BASE, attempt, retry).as_millis();
        assert_eq!([1, 2, 3, 7, 8, 40].map(|n| ms(n, Retry::Transient)), [250, 500, 1_000, 16_000, 20_000, 20_000]);
        assert_eq!([1, 2, 5, 6].map(|n| ms(n, Retry::Throttled)), [1_000, 2_000, 16_000, 20_000]);
        let from = |base| [1, 2, 40].map(|n| without_jitter(Duration::from_secs(base), n, Retry::Transient).as_secs());
        assert_eq!((from(0), from(15), from(60)), ([0, 0, 0], [15, 20, 20], [60, 60, 60]));
        assert_eq!(without_jitter(Duration::MAX, 40, Retry::Transient), LONGEST_BASE);
        assert_eq!(without_jitter(Duration::MAX, 40, Retry::Throttled), 4 * LONGEST_BASE);
    }

    /// Red with full jitter (from zero): six attempts may all be made before a server has restarted.
    #[test]
    fn jitter_covers_the_second_half_of_the_delay() {
        let delays: Vec<_> = (0..1_000).map(|_| with_jitter(BASE, 1, Retry::Throttled)).collect();
        let second = Duration::from_secs(1);
        assert!(delays.iter().all(|delay| *delay >= second / 2 && *delay <= second));
        assert!(delays.iter().any(|delay| *delay < second * 55 / 100));
        assert!(delays.iter().any(|delay| *delay > second * 95 / 100));
    }
}
