//! Deduplication by ID: which events were seen before.
//!
//! An ID is kept as its 128-bit hash: IDs may be long, and there may be many. The hash is the same in every process, because
//! cursors contain it.

use std::hash::Hasher;

use hashbrown::{HashTable, hash_table};
use siphasher::sip128::{Hasher128, SipHasher13};

/// The hash of an ID.
pub(super) type Id = [u64; 2];

/// Above this number, IDs that are no longer needed are evicted.
const MAX_IDLE: usize = 50_000;
/// Above this number, all IDs are searched for those that are not covered.
const MAX_UNCOVERED: usize = 64 << 10;
/// No more IDs than this are kept: at most about 71 MB.
pub(super) const MAX_IDS: usize = 1_000_000;

pub(super) fn id_of(text: &[u8]) -> Id {
    let mut hasher = SipHasher13::new();
    hasher.write(text);
    let hash = hasher.finish128();
    [hash.h1, hash.h2]
}

/// The IDs that were seen, and when they were last seen.
#[derive(Debug, Default)]
pub(super) struct SeenIds {
    entries: HashTable<Entry>,
    /// The IDs outside of the coverage, and some in it, in the order in which they were first seen, with their times as in
    /// [`Entry::at`]. None of them is evicted.
    uncovered: Vec<(Id, i64)>,
    /// `uncovered` is not complete.
    has_more_uncovered: bool,
    pass: u32,
    next_number: u32,
    evict_above: usize,
    has_evicted: bool,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    id: Id,
    /// See [`time`].
    at: i64,
    /// The last pass in which the ID was seen.
    pass: u32,
    /// The position in the order in which IDs were first seen.
    number: u32,
}

/// `i64::MIN`: none.
fn time(at: i64) -> Option<i64> {
    (at != i64::MIN).then_some(at)
}

impl SeenIds {
    /// Starts a new pass over a list of pages. Returns its number.
    pub(super) fn begin_pass(&mut self) -> u32 {
        self.pass += 1;
        self.pass
    }

    /// The position of an ID in the order in which IDs were first seen. None: it is new.
    pub(super) fn number(&self, id: Id) -> Option<u32> {
        self.find(id).map(|entry| entry.number)
    }

    /// The position of the next new ID.
    pub(super) fn next_number(&self) -> u32 {
        self.next_number
    }

    /// The last pass in which an ID was seen. None: it is new.
    pub(super) fn last_pass(&self, id: Id) -> Option<u32> {
        self.find(id).map(|entry| entry.pass)
    }

    /// Marks an ID as seen in this pass. Returns whether it is new.
    pub(super) fn insert(&mut self, id: Id, at: Option<i64>) -> bool {
        let vacant = match self.entries.entry(id[0], |entry| entry.id == id, |entry| entry.id[0]) {
            hash_table::Entry::Occupied(mut known) => {
                known.get_mut().pass = self.pass;
                return false;
            }
            hash_table::Entry::Vacant(vacant) => vacant,
        };
        let entry = Entry { id, at: at.unwrap_or(i64::MIN), pass: self.pass, number: self.next_number };
        vacant.insert(entry);
        self.next_number = self.next_number.wrapping_add(1);
        if self.uncovered.len() < MAX_UNCOVERED {
            self.uncovered.push((id, entry.at));
        } else {
            self.has_more_uncovered = true;
        }
        true
    }

    fn find(&self, id: Id) -> Option<&Entry> {
        self.entries.find(id[0], |entry| entry.id == id)
    }

    /// With more than `MAX_IDLE` IDs, evicts those whose time `keep` does not select. It selects all that the last call of
    /// [`Self::cover`] did not.
    pub(super) fn evict(&mut self, keep: impl Fn(Option<i64>) -> bool) {
        if self.entries.len() <= MAX_IDLE.max(self.evict_above) {
            return;
        }
        let before = self.entries.len();
        self.entries.retain(|entry| keep(time(entry.at)));
        self.has_evicted |= self.entries.len() < before;
        // The next look at all of them is due when there are twice as many.
        self.evict_above = 2 * self.entries.len();
        self.entries.shrink_to(MAX_IDLE.max(self.evict_above), |entry| entry.id[0]);
    }

    /// From here on, evictions count.
    pub(super) fn reset_evicted(&mut self) {
        self.has_evicted = false;
    }

    /// Whether IDs were evicted, so that an event that was given may count as new.
    pub(super) fn has_evicted(&self) -> bool {
        self.has_evicted
    }

    pub(super) fn is_full(&self) -> bool {
        self.entries.len() > MAX_IDS
    }

    /// How many IDs have a time that `predicate` selects.
    pub(super) fn count(&self, predicate: impl Fn(Option<i64>) -> bool) -> usize {
        self.entries.iter().filter(|entry| predicate(time(entry.at))).count()
    }

    /// The coverage has grown.
    pub(super) fn cover(&mut self, is_covered: impl Fn(Option<i64>) -> bool) {
        if self.has_more_uncovered {
            let uncovered = self.search(|at| !is_covered(at));
            self.has_more_uncovered = uncovered.len() > MAX_UNCOVERED;
            let uncovered = uncovered.into_iter().map(|(at, id)| (id, at.unwrap_or(i64::MIN)));
            self.uncovered = uncovered.take(MAX_UNCOVERED).collect();
        } else {
            self.uncovered.retain(|(_, at)| !is_covered(time(*at)));
        }
    }

    /// The IDs whose time `is_covered` does not select, in the order in which they were first seen. It selects at least the times
    /// that it did in the last call of [`Self::cover`].
    pub(super) fn uncovered(&self, is_covered: impl Fn(Option<i64>) -> bool) -> Vec<(Option<i64>, Id)> {
        if self.has_more_uncovered {
            return self.search(|at| !is_covered(at));
        }
        let ids = self.uncovered.iter().map(|(id, at)| (time(*at), *id));
        ids.filter(|(at, _)| !is_covered(*at)).collect()
    }

    /// The IDs whose time `predicate` selects, in the order in which they were first seen.
    fn search(&self, predicate: impl Fn(Option<i64>) -> bool) -> Vec<(Option<i64>, Id)> {
        let mut found: Vec<_> = self.entries.iter().filter(|entry| predicate(time(entry.at))).collect();
        found.sort_unstable_by_key(|entry| entry.number);
        found.into_iter().map(|entry| (time(entry.at), entry.id)).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> Id {
        id_of(number.to_string().as_bytes())
    }

    #[test]
    fn an_id_is_new_once_and_knows_its_last_pass() {
        let mut seen = SeenIds::default();
        assert_eq!(seen.last_pass(id(1)), None);
        assert!(seen.insert(id(1), None));
        assert_eq!(seen.last_pass(id(1)), Some(0));
        let pass = seen.begin_pass();
        assert_eq!(seen.last_pass(id(1)), Some(0));
        assert!(!seen.insert(id(1), None));
        assert_eq!(seen.last_pass(id(1)), Some(pass));
    }

    /// Red when the hash depends on the process: cursors contain it.
    #[test]
    fn hashes_are_the_same_in_every_process() {
        assert_eq!(id_of(b"event-1"), [12_097_117_246_661_569_787, 8_026_379_928_114_180_011]);
        assert_ne!(id_of(b"a\0"), id_of("a\u{fffd}".as_bytes()));
    }

    #[test]
    fn ids_are_evicted_except_those_to_keep() {
        let mut seen = SeenIds::default();
        for number in 0..=MAX_IDLE {
            seen.insert(id(number), i64::try_from(number).ok());
            seen.cover(|at| at >= Some(100));
            seen.evict(|at| at < Some(100));
        }
        assert_eq!((seen.len(), seen.has_evicted()), (100, true));
        assert!(seen.number(id(50)).is_some() && seen.number(id(250)).is_none());
        assert_eq!(seen.uncovered(|_| false).len(), 100);
    }

    /// Red when what is covered stays in the list, and when IDs beyond its end are missing.
    #[test]
    fn the_ids_that_are_not_covered_are_known_without_a_search() {
        let mut seen = SeenIds::default();
        let times = |range: std::ops::Range<usize>| range.map(|at| i64::try_from(at).expect("small"));
        for (number, at) in (0..).zip(times(0..MAX_UNCOVERED + 10)) {
            seen.insert(id(number), Some(at));
        }
        seen.cover(|at| at < Some(5));
        assert_eq!(seen.uncovered(|at| at < Some(5)).len(), MAX_UNCOVERED + 5);
        for at in times(10_000..MAX_UNCOVERED + 10).step_by(10_000) {
            seen.cover(|at_of| at_of < Some(at));
            assert_eq!(seen.uncovered(|at_of| at_of < Some(at + 10)), seen.search(|at_of| at_of >= Some(at + 10)));
            assert!(
                !seen.has_more_uncovered
                    && seen.uncovered.len() == MAX_UNCOVERED + 10 - usize::try_from(at).expect("positive")
            );
        }
    }
}
