//! Parsing instants: RFC 3339, in answers its variants and Unix times too.
//!
//! The result is in Unix microseconds. A time without an offset is UTC. DATES in the header is the definition.

use std::str::from_utf8;

use super::convert::exact_i64;

/// Unix times up to this are seconds, larger ones milliseconds: the year 2603 in seconds, 1970 in milliseconds.
const MAX_SECONDS: i64 = 20_000_000_000;
/// Microseconds per second and per millisecond.
const MICROS: i64 = 1_000_000;
const MILLIS: i64 = 1_000;
/// The start of the year 1, before which there are no Unix times.
const EARLIEST: i64 = -62_135_596_800 * MICROS;
/// The start of the year 10000.
const END: i64 = 253_402_300_800 * MICROS;

/// Parses a JSON number as an instant.
pub(crate) fn from_number(raw: &[u8]) -> Option<i64> {
    let raw = from_utf8(raw).ok()?;
    if raw.contains(['.', 'e', 'E']) { from_float(raw.parse().ok()?) } else { from_int(raw.parse().ok()?) }
}

/// Parses a string of an answer as an instant.
pub(crate) fn from_text(text: &[u8]) -> Option<i64> {
    calendar(text, Spelling::Lenient).or_else(|| from_digits(text))
}

/// Parses a date as arguments have them: RFC 3339's `date-time`, also without its offset, or its `full-date`.
pub(crate) fn parse_time_us(text: &str) -> Option<i64> {
    calendar(text.as_bytes(), Spelling::Rfc3339)
}

/// What is accepted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spelling {
    /// RFC 3339, as in arguments.
    Rfc3339,
    /// Also what the official client reads in answers: `_` before the time, no seconds, `,` before the fraction, an offset
    /// without a colon, and U+2212 as its minus.
    Lenient,
}

/// A date, alone or with a time of day.
fn calendar(text: &[u8], spelling: Spelling) -> Option<i64> {
    let (days, time) = date(text)?;
    let time = match time {
        [] => return Some(days * 86_400 * MICROS),
        [b'T' | b't' | b' ', time @ ..] => time,
        [b'_', time @ ..] if spelling == Spelling::Lenient => time,
        _ => return None,
    };
    let (clock, offset) = time_of_day(time, spelling)?;
    let second = days * 86_400 + clock.second - offset * 60;
    // Leap seconds are the last of a month, in UTC.
    let starts_month = second % 86_400 == 0 && civil(second.div_euclid(86_400)).2 == 1;
    if clock.is_leap_second && !starts_month {
        return None;
    }
    Some(second * MICROS + clock.micros)
}

/// Year, month and day of a number of days since 1970. In 400-year eras that start in March, leap days come last.
pub(crate) fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day)
}

/// A number in a string: digits, or a decimal with an optional exponent.
fn from_digits(text: &[u8]) -> Option<i64> {
    let unsigned = match text {
        [b'+' | b'-', rest @ ..] => rest,
        _ => text,
    };
    let digits = unsigned.iter().take_while(|b| b.is_ascii_digit()).count();
    let number = from_utf8(text).ok()?;
    match unsigned.get(digits) {
        None => from_int(number.parse().ok()?),
        Some(b'.') => from_float(number.parse().ok()?),
        Some(_) => None,
    }
}

fn from_int(timestamp: i64) -> Option<i64> {
    let unit = if timestamp.checked_abs()? <= MAX_SECONDS { MICROS } else { MILLIS };
    in_range(timestamp.checked_mul(unit)?)
}

fn from_float(timestamp: f64) -> Option<i64> {
    #[expect(clippy::cast_precision_loss, reason = "far below 2 to the 53rd")]
    let unit = if timestamp.abs() <= MAX_SECONDS as f64 { MICROS } else { MILLIS };
    // The fraction is converted separately: a double is too small for microseconds since 1970.
    let units = timestamp.floor();
    #[expect(clippy::cast_precision_loss, reason = "far below 2 to the 53rd")]
    let micros = ((timestamp - units) * unit as f64).round();
    in_range(exact_i64(units)?.checked_mul(unit)?.checked_add(exact_i64(micros)?)?)
}

fn in_range(micros: i64) -> Option<i64> {
    (EARLIEST..END).contains(&micros).then_some(micros)
}

/// `YYYY-MM-DD` as days since 1970, and what follows it.
fn date(text: &[u8]) -> Option<(i64, &[u8])> {
    let (head, rest) = text.split_first_chunk::<10>()?;
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = head else {
        return None;
    };
    let year = two_digits(y1, y2)? * 100 + two_digits(y3, y4)?;
    let (month, day) = (two_digits(m1, m2)?, two_digits(d1, d2)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_in_month = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    if !(1..=days_in_month).contains(&day) {
        return None;
    }
    // With years starting in March, the leap day is the last day of the year.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    Some((year * 365 + leap_days + day_of_year - 719_468, rest))
}

/// A time of day.
struct Clock {
    /// Since midnight. A leap second is the second after it.
    second: i64,
    micros: i64,
    is_leap_second: bool,
}

/// `HH:MM[:SS[.fraction]][offset]` as the time and the offset in minutes.
fn time_of_day(text: &[u8], spelling: Spelling) -> Option<(Clock, i64)> {
    let (&[h1, h2, b':', m1, m2], mut rest) = text.split_first_chunk::<5>()? else {
        return None;
    };
    let (hour, minute) = (two_digits(h1, h2)?, two_digits(m1, m2)?);
    let (mut second, mut micros) = (0, 0);
    if let [b':', after @ ..] = rest {
        let (&[s1, s2], after) = after.split_first_chunk::<2>()?;
        second = two_digits(s1, s2)?;
        rest = after;
        if let [mark @ (b'.' | b','), after @ ..] = rest {
            if *mark == b'.' || spelling == Spelling::Lenient {
                (micros, rest) = fraction(after)?;
            }
        }
    } else if spelling == Spelling::Rfc3339 {
        return None;
    }
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let clock = Clock { second: hour * 3_600 + minute * 60 + second, micros, is_leap_second: second == 60 };
    Some((clock, offset(rest, spelling)?))
}

/// The microseconds of a fraction of any length, and what follows it.
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let length = text.iter().take_while(|b| b.is_ascii_digit()).count();
    if length == 0 {
        return None;
    }
    let (digits, rest) = text.split_at(length);
    let zeros = std::iter::repeat(&b'0');
    let micros = digits.iter().chain(zeros).take(6).fold(0, |value, digit| value * 10 + i64::from(digit - b'0'));
    Some((micros, rest))
}

/// The minutes of an offset: empty, `Z` or `+HH:MM`; leniently also `+HHMM` and U+2212.
fn offset(text: &[u8], spelling: Spelling) -> Option<i64> {
    let is_lenient = spelling == Spelling::Lenient;
    let (sign, digits) = match text {
        [] | [b'Z' | b'z'] => return Some(0),
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        [0xE2, 0x88, 0x92, digits @ ..] if is_lenient => (-1, digits),
        _ => return None,
    };
    let (h1, h2, m1, m2) = match *digits {
        [h1, h2, b':', m1, m2] => (h1, h2, m1, m2),
        [h1, h2, m1, m2] if is_lenient => (h1, h2, m1, m2),
        _ => return None,
    };
    let (hours, minutes) = (two_digits(h1, h2)?, two_digits(m1, m2)?);
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 60 + minutes))
}

/// The value of two ASCII digits.
fn two_digits(tens: u8, ones: u8) -> Option<i64> {
    let both_digits = tens.is_ascii_digit() && ones.is_ascii_digit();
    both_digits.then(|| i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
}
