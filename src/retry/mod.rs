//! Whether and when to retry a request: idempotency, quota and deadline are one decision.

pub(crate) mod backoff;
mod quota;
pub(crate) mod retry_after;

pub(crate) use quota::Quota;

use std::future::Future;
use std::time::{Duration, Instant};

use crate::client_log::ClientLog;
use crate::error::{Error, ErrorKind, Result, Retry};
use crate::progress::{Step, Tracking};

/// The retry policy and state of one request.
pub(crate) struct Retries<'a> {
    pub(crate) max_attempts: u32,
    /// The base of the first delay.
    pub(crate) wait: Duration,
    pub(crate) quota: &'a Quota,
    pub(crate) tracking: &'a Tracking,
    pub(crate) log: &'a ClientLog,
}

/// How an attempt failed.
pub(crate) enum Failure {
    /// Another attempt may succeed.
    Attempt(Error),
    /// Sign-in failed, which has its own retries.
    Final(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Attempt(error)
    }
}

/// When a request may be sent again after a transient failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Always: repeating it has no side effects.
    Safe,
    /// If the server cannot have processed it: it was not sent, or the response was 429 or 503 with `Retry-After`.
    IfNotProcessed,
    /// If it was not sent.
    IfUnsent,
}

/// Whether the server cannot have processed a request that failed with `error`: it was not sent, or the server was overloaded and
/// sent `Retry-After`.
pub(crate) fn is_unprocessed(error: &Error) -> bool {
    let details = error.details();
    let is_response = error.kind() == ErrorKind::Http;
    !details.sent || (is_response && matches!(details.http_status, Some(429 | 503)) && details.retry_after.is_some())
}

impl Retries<'_> {
    /// Makes attempts until one succeeds or fails permanently, or until the attempts, the quota or the time are used up. Returns
    /// the error of the last attempt.
    pub(crate) async fn run<T, F>(&self, repeat: Repeat, mut attempt: impl FnMut() -> F) -> Result<T>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let mut attempts = 1;
        loop {
            let error = match attempt().await {
                Ok(value) => {
                    self.quota.refund();
                    return Ok(value);
                }
                Err(Failure::Attempt(error)) => error,
                Err(Failure::Final(error)) => return Err(error),
            };
            self.tracking.progress.record_error(&error);
            let Some(delay) = self.delay_before_next(&error, attempts, repeat) else { return Err(error) };
            self.log.info(format_args!("{error}; trying again in {} ms", delay.as_millis()));
            self.tracking.progress.waiting().set(Step::Retry);
            tokio::time::sleep(delay).await;
            self.tracking.progress.begin_retry();
            attempts += 1;
        }
    }

    /// The delay before the next attempt, or `None` if there must not be one.
    fn delay_before_next(&self, error: &Error, attempts: u32, repeat: Repeat) -> Option<Duration> {
        let details = error.details();
        if details.retry == Retry::Never
            || attempts >= self.max_attempts
            || !match repeat {
                Repeat::Safe => true,
                Repeat::IfNotProcessed => is_unprocessed(error),
                Repeat::IfUnsent => !details.sent,
            }
        {
            return None;
        }
        let backoff = backoff::with_jitter(self.wait, attempts, details.retry);
        let delay = backoff.max(details.retry_after.unwrap_or_default());
        // A response after the deadline is useless, and a `Retry-After` is never cut short.
        if Instant::now() + delay >= self.tracking.deadline.latest_waiter() {
            return None;
        }
        self.quota.take(details.retry).then_some(delay)
    }
}
