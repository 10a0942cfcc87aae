//! How long to wait between attempts: twice as long each time, so that a server that restarts is waited for, and at random, so
//! that clients do not come back in step.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use crate::error::Retry;

/// The first step, unless configured.
pub(crate) const BASE: Duration = Duration::from_millis(250);
/// A server that asks for less gets so many times as long.
const THROTTLED: u32 = 4;
const CAP: Duration = Duration::from_secs(20);

/// A random time between half of the step of this try and all of it.
pub(super) fn wait(base: Duration, tries: u32, retry: Retry) -> Duration {
    step(base, tries, retry).mul_f64(f64::midpoint(1.0, random()))
}

/// It doubles from try to try. One that is configured to be longer than the cap stays as it is.
fn step(base: Duration, tries: u32, retry: Retry) -> Duration {
    let base = if retry == Retry::Throttled { base.saturating_mul(THROTTLED) } else { base };
    base.saturating_mul(2_u32.saturating_pow(tries.saturating_sub(1))).min(CAP.max(base))
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
        let ms = |tries, retry| step(BASE, tries, retry).as_millis();
        assert_eq!([1, 2, 3, 7, 8, 40].map(|n| ms(n, Retry::Transient)), [250, 500, 1_000, 16_000, 20_000, 20_000]);
        assert_eq!([1, 2, 5, 6].map(|n| ms(n, Retry::Throttled)), [1_000, 2_000, 16_000, 20_000]);
        let set = |base| [1, 2, 40].map(|tries| step(Duration::from_secs(base), tries, Retry::Transient).as_secs());
        assert_eq!((set(0), set(15), set(60)), ([0, 0, 0], [15, 20, 20], [60, 60, 60]));
        assert_eq!(step(Duration::MAX, 40, Retry::Throttled), Duration::MAX);
    }

    /// Red with a jitter from nothing on: the waits of six tries may be over before a server is back.
    #[test]
    fn the_jitter_is_of_the_second_half() {
        let waits: Vec<_> = (0..1_000).map(|_| wait(BASE, 1, Retry::Throttled)).collect();
        let second = Duration::from_secs(1);
        assert!(waits.iter().all(|wait| *wait >= second / 2 && *wait <= second));
        assert!(waits.iter().any(|wait| *wait < second * 55 / 100));
        assert!(waits.iter().any(|wait| *wait > second * 95 / 100));
    }
}
