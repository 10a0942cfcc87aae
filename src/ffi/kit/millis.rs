//! Milliseconds as C passes them in.

use std::time::Duration;

/// `KAL_WAIT_FOREVER`: longer than any process runs, and short enough to be added to any clock.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// A time to wait, of which 0 is none.
pub(in crate::ffi) fn wait(ms: u32) -> Duration {
    if ms == u32::MAX { FOREVER } else { Duration::from_millis(ms.into()) }
}

/// None for 0, which means the default.
pub(in crate::ffi) fn millis(ms: u32) -> Option<Duration> {
    (ms != 0).then(|| wait(ms))
}

#[cfg(all(test, not(kal_loom)))]
mod tests {
    use std::time::Instant;

    use super::*;

    /// Red while `u32::MAX` was 49 days.
    #[test]
    fn the_largest_number_of_milliseconds_is_for_ever() {
        assert_eq!((millis(0), wait(0)), (None, Duration::ZERO));
        assert_eq!(wait(u32::MAX - 1), Duration::from_millis(4_294_967_294));
        assert!(
            wait(u32::MAX) > Duration::from_secs(50 * 365 * 24 * 60 * 60) && millis(u32::MAX) == Some(wait(u32::MAX))
        );
        assert!(Instant::now().checked_add(wait(u32::MAX)).is_some());
    }
}
