//! The keys as the server writes them, learnt from the records themselves.
//!
//! Records of one answer have their keys in the same order and with the same whitespace, including the keys that the
//! library does not know. So everything between two values is the same bytes again, and comparing them at once replaces
//! reading them. A record that deviates is read in the ordinary way, and what it has is learnt too.

use wide::u8x16;

use super::scan::whitespace;
use super::schema::Schema;

/// Only separators up to this length are learnt.
pub(super) const LONGEST: usize = 32;
/// Only so many separators are learnt: a body must not make the decoder spend its time on searching them.
const MOST: usize = 64;
/// And only so often: where the keys come in no order, there is nothing to learn.
const LESSONS: u32 = 2048;
/// The most columns there are.
const COLUMNS: usize = Schema::MAX_FIELDS;

/// The bytes between two values, from after one value to the beginning of the next: `, "email": `.
#[derive(Debug)]
pub(super) struct Separator {
    bytes: Block,
    /// Which of the bytes count.
    mask: Block,
    length: u8,
    /// The column that the key belongs to, if the library knows it.
    pub(super) column: Option<u8>,
    /// The cell of that column if it is a text; 0 if not.
    pub(super) text: u8,
    /// Its own place.
    pub(super) place: After,
    /// The separator that followed last time.
    next: u8,
}

type Block = [u8x16; LONGEST / 16];

/// The separators seen so far.
#[derive(Debug)]
pub(super) struct Shape {
    separators: Vec<Separator>,
    /// The separator that led to each column last.
    by_column: [u8; COLUMNS],
    lessons: u32,
}

/// A place in the order of keys: after which separator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct After(u8);

impl After {
    /// Before the first key of a record.
    pub(super) const START: Self = Self(0);
    /// After a separator that was not learnt.
    const UNKNOWN: Self = Self(1);
}

impl Shape {
    /// Of a single record, `is_only`, there is nothing to learn for the next.
    pub(super) fn new(is_only: bool) -> Self {
        // For the two places that no separator leads to. That they have one each is what keeps a separator with a
        // comma from ever being looked for at the beginning of a record.
        let places = [After::START, After::UNKNOWN];
        let separators = places.map(Separator::none).into();
        Self { separators, by_column: [After::UNKNOWN.0; COLUMNS], lessons: if is_only { LESSONS } else { 0 } }
    }

    /// If what stands at `at` is what usually comes after `after`: where the value begins, and what led to it.
    #[inline]
    pub(super) fn follow(&self, body: &[u8], at: usize, after: After) -> Option<(usize, &Separator)> {
        let next = self.separators.get(usize::from(after.0))?.next;
        if next == 0 {
            return None;
        }
        let separator = self.separators.get(usize::from(next))?;
        let window = body.get(at..)?.first_chunk::<LONGEST>()?;
        let [first, second] = block(window);
        let is_same = (first & separator.mask[0]).simd_eq(separator.bytes[0]).all()
            && (separator.length <= 16 || (second & separator.mask[1]).simd_eq(separator.bytes[1]).all());
        // There may be more whitespace this time.
        is_same.then(|| (whitespace(body, at + usize::from(separator.length)), separator))
    }

    /// Remembers that `bytes`, which lead to a value of `column`, came after `after`; gives the new place.
    pub(super) fn learn(&mut self, schema: &Schema, after: After, bytes: &[u8], column: Option<usize>) -> After {
        if self.lessons == LESSONS {
            let place = column.and_then(|column| self.by_column.get(column).copied());
            return place.map_or(After::UNKNOWN, After);
        }
        self.lessons += 1;
        if bytes.len() > LONGEST {
            return After::UNKNOWN;
        }
        let new = Separator::new(schema, bytes, column);
        let known =
            self.separators.iter().position(|separator| separator.length == new.length && separator.bytes == new.bytes);
        let index = match known {
            Some(index) => index,
            None if self.separators.len() < MOST => {
                let index = self.separators.len();
                self.separators.push(Separator { place: u8::try_from(index).map_or(After::UNKNOWN, After), ..new });
                index
            }
            None => return After::UNKNOWN,
        };
        let Ok(index) = u8::try_from(index) else {
            return After::UNKNOWN;
        };
        if let Some(before) = self.separators.get_mut(usize::from(after.0)) {
            before.next = index;
        }
        if let Some(place) = column.and_then(|column| self.by_column.get_mut(column)) {
            *place = index;
        }
        After(index)
    }
}

impl Separator {
    /// What leads nowhere.
    fn none(place: After) -> Self {
        let nothing = [u8x16::ZERO; 2];
        Self { bytes: nothing, mask: nothing, length: 0, column: None, text: 0, place, next: 0 }
    }

    fn new(schema: &Schema, text: &[u8], column: Option<usize>) -> Self {
        let mut bytes = [0; LONGEST];
        let mut mask = [0; LONGEST];
        for ((byte, place), counts) in text.iter().zip(&mut bytes).zip(&mut mask) {
            (*place, *counts) = (*byte, 0xFF);
        }
        Self {
            bytes: block(&bytes),
            mask: block(&mask),
            length: u8::try_from(text.len()).unwrap_or(0),
            column: column.and_then(|column| u8::try_from(column).ok()),
            text: column.and_then(|column| schema.text_slot(column)).unwrap_or(0),
            ..Self::none(After::UNKNOWN)
        }
    }
}

#[inline]
fn block(bytes: &[u8; LONGEST]) -> Block {
    let (halves, _) = bytes.as_chunks::<16>();
    [u8x16::from(halves[0]), u8x16::from(halves[1])]
}
