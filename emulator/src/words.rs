//! Strings as numbers, for the filters of events.

use std::collections::HashMap;

/// Interned strings. `NONE` stands for null and for a string that no event has.
#[derive(Debug, Default)]
pub(crate) struct Words(HashMap<String, u32>);

pub(crate) const NONE: u32 = u32::MAX;

impl Words {
    pub(crate) fn with<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        let mut list = Self::default();
        for word in words {
            list.number(word);
        }
        list
    }

    pub(crate) fn number(&mut self, word: &str) -> u32 {
        if let Some(number) = self.0.get(word) {
            return *number;
        }
        let number = u32::try_from(self.0.len()).unwrap_or(NONE);
        self.0.insert(word.to_owned(), number);
        number
    }

    pub(crate) fn optional(&mut self, word: Option<&str>) -> u32 {
        word.map_or(NONE, |word| self.number(word))
    }

    pub(crate) fn find(&self, word: &str) -> Option<u32> {
        self.0.get(word).copied()
    }
}

/// A filter by interned strings: `None` matches everything, an empty list nothing.
pub(crate) struct Wanted(Option<Vec<u32>>);

impl Wanted {
    pub(crate) fn new(words: &Words, wanted: Option<&[String]>) -> Self {
        Self(wanted.map(|wanted| wanted.iter().filter_map(|word| words.find(word)).collect()))
    }

    pub(crate) fn has(&self, number: u32) -> bool {
        self.0.as_ref().is_none_or(|wanted| wanted.contains(&number))
    }
}
