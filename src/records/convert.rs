//! Integers and booleans out of what may stand for them.

use std::str::from_utf8;

/// The integer that the JSON number `raw` is, if it is one and 64 bits hold it: `2`, `2.0`, `2e3`.
pub(crate) fn int_from_number(raw: &[u8]) -> Option<i64> {
    let raw = from_utf8(raw).ok()?;
    if raw.contains(['.', 'e', 'E']) { whole(raw.parse().ok()?) } else { raw.parse().ok() }
}

/// The integer that a string reads as.
///
/// Space around it, a sign, leading zeros, single underscores between digits and a fraction of zeros are all allowed,
/// but not an exponent.
pub(crate) fn int_from_text(text: &[u8]) -> Option<i64> {
    let text = from_utf8(text).ok()?.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = match digits.split_once('.') {
        Some((_, fraction)) if fraction.is_empty() || fraction.bytes().any(|b| b != b'0') => {
            return None;
        }
        Some((digits, _)) => digits,
        None => digits,
    };
    // Among leading zeros underscores may even be doubled: that is how the Python client reads them.
    let leading = digits.starts_with('0');
    let significant = if leading { digits.trim_start_matches(['0', '_']) } else { digits };
    let well_formed = digits.bytes().all(|b| b.is_ascii_digit() || b == b'_')
        && !digits.is_empty()
        && !digits.ends_with('_')
        && !significant.starts_with('_')
        && !significant.contains("__");
    if !well_formed {
        return None;
    }
    // Downwards, because the least integer has no positive counterpart.
    let least = significant
        .bytes()
        .filter(u8::is_ascii_digit)
        .try_fold(0_i64, |value, digit| value.checked_mul(10)?.checked_sub(i64::from(digit - b'0')))?;
    if negative { Some(least) } else { least.checked_neg() }
}

/// The boolean that a JSON number is: 0 or 1, with or without a fraction of zeros.
pub(crate) fn bool_from_number(raw: &[u8]) -> Option<bool> {
    match int_from_number(raw)? {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

/// The boolean that a string reads as.
pub(crate) fn bool_from_text(text: &[u8]) -> Option<bool> {
    const TRUE: [&[u8]; 6] = [b"1", b"t", b"y", b"on", b"yes", b"true"];
    const FALSE: [&[u8]; 6] = [b"0", b"f", b"n", b"no", b"off", b"false"];
    let is = |word: &&[u8]| text.eq_ignore_ascii_case(word);
    if TRUE.iter().any(is) {
        Some(true)
    } else if FALSE.iter().any(is) {
        Some(false)
    } else {
        None
    }
}

/// The integer equal to `value`, if there is one well within 64 bits.
pub(super) fn whole(value: f64) -> Option<i64> {
    /// Two to the 63rd.
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    if value.fract() != 0.0 || value.abs() >= BEYOND {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "checked just above")]
    Some(value as i64)
}
