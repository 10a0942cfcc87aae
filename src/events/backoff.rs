//! How long to wait before asking again for what is new.

use std::time::{Duration, Instant};

const MIN: Duration = Duration::from_secs(1);
const MAX: Duration = Duration::from_secs(30);

/// From the shortest wait to the longest, doubling while nothing comes.
#[derive(Debug)]
pub(super) struct Backoff {
    min: Duration,
    max: Duration,
    /// The wait before the next round, and its end; none: it has not begun.
    current: Duration,
    until: Option<Instant>,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { min: MIN, max: MAX, current: MIN, until: None }
    }
}

impl Backoff {
    /// Sets the shortest and the longest wait, from the next wait on. None: the default.
    pub(super) fn set(&mut self, min: Option<Duration>, max: Option<Duration>) {
        self.min = min.unwrap_or(MIN.min(max.unwrap_or(MIN)));
        self.max = max.unwrap_or(MAX.max(self.min)).max(self.min);
        self.current = self.current.clamp(self.min, self.max);
        self.until = self.until.map(|until| until.min(Instant::now() + self.current));
    }

    /// Something came: the next wait is the shortest.
    pub(super) fn reset(&mut self) {
        self.current = self.min;
    }

    /// When the wait ends, which begins now if it has not.
    pub(super) fn until(&mut self) -> Instant {
        let wait = self.current;
        let longer = (self.current * 2).min(self.max);
        *self.until.get_or_insert_with(|| {
            self.current = longer;
            Instant::now() + wait
        })
    }

    /// The wait is over.
    pub(super) fn end(&mut self) {
        self.until = None;
    }

    pub(super) fn is_under_way(&self) -> bool {
        self.until.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_to_its_longest_and_begins_again_when_something_came() {
        let mut backoff = Backoff::default();
        let mut waits = Vec::new();
        for _ in 0..7 {
            waits.push(backoff.current.as_secs());
            backoff.until();
            backoff.end();
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30]);
        backoff.reset();
        assert_eq!(backoff.current, MIN);
    }

    #[test]
    fn a_single_limit_moves_the_other_one_out_of_its_way() {
        let mut backoff = Backoff::default();
        backoff.set(Some(Duration::from_mins(1)), None);
        assert_eq!((backoff.min, backoff.max), (Duration::from_mins(1), Duration::from_mins(1)));
        backoff.set(None, Some(Duration::from_millis(10)));
        assert_eq!((backoff.min, backoff.max), (Duration::from_millis(10), Duration::from_millis(10)));
    }
}
