//! Whether the list has the newest or the oldest events first. Not documented, so it is inferred from the answers.

/// How far events may be out of order, and how late they may appear, in microseconds: a server that sorts by storage
/// time lists them slightly out of the order of their creation times.
pub(super) const OVERLAP: i64 = 10_000_000;

/// The order of the server's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// No evidence yet, or contradictory evidence.
    Unknown,
    OldestFirst,
    NewestFirst,
}

/// So many steps in one direction and none in the other are conclusive.
const MIN_STEPS: u32 = 8;

/// What the pages have shown so far. Only events within a page are compared: between two pages, the list may have
/// shifted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Evidence {
    /// The most by which an event was newer than one before it, and how often one was newer than its predecessor.
    rise: i64,
    rises: u32,
    /// The same for older.
    fall: i64,
    falls: u32,
}

impl Evidence {
    /// Adds the times of a page.
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
            (0, _) if self.falls >= MIN_STEPS => Order::NewestFirst,
            (_, 0) if self.rises >= MIN_STEPS => Order::OldestFirst,
            _ => Order::Unknown,
        }
    }

    /// Whether no event was out of order.
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
    fn times_on_different_pages_are_not_compared() {
        assert_eq!(order(&[&[5], &[6], &[7]]), Order::Unknown);
        assert_eq!(order(&[&[5], &[6 + OVERLAP], &[7 + 2 * OVERLAP]]), Order::Unknown);
        assert_eq!(order(&[&[5 + OVERLAP, 4], &[9 + OVERLAP, 8]]), Order::NewestFirst);
    }

    #[test]
    fn disorder_up_to_the_overlap_is_tolerated() {
        assert_eq!(order(&[&[0, 3, 2, OVERLAP * 5]]), Order::OldestFirst);
        assert_eq!(order(&[&[OVERLAP * 5, 1, 3, 0]]), Order::NewestFirst);
        assert_eq!(order(&[&[0, OVERLAP * 5], &[OVERLAP * 5, 0]]), Order::Unknown);
        assert_eq!(order(&[&[0, 2, 1]]), Order::Unknown);
    }

    #[test]
    fn enough_small_steps_in_one_direction_are_an_order() {
        assert_eq!(order(&[&[9, 8, 7, 6, 5, 4, 3, 2, 1]]), Order::NewestFirst);
        assert_eq!(order(&[&[1, 2, 3, 4, 5], &[5, 6, 7, 8, 9]]), Order::OldestFirst);
        assert_eq!(order(&[&[8, 7, 6, 5, 4, 3, 2, 1]]), Order::Unknown);
        assert_eq!(order(&[&[9, 8, 7, 6, 5, 4, 3, 2, 1], &[1, 2]]), Order::Unknown);
    }
}
