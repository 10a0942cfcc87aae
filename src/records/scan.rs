//! Finding the end of things: whitespace, strings, numbers, literals.

use super::fault::{Fault, Step};

/// The byte at `at`, or 0 past the end. A NUL is valid nowhere in JSON, so both lead to the same branch.
#[inline]
pub(super) fn byte(body: &[u8], at: usize) -> u8 {
    body.get(at).copied().unwrap_or(0)
}

/// The first byte at or after `at` that is not whitespace.
#[inline]
pub(super) fn whitespace(body: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = body.get(at) {
        at += 1;
    }
    at
}

/// Whether a byte inside a string needs a closer look: a quote, a backslash, a control character.
#[inline]
const fn is_special(byte: u8) -> bool {
    byte == b'"' || byte == b'\\' || byte < 0x20
}

/// The first special byte at or after `at`, or the end of the body.
///
/// Sixteen bytes at a time as one wide integer: most strings here are shorter than what a call into a vectorised search
/// costs.
#[inline]
pub(super) fn special(body: &[u8], mut at: usize) -> usize {
    while let Some(chunk) = body.get(at..).and_then(<[u8]>::first_chunk::<16>) {
        let marks = special_marks(u128::from_le_bytes(*chunk));
        if marks != 0 {
            return at + marks.trailing_zeros() as usize / 8;
        }
        at += 16;
    }
    while body.get(at).is_some_and(|&byte| !is_special(byte)) {
        at += 1;
    }
    at
}

/// The highest bit of the first special byte among sixteen, the first being the lowest.
///
/// A byte less than `n`, below 0x80, borrows when `n` is subtracted. A borrow may spoil the bytes above it,
/// which is why only the first mark can be trusted.
#[inline]
const fn special_marks(bytes: u128) -> u128 {
    const ONES: u128 = u128::MAX / 0xFF;
    const HIGH: u128 = ONES << 7;
    let control = bytes.wrapping_sub(ONES * 0x20);
    let quote = (bytes ^ (ONES * b'"' as u128)).wrapping_sub(ONES);
    let backslash = (bytes ^ (ONES * b'\\' as u128)).wrapping_sub(ONES);
    (control | quote | backslash) & !bytes & HIGH
}

/// The end of the digits from `at` on.
#[inline]
fn digits(body: &[u8], mut at: usize) -> usize {
    while body.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    at
}

/// At least one digit from `at` on.
#[inline]
fn some_digits(body: &[u8], at: usize) -> Step {
    let end = digits(body, at);
    if end == at {
        return Err(Fault::syntax(body, at, "a digit was expected"));
    }
    Ok(end)
}

/// The end of the number at `at`, which begins with a digit or a minus sign.
#[inline]
pub(super) fn number(body: &[u8], mut at: usize) -> Step {
    if byte(body, at) == b'-' {
        at += 1;
    }
    at = if byte(body, at) == b'0' { at + 1 } else { some_digits(body, at)? };
    if byte(body, at) == b'.' {
        at = some_digits(body, at + 1)?;
    }
    if let b'e' | b'E' = byte(body, at) {
        at += 1;
        if let b'+' | b'-' = byte(body, at) {
            at += 1;
        }
        at = some_digits(body, at)?;
    }
    Ok(at)
}

/// The end of `true`, `false` or `null`, of which `at` is known to hold the first letter.
#[inline]
pub(super) fn literal(body: &[u8], at: usize) -> Step {
    let word: &[u8] = match byte(body, at) {
        b't' => b"true",
        b'f' => b"false",
        _ => b"null",
    };
    let found = body.get(at..).unwrap_or_default();
    if found.starts_with(word) {
        return Ok(at + word.len());
    }
    let same = word.iter().zip(found).take_while(|(a, b)| a == b).count();
    Err(Fault::syntax(body, at + same, "true, false or null was expected"))
}
