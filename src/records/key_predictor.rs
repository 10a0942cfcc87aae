//! Predicts the next key of a record from the records before it.
//!
//! The records of one answer usually have the same keys, in the same order and with the same whitespace, so the bytes between
//! two values repeat. Comparing them with the last ones is faster than parsing them. Keys in another order are found by how they
//! begin. What is not known is parsed, and learned too.

use wide::u8x16;

use super::scan::whitespace;
use super::schema::Schema;

/// Longer separators are not learned.
pub(super) const MAX_SEPARATOR: usize = 32;
/// Limits the time spent searching separators, whatever the body contains.
const MAX_SEPARATORS: usize = 64;
/// Learning stops after this many separators that were not found: they would not be found the next time either.
const MAX_LEARNED: u32 = 2048;
/// Separators are searched by their first bytes, of which so many count.
const START_LEN: usize = 6;
/// So many that begin alike are compared.
const MAX_COMPARED: usize = 16;
const BUCKETS: usize = 64;
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
    /// Before the first key of a record, without a comma.
    is_first: bool,
    /// The index of another separator in the same bucket; 0 for none.
    same_bucket: u8,
}

type Block = [u8x16; MAX_SEPARATOR / 16];

/// The separators learned so far.
#[derive(Debug)]
pub(super) struct KeyPredictor {
    separators: Vec<Separator>,
    /// The last separator of each column.
    by_column: [u8; MAX_COLUMNS],
    /// The last separator whose first bytes have this hash; 0 for none.
    by_start: [u8; BUCKETS],
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
            by_start: [0; BUCKETS],
            learned: if is_only { MAX_LEARNED } else { 0 },
        }
    }

    /// If the bytes at `at` match the separator predicted after `after`, or another that is known, returns the start of the value
    /// and that separator.
    #[inline]
    pub(super) fn predict(&self, body: &[u8], at: usize, after: KeyPosition) -> Option<(usize, &Separator)> {
        let window = body.get(at..)?.first_chunk::<MAX_SEPARATOR>()?;
        let next = self.separators.get(usize::from(after.0))?.next;
        let mut separator = self.separators.get(usize::from(next))?;
        if next == 0 || !separator.matches(block(window)) {
            separator = self.find(window, after)?;
        }
        // This record may have more whitespace.
        Some((whitespace(body, at + usize::from(separator.length)), separator))
    }

    /// A known separator at the start of `window`.
    #[inline(never)]
    fn find(&self, window: &[u8; MAX_SEPARATOR], after: KeyPosition) -> Option<&Separator> {
        if window[0] == b'}' {
            return None;
        }
        let mut index = *self.by_start.get(bucket(window)?)?;
        for _ in 0..MAX_COMPARED {
            let separator = self.separators.get(usize::from(index)).filter(|_| index != 0)?;
            if separator.is_first == (after == KeyPosition::START) && separator.matches(block(window)) {
                return Some(separator);
            }
            index = separator.same_bucket;
        }
        None
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
        let mut new = Separator::new(schema, bytes, column);
        let known =
            self.separators.iter().position(|separator| separator.length == new.length && separator.bytes == new.bytes);
        let index = match known {
            Some(index) => index,
            None if self.separators.len() < MAX_SEPARATORS => {
                let index = self.separators.len();
                new.position = u8::try_from(index).map_or(KeyPosition::UNKNOWN, KeyPosition);
                new.is_first = after == KeyPosition::START;
                if let Some(first) = bucket(bytes).and_then(|bucket| self.by_start.get_mut(bucket)) {
                    new.same_bucket = std::mem::replace(first, new.position.0);
                }
                self.separators.push(new);
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
    /// Whether these bytes begin with it.
    #[inline]
    fn matches(&self, [first, second]: Block) -> bool {
        (first & self.mask[0]) == self.bytes[0] && (self.length <= 16 || (second & self.mask[1]) == self.bytes[1])
    }

    /// Matches nothing.
    fn sentinel(position: KeyPosition) -> Self {
        let nothing = [u8x16::ZERO; 2];
        Self {
            bytes: nothing,
            mask: nothing,
            length: 0,
            column: None,
            text_slot: 0,
            position,
            next: 0,
            is_first: false,
            same_bucket: 0,
        }
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

/// The bucket of a separator by its first bytes. None: it is shorter.
#[inline]
fn bucket(bytes: &[u8]) -> Option<usize> {
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
    const MASK: u64 = (1 << (8 * START_LEN)) - 1;
    let mut start = [0; 8];
    match bytes.first_chunk::<8>() {
        Some(first) => start = *first,
        None => start[..bytes.len()].copy_from_slice(bytes),
    }
    let hash = (u64::from_le_bytes(start) & MASK).wrapping_mul(FACTOR) >> (u64::BITS - BUCKETS.ilog2());
    if bytes.len() < START_LEN { None } else { usize::try_from(hash).ok() }
}

#[inline]
fn block(bytes: &[u8; MAX_SEPARATOR]) -> Block {
    let half = |chunk: Option<&[u8; 16]>| u8x16::from(chunk.copied().unwrap_or_default());
    [half(bytes.first_chunk()), half(bytes.last_chunk())]
}

#[cfg(test)]
mod tests {
    use super::super::schemas::MEMBERS;
    use super::*;

    /// The separator known at the start of `text` after the one before, and how long it is.
    fn predicted(predictor: &KeyPredictor, text: &str, after: KeyPosition) -> Option<(usize, Option<u8>)> {
        let body = format!("{text}{}", " ".repeat(MAX_SEPARATOR));
        let found = predictor.predict(body.as_bytes(), 0, after);
        found.map(|(_, separator)| (usize::from(separator.length), separator.column))
    }

    /// Red when only the separator that followed last time is compared.
    #[test]
    fn known_keys_are_found_in_any_order() {
        let mut predictor = KeyPredictor::new(false);
        let first = predictor.learn(&MEMBERS, KeyPosition::START, b"\"id\":", Some(0));
        let second = predictor.learn(&MEMBERS, first, b",\"full_name\":", Some(1));
        let third = predictor.learn(&MEMBERS, second, b",\"full_time\":", None);
        for after in [first, second, third, KeyPosition::UNKNOWN] {
            assert_eq!(predicted(&predictor, ",\"full_name\":1", after), Some((13, Some(1))));
            assert_eq!(predicted(&predictor, ",\"full_time\":1", after), Some((13, None)), "begins alike");
            assert_eq!(predicted(&predictor, ",\"full_names\":1", after), None);
        }
        assert_eq!(predicted(&predictor, "\"id\":1", KeyPosition::START), Some((5, Some(0))));
    }

    /// Red when a separator is found by its bytes alone: one without a comma is accepted within a record.
    #[test]
    fn a_comma_is_neither_missing_nor_superfluous() {
        let mut predictor = KeyPredictor::new(false);
        let first = predictor.learn(&MEMBERS, KeyPosition::START, b"\"full_name\":", Some(1));
        let second = predictor.learn(&MEMBERS, first, b",\"email\":", Some(4));
        assert_eq!(predicted(&predictor, "\"full_name\":1", second), None);
        assert_eq!(predicted(&predictor, ",\"email\":1", KeyPosition::START), None);
    }
}
