//! Passing over a value of any kind, checking it on the way.

use super::escape::skip_string;
use super::fault::{Fault, Step};
use super::scan::{byte, literal, number, whitespace};

/// How deep lists and objects may be nested, as in `serde_json`.
const MAX_DEPTH: u32 = 127;

/// The end of the value at `at`, with `outer` lists and objects open around it.
#[inline]
pub(super) fn skip_value(body: &[u8], at: usize, outer: u32) -> Step {
    match byte(body, at) {
        b'{' | b'[' => skip_nested(body, at, outer),
        _ => skip_scalar(body, at),
    }
}

#[inline]
fn skip_scalar(body: &[u8], at: usize) -> Step {
    match byte(body, at) {
        b'"' => skip_string(body, at + 1),
        b't' | b'f' | b'n' => literal(body, at),
        b'-' | b'0'..=b'9' => number(body, at),
        _ => Err(Fault::syntax(body, at, "a value was expected")),
    }
}

/// The same for a list or an object.
///
/// The open ones are bits, 1 for an object, so that depth costs neither stack nor heap.
fn skip_nested(body: &[u8], mut at: usize, outer: u32) -> Step {
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
        // What follows it, in one list or object after the other.
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
pub(super) fn key(body: &[u8], at: usize) -> Step {
    if byte(body, at) != b'"' {
        return Err(Fault::syntax(body, at, "a key was expected"));
    }
    skip_string(body, at + 1)
}

/// The beginning of the value that belongs to the key that ends at `at`.
#[inline]
pub(super) fn colon(body: &[u8], at: usize) -> Step {
    let at = whitespace(body, at);
    if byte(body, at) != b':' {
        return Err(Fault::syntax(body, at, "expected ':'"));
    }
    Ok(whitespace(body, at + 1))
}
