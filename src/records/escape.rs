//! Escapes in strings: checking them where a string is passed over, resolving them in place where it is kept.

use super::fault::{ENDS_EARLY, Fault, Step};
use super::original::Original;
use super::scan::{byte, special};

/// What stands in a text for U+0000, which would end it early in C.
const FOR_NUL: char = char::REPLACEMENT_CHARACTER;
/// So many bytes are moved one by one.
const FEW: usize = 8;

/// The end of the string whose contents begin at `at`: the offset just after its closing quote.
#[inline]
pub(super) fn skip_string(body: &[u8], at: usize) -> Step {
    let end = special(body, at);
    if byte(body, end) == b'"' {
        return Ok(end + 1);
    }
    skip_rest(body, end)
}

/// Goes on from the special byte at `at` to the end of the string.
fn skip_rest(body: &[u8], mut at: usize) -> Step {
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

/// The first special byte behind an escape. Mostly another one follows, or the end, where there are so many that it matters.
#[inline]
fn next_special(body: &[u8], at: usize) -> usize {
    if matches!(byte(body, at), b'"' | b'\\') { at } else { special(body, at) }
}

/// The character that the escape at `at` stands for, and the offset after it.
#[inline]
fn escape(body: &[u8], at: usize) -> Result<(char, usize), Fault> {
    let resolved = match byte(body, at + 1) {
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
    Ok((resolved, at + 2))
}

/// The character of `\uXXXX` at `at`, or of the pair of them that stands for a character beyond U+FFFF.
///
/// Half of a pair is a replacement character: servers that cut text by UTF-16 units send one (RFC 8259, section 8.2).
fn code_point(body: &[u8], at: usize) -> Result<(char, usize), Fault> {
    let first = hex(body, at + 2)?;
    if let Some(resolved) = char::from_u32(first) {
        return Ok((resolved, at + 6));
    }
    let lone = (char::REPLACEMENT_CHARACTER, at + 6);
    if first >= 0xDC00 {
        return Ok(lone);
    }
    match body.get(at + 6..at + 8) {
        Some(b"\\u") => {}
        // The text ends early, and what follows might be the other half.
        None => return Err(Fault::new(body.len(), ENDS_EARLY)),
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
            .ok_or_else(|| Fault::syntax(body, place, "a hexadecimal digit was expected"))
    })
}

/// Ends the string whose contents begin at `start` with a NUL, its escapes resolved.
/// Gives where its contents end, and the offset after the closing quote it had.
#[inline]
pub(super) fn keep_string(body: &mut [u8], original: &mut Original, start: usize) -> Result<(usize, usize), Fault> {
    let end = special(body, start);
    match body.get_mut(end) {
        Some(quote @ b'"') => {
            *quote = 0;
            Ok((end, end + 1))
        }
        _ => resolve(body, original, end),
    }
}

/// Resolves the escapes of a string from the first one, at `from`, to the end of the string.
#[inline(never)]
fn resolve(body: &mut [u8], original: &mut Original, from: usize) -> Result<(usize, usize), Fault> {
    let after = skip_rest(body, from)?;
    original.save(from, &body[from..after]);
    let (mut read, mut write) = (from, from);
    while body[read] != b'"' {
        let (resolved, plain) = escape(body, read)?;
        match resolved {
            '\x01'..='\x7f' => {
                body[write] = resolved as u8;
                write += 1;
            }
            '\0' => write += FOR_NUL.encode_utf8(&mut body[write..plain]).len(),
            _ => write += resolved.encode_utf8(&mut body[write..plain]).len(),
        }
        read = next_special(body, plain);
        // A call of memmove costs more than a few bytes do.
        if read - plain < FEW {
            for from in plain..read {
                body[write] = body[from];
                write += 1;
            }
        } else {
            body.copy_within(plain..read, write);
            write += read - plain;
        }
    }
    // Spaces after the text keep the whole buffer UTF-8: half a character could be left standing there.
    body[write..after].fill(b' ');
    body[write] = 0;
    Ok((write, after))
}

/// Whether the string with the raw contents `raw`, already checked, reads `plain`.
pub(super) fn reads(raw: &[u8], plain: &str) -> bool {
    let mut wanted = plain.as_bytes();
    let mut at = 0;
    while at < raw.len() {
        let mut encoded = [0; 4];
        let (piece, next) = match raw[at] {
            b'\\' => match escape(raw, at) {
                Ok((resolved, next)) => (resolved.encode_utf8(&mut encoded).as_bytes(), next),
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
