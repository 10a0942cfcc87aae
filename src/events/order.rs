//! Newest first or oldest first: nothing documents it, so it is read off the answers.

/// How far events may be out of order, and how late they may appear: a server that lists them as they were stored lists them a
/// little out of the order in which they were made. Microseconds.
pub(super) const OVERLAP: i64 = 10_000_000;

/// The order of the server's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// There is no sign of any yet, or there are signs of both.
    Unknown,
    OldestFirst,
    NewestFirst,
}

/// So many steps one way and none the other way are no accident.
const STEPS: u32 = 8;

/// What the pages showed so far. Only neighbours within one page count: between two pages the list may have moved.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Evidence {
    /// By how much an event was newer than one before it, at most, and how often it was newer than the one just before it.
    rise: i64,
    rises: u32,
    /// The same for older.
    fall: i64,
    falls: u32,
}

impl Evidence {
    /// Looks at the times of a page.
    pub(super) fn observe(&mut self, times: impl Iterator<Item = i64>) {
        let mut before: Option<(i64, i64, i64)> = None;
        for at in times {
            let (oldest, newest, last) = before.unwrap_or((at, at, at));
            self.rise = self.rise.max(at.saturating_sub(oldest));
            self.fall = self.fall.max(newest.saturating_sub(at));
            self.rises = self.rises.saturating_add(u32::from(at > last));
            self.falls = self.falls.saturating_add(u32::from(at < last));
            before = Some((oldest.min(at), newest.max(at), at));
        }
    }

    pub(super) fn order(self) -> Order {
        match (self.rise, self.fall) {
            (rise, fall) if rise <= OVERLAP && fall > OVERLAP => Order::NewestFirst,
            (rise, fall) if fall <= OVERLAP && rise > OVERLAP => Order::OldestFirst,
            (0, _) if self.falls >= STEPS => Order::NewestFirst,
            (_, 0) if self.rises >= STEPS => Order::OldestFirst,
            _ => Order::Unknown,
        }
    }

    /// Whether no event was out of order at all.
    pub(super) fn is_strict(self) -> bool {
        self.rise == 0 || self.fall == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(pages: &[&[i64]]) -> Order {
        let mut evidence = Evidence::default();
        for page in pages {
            evidence.observe(page.iter().copied());
        }
        evidence.order()
    }

    #[test]
    fn one_distinct_time_shows_no_order() {
        assert_eq!(order(&[&[], &[5], &[5, 5]]), Order::Unknown);
    }

    #[test]
    fn a_step_between_pages_is_no_evidence() {
        assert_eq!(order(&[&[5], &[6], &[7]]), Order::Unknown);
        assert_eq!(order(&[&[5], &[6 + OVERLAP], &[7 + 2 * OVERLAP]]), Order::Unknown);
        assert_eq!(order(&[&[5 + OVERLAP, 4], &[9 + OVERLAP, 8]]), Order::NewestFirst);
    }

    #[test]
    fn a_little_disorder_is_forgiven_and_much_is_not() {
        assert_eq!(order(&[&[0, 3, 2, OVERLAP * 5]]), Order::OldestFirst);
        assert_eq!(order(&[&[OVERLAP * 5, 1, 3, 0]]), Order::NewestFirst);
        assert_eq!(order(&[&[0, OVERLAP * 5], &[OVERLAP * 5, 0]]), Order::Unknown);
        assert_eq!(order(&[&[0, 2, 1]]), Order::Unknown);
    }

    #[test]
    fn many_small_steps_one_way_are_an_order_and_few_are_not() {
        assert_eq!(order(&[&[9, 8, 7, 6, 5, 4, 3, 2, 1]]), Order::NewestFirst);
        assert_eq!(order(&[&[1, 2, 3, 4, 5], &[5, 6, 7, 8, 9]]), Order::OldestFirst);
        assert_eq!(order(&[&[8, 7, 6, 5, 4, 3, 2, 1]]), Order::Unknown);
        assert_eq!(order(&[&[9, 8, 7, 6, 5, 4, 3, 2, 1], &[1, 2]]), Order::Unknown);
    }
}
