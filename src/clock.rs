//! The clock for token lifetimes: monotonic, and it includes time in suspend, which `Instant` does not.

use std::ops::{Add, Sub};
use std::time::Duration;

use crate::platform;

/// A point in time, as the time since boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(Duration);

impl Moment {
    pub(crate) fn now() -> Self {
        Self(platform::time_since_boot())
    }
}

impl Add<Duration> for Moment {
    type Output = Self;

    fn add(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(wait))
    }
}

impl Sub for Moment {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_monotonic_and_includes_suspend() {
        let uptime = std::fs::read_to_string("/proc/uptime").expect("Linux");
        let since_start: f64 = uptime.split_whitespace().next().and_then(|text| text.parse().ok()).expect("seconds");
        let now = Moment::now();
        assert!(now.0.as_secs_f64() >= since_start - 1.0, "{now:?} of {since_start} s");
        assert!(Moment::now() >= now);
        assert_eq!((now + Duration::MAX) - now, Duration::MAX.saturating_sub(now.0));
        assert_eq!(now - (now + Duration::from_secs(1)), Duration::ZERO);
    }
}
