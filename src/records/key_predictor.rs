//! Predicts the next key of a record from the records before it.
//!
//! The records of one answer usually have the same keys, in the same order and with the same whitespace, so the bytes between
//! two values repeat. Comparing them with the last ones is faster than parsing them. A mismatch is parsed, and learned too.

use wide::u8x16;

use super::scan::whitespace;
use super::schema::Schema;

/// Longer separators are not learned.
pub(super) const MAX_SEPARATOR: usize = 32;
/// Limits the time spent searching separators, whatever the body contains.
const MAX_SEPARATORS: usize = 64;
/// Learning stops after this many lookups: keys in random order cannot be predicted.
const MAX_LEARNED: u32 = 2048;
const MAX_COLUMNS: usize = Schema::MAX_FIELDS;

/// The bytes between two values, such as `, "email": `.
#[derive(Debug)]
pub(super) struct Separator {
    bytes: Block,
    /// Selects the first `length` bytes.
    mask: Block,
    length: u8,
    /// The column of the key; none if the key is unknown.
    pub(super) column: Option<u8>,
    /// The cell of that column if it is a text, otherwise 0.
    pub(super) text_slot: u8,
    /// The position after this separator.
    pub(super) position: KeyPosition,
    /// The index of the separator that followed last time; 0 for none.
    next: u8,
}

type Block = [u8x16; MAX_SEPARATOR / 16];

/// The separators learned so far.
#[derive(Debug)]
pub(super) struct KeyPredictor {
    separators: Vec<Separator>,
    /// The last separator of each column.
    by_column: [u8; MAX_COLUMNS],
    learned: u32,
}

/// A position in the sequence of keys: the index of the last separator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KeyPosition(u8);

impl KeyPosition {
    /// Before the first key of a record.
    pub(super) const START: Self = Self(0);
    /// After a separator that was not learned.
    const UNKNOWN: Self = Self(1);
}

impl KeyPredictor {
    /// With `is_only`, for a single record, nothing is learned.
    pub(super) fn new(is_only: bool) -> Self {
        // Sentinels for the two positions that follow no separator. START has its own, so that a separator with a comma is
        // never predicted at the start of a record.
        let positions = [KeyPosition::START, KeyPosition::UNKNOWN];
        let separators = positions.map(Separator::sentinel).into();
        Self {
            separators,
            by_column: [KeyPosition::UNKNOWN.0; MAX_COLUMNS],
            learned: if is_only { MAX_LEARNED } else { 0 },
        }
    }

    /// If the bytes at `at` match the separator predicted after `after`, returns the start of the value and that separator.
    #[inline]
    pub(super) fn predict(&self, body: &[u8], at: usize, after: KeyPosition) -> Option<(usize, &Separator)> {
        let next = self.separators.get(usize::from(after.0))?.next;
        if next == 0 {
            return None;
        }
        let separator = self.separators.get(usize::from(next))?;
        let window = body.get(at..)?.first_chunk::<MAX_SEPARATOR>()?;
        let [first, second] = block(window);
        let is_same = (first & separator.mask[0]) == separator.bytes[0]
            && (separator.length <= 16 || (second & separator.mask[1]) == separator.bytes[1]);
        // This record may have more whitespace.
        is_same.then(|| (whitespace(body, at + usize::from(separator.length)), separator))
    }

    /// Records that the separator `bytes`, of a value of `column`, followed `after`. Returns the new position.
    pub(super) fn learn(
        &mut self,
        schema: &Schema,
        after: KeyPosition,
        bytes: &[u8],
        column: Option<usize>,
    ) -> KeyPosition {
        if self.learned == MAX_LEARNED {
            let position = column.and_then(|column| self.by_column.get(column).copied());
            return position.map_or(KeyPosition::UNKNOWN, KeyPosition);
        }
        self.learned += 1;
        if bytes.len() > MAX_SEPARATOR {
            return KeyPosition::UNKNOWN;
        }
        let new = Separator::new(schema, bytes, column);
        let known =
            self.separators.iter().position(|separator| separator.length == new.length && separator.bytes == new.bytes);
        let index = match known {
            Some(index) => index,
            None if self.separators.len() < MAX_SEPARATORS => {
                let index = self.separators.len();
                self.separators
                    .push(Separator { position: u8::try_from(index).map_or(KeyPosition::UNKNOWN, KeyPosition), ..new });
                index
            }
            None => return KeyPosition::UNKNOWN,
        };
        let Ok(index) = u8::try_from(index) else {
            return KeyPosition::UNKNOWN;
        };
        if let Some(before) = self.separators.get_mut(usize::from(after.0)) {
            before.next = index;
        }
        if let Some(position) = column.and_then(|column| self.by_column.get_mut(column)) {
            *position = index;
        }
        KeyPosition(index)
    }
}

impl Separator {
    /// Matches nothing.
    fn sentinel(position: KeyPosition) -> Self {
        let nothing = [u8x16::ZERO; 2];
        Self { bytes: nothing, mask: nothing, length: 0, column: None, text_slot: 0, position, next: 0 }
    }

    fn new(schema: &Schema, text: &[u8], column: Option<usize>) -> Self {
        let mut bytes = [0; MAX_SEPARATOR];
        let mut mask = [0; MAX_SEPARATOR];
        for ((byte, position), counts) in text.iter().zip(&mut bytes).zip(&mut mask) {
            (*position, *counts) = (*byte, 0xFF);
        }
        Self {
            bytes: block(&bytes),
            mask: block(&mask),
            length: u8::try_from(text.len()).unwrap_or(0),
            column: column.and_then(|column| u8::try_from(column).ok()),
            text_slot: column.and_then(|column| schema.text_slot(column)).unwrap_or(0),
            ..Self::sentinel(KeyPosition::UNKNOWN)
        }
    }
}

#[inline]
fn block(bytes: &[u8; MAX_SEPARATOR]) -> Block {
    let half = |chunk: Option<&[u8; 16]>| u8x16::from(chunk.copied().unwrap_or_default());
    [half(bytes.first_chunk()), half(bytes.last_chunk())]
}
