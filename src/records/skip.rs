//! Skipping a value of any type, with validation.

use super::escape::skip_string;
use super::fault::{Fault, ParseResult};
use super::scan::{byte, literal, number, whitespace};

/// The maximum nesting depth, as in `serde_json`.
const MAX_DEPTH: u32 = 127;

/// The end of the value at `at`, which is enclosed by `outer` arrays and objects.
#[inline]
pub(super) fn skip_value(body: &[u8], at: usize, outer: u32) -> ParseResult {
    match byte(body, at) {
        b'{' | b'[' => skip_nested(body, at, outer),
        _ => skip_scalar(body, at),
    }
}

#[inline]
fn skip_scalar(body: &[u8], at: usize) -> ParseResult {
    match byte(body, at) {
        b'"' => skip_string(body, at + 1),
        b't' | b'f' | b'n' => literal(body, at),
        b'-' | b'0'..=b'9' => number(body, at),
        _ => Err(Fault::syntax(body, at, "expected a value")),
    }
}

/// Skips an array or object.
///
/// The enclosing ones are a bit stack, 1 for an object, so that depth costs neither stack nor heap.
fn skip_nested(body: &[u8], mut at: usize, outer: u32) -> ParseResult {
    let mut open: u128 = 0;
    let mut depth = outer;
    loop {
        // A value.
        let bracket = byte(body, at);
        if let b'{' | b'[' = bracket {
            if depth == MAX_DEPTH {
                return Err(Fault::syntax(body, at, "nested too deeply"));
            }
            depth += 1;
            let object = bracket == b'{';
            open = open << 1 | u128::from(object);
            at = whitespace(body, at + 1);
            if byte(body, at) != (if object { b'}' } else { b']' }) {
                if object {
                    at = colon(body, key(body, at)?)?;
                }
                continue;
            }
            at += 1;
            open >>= 1;
            depth -= 1;
        } else {
            at = skip_scalar(body, at)?;
        }
        // What follows it, closing any number of arrays and objects.
        while depth != outer {
            at = whitespace(body, at);
            let object = open & 1 == 1;
            match byte(body, at) {
                b',' => {
                    at = whitespace(body, at + 1);
                    if object {
                        at = colon(body, key(body, at)?)?;
                    }
                    break;
                }
                b'}' if object => {}
                b']' if !object => {}
                _ if object => return Err(Fault::syntax(body, at, "expected ',' or '}'")),
                _ => return Err(Fault::syntax(body, at, "expected ',' or ']'")),
            }
            at += 1;
            open >>= 1;
            depth -= 1;
        }
        if depth == outer {
            return Ok(at);
        }
    }
}

/// The end of the key at `at`.
#[inline]
pub(super) fn key(body: &[u8], at: usize) -> ParseResult {
    if byte(body, at) != b'"' {
        return Err(Fault::syntax(body, at, "expected a key"));
    }
    skip_string(body, at + 1)
}

/// The start of the value whose key ends at `at`.
#[inline]
pub(super) fn colon(body: &[u8], at: usize) -> ParseResult {
    let at = whitespace(body, at);
    if byte(body, at) != b':' {
        return Err(Fault::syntax(body, at, "expected ':'"));
    }
    Ok(whitespace(body, at + 1))
}
