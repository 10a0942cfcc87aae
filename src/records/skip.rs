//! Passing over a value of any kind, checking it on the way.

use super::escape::skip_string;
use super::fault::{Fault, Step};
use super::scan::{byte, literal, number, whitespace};

/// How deep lists and objects may be nested, as in `serde_json`.
const MAX_DEPTH: u32 = 127;

/// What comes next in the innermost list or object.
enum Next {
    Value,
    Key,
    CommaOrEnd,
}

/// The end of the value at `at`, with `outer` lists and objects open around it.
///
/// The open ones are bits, 1 for an object, so that depth costs neither stack nor heap.
pub(super) fn skip_value(body: &[u8], mut at: usize, outer: u32) -> Step {
    let mut open: u128 = 0;
    let mut depth = outer;
    let mut next = Next::Value;
    loop {
        match next {
            Next::Value => match byte(body, at) {
                b'"' => {
                    at = skip_string(body, at + 1)?;
                    next = Next::CommaOrEnd;
                }
                bracket @ (b'{' | b'[') => {
                    if depth == MAX_DEPTH {
                        return Err(Fault::syntax(body, at, "nested too deeply"));
                    }
                    depth += 1;
                    let object = bracket == b'{';
                    open = open << 1 | u128::from(object);
                    at = whitespace(body, at + 1);
                    next = match byte(body, at) {
                        b'}' if object => Next::CommaOrEnd,
                        b']' if !object => Next::CommaOrEnd,
                        _ if object => Next::Key,
                        _ => Next::Value,
                    };
                    if matches!(next, Next::CommaOrEnd) {
                        at += 1;
                        open >>= 1;
                        depth -= 1;
                    }
                }
                b't' | b'f' | b'n' => {
                    at = literal(body, at)?;
                    next = Next::CommaOrEnd;
                }
                b'-' | b'0'..=b'9' => {
                    at = number(body, at)?;
                    next = Next::CommaOrEnd;
                }
                _ => return Err(Fault::syntax(body, at, "a value was expected")),
            },
            Next::Key => {
                at = colon(body, key(body, at)?)?;
                next = Next::Value;
            }
            Next::CommaOrEnd => {
                if depth == outer {
                    return Ok(at);
                }
                at = whitespace(body, at);
                let object = open & 1 == 1;
                match byte(body, at) {
                    b',' => {
                        at = whitespace(body, at + 1);
                        next = if object { Next::Key } else { Next::Value };
                    }
                    b'}' if object => {
                        at += 1;
                        open >>= 1;
                        depth -= 1;
                    }
                    b']' if !object => {
                        at += 1;
                        open >>= 1;
                        depth -= 1;
                    }
                    _ if object => return Err(Fault::syntax(body, at, "expected ',' or '}'")),
                    _ => return Err(Fault::syntax(body, at, "expected ',' or ']'")),
                }
            }
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
