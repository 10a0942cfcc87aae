//! Instants as microseconds since 1970 UTC, and the formats that the API uses.

/// Microseconds since 1970-01-01T00:00:00 UTC.
pub(crate) type Micros = i64;

const DAY_SECONDS: i64 = 86_400;
const SECOND: i64 = 1_000_000;

/// The instants that the formats of the API can express: the years 0 to 9999.
pub(crate) const FIRST: Micros = -62_167_219_200_000_000;
pub(crate) const LAST: Micros = 253_402_300_799_999_999;

pub(crate) fn is_shown(instant: Micros) -> bool {
    (FIRST..=LAST).contains(&instant)
}

/// The current time.
pub(crate) fn now() -> Micros {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .ok()
        .and_then(|elapsed| i64::try_from(elapsed.as_micros()).ok())
        .unwrap_or(0)
}

/// `2025-10-17T18:11:41.180Z`: always three digits.
pub(crate) fn zulu(instant: Micros) -> String {
    let millis = instant.rem_euclid(SECOND) / 1000;
    format!("{}.{millis:03}Z", seconds_text(instant))
}

/// `2025-10-20T16:04:42.917987+00:00`: trailing zeros trimmed, no fraction if it is zero.
pub(crate) fn offset_form(instant: Micros) -> String {
    let micros = instant.rem_euclid(SECOND);
    let whole = seconds_text(instant);
    if micros == 0 {
        return format!("{whole}+00:00");
    }
    let digits = format!("{micros:06}");
    format!("{whole}.{}+00:00", digits.trim_end_matches('0'))
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`, the format of the `Date` header (RFC 9110).
pub(crate) fn http_date(instant: Micros) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (year, month, day) = civil(instant);
    let week_day = instant.div_euclid(SECOND * DAY_SECONDS).rem_euclid(7);
    let name = |names: &[&'static str], index: i64| usize::try_from(index).map_or("", |index| names[index]);
    let (week_day, month) = (name(&DAYS, week_day), name(&MONTHS, month - 1));
    let clock = &seconds_text(instant)[11..];
    format!("{week_day}, {day:02} {month} {year:04} {clock} GMT")
}

fn seconds_text(instant: Micros) -> String {
    let seconds = instant.div_euclid(SECOND);
    let (year, month, day) = civil(instant);
    let of_day = seconds.rem_euclid(DAY_SECONDS);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
}

/// Year, month and day of an instant (Howard Hinnant's `civil_from_days`).
pub(crate) fn civil(instant: Micros) -> (i64, i64, i64) {
    let days = instant.div_euclid(SECOND * DAY_SECONDS) + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// Midnight UTC of a calendar day (`days_from_civil`).
fn midnight(year: i64, month: i64, day: i64) -> Micros {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted = (month + 9) % 12;
    let of_year = (153 * shifted + 2) / 5 + day - 1;
    let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
    (era * 146_097 + of_era - 719_468) * DAY_SECONDS * SECOND
}

/// Parses RFC 3339, the same without an offset (UTC), or a date alone (midnight UTC).
///
/// An instant that an offset moves out of the years 0 to 9999 is rejected: it could not be written in UTC.
///
/// A space in place of the `T` or the `+` is rejected: a client sends it if it does not encode its query.
pub(crate) fn parse(text: &str) -> Option<Micros> {
    let (date, time) = match text.find(['T', 't']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let day = parse_date(date)?;
    let Some(time) = time else { return Some(day) };
    let (clock, offset) = split_offset(time)?;
    Some(day + parse_clock(clock)? - offset).filter(|instant| is_shown(*instant))
}

fn parse_date(text: &str) -> Option<Micros> {
    let (year, rest) = text.split_once('-')?;
    let (month, day) = rest.split_once('-')?;
    let (year, month, day) = (digits(year, 4)?, digits(month, 2)?, digits(day, 2)?);
    let instant = midnight(year, month, day);
    // The round trip rejects 30 February, month 13 and the like.
    ((1..=12).contains(&month) && civil(instant) == (year, month, day)).then_some(instant)
}

fn split_offset(time: &str) -> Option<(&str, Micros)> {
    if let Some(clock) = time.strip_suffix(['Z', 'z']) {
        return Some((clock, 0));
    }
    let Some(at) = time.find(['+', '-']) else {
        return Some((time, 0));
    };
    let (hours, minutes) = time[at + 1..].split_once(':')?;
    let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let offset = (hours * 3600 + minutes * 60) * SECOND;
    Some((&time[..at], if time[at..].starts_with('-') { -offset } else { offset }))
}

fn parse_clock(text: &str) -> Option<Micros> {
    let (clock, fraction) = match text.split_once('.') {
        Some((clock, fraction)) => (clock, parse_fraction(fraction)?),
        None => (text, 0),
    };
    let (hour, rest) = clock.split_once(':')?;
    let (minute, second) = rest.split_once(':')?;
    let (hour, minute, second) = (digits(hour, 2)?, digits(minute, 2)?, digits(second, 2)?);
    // RFC 3339 allows second 60; it is read as the first second of the next minute.
    (hour < 24 && minute < 60 && second <= 60).then_some((hour * 3600 + minute * 60 + second) * SECOND + fraction)
}

fn parse_fraction(text: &str) -> Option<Micros> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let kept = &text[..text.len().min(6)];
    digits(&format!("{kept:0<6}"), 6)
}

fn digits(text: &str, count: usize) -> Option<i64> {
    if text.len() != count || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{http_date, offset_form, parse, zulu};

    /// The instants are those of RFC 9110 and of the ends of the clock. Red with the week starting a day later.
    #[test]
    fn a_date_header_has_the_day_of_the_week() {
        for (instant, text) in [
            ("1994-11-06T08:49:37Z", "Sun, 06 Nov 1994 08:49:37 GMT"),
            ("1969-12-31T23:59:59.9Z", "Wed, 31 Dec 1969 23:59:59 GMT"),
            ("0000-01-01", "Sat, 01 Jan 0000 00:00:00 GMT"),
            ("9999-12-31T23:59:59Z", "Fri, 31 Dec 9999 23:59:59 GMT"),
        ] {
            assert_eq!(http_date(parse(instant).expect("an instant")), text);
        }
    }

    #[test]
    fn every_documented_format_is_parsed() {
        let instant = parse("2026-01-02T03:04:05.678901+00:00").expect("offset form");
        assert_eq!(instant, 1_767_323_045_678_901);
        assert_eq!(parse("2026-01-02T03:04:05.678901"), Some(instant));
        assert_eq!(parse("2026-01-02t08:34:05.678901+05:30"), Some(instant));
        assert_eq!(parse("2026-01-01T21:34:05.678901-05:30"), Some(instant));
        assert_eq!(parse("2026-01-02T03:04:05.6789019z"), Some(instant));
        assert_eq!(parse("2026-01-02"), parse("2026-01-02T00:00:00Z"));
    }

    #[test]
    fn invalid_dates_are_rejected() {
        for text in [
            "",
            "yesterday",
            "2026-13-01",
            "2026-02-30",
            "2026-1-2",
            "2026-01-02 03:04:05",
            "2026-01-02T03:04",
            "2026-01-02T03:04:05 00:00",
            "2026-01-02T25:00:00Z",
            "2026-01-02T03:04:05.Z",
            "2026-01-02T03:04:05+0000",
            "2026-01-02T03:04:05Zjunk",
            "null",
            "-001-01-02",
            "2026-01-02T",
            "2026-00-10",
            "2026-01-00",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn formatted_instants_parse_back() {
        let mut instant = -62_000_000_000_000_000;
        while instant < 4_000_000_000_000_000 {
            assert_eq!(parse(&offset_form(instant)), Some(instant));
            assert_eq!(parse(&zulu(instant)), Some(instant.div_euclid(1000) * 1000));
            instant += 86_399_123_456 * 97;
        }
        assert_eq!(offset_form(1_767_323_045_000_000), "2026-01-02T03:04:05+00:00");
        assert_eq!(offset_form(1_767_323_045_678_900), "2026-01-02T03:04:05.6789+00:00");
        assert_eq!(zulu(1_767_323_045_006_000), "2026-01-02T03:04:05.006Z");
    }
}
