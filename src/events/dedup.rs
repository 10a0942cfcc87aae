//! Deduplication by ID: which events were seen before.

use std::collections::VecDeque;
use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

/// Evictable IDs are kept up to this number, or twice the largest page if that is more.
const WINDOW: usize = 10_000;

/// IDs in the order in which they were first seen.
#[derive(Debug, Default)]
pub(super) struct SeenIds {
    /// Entry `i` has the place `first + i`. Places are never reused.
    queue: VecDeque<Entry>,
    /// The place of the first entry.
    first: u64,
    /// The places by the hash of the ID.
    places: HashTable<u64>,
    hasher: DefaultHashBuilder,
    pass: u64,
    next_number: u64,
    largest_page: usize,
    /// Allocations of evicted IDs, for reuse.
    spare: Vec<String>,
}

#[derive(Debug)]
struct Entry {
    id: String,
    hash: u64,
    at: Option<i64>,
    /// The last pass in which the ID was seen.
    pass: u64,
    /// The position in the order in which IDs were first seen.
    number: u64,
}

/// The result of looking an ID up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lookup {
    New,
    /// Seen in an earlier pass.
    SeenBefore,
    /// Seen in this pass.
    SeenThisPass,
}

impl SeenIds {
    /// Starts a new pass over the list.
    pub(super) fn begin_pass(&mut self) {
        self.pass += 1;
    }

    /// Looks an ID up and inserts it.
    pub(super) fn insert(&mut self, id: &str, at: Option<i64>) -> Lookup {
        let hash = self.hasher.hash_one(id);
        if let Some(index) = self.find(hash, id) {
            let entry = &mut self.queue[index];
            let this_pass = entry.pass == self.pass;
            entry.pass = self.pass;
            return if this_pass { Lookup::SeenThisPass } else { Lookup::SeenBefore };
        }
        let mut owned = self.spare.pop().unwrap_or_default();
        owned.clear();
        owned.push_str(id);
        self.push(Entry { id: owned, hash, at, pass: self.pass, number: self.next_number });
        self.next_number += 1;
        Lookup::New
    }

    /// Whether an ID was seen in this pass.
    pub(super) fn is_seen_this_pass(&self, id: &str) -> bool {
        self.find(self.hasher.hash_one(id), id).is_some_and(|index| self.queue[index].pass == self.pass)
    }

    fn find(&self, hash: u64, id: &str) -> Option<usize> {
        let index = |place: &u64| index(*place, self.first);
        self.places.find(hash, |place| self.queue[index(place)].id == id).map(index)
    }

    fn push(&mut self, entry: Entry) {
        let place = self.first + self.queue.len() as u64;
        let hash = entry.hash;
        self.queue.push_back(entry);
        let (queue, first) = (&self.queue, self.first);
        self.places.insert_unique(hash, place, |place| queue[index(*place, first)].hash);
    }

    fn pop(&mut self) -> Option<Entry> {
        let entry = self.queue.pop_front()?;
        if let Ok(place) = self.places.find_entry(entry.hash, |place| *place == self.first) {
            place.remove();
        }
        self.first += 1;
        Some(entry)
    }

    /// Evicts the oldest IDs if there are too many, except those that `keep` selects. Returns whether any was evicted.
    ///
    /// Looks at no more than twice as many entries as the page had, so that the cost does not grow with the entries kept.
    pub(super) fn evict(&mut self, page: usize, keep: impl Fn(Option<i64>) -> bool) -> bool {
        self.largest_page = self.largest_page.max(page);
        let max = WINDOW.max(2 * self.largest_page);
        let mut evicted = false;
        for _ in 0..2 * page {
            if self.queue.len() <= max {
                break;
            }
            let Some(entry) = self.pop() else { break };
            if keep(entry.at) {
                self.push(entry);
            } else {
                evicted = true;
                if self.spare.len() < page {
                    self.spare.push(entry.id);
                }
            }
        }
        evicted
    }

    /// The IDs whose time `predicate` selects, in the order in which they were first seen.
    pub(super) fn select(&self, predicate: impl Fn(Option<i64>) -> bool) -> Vec<(Option<i64>, &str)> {
        let mut found: Vec<_> = self.queue.iter().filter(|entry| predicate(entry.at)).collect();
        found.sort_unstable_by_key(|entry| entry.number);
        found.into_iter().map(|entry| (entry.at, &*entry.id)).collect()
    }

    /// The number of events on the largest page.
    pub(super) fn largest_page(&self) -> usize {
        self.largest_page
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }
}

fn index(place: u64, first: u64) -> usize {
    // Less than the length of the queue.
    usize::try_from(place - first).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_new_once_and_repeats_are_told_apart_by_pass() {
        let mut seen = SeenIds::default();
        assert_eq!(seen.insert("a", None), Lookup::New);
        assert_eq!(seen.insert("a", None), Lookup::SeenThisPass);
        seen.begin_pass();
        assert_eq!(seen.insert("a", None), Lookup::SeenBefore);
        assert_eq!(seen.insert("a", None), Lookup::SeenThisPass);
    }

    #[test]
    fn the_oldest_ids_are_evicted_except_those_to_keep() {
        let mut seen = SeenIds::default();
        for number in 0..i64::try_from(WINDOW).expect("small") + 300 {
            seen.insert(&number.to_string(), Some(number));
            seen.evict(1, |at| at < Some(100));
        }
        assert_eq!(seen.len(), WINDOW);
        assert_eq!(seen.insert("50", None), Lookup::SeenThisPass);
        assert_eq!(seen.insert("250", None), Lookup::New);
        assert_eq!(seen.insert("10200", None), Lookup::SeenThisPass);
    }

    #[test]
    fn ids_to_keep_are_kept_beyond_the_window() {
        let mut seen = SeenIds::default();
        for number in 0..2 * WINDOW {
            seen.insert(&number.to_string(), Some(0));
            assert!(!seen.evict(1, |at| at == Some(0)));
        }
        assert_eq!(seen.len(), 2 * WINDOW);
    }
}
