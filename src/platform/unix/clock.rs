//! The time since boot.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

#[cfg(any(target_os = "linux", target_os = "android"))]
const CLOCK: ClockId = ClockId::CLOCK_BOOTTIME;
/// On other systems, the monotonic clock includes time in suspend.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const CLOCK: ClockId = ClockId::CLOCK_MONOTONIC;

/// The time since the system was booted, time in suspend included.
pub(crate) fn time_since_boot() -> Duration {
    // An existing clock does not fail. Without one, tokens are used until the server rejects them.
    clock_gettime(CLOCK).map_or(Duration::ZERO, Duration::from)
}
