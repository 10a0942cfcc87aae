//! Fuzz target for `Retry-After`.

use std::time::{Duration, SystemTime};

use crate::retry::retry_after::{MAX, parse};

/// A number is a number of seconds, a date is what `httpdate` parses, both are capped, and anything else is ignored.
///
/// Red without the cap: `u64::MAX` seconds.
pub fn retry_after(value: &[u8]) {
    let before = SystemTime::now();
    let wait = parse(value, None);
    let after = SystemTime::now();
    let shown = String::from_utf8_lossy(value);
    let text = std::str::from_utf8(value).unwrap_or_default().trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let seconds =
            text.bytes().fold(0_u64, |seconds, digit| seconds.saturating_mul(10).saturating_add((digit - b'0').into()));
        assert_eq!(wait, Some(Duration::from_secs(seconds).min(MAX)), "{shown}");
        assert_eq!(parse(value, Some(value)), wait, "{shown}");
    } else if let Ok(date) = httpdate::parse_http_date(text) {
        let from = |now| date.duration_since(now).unwrap_or_default().min(MAX);
        let wait = wait.unwrap_or_else(|| panic!("ignored: {shown}"));
        // The clock may be set back between the two readings.
        assert!(after < before || (from(after)..=from(before)).contains(&wait), "{wait:?}: {shown}");
        // Relative to the server's own clock, the same instant.
        assert_eq!(parse(value, Some(value)), Some(Duration::ZERO), "{shown}");
    } else {
        assert_eq!((wait, parse(value, Some(value))), (None, None), "{shown}");
    }
}
