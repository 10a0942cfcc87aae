//! `Retry-After`: seconds, or a date (RFC 9110, 10.2.3).

use std::time::{Duration, SystemTime};

/// No clock can be set to the end of the longest wait that there is digits for, so all waits end here: after 136 years.
pub(crate) const LONGEST: Duration = Duration::from_secs(u32::MAX as u64);

/// How long the server asks to wait; none for what is neither. A date is one on the server's clock, which `date` tells: the
/// answer's own `Date`, where there is one.
pub(crate) fn parse(value: &[u8], date: Option<&[u8]>) -> Option<Duration> {
    let text = std::str::from_utf8(value).ok()?.trim();
    if text.is_empty() {
        return None;
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are still "very long", not "nothing".
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)).min(LONGEST));
    }
    let then = httpdate::parse_http_date(text).ok()?;
    let now = date.and_then(|date| httpdate::parse_http_date(std::str::from_utf8(date).ok()?.trim()).ok());
    // A date that is past asks for no wait.
    Some(then.duration_since(now.unwrap_or_else(SystemTime::now)).unwrap_or_default().min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_understood() {
        assert_eq!(parse(b"0", None), Some(Duration::ZERO));
        assert_eq!(parse(b" 120 ", None), Some(Duration::from_mins(2)));
        for endless in ["4294967296", "18446744073709551615", "99999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"] {
            assert_eq!(parse(endless.as_bytes(), None), Some(LONGEST), "{endless}");
        }
        assert_eq!(parse(b"Wed, 21 Oct 2015 07:28:00 GMT", None), Some(Duration::ZERO));
        let later = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(100));
        let wait = parse(later.as_bytes(), None).expect("a date");
        assert!(wait > Duration::from_secs(90) && wait <= Duration::from_secs(100));
    }

    /// Red when our own clock is taken, which is years ahead of this server's: no wait at all.
    #[test]
    fn a_date_is_one_on_the_servers_clock() {
        let at = |date: &[u8]| parse(b"Wed, 21 Oct 2015 07:28:00 GMT", Some(date));
        assert_eq!(at(b"Wed, 21 Oct 2015 07:27:30 GMT"), Some(Duration::from_secs(30)));
        assert_eq!(at(b" Wednesday, 21-Oct-15 07:27:30 GMT "), Some(Duration::from_secs(30)));
        assert_eq!(at(b"Wed, 21 Oct 2015 07:28:30 GMT"), Some(Duration::ZERO));
        assert_eq!(parse(b"7", Some(b"Wed, 21 Oct 2015 07:28:30 GMT")), Some(Duration::from_secs(7)));
        let later = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(100));
        for none in ["", "yesterday", "\u{e9}"] {
            let wait = parse(later.as_bytes(), Some(none.as_bytes())).expect("a date");
            assert!(wait > Duration::from_secs(90), "{none}: our own clock, {wait:?}");
        }
    }

    #[test]
    fn anything_else_is_nothing() {
        for value in ["", " ", "-1", "1.5", "soon", "1s", "Wed, 99 Oct 2015 07:28:00 GMT", "\u{e9}"] {
            assert_eq!(parse(value.as_bytes(), None), None, "{value}");
        }
        assert_eq!(parse(b"\xff", None), None);
    }
}
