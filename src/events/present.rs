//! Finds the newest event of an oldest-first list in a few requests, however long it is.
//!
//! The clock and the density of the events are only used to guess where it might be.

/// After so many jumps, each one goes twice as far, but no further than half way to where the list is empty.
const MAX_GUESSES: u32 = 5;
/// After so many jumps, the rest of the list is read page by page.
const MAX_JUMPS: u32 = 40;
/// The end of the list is confirmed by another request, unless a short search has needed so many.
const MAX_REQUESTS: u32 = 7;

/// The jump back to events that may not have been seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Back {
    #[default]
    None,
    /// The last jump.
    Last,
    Done,
}

/// A search by date for the newest event.
#[derive(Debug, Default)]
pub(super) struct Search {
    jumps: u32,
    requests: u32,
    /// The last event seen before a jump.
    jumped_from: Option<i64>,
    /// The number of events on a full page, once it is known.
    page: Option<usize>,
    longest: usize,
    /// The last page seemed to be the last one of the list.
    seemed_last: bool,
    has_read_on: bool,
    /// There are no events after this time.
    empty_after: Option<i64>,
    target: i64,
    /// All events after this time were seen. None: all events.
    start: Option<i64>,
    back: Back,
}

impl Search {
    /// The time to jump to from the last event seen. None: read on from there.
    ///
    /// `spacing`: microseconds between events. `page`: the number of events on a page.
    pub(super) fn next(&mut self, last: i64, spacing: i64, page: usize, now: i64) -> Option<i64> {
        self.requests += 1;
        if self.jumped_from.take() >= Some(last) && self.start == Some(self.target) {
            // The server rounds dates: it has returned events from before the time jumped to.
            self.jumps = MAX_JUMPS;
        }
        let page = spacing.saturating_mul(i64::try_from(page).unwrap_or(i64::MAX)).max(1);
        let gap = self.empty_after.map_or(i64::MAX, |end| end.saturating_sub(last));
        if gap <= page || self.jumps >= MAX_JUMPS || self.back != Back::None {
            return None;
        }
        if self.empty_after.is_some() && !self.has_read_on {
            // The whole list may be short.
            self.has_read_on = true;
            return None;
        }
        let target = if self.jumps >= MAX_GUESSES {
            let doublings = self.jumps - MAX_GUESSES;
            if doublings == 0 {
                self.jumps += 1;
                return None;
            }
            last.saturating_add(page.saturating_mul(1 << doublings).min(gap / 2))
        } else if self.empty_after.is_some() {
            // Between "close to the last event seen" and "close to the end", in terms of magnitude.
            last.saturating_add(geometric_mean(page / 2, gap))
        } else {
            last.saturating_add(page.saturating_mul(2)).max(now.saturating_sub(page / 2))
        };
        self.jumps += 1;
        self.jumped_from = Some(last);
        Some(self.jump_to(target))
    }

    /// Whether a page of this many events is the last one. `full`: so many were requested, and the server may return fewer.
    pub(super) fn is_last(&mut self, len: usize, full: usize) -> bool {
        self.longest = self.longest.max(len);
        if std::mem::take(&mut self.seemed_last) {
            // Others have followed it.
            self.page = Some(self.longest);
        }
        self.seemed_last = len < self.page.map_or(full, |page| page.min(full));
        self.seemed_last
    }

    /// The number of events on a full page, once it is known.
    pub(super) fn page(&self) -> Option<usize> {
        self.page
    }

    /// Whether to confirm the end of the list: a server may hide some events of a page.
    pub(super) fn may_confirm(&self) -> bool {
        self.requests < MAX_REQUESTS || self.jumps > MAX_GUESSES + 1
    }

    pub(super) fn jump_to(&mut self, target: i64) -> i64 {
        self.target = target;
        if self.back == Back::Last {
            self.back = Back::Done;
        }
        self.seemed_last = false;
        target
    }

    /// There was nothing after the time jumped to.
    pub(super) fn overshot(&mut self) {
        self.empty_after = Some(self.target);
    }

    /// There were events. Returns whether those before them were skipped.
    pub(super) fn landed(&mut self) -> bool {
        self.start = Some(self.target);
        self.back != Back::Last
    }

    /// Jumps back to this time, once, if events after it may not have been seen.
    pub(super) fn jump_back(&mut self, target: i64) -> Option<i64> {
        let must = self.back == Back::None && self.start.is_some_and(|start| start > target);
        must.then(|| {
            let target = self.jump_to(target);
            self.back = Back::Last;
            target
        })
    }
}

fn geometric_mean(a: i64, b: i64) -> i64 {
    let product = i128::from(a.max(1)) * i128::from(b.max(1));
    i64::try_from(product.isqrt()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The requests to reach the end of a list of `events` events, one in a minute, whose newest is `age` old.
    fn requests(events: i64, age: i64) -> i64 {
        const MINUTE: i64 = 60_000_000;
        let (newest, page) = (events * MINUTE, 1_000);
        let mut search = Search::default();
        let (mut last, mut requests) = (100 * MINUTE, 1);
        loop {
            requests += 1;
            let start = match search.next(last, MINUTE, page, newest + age) {
                Some(target) if target >= newest => {
                    search.overshot();
                    continue;
                }
                Some(target) => target.max(0),
                None => last,
            };
            last = (start + 1_000 * MINUTE).min(newest);
            if newest - start < 1_000 * MINUTE {
                return requests + i64::from(search.may_confirm());
            }
        }
    }

    #[test]
    fn the_newest_event_is_found_in_eight_requests() {
        for events in [300, 1_000, 3_000, 5_000, 12_000] {
            for hours in [-1, 0, 1, 24, 30 * 24, 365 * 24, 3_650 * 24] {
                let found = requests(events, hours * 3_600_000_000);
                assert!(found <= 8, "{events} events, {hours} hours old: {found}");
            }
        }
    }
}
