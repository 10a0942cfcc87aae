//! The wait between two polls for new events.

use std::time::{Duration, Instant};

use crate::retry::backoff;

const MIN: Duration = Duration::from_secs(1);
const MAX: Duration = Duration::from_secs(30);

/// Doubles from the minimum to the maximum while no events arrive.
#[derive(Debug)]
pub(super) struct Backoff {
    min: Duration,
    max: Duration,
    /// The length of the next wait.
    current: Duration,
    /// The end of the current wait, if one has started.
    deadline: Option<Instant>,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { min: MIN, max: MAX, current: MIN, deadline: None }
    }
}

impl Backoff {
    /// Sets the minimum and maximum wait, from the next wait on. None: the default.
    pub(super) fn set_limits(&mut self, min: Option<Duration>, max: Option<Duration>) {
        self.min = min.unwrap_or(MIN.min(max.unwrap_or(MIN)));
        self.max = max.unwrap_or(MAX.max(self.min)).max(self.min);
        self.current = self.current.clamp(self.min, self.max);
        self.deadline = self.deadline.map(|deadline| deadline.min(Instant::now() + self.current));
    }

    /// Resets the next wait to the minimum, after new events.
    pub(super) fn reset(&mut self) {
        self.current = self.min;
    }

    /// The end of the wait. Starts the wait if none is in progress.
    pub(super) fn deadline(&mut self) -> Instant {
        let wait = self.current;
        let doubled = backoff::doubled(self.current, 1, self.max);
        *self.deadline.get_or_insert_with(|| {
            self.current = doubled;
            Instant::now() + wait
        })
    }

    /// Ends the wait.
    pub(super) fn finish(&mut self) {
        self.deadline = None;
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.deadline.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_the_maximum_and_resets_after_new_events() {
        let mut backoff = Backoff::default();
        let mut waits = Vec::new();
        for _ in 0..7 {
            waits.push(backoff.current.as_secs());
            backoff.deadline();
            backoff.finish();
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30]);
        backoff.reset();
        assert_eq!(backoff.current, MIN);
    }

    #[test]
    fn a_single_limit_adjusts_the_other_one() {
        let mut backoff = Backoff::default();
        backoff.set_limits(Some(Duration::from_secs(60)), None);
        assert_eq!((backoff.min, backoff.max), (Duration::from_secs(60), Duration::from_secs(60)));
        backoff.set_limits(None, Some(Duration::from_millis(10)));
        assert_eq!((backoff.min, backoff.max), (Duration::from_millis(10), Duration::from_millis(10)));
    }
}
