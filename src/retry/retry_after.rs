//! `Retry-After`: seconds or an HTTP date (RFC 9110, section 10.2.3).

use std::time::{Duration, SystemTime};

/// The longest delay, 136 years. A longer one could overflow a clock.
pub(crate) const MAX: Duration = Duration::from_secs(u32::MAX as u64);

/// The delay that the server requests, or `None` if the value is invalid. A date is relative to the server's clock: to `date`, the
/// value of the response's `Date` header, if there is a valid one.
pub(crate) fn parse(value: &[u8], date: Option<&[u8]>) -> Option<Duration> {
    let text = std::str::from_utf8(value).ok()?.trim();
    if text.is_empty() {
        return None;
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number that overflows means a very long delay, not none.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)).min(MAX));
    }
    let then = httpdate::parse_http_date(text).ok()?;
    let now = date.and_then(|date| httpdate::parse_http_date(std::str::from_utf8(date).ok()?.trim()).ok());
    // A date in the past means no delay.
    Some(then.duration_since(now.unwrap_or_else(SystemTime::now)).unwrap_or_default().min(MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_parsed() {
        assert_eq!(parse(b"0", None), Some(Duration::ZERO));
        assert_eq!(parse(b" 120 ", None), Some(Duration::from_secs(120)));
        for long in ["4294967296", "18446744073709551615", "99999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"] {
            assert_eq!(parse(long.as_bytes(), None), Some(MAX), "{long}");
        }
        assert_eq!(parse(b"Wed, 21 Oct 2015 07:28:00 GMT", None), Some(Duration::ZERO));
        let later = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(100));
        let wait = parse(later.as_bytes(), None).expect("a date");
        assert!(wait > Duration::from_secs(90) && wait <= Duration::from_secs(100));
    }

    /// Red when the local clock is used, which is years ahead of this server's: no delay at all.
    #[test]
    fn a_date_is_relative_to_the_servers_clock() {
        let at = |date: &[u8]| parse(b"Wed, 21 Oct 2015 07:28:00 GMT", Some(date));
        assert_eq!(at(b"Wed, 21 Oct 2015 07:27:30 GMT"), Some(Duration::from_secs(30)));
        assert_eq!(at(b" Wednesday, 21-Oct-15 07:27:30 GMT "), Some(Duration::from_secs(30)));
        assert_eq!(at(b"Wed, 21 Oct 2015 07:28:30 GMT"), Some(Duration::ZERO));
        assert_eq!(parse(b"7", Some(b"Wed, 21 Oct 2015 07:28:30 GMT")), Some(Duration::from_secs(7)));
        let later = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(100));
        for invalid in ["", "yesterday", "\u{e9}"] {
            let wait = parse(later.as_bytes(), Some(invalid.as_bytes())).expect("a date");
            assert!(wait > Duration::from_secs(90), "{invalid}: the local clock, {wait:?}");
        }
    }

    #[test]
    fn anything_else_is_invalid() {
        for value in ["", " ", "-1", "1.5", "soon", "1s", "Wed, 99 Oct 2015 07:28:00 GMT", "\u{e9}"] {
            assert_eq!(parse(value.as_bytes(), None), None, "{value}");
        }
        assert_eq!(parse(b"\xff", None), None);
    }
}
