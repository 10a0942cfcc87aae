//! The ids that are remembered: of what was given, and of what was passed over on the way.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// How many are remembered besides those that have to be, unless a page is half as large.
const WINDOW: usize = 10_000;

/// Ids in the order in which they were first seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    entries: HashMap<Arc<str>, Entry>,
    queue: VecDeque<Arc<str>>,
    pass: u64,
    next: u64,
    largest_page: usize,
}

#[derive(Debug)]
struct Entry {
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
        if let Some(entry) = self.entries.get_mut(id) {
            let again = entry.pass == self.pass;
            entry.pass = self.pass;
            return if again { Sight::Again } else { Sight::Known };
        }
        let id: Arc<str> = id.into();
        self.entries.insert(Arc::clone(&id), Entry { at, pass: self.pass, number: self.next });
        self.queue.push_back(id);
        self.next += 1;
        Sight::New
    }

    /// Whether this pass has seen an id.
    pub(super) fn is_of_this_pass(&self, id: &str) -> bool {
        self.entries.get(id).is_some_and(|entry| entry.pass == self.pass)
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
            let Some(id) = self.queue.pop_front() else { break };
            if self.entries.get(&id).is_some_and(|entry| keep(entry.at)) {
                self.queue.push_back(id);
            } else {
                self.entries.remove(&id);
                forgot = true;
            }
        }
        forgot
    }

    /// All of them that `wanted` wants, in the order in which they were first seen.
    pub(super) fn remembered(&self, wanted: impl Fn(Option<i64>) -> bool) -> Vec<(Option<i64>, &str)> {
        let entries = self.entries.iter().filter(|(_, entry)| wanted(entry.at));
        let mut found: Vec<_> = entries.map(|(id, entry)| (entry.number, entry.at, &**id)).collect();
        found.sort_unstable_by_key(|(number, ..)| *number);
        found.into_iter().map(|(_, at, id)| (at, id)).collect()
    }

    /// How many events the largest page had.
    pub(super) fn largest_page(&self) -> usize {
        self.largest_page
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
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
