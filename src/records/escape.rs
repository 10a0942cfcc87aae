//! Escapes in strings: validated in strings that are skipped, resolved in place in strings that are stored.

use super::fault::{Fault, ParseResult, UNEXPECTED_END};
use super::original::Original;
use super::scan::{byte, special};

/// Replaces U+0000, which would terminate the string early in C.
const NUL_REPLACEMENT: char = char::REPLACEMENT_CHARACTER;
/// Shorter runs are copied byte by byte.
const MIN_MEMMOVE: usize = 8;

/// Skips the string whose contents start at `at`. Returns the offset after its closing quote.
#[inline]
pub(super) fn skip_string(body: &[u8], at: usize) -> ParseResult {
    let end = special(body, at);
    if byte(body, end) == b'"' {
        return Ok(end + 1);
    }
    skip_rest(body, end)
}

/// Continues from the special byte at `at` to the end of the string.
fn skip_rest(body: &[u8], mut at: usize) -> ParseResult {
    loop {
        match body.get(at) {
            Some(b'"') => return Ok(at + 1),
            Some(b'\\') => at = next_special(body, escape(body, at)?.1),
            _ => {
                let reason = "a control character in a string";
                return Err(Fault::syntax(body, at, reason));
            }
        }
    }
}

/// The first special byte at or after `at`, the end of an escape. Runs of escapes are common, so the next byte is tried first.
#[inline]
fn next_special(body: &[u8], at: usize) -> usize {
    if matches!(byte(body, at), b'"' | b'\\') { at } else { special(body, at) }
}

/// The character encoded by the escape at `at`, and the offset after it.
#[inline]
fn escape(body: &[u8], at: usize) -> Result<(char, usize), Fault> {
    let unescaped = match byte(body, at + 1) {
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return code_point(body, at),
        _ => return Err(Fault::syntax(body, at + 1, "an unknown escape in a string")),
    };
    Ok((unescaped, at + 2))
}

/// The character of `\uXXXX` at `at`, or of a surrogate pair of them.
///
/// A lone surrogate becomes a replacement character: servers that truncate text by UTF-16 units send them (RFC 8259, section
/// 8.2).
fn code_point(body: &[u8], at: usize) -> Result<(char, usize), Fault> {
    let first = hex(body, at + 2)?;
    if let Some(unescaped) = char::from_u32(first) {
        return Ok((unescaped, at + 6));
    }
    let lone = (char::REPLACEMENT_CHARACTER, at + 6);
    if first >= 0xDC00 {
        return Ok(lone);
    }
    match body.get(at + 6..at + 8) {
        Some(b"\\u") => {}
        // Truncated: the other half may follow.
        None => return Err(Fault::new(body.len(), UNEXPECTED_END)),
        Some(_) => return Ok(lone),
    }
    let second = hex(body, at + 8)?;
    if !(0xDC00..0xE000).contains(&second) {
        return Ok(lone);
    }
    let joined = char::from_u32(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00));
    Ok(joined.map_or(lone, |joined| (joined, at + 12)))
}

/// The four hexadecimal digits at `at`.
fn hex(body: &[u8], at: usize) -> Result<u32, Fault> {
    (at..at + 4).try_fold(0, |value, place| {
        char::from(byte(body, place))
            .to_digit(16)
            .map(|digit| value << 4 | digit)
            .ok_or_else(|| Fault::syntax(body, place, "expected a hexadecimal digit"))
    })
}

/// Unescapes the string whose contents start at `start` in place and terminates it with a NUL.
/// Returns the end of its contents and the offset after the closing quote.
#[inline]
pub(super) fn read_string(body: &mut [u8], original: &mut Original, start: usize) -> Result<(usize, usize), Fault> {
    let end = special(body, start);
    match body.get_mut(end) {
        Some(quote @ b'"') => {
            *quote = 0;
            Ok((end, end + 1))
        }
        _ => unescape(body, original, end),
    }
}

/// Unescapes a string from its first escape, at `from`, to its end.
#[inline(never)]
fn unescape(body: &mut [u8], original: &mut Original, from: usize) -> Result<(usize, usize), Fault> {
    let after = skip_rest(body, from)?;
    original.save(from, &body[from..after]);
    let (mut read, mut write) = (from, from);
    while body[read] != b'"' {
        let (unescaped, plain) = escape(body, read)?;
        match unescaped {
            '\x01'..='\x7f' => {
                body[write] = unescaped as u8;
                write += 1;
            }
            '\0' => write += NUL_REPLACEMENT.encode_utf8(&mut body[write..plain]).len(),
            _ => write += unescaped.encode_utf8(&mut body[write..plain]).len(),
        }
        read = next_special(body, plain);
        // For a few bytes, a call to memmove costs more.
        if read - plain < MIN_MEMMOVE {
            for from in plain..read {
                body[write] = body[from];
                write += 1;
            }
        } else {
            body.copy_within(plain..read, write);
            write += read - plain;
        }
    }
    // Filled with spaces so that no partial character is left: the whole buffer must stay UTF-8.
    body[write..after].fill(b' ');
    body[write] = 0;
    Ok((write, after))
}

/// Whether the validated string contents `raw` unescape to `plain`.
pub(super) fn unescapes_to(raw: &[u8], plain: &str) -> bool {
    let mut wanted = plain.as_bytes();
    let mut at = 0;
    while at < raw.len() {
        let mut encoded = [0; 4];
        let (piece, next) = match raw[at] {
            b'\\' => match escape(raw, at) {
                Ok((unescaped, next)) => (unescaped.encode_utf8(&mut encoded).as_bytes(), next),
                Err(_) => return false,
            },
            _ => (&raw[at..=at], at + 1),
        };
        match wanted.strip_prefix(piece) {
            Some(rest) => wanted = rest,
            None => return false,
        }
        at = next;
    }
    wanted.is_empty()
}
