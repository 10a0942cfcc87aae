//! Whether the list has the newest or the oldest events first. Not documented, so it is inferred from the answers.

/// How far events may be out of order, and how late they may appear, in microseconds: a server that sorts by storage
/// time lists them slightly out of the order of their creation times.
pub(super) const OVERLAP: i64 = 10_000_000;

/// The order of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    OldestFirst,
    NewestFirst,
}

impl Order {
    /// A number that grows along the list. Its own inverse.
    pub(super) fn depth(self, at: i64) -> i64 {
        match self {
            Self::OldestFirst => at,
            // Unlike `-at`, defined for every number.
            Self::NewestFirst => !at,
        }
    }
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

    /// The order that agrees with everything seen. None: no two events differ, or they are in no order of time.
    pub(super) fn order(self) -> Option<Order> {
        match (self.rise, self.fall) {
            (0, 0) => None,
            (0, _) => Some(Order::NewestFirst),
            (_, 0) => Some(Order::OldestFirst),
            (rise, fall) if rise <= OVERLAP && fall > OVERLAP => Some(Order::NewestFirst),
            (rise, fall) if fall <= OVERLAP && rise > OVERLAP => Some(Order::OldestFirst),
            _ => None,
        }
    }

    /// Whether events were both newer and older than others before them by more than is tolerated.
    pub(super) fn is_unordered(self) -> bool {
        self.rise > OVERLAP && self.fall > OVERLAP
    }

    /// Whether there were enough steps to exclude a coincidence.
    pub(super) fn is_strong(self) -> bool {
        self.order().is_some() && self.rises.max(self.falls) >= MIN_STEPS
    }

    /// Whether it is more than a few events that appeared late can feign.
    pub(super) fn is_conclusive(self) -> bool {
        self.is_strong() || self.order().is_some() && self.rise.max(self.fall) > OVERLAP
    }

    /// The most by which an event was out of order.
    pub(super) fn disorder(self) -> i64 {
        self.rise.min(self.fall).min(OVERLAP)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(pages: &[&[i64]]) -> Evidence {
        let mut evidence = Evidence::default();
        for page in pages {
            evidence.observe(page.iter().copied());
        }
        evidence
    }

    fn order(pages: &[&[i64]]) -> Option<Order> {
        evidence(pages).order()
    }

    #[test]
    fn one_distinct_time_shows_no_order() {
        assert_eq!(order(&[&[], &[5], &[5, 5]]), None);
    }

    #[test]
    fn times_on_different_pages_are_not_compared() {
        assert_eq!(order(&[&[5], &[6], &[7]]), None);
        assert_eq!(order(&[&[5 + OVERLAP, 4], &[9 + OVERLAP, 8]]), Some(Order::NewestFirst));
    }

    #[test]
    fn disorder_up_to_the_overlap_is_tolerated() {
        assert_eq!(order(&[&[0, 3, 2, OVERLAP * 5]]), Some(Order::OldestFirst));
        assert_eq!(evidence(&[&[0, 3, 2, OVERLAP * 5]]).disorder(), 1);
        assert_eq!(order(&[&[OVERLAP * 5, 1, 3, 0]]), Some(Order::NewestFirst));
        assert_eq!(order(&[&[0, OVERLAP * 5], &[OVERLAP * 5, 0]]), None);
        assert!(evidence(&[&[0, OVERLAP * 5], &[OVERLAP * 5, 0]]).is_unordered());
        assert_eq!(order(&[&[0, 2, 1]]), None);
    }

    #[test]
    fn enough_steps_in_one_direction_are_strong() {
        assert!(evidence(&[&[9, 8, 7, 6, 5, 4, 3, 2, 1]]).is_strong());
        assert!(evidence(&[&[1, 2, 3, 4, 5], &[5, 6, 7, 8, 9]]).is_strong());
        assert!(!evidence(&[&[8, 7, 6, 5, 4, 3, 2, 1]]).is_strong());
        assert!(!evidence(&[&[9, 8, 7, 6, 5, 4, 3, 2, 1], &[1, 2]]).is_strong());
    }
}
