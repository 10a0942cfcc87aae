//! The ids that are remembered: of what was given, and of what was passed over on the way.

use std::collections::VecDeque;
use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

/// How many are remembered besides those that have to be, unless a page is half as large.
const WINDOW: usize = 10_000;

/// Ids in the order in which they were first seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Each stands at a place that counts on from the first one that there ever was.
    queue: VecDeque<Entry>,
    /// The place of the first one that is still there.
    first: u64,
    /// The places by the ids' hashes.
    places: HashTable<u64>,
    hasher: DefaultHashBuilder,
    pass: u64,
    next: u64,
    largest_page: usize,
    /// The memory of ids that were forgotten, for those that come: as many come with a page as are forgotten after it.
    spare: Vec<String>,
}

#[derive(Debug)]
struct Entry {
    id: String,
    hash: u64,
    at: Option<i64>,
    /// In which pass it was last seen.
    pass: u64,
    number: u64,
}

/// What is known of an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sight {
    /// Not remembered.
    New,
    /// Remembered, but not from this pass.
    Known,
    /// This pass has seen it already.
    Again,
}

impl Seen {
    /// A new pass over the list begins.
    pub(super) fn begin_pass(&mut self) {
        self.pass += 1;
    }

    /// Looks an id up, and remembers it.
    pub(super) fn see(&mut self, id: &str, at: Option<i64>) -> Sight {
        let hash = self.hasher.hash_one(id);
        if let Some(index) = self.find(hash, id) {
            let entry = &mut self.queue[index];
            let again = entry.pass == self.pass;
            entry.pass = self.pass;
            return if again { Sight::Again } else { Sight::Known };
        }
        let mut kept = self.spare.pop().unwrap_or_default();
        kept.clear();
        kept.push_str(id);
        self.put(Entry { id: kept, hash, at, pass: self.pass, number: self.next });
        self.next += 1;
        Sight::New
    }

    /// Whether this pass has seen an id.
    pub(super) fn is_of_this_pass(&self, id: &str) -> bool {
        self.find(self.hasher.hash_one(id), id).is_some_and(|index| self.queue[index].pass == self.pass)
    }

    fn find(&self, hash: u64, id: &str) -> Option<usize> {
        let index = |place: &u64| index(*place, self.first);
        self.places.find(hash, |place| self.queue[index(place)].id == id).map(index)
    }

    /// Adds one at the end.
    fn put(&mut self, entry: Entry) {
        let place = self.first + self.queue.len() as u64;
        let hash = entry.hash;
        self.queue.push_back(entry);
        let (queue, first) = (&self.queue, self.first);
        self.places.insert_unique(hash, place, |place| queue[index(*place, first)].hash);
    }

    /// Takes the first one out.
    fn pop(&mut self) -> Option<Entry> {
        let entry = self.queue.pop_front()?;
        if let Ok(place) = self.places.find_entry(entry.hash, |place| *place == self.first) {
            place.remove();
        }
        self.first += 1;
        Some(entry)
    }

    /// Forgets the oldest when there are too many, but none that `keep` wants. Says whether something was forgotten.
    ///
    /// A call looks at few more than the page brought, so that many that are kept do not cost every page a walk over all.
    pub(super) fn forget(&mut self, page: usize, keep: impl Fn(Option<i64>) -> bool) -> bool {
        self.largest_page = self.largest_page.max(page);
        let most = WINDOW.max(2 * self.largest_page);
        let mut forgot = false;
        for _ in 0..2 * page {
            if self.queue.len() <= most {
                break;
            }
            let Some(entry) = self.pop() else { break };
            if keep(entry.at) {
                self.put(entry);
            } else {
                forgot = true;
                if self.spare.len() < page {
                    self.spare.push(entry.id);
                }
            }
        }
        forgot
    }

    /// All of them that `wanted` wants, in the order in which they were first seen.
    pub(super) fn remembered(&self, wanted: impl Fn(Option<i64>) -> bool) -> Vec<(Option<i64>, &str)> {
        let mut found: Vec<_> = self.queue.iter().filter(|entry| wanted(entry.at)).collect();
        found.sort_unstable_by_key(|entry| entry.number);
        found.into_iter().map(|entry| (entry.at, &*entry.id)).collect()
    }

    /// How many events the largest page had.
    pub(super) fn largest_page(&self) -> usize {
        self.largest_page
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }
}

fn index(place: u64, first: u64) -> usize {
    // No larger than the queue is long.
    usize::try_from(place - first).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_new_once_and_again_within_a_pass() {
        let mut seen = Seen::default();
        assert_eq!(seen.see("a", None), Sight::New);
        assert_eq!(seen.see("a", None), Sight::Again);
        seen.begin_pass();
        assert_eq!(seen.see("a", None), Sight::Known);
        assert_eq!(seen.see("a", None), Sight::Again);
    }

    #[test]
    fn the_oldest_are_forgotten_but_not_those_that_are_kept() {
        let mut seen = Seen::default();
        for number in 0..i64::try_from(WINDOW).expect("small") + 300 {
            seen.see(&number.to_string(), Some(number));
            seen.forget(1, |at| at < Some(100));
        }
        assert_eq!(seen.len(), WINDOW);
        assert_eq!(seen.see("50", None), Sight::Again);
        assert_eq!(seen.see("250", None), Sight::New);
        assert_eq!(seen.see("10200", None), Sight::Again);
    }

    #[test]
    fn what_has_to_be_kept_is_kept_beyond_the_window() {
        let mut seen = Seen::default();
        for number in 0..2 * WINDOW {
            seen.see(&number.to_string(), Some(0));
            assert!(!seen.forget(1, |at| at == Some(0)));
        }
        assert_eq!(seen.len(), 2 * WINDOW);
    }
}
