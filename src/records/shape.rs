//! The keys as the server writes them, learnt from the records themselves.
//!
//! Records of one answer have their keys in the same order and with the same whitespace, including the keys that the
//! library does not know. So everything between two values is the same bytes again, and comparing them at once replaces
//! reading them. A record that deviates is read in the ordinary way, and what it has is learnt too.

use super::scan::whitespace;

/// Only separators up to this length are learnt.
pub(super) const LONGEST: usize = 32;
/// Only so many separators are learnt: a body must not make the decoder spend its time on searching them.
const MOST: usize = 64;
const WORDS: usize = LONGEST / 8;

/// The bytes between two values, from after one value to the beginning of the next: `, "email": `.
#[derive(Debug)]
struct Separator {
    bytes: [u64; WORDS],
    /// Which of the bytes count.
    mask: [u64; WORDS],
    length: u8,
    /// The column that the key belongs to, if the library knows it.
    column: Option<u8>,
    /// The separator that followed last time.
    next: u8,
}

/// The separators seen so far.
#[derive(Debug)]
pub(super) struct Shape {
    separators: Vec<Separator>,
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
    pub(super) fn new() -> Self {
        // For the two places that no separator leads to. That they have one each is what keeps a separator with a
        // comma from ever being looked for at the beginning of a record.
        let places = [After::START, After::UNKNOWN];
        Self { separators: places.map(|_| Separator::new(b"", None)).into() }
    }

    /// If what stands at `at` is what usually comes after `after`: where the value begins, the column, the new place.
    #[inline]
    pub(super) fn follow(&self, body: &[u8], at: usize, after: After) -> Option<(usize, Option<usize>, After)> {
        let next = self.separators.get(usize::from(after.0))?.next;
        let separator = self.separators.get(usize::from(next))?;
        let window = body.get(at..)?.first_chunk::<LONGEST>()?;
        let mut difference = 0;
        let (words, _) = window.as_chunks::<8>();
        for ((word, mask), bytes) in words.iter().zip(separator.mask).zip(separator.bytes) {
            difference |= u64::from_le_bytes(*word) & mask ^ bytes;
        }
        if difference != 0 || next == 0 {
            return None;
        }
        let column = separator.column.map(usize::from);
        // There may be more whitespace this time.
        let value = whitespace(body, at + usize::from(separator.length));
        Some((value, column, After(next)))
    }

    /// Remembers that `bytes`, which lead to a value of `column`, came after `after`; gives the new place.
    pub(super) fn learn(&mut self, after: After, bytes: &[u8], column: Option<usize>) -> After {
        if bytes.len() > LONGEST {
            return After::UNKNOWN;
        }
        let new = Separator::new(bytes, column);
        let known =
            self.separators.iter().position(|separator| separator.length == new.length && separator.bytes == new.bytes);
        let index = match known {
            Some(index) => index,
            None if self.separators.len() < MOST => {
                self.separators.push(new);
                self.separators.len() - 1
            }
            None => return After::UNKNOWN,
        };
        let Ok(index) = u8::try_from(index) else {
            return After::UNKNOWN;
        };
        if let Some(before) = self.separators.get_mut(usize::from(after.0)) {
            before.next = index;
        }
        After(index)
    }
}

impl Separator {
    fn new(text: &[u8], column: Option<usize>) -> Self {
        let mut padded = [0; LONGEST];
        let mut mask = [0; LONGEST];
        for ((byte, place), counts) in text.iter().zip(&mut padded).zip(&mut mask) {
            (*place, *counts) = (*byte, 0xFF);
        }
        let words = |bytes: [u8; LONGEST]| {
            let (words, _) = bytes.as_chunks::<8>();
            std::array::from_fn(|index| u64::from_le_bytes(words[index]))
        };
        Self {
            bytes: words(padded),
            mask: words(mask),
            length: u8::try_from(text.len()).unwrap_or(0),
            column: column.and_then(|column| u8::try_from(column).ok()),
            next: 0,
        }
    }
}
