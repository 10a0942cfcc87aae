//! Lenient conversion of JSON numbers and strings to integers and booleans.

use std::str::from_utf8;

/// The value of the JSON number `raw` if it is a 64-bit integer: `2`, `2.0`, `2e3`.
pub(crate) fn int_from_number(raw: &[u8]) -> Option<i64> {
    let raw = from_utf8(raw).ok()?;
    if raw.contains(['.', 'e', 'E']) { exact_i64(raw.parse().ok()?) } else { raw.parse().ok() }
}

/// Parses a string as an integer.
///
/// Surrounding whitespace, a sign, leading zeros, single underscores between digits and a fraction of zeros are allowed; an
/// exponent is not.
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
    // Among leading zeros, underscores may be doubled, as in the Python client.
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
    // Accumulated as a negative number, because `-i64::MIN` overflows.
    let least = significant
        .bytes()
        .filter(u8::is_ascii_digit)
        .try_fold(0_i64, |value, digit| value.checked_mul(10)?.checked_sub(i64::from(digit - b'0')))?;
    if negative { Some(least) } else { least.checked_neg() }
}

/// The boolean for a JSON number: 0 or 1, with or without a fraction of zeros.
pub(crate) fn bool_from_number(raw: &[u8]) -> Option<bool> {
    match int_from_number(raw)? {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

/// Parses a string as a boolean.
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

/// The integer equal to `value`, if it is one and fits in 64 bits.
pub(super) fn exact_i64(value: f64) -> Option<i64> {
    const TWO_POW_63: f64 = 9_223_372_036_854_775_808.0;
    if value.fract() != 0.0 || value.abs() >= TWO_POW_63 {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "checked just above")]
    Some(value as i64)
}
