//! Decoding one field's value, by its kind.
//!
//! A value of the wrong type is not an error yet: of duplicate keys, only the last one counts. The error is deferred until
//! the end of the record.

use super::cell::{INVALID, NO_TIME, NONE, PRESENT, from_int, span};
use super::convert::{bool_from_number, bool_from_text, int_from_number, int_from_text};
use super::escape::read_string;
use super::fault::{Fault, ParseResult};
use super::scan::{byte, literal, number, whitespace};
use super::schema::Kind;
use super::scratch::{DeferredError, Scratch};
use super::skip::skip_value;
use super::time;

/// The position of a value, for errors.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) column: usize,
    /// The number of arrays and objects that enclose the value.
    pub(super) depth: u32,
}

/// Reads the value at `at` into `cells`, the cells of the field. Returns the offset after it.
#[inline]
pub(super) fn read(
    body: &mut [u8],
    at: usize,
    kind: Kind,
    cells: &mut [u64],
    place: Place,
    scratch: &mut Scratch,
) -> ParseResult {
    match (kind, byte(body, at)) {
        (Kind::Text | Kind::Id, b'"') => {
            let (end, after) = read_string(body, &mut scratch.original, at + 1)?;
            set(cells, 0, span(at + 1..end));
            Ok(after)
        }
        (Kind::Word(words), b'"') => {
            let (end, after) = read_string(body, &mut scratch.original, at + 1)?;
            set(cells, 0, span(at + 1..end));
            let text = &body[at + 1..end];
            let word = words.iter().position(|word| word.as_bytes() == text);
            set(cells, 1, word.map_or(NONE, |word| word as u64));
            Ok(after)
        }
        (Kind::Text | Kind::Word(_) | Kind::Int | Kind::Bool | Kind::Time | Kind::TextList | Kind::Object, b'n') => {
            set(cells, 0, NONE);
            literal(body, at)
        }
        _ => read_other(body, at, kind, cells, place, scratch),
    }
}

/// Reads kinds other than text, and values of the wrong type.
fn read_other(
    body: &mut [u8],
    at: usize,
    kind: Kind,
    cells: &mut [u64],
    place: Place,
    scratch: &mut Scratch,
) -> ParseResult {
    match kind {
        Kind::TextList if byte(body, at) == b'[' => {
            return read_list(body, at, cells, place, scratch);
        }
        Kind::Object if byte(body, at) == b'{' => {
            let after = skip_value(body, at, place.depth)?;
            scratch.original.terminate_after_decode(body, after);
            set(cells, 0, span(at..after));
            return Ok(after);
        }
        Kind::Int | Kind::Bool | Kind::Time => {}
        _ => return mismatch(body, at, kind, cells, place, scratch),
    }
    let (text, after) = match byte(body, at) {
        b'"' => {
            let (end, after) = read_string(body, &mut scratch.original, at + 1)?;
            (at + 1..end, after)
        }
        b'-' | b'0'..=b'9' => {
            let after = number(body, at)?;
            (at..after, after)
        }
        b't' | b'f' if kind != Kind::Time => {
            let after = literal(body, at)?;
            (at..after, after)
        }
        _ => return mismatch(body, at, kind, cells, place, scratch),
    };
    let converted = match (kind, body[text.start], text.start > at) {
        (Kind::Time, _, true) => time::from_text(&body[text.clone()]),
        (Kind::Time, _, false) => {
            scratch.original.terminate_after_decode(body, after);
            time::from_number(&body[text.clone()])
        }
        (_, _, true) if kind == Kind::Int => int_from_text(&body[text.clone()]),
        (_, _, true) => bool_from_text(&body[text.clone()]).map(i64::from),
        (_, letter @ (b't' | b'f'), false) => Some(i64::from(letter == b't')),
        (Kind::Int, _, false) => int_from_number(&body[text.clone()]),
        (_, _, false) => bool_from_number(&body[text.clone()]).map(i64::from),
    };
    match converted {
        Some(value) if kind == Kind::Bool => set(cells, 0, from_int(value)),
        Some(value) => {
            let first = if kind == Kind::Time { span(text) } else { PRESENT };
            set(cells, 0, first);
            set(cells, 1, from_int(value));
        }
        None => {
            // One bad value must not fail the whole answer. A time keeps its text.
            set(cells, 0, if kind == Kind::Time { span(text) } else { NONE });
            if kind == Kind::Time {
                set(cells, 1, NO_TIME);
            }
            scratch.note_ignored(place.column, at..after);
        }
    }
    Ok(after)
}

/// Reads an array of strings.
fn read_list(body: &mut [u8], at: usize, cells: &mut [u64], place: Place, scratch: &mut Scratch) -> ParseResult {
    let first = scratch.items.len();
    let mut all_strings = true;
    let mut at = whitespace(body, at + 1);
    if byte(body, at) == b']' {
        set(cells, 0, span(0..0));
        return Ok(at + 1);
    }
    loop {
        if byte(body, at) == b'"' {
            let (end, after) = read_string(body, &mut scratch.original, at + 1)?;
            scratch.items.push(span(at + 1..end));
            scratch.check_limit(after)?;
            at = after;
        } else {
            let after = skip_value(body, at, place.depth + 1)?;
            if all_strings {
                all_strings = false;
                let item = scratch.items.len() - first;
                scratch.defer(DeferredError::new(place.column, Kind::Text, at, after).in_item(item));
            }
            at = after;
        }
        at = whitespace(body, at);
        match byte(body, at) {
            b',' => at = whitespace(body, at + 1),
            b']' => break,
            _ => return Err(Fault::syntax(body, at, "expected ',' or ']'")),
        }
    }
    let list = span(first..scratch.items.len());
    set(cells, 0, if all_strings { list } else { INVALID });
    Ok(at + 1)
}

/// Skips a value of the wrong type and defers the error.
#[cold]
fn mismatch(body: &[u8], at: usize, kind: Kind, cells: &mut [u64], place: Place, scratch: &mut Scratch) -> ParseResult {
    let after = skip_value(body, at, place.depth)?;
    set(cells, 0, INVALID);
    scratch.defer(DeferredError::new(place.column, kind, at, after));
    Ok(after)
}

/// Sets a cell of a field.
#[inline]
fn set(cells: &mut [u64], index: usize, value: u64) {
    if let Some(cell) = cells.get_mut(index) {
        *cell = value;
    }
}
