//! One field's value, by its kind.
//!
//! A value of the wrong kind is not an error yet: of a key that occurs twice only the last value counts. It is noted
//! as pending, and the record decides when it has been read to its end.

use std::ops::Range;

use super::cell::{INVALID, NO_TIME, NONE, PRESENT, range, span};
use super::convert::{bool_from_number, bool_from_text, int_from_number, int_from_text};
use super::escape::keep_string;
use super::fault::{Fault, Step, TooLarge};
use super::original::Original;
use super::scan::{byte, literal, number, whitespace};
use super::schema::Kind;
use super::skip::skip_value;
use super::time;

/// What is gathered besides rows.
#[derive(Debug)]
pub(super) struct Gathered {
    /// The strings of all lists, as spans.
    pub(super) items: Vec<u64>,
    /// What was overwritten.
    pub(super) original: Original,
    /// Values of the current record that could not be converted: for each column the last one.
    pub(super) pending: Vec<Pending>,
    /// Values that count as absent although they are there.
    pub(super) odd: Vec<Odd>,
    /// The row that is being read.
    pub(super) row: usize,
    /// What the rows before take.
    pub(super) row_bytes: usize,
    /// How many bytes all of it may take.
    pub(super) limit: usize,
}

/// A value that could not be converted, which is an error unless a later value of the same key can be.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) column: usize,
    pub(super) at: usize,
    end: usize,
    item: Option<usize>,
    expected: &'static str,
}

/// A value that counts as absent because it could not be converted.
#[derive(Clone, Debug)]
pub(crate) struct Odd {
    pub(crate) row: usize,
    pub(crate) column: usize,
    /// Where it stands in the answer.
    pub(crate) place: Range<usize>,
}

/// So many of them are remembered: a log wants to know that they are there, not all of them.
const MAX_ODD: usize = 8;

/// What a string of a list takes: its span, and the pointer to it in the struct made of the record.
const ITEM_BYTES: usize = 2 * size_of::<u64>();

impl Gathered {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            items: Vec::new(),
            original: Original::default(),
            pending: Vec::new(),
            odd: Vec::new(),
            row: 0,
            row_bytes: 0,
            limit,
        }
    }

    /// An error at `at`, up to where the text was read, when there is more than there may be.
    #[inline]
    pub(super) fn check(&self, at: usize) -> Result<(), Fault> {
        let bytes = self.row_bytes + self.items.len() * ITEM_BYTES + self.original.bytes();
        if bytes > self.limit { Err(Fault::too_large(at, &TooLarge::Records)) } else { Ok(()) }
    }

    /// Notes a value that could not be converted, in the place of an earlier one of its column.
    fn postpone(&mut self, pending: Pending) {
        match self.pending.iter_mut().find(|known| known.column == pending.column) {
            Some(known) => *known = pending,
            None => self.pending.push(pending),
        }
    }

    fn note_odd(&mut self, column: usize, place: Range<usize>) {
        if self.odd.len() < MAX_ODD {
            self.odd.push(Odd { row: self.row, column, place });
        }
    }

    /// Forgets what was gathered from `at` of the text on.
    pub(super) fn back_to(&mut self, at: usize) {
        self.items.truncate(self.items.partition_point(|item| range(*item).is_some_and(|item| item.start < at)));
        self.odd.retain(|odd| odd.place.start < at);
        self.original.back_to(at);
        self.pending.retain(|pending| pending.at < at);
    }
}

/// Where a value belongs, for errors.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) column: usize,
    /// How many lists and objects are open around the value.
    pub(super) depth: u32,
}

/// Reads the value at `at` into `cells`, the field's own; gives the offset after it.
#[inline]
pub(super) fn read(
    body: &mut [u8],
    at: usize,
    kind: Kind,
    cells: &mut [u64],
    place: Place,
    gathered: &mut Gathered,
) -> Step {
    match (kind, byte(body, at)) {
        (Kind::Text | Kind::Id, b'"') => {
            let (end, after) = keep_string(body, &mut gathered.original, at + 1)?;
            set(cells, 0, span(at + 1..end));
            Ok(after)
        }
        (Kind::Word(words), b'"') => {
            let (end, after) = keep_string(body, &mut gathered.original, at + 1)?;
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
        _ => read_other(body, at, kind, cells, place, gathered),
    }
}

/// The kinds that are rarer than text, and all mismatches.
fn read_other(
    body: &mut [u8],
    at: usize,
    kind: Kind,
    cells: &mut [u64],
    place: Place,
    gathered: &mut Gathered,
) -> Step {
    match kind {
        Kind::TextList if byte(body, at) == b'[' => {
            return read_list(body, at, cells, place, gathered);
        }
        Kind::Object if byte(body, at) == b'{' => {
            let after = skip_value(body, at, place.depth)?;
            gathered.original.cut_later(body, after);
            set(cells, 0, span(at..after));
            return Ok(after);
        }
        Kind::Int | Kind::Bool | Kind::Time => {}
        _ => return mismatch(body, at, kind, cells, place, gathered),
    }
    let (text, after) = match byte(body, at) {
        b'"' => {
            let (end, after) = keep_string(body, &mut gathered.original, at + 1)?;
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
        _ => return mismatch(body, at, kind, cells, place, gathered),
    };
    let converted = match (kind, body[text.start], text.start > at) {
        (Kind::Time, _, true) => time::from_text(&body[text.clone()]),
        (Kind::Time, _, false) => {
            gathered.original.cut_later(body, after);
            time::from_number(&body[text.clone()])
        }
        (_, _, true) if kind == Kind::Int => int_from_text(&body[text.clone()]),
        (_, _, true) => bool_from_text(&body[text.clone()]).map(i64::from),
        (_, letter @ (b't' | b'f'), false) => Some(i64::from(letter == b't')),
        (Kind::Int, _, false) => int_from_number(&body[text.clone()]),
        (_, _, false) => bool_from_number(&body[text.clone()]).map(i64::from),
    };
    match converted {
        Some(value) if kind == Kind::Bool => set(cells, 0, value.cast_unsigned()),
        Some(value) => {
            let first = if kind == Kind::Time { span(text) } else { PRESENT };
            set(cells, 0, first);
            set(cells, 1, value.cast_unsigned());
        }
        None => {
            // One odd value must not take the other records with it: its text is kept where there is room for one.
            set(cells, 0, if kind == Kind::Time { span(text) } else { NONE });
            if kind == Kind::Time {
                set(cells, 1, NO_TIME);
            }
            gathered.note_odd(place.column, at..after);
        }
    }
    Ok(after)
}

/// A list of strings.
fn read_list(body: &mut [u8], at: usize, cells: &mut [u64], place: Place, gathered: &mut Gathered) -> Step {
    let first = gathered.items.len();
    let mut good = true;
    let mut at = whitespace(body, at + 1);
    if byte(body, at) == b']' {
        set(cells, 0, span(0..0));
        return Ok(at + 1);
    }
    loop {
        if byte(body, at) == b'"' {
            let (end, after) = keep_string(body, &mut gathered.original, at + 1)?;
            gathered.items.push(span(at + 1..end));
            gathered.check(after)?;
            at = after;
        } else {
            let after = skip_value(body, at, place.depth + 1)?;
            if good {
                good = false;
                let item = gathered.items.len() - first;
                let pending = Pending::new(place.column, Kind::Text, at, after);
                gathered.postpone(Pending { item: Some(item), ..pending });
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
    let list = span(first..gathered.items.len());
    set(cells, 0, if good { list } else { INVALID });
    Ok(at + 1)
}

/// Passes over a value of the wrong kind, to be complained about unless a duplicate of the key makes up for it.
#[cold]
fn mismatch(body: &[u8], at: usize, kind: Kind, cells: &mut [u64], place: Place, gathered: &mut Gathered) -> Step {
    let after = skip_value(body, at, place.depth)?;
    set(cells, 0, INVALID);
    gathered.postpone(Pending::new(place.column, kind, at, after));
    Ok(after)
}

impl Pending {
    fn new(column: usize, kind: Kind, at: usize, end: usize) -> Self {
        Self { column, at, end, item: None, expected: expected(kind) }
    }

    /// The error that it is after all.
    pub(super) fn to_fault(&self, body: &[u8]) -> Fault {
        let mut fault = Fault::mismatch(body, self.at, self.end, self.expected).in_column(self.column);
        fault.item = self.item;
        fault
    }
}

fn expected(kind: Kind) -> &'static str {
    match kind {
        Kind::Id | Kind::Text | Kind::Word(_) => "a string",
        Kind::Int => "an integer",
        Kind::Bool => "a boolean",
        Kind::Time => "a time",
        Kind::TextList => "a list",
        Kind::Object => "an object",
    }
}

/// Sets a cell of a field; a field has the cells of its kind.
#[inline]
fn set(cells: &mut [u64], index: usize, value: u64) {
    if let Some(cell) = cells.get_mut(index) {
        *cell = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Red when each is kept: an answer of 100 MB can have 14 million of them in one record.
    #[test]
    fn of_a_column_the_last_value_that_could_not_be_converted_is_kept() {
        let mut gathered = Gathered::new(usize::MAX);
        for at in 0..3000 {
            gathered.postpone(Pending::new(at % 3, Kind::Int, at, at + 1));
        }
        let kept: Vec<_> = gathered.pending.iter().map(|pending| (pending.column, pending.at)).collect();
        assert_eq!(kept, [(0, 2997), (1, 2998), (2, 2999)]);
    }
}
