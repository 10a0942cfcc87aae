//! Instants: RFC 3339 with its relatives, and Unix times.
//!
//! All of them become Unix microseconds. A time without an offset is taken for UTC.

use std::str::from_utf8;

use super::convert::whole;

/// Unix times up to this many are seconds, and milliseconds beyond: the boundary lies in the year 2603 and in 1970.
const MAX_SECONDS: i64 = 20_000_000_000;
/// Microseconds in a second.
const MICROS: i64 = 1_000_000;
/// Microseconds in a millisecond.
const MILLIS: i64 = 1_000;
/// The beginning of the year 1.
const EARLIEST: i64 = -62_135_596_800 * MICROS;
/// The beginning of the year 10000.
const TOO_LATE: i64 = 253_402_300_800 * MICROS;

/// The instant that the JSON number `raw` stands for.
pub(crate) fn from_number(raw: &[u8]) -> Option<i64> {
    let raw = from_utf8(raw).ok()?;
    if raw.contains(['.', 'e', 'E']) { from_float(raw.parse().ok()?) } else { from_int(raw.parse().ok()?) }
}

/// The instant that a string stands for.
pub(crate) fn from_text(text: &[u8]) -> Option<i64> {
    calendar(text).or_else(|| from_digits(text))
}

/// The Unix microseconds of an RFC 3339 time or a bare date, in any of the forms that answers may have.
/// Unlike there, a number is none.
pub(crate) fn parse_time_us(text: &str) -> Option<i64> {
    calendar(text.as_bytes())
}

/// A date, alone or with a time of day.
fn calendar(text: &[u8]) -> Option<i64> {
    match date(text)? {
        (days, []) => in_range(days * 86_400 * MICROS),
        (days, [b'T' | b't' | b' ' | b'_', time @ ..]) => {
            let (clock, offset) = time_of_day(time)?;
            let local = in_range(days * 86_400 * MICROS + clock)?;
            Some(local - offset * 60 * MICROS)
        }
        _ => None,
    }
}

/// A number in a string: digits alone, or with a point and then perhaps an exponent.
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
    // The fraction goes its own way: a double has no room for the microseconds of all these years.
    let units = timestamp.floor();
    #[expect(clippy::cast_precision_loss, reason = "far below 2 to the 53rd")]
    let micros = ((timestamp - units) * unit as f64).round();
    in_range(whole(units)?.checked_mul(unit)?.checked_add(whole(micros)?)?)
}

fn in_range(micros: i64) -> Option<i64> {
    (EARLIEST..TOO_LATE).contains(&micros).then_some(micros)
}

/// `YYYY-MM-DD` as days since 1970, and what follows it.
fn date(text: &[u8]) -> Option<(i64, &[u8])> {
    let (head, rest) = text.split_first_chunk::<10>()?;
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = head else {
        return None;
    };
    let year = two(y1, y2)? * 100 + two(y3, y4)?;
    let (month, day) = (two(m1, m2)?, two(d1, d2)?);
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
    // Years that begin in March have their leap day last, which makes the months regular.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    Some((year * 365 + leap_days + day_of_year - 719_468, rest))
}

/// `HH:MM[:SS[.fraction]][offset]` as microseconds since midnight and the offset in minutes.
fn time_of_day(text: &[u8]) -> Option<(i64, i64)> {
    let (&[h1, h2, b':', m1, m2], mut rest) = text.split_first_chunk::<5>()? else {
        return None;
    };
    let (hour, minute) = (two(h1, h2)?, two(m1, m2)?);
    let (mut second, mut micros) = (0, 0);
    if let [b':', after @ ..] = rest {
        let (&[s1, s2], after) = after.split_first_chunk::<2>()?;
        second = two(s1, s2)?;
        rest = after;
        if let [b'.' | b',', after @ ..] = rest {
            (micros, rest) = fraction(after)?;
        }
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let clock = (hour * 3_600 + minute * 60 + second) * MICROS + micros;
    Some((clock, offset(rest)?))
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

/// The minutes of an offset: none, `Z`, `+HH:MM` or `+HHMM`, where the minus may be a typographic one.
fn offset(text: &[u8]) -> Option<i64> {
    let (sign, digits) = match text {
        [] | [b'Z' | b'z'] => return Some(0),
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] | [0xE2, 0x88, 0x92, digits @ ..] => (-1, digits),
        _ => return None,
    };
    let (&[h1, h2, m1, m2] | &[h1, h2, b':', m1, m2]) = digits else {
        return None;
    };
    let (hours, minutes) = (two(h1, h2)?, two(m1, m2)?);
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 60 + minutes))
}

/// The value of two digits.
fn two(tens: u8, ones: u8) -> Option<i64> {
    let both_digits = tens.is_ascii_digit() && ones.is_ascii_digit();
    both_digits.then(|| i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
}
