//! How long to wait after a failed token request before the next one, while the current token is still valid.

use std::time::Duration;

use crate::clock::Moment;
use crate::retry::backoff;

const MIN: Duration = Duration::from_secs(1);
const MAX: Duration = Duration::from_secs(30);

/// Exponential backoff over consecutive failures.
#[derive(Default)]
pub(super) struct RefreshBackoff {
    failures: u32,
    until: Option<Moment>,
}

impl RefreshBackoff {
    /// Records a failure. The server's `Retry-After` can make the delay longer, not shorter.
    pub(super) fn record_failure(&mut self, now: Moment, retry_after: Option<Duration>) {
        let delay = backoff::doubled(MIN, self.failures, MAX);
        self.failures = self.failures.saturating_add(1);
        self.until = Some(now + delay.max(retry_after.unwrap_or_default()));
    }

    pub(super) fn is_over(&self, now: Moment) -> bool {
        self.until.is_none_or(|until| now >= until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::retry::retry_after;

    fn delay(failures: u32, retry_after: Option<Duration>) -> Duration {
        let mut backoff = RefreshBackoff::default();
        let now = Moment::now();
        for _ in 1..failures {
            backoff.record_failure(now, None);
        }
        backoff.record_failure(now, retry_after);
        assert!(!backoff.is_over(now));
        let until = backoff.until.expect("a delay");
        assert!(backoff.is_over(until));
        until - now
    }

    #[test]
    fn delays_double_from_one_second_to_thirty() {
        assert_eq!([1, 2, 3, 5, 6, 100].map(|failures| delay(failures, None).as_secs()), [1, 2, 4, 16, 30, 30]);
        assert!(RefreshBackoff::default().is_over(Moment::now()));
    }

    #[test]
    fn retry_after_is_respected() {
        assert_eq!(delay(1, Some(Duration::from_secs(2 * 60))), Duration::from_secs(2 * 60));
        assert_eq!(delay(6, Some(Duration::ZERO)).as_secs(), 30);
        assert_eq!(delay(1, Some(retry_after::MAX)), retry_after::MAX);
    }
}
