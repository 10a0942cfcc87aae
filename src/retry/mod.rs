//! When to send again: quota, deadline and idempotency are one decision.

pub(crate) mod backoff;
mod deadline;
mod quota;
pub(crate) mod retry_after;

pub(crate) use deadline::Tracking;
pub(crate) use quota::Quota;

use std::future::Future;
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorKind, Result, Retry};
use crate::http::Step;
use crate::stats::Counters;

/// What the retries of one request go by.
pub(crate) struct Retries<'a> {
    pub(crate) max_attempts: u32,
    /// The step of the first wait.
    pub(crate) wait: Duration,
    pub(crate) quota: &'a Quota,
    pub(crate) tracking: &'a Tracking,
    pub(crate) counters: &'a Counters,
}

/// How an attempt failed.
pub(crate) enum Failure {
    /// Another attempt may mend it.
    Attempt(Error),
    /// Something before it failed that has retried on its own: sign-in.
    Final(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Attempt(error)
    }
}

/// When a request may be sent again after a failure that may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Always: it changes nothing.
    Safe,
    /// When the server cannot have carried it out: it was not sent, or the answer was 429 or 503 with `Retry-After`.
    IfNotProcessed,
    /// When it was not sent.
    IfUnsent,
}

/// Whether the server cannot have carried out a request that failed like this: it was not sent, or the server was too busy for it
/// and says when to come back.
pub(crate) fn is_unprocessed(error: &Error) -> bool {
    let details = error.details();
    let is_answer = error.kind() == ErrorKind::Http;
    !details.sent || (is_answer && matches!(details.http_status, Some(429 | 503)) && details.retry_after.is_some())
}

impl Retries<'_> {
    /// Makes attempts until one succeeds, or fails in a way that another would not mend, or the attempts, the quota or the
    /// time are used up. The error that comes out is the last attempt's own, not one about retries.
    pub(crate) async fn run<T, F>(&self, repeat: Repeat, mut attempt: impl FnMut() -> F) -> Result<T>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let mut tries = 1;
        loop {
            self.tracking.progress.attempt();
            let error = match attempt().await {
                Ok(value) => {
                    self.quota.pay_back();
                    return Ok(value);
                }
                Err(Failure::Attempt(error)) => error,
                Err(Failure::Final(error)) => return Err(error),
            };
            let error = error.with(|details| details.attempts = self.tracking.progress.attempts());
            self.tracking.progress.failed(&error);
            let Some(wait) = self.wait_before_next(&error, tries, repeat) else { return Err(error) };
            log::info!("{error}; trying again in {} ms", wait.as_millis());
            self.tracking.progress.waiting().set(Step::Retry);
            tokio::time::sleep(wait).await;
            self.counters.retries.add(1);
            tries += 1;
        }
    }

    /// How long to wait before another attempt, or none when there must not be one.
    fn wait_before_next(&self, error: &Error, tries: u32, repeat: Repeat) -> Option<Duration> {
        let details = error.details();
        if details.retry == Retry::Never
            || tries >= self.max_attempts
            || !match repeat {
                Repeat::Safe => true,
                Repeat::IfNotProcessed => is_unprocessed(error),
                Repeat::IfUnsent => !details.sent,
            }
        {
            return None;
        }
        let wait = backoff::wait(self.wait, tries, details.retry).max(details.retry_after.unwrap_or_default());
        // An answer past the deadline helps nobody, and what the server asked for is never cut short.
        if Instant::now() + wait >= self.tracking.deadline.waited_for() {
            return None;
        }
        self.quota.take(details.retry).then_some(wait)
    }
}
