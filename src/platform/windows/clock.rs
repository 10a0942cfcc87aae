//! The time since boot.

use std::time::Duration;

use windows_sys::Win32::System::SystemInformation::GetTickCount64;

/// The time since the system was booted, time in suspend included. Its resolution is 10 to 16 ms.
pub(crate) fn time_since_boot() -> Duration {
    // SAFETY: it takes no arguments and cannot fail.
    Duration::from_millis(unsafe { GetTickCount64() })
}
