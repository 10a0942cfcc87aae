//! Milliseconds as C passes them in.

use std::time::Duration;

/// None for 0, which means the default.
pub(in crate::ffi) fn millis(ms: u32) -> Option<Duration> {
    (ms != 0).then(|| Duration::from_millis(ms.into()))
}
