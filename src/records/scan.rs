//! Scanning whitespace, strings, numbers and literals.

use wide::u8x16;

use super::fault::{Fault, ParseResult};

/// The byte at `at`, or 0 past the end. JSON contains no NUL, so both take the same branch.
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

/// Whether a byte inside a string is special: a quote, a backslash or a control character.
#[inline]
const fn is_special(byte: u8) -> bool {
    byte == b'"' || byte == b'\\' || byte < 0x20
}

/// The first special byte at or after `at`, or the end of the body.
///
/// Inlined: most strings are too short for a call to `memchr` to pay off.
#[inline]
pub(super) fn special(body: &[u8], mut at: usize) -> usize {
    let mut rest = body.get(at..).unwrap_or_default();
    while let Some((chunk, after)) = rest.split_first_chunk::<WIDTH>() {
        if let Some(offset) = first_special(*chunk) {
            return at + offset;
        }
        at += WIDTH;
        rest = after;
    }
    at + rest.iter().take_while(|byte| !is_special(**byte)).count()
}

/// Bytes per SIMD vector.
const WIDTH: usize = 16;

/// The offset of the first special byte in a chunk.
#[inline]
fn first_special(chunk: [u8; WIDTH]) -> Option<usize> {
    let bytes = u8x16::from(chunk);
    let is = |byte| bytes.cmp_eq(u8x16::splat(byte));
    let is_control = bytes.min(u8x16::splat(0x1F)).cmp_eq(bytes);
    let marks = (is(b'"') | is(b'\\') | is_control).move_mask();
    (marks != 0).then(|| marks.trailing_zeros() as usize)
}

/// The end of the run of digits at `at`.
#[inline]
fn digits(body: &[u8], mut at: usize) -> usize {
    while body.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    at
}

/// The end of the run of at least one digit at `at`.
#[inline]
fn some_digits(body: &[u8], at: usize) -> ParseResult {
    let end = digits(body, at);
    if end == at {
        return Err(Fault::syntax(body, at, "expected a digit"));
    }
    Ok(end)
}

/// The end of the number at `at`, which starts with a digit or a minus sign.
#[inline]
pub(super) fn number(body: &[u8], mut at: usize) -> ParseResult {
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

/// The end of `true`, `false` or `null` at `at`, whose first letter is known to match.
#[inline]
pub(super) fn literal(body: &[u8], at: usize) -> ParseResult {
    match body.get(at..).and_then(<[u8]>::first_chunk::<4>) {
        Some(b"true" | b"null") => Ok(at + 4),
        Some(b"fals") if byte(body, at + 4) == b'e' => Ok(at + 5),
        _ => Err(invalid_literal(body, at)),
    }
}

#[cold]
fn invalid_literal(body: &[u8], at: usize) -> Fault {
    let word: &[u8] = match byte(body, at) {
        b't' => b"true",
        b'f' => b"false",
        _ => b"null",
    };
    let found = body.get(at..).unwrap_or_default();
    let same = word.iter().zip(found).take_while(|(a, b)| a == b).count();
    Fault::syntax(body, at + same, "expected true, false or null")
}
