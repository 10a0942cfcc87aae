//! When a refresh that failed is tried again, while the token that it was to replace is still good.

use std::time::Duration;

use crate::clock::Moment;

const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

/// A pause after each failure, twice as long from one to the next.
#[derive(Default)]
pub(super) struct Pause {
    failures: u32,
    until: Option<Moment>,
}

impl Pause {
    /// Another one failed; the server may have asked for a longer pause.
    pub(super) fn failed(&mut self, now: Moment, retry_after: Option<Duration>) {
        let step = SHORTEST.saturating_mul(2_u32.saturating_pow(self.failures)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        self.until = Some(now + step.max(retry_after.unwrap_or_default()));
    }

    pub(super) fn is_over(&self, now: Moment) -> bool {
        self.until.is_none_or(|until| now >= until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::retry::retry_after;

    fn pause(failures: u32, retry_after: Option<Duration>) -> Duration {
        let mut pause = Pause::default();
        let now = Moment::now();
        for _ in 1..failures {
            pause.failed(now, None);
        }
        pause.failed(now, retry_after);
        assert!(!pause.is_over(now));
        let until = pause.until.expect("a pause");
        assert!(pause.is_over(until));
        until - now
    }

    #[test]
    fn pauses_double_from_a_second_to_half_a_minute() {
        assert_eq!([1, 2, 3, 5, 6, 100].map(|failures| pause(failures, None).as_secs()), [1, 2, 4, 16, 30, 30]);
        assert!(Pause::default().is_over(Moment::now()));
    }

    #[test]
    fn what_the_server_asked_for_is_waited_for() {
        assert_eq!(pause(1, Some(Duration::from_mins(2))), Duration::from_mins(2));
        assert_eq!(pause(6, Some(Duration::ZERO)).as_secs(), 30);
        assert_eq!(pause(1, Some(retry_after::LONGEST)), retry_after::LONGEST);
    }
}
