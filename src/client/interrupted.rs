//! The errors of a call that timed out or was cancelled: what it waited for, and how far its request got.

use std::time::Duration;

use super::Inner;
use crate::error::{Error, ErrorKind, Retry};
use crate::progress::{Snapshot, Step, Tracking, Waiting};
use crate::service::Operation;

/// The message of a timeout. `what` failed.
pub(super) fn timed_out(what: &str, timeout: Duration, waited_for: &str) -> String {
    format!("{what}: timed out after {} ms waiting for {waited_for}", timeout.as_millis())
}

impl Inner {
    /// The error of a call that timed out on the I/O thread.
    pub(super) fn timed_out(&self, operation: &Operation, timeout: Duration, tracking: &Tracking) -> Error {
        let message = timed_out(&self.describe_request(operation, tracking), timeout, &self.describe_wait(tracking));
        self.interrupted(ErrorKind::TimedOut, message, tracking)
    }

    /// The error of a call that was cancelled. `reason` says by what.
    pub(super) fn cancelled(&self, reason: &str, tracking: &Tracking) -> Error {
        self.interrupted(ErrorKind::Cancelled, reason.to_owned(), tracking)
    }

    /// Verb and path of the request, or the name of the operation before its first attempt.
    fn describe_request(&self, operation: &Operation, tracking: &Tracking) -> String {
        let Some((verb, url)) = tracking.progress.request() else { return operation.name.to_owned() };
        let path = url.split('?').next().unwrap_or_default();
        format!("{verb} {}", self.fetcher.redaction.text(path))
    }

    /// What the request waits for; while it waits for a token, also what the token request waits for.
    fn describe_wait(&self, tracking: &Tracking) -> String {
        let describe = |waiting: &Waiting| self.fetcher.transport.route().describe(waiting.step());
        let waiting = tracking.progress.waiting();
        match (describe(waiting), describe(&self.fetcher.sign_in.waiting)) {
            (Some(token), Some(sign_in)) if waiting.step() == Step::Token => format!("{token}: {sign_in}"),
            (Some(request), _) => request,
            (None, _) => "the token of iap_token_provider".into(),
        }
    }

    fn interrupted(&self, kind: ErrorKind, message: String, tracking: &Tracking) -> Error {
        let Snapshot { attempts, last_error } = tracking.progress.snapshot();
        let message = match (&last_error, attempts) {
            (Some(error), _) => format!("{message} (attempt {attempts}; last error: {error})"),
            (None, 0) if kind == ErrorKind::Cancelled => format!("{message} before a request was sent"),
            (None, _) if kind == ErrorKind::Cancelled => format!("{message} before the response arrived"),
            (None, _) => message,
        };
        Error::new(kind, message).with(|details| {
            details.attempts = attempts;
            let waiting = tracking.progress.waiting();
            // There is another attempt only if the last one may be repeated, so only the current one counts.
            details.sent = attempts > 0 && matches!(waiting.step(), Step::Head | Step::Body);
            details.retry = if kind == ErrorKind::TimedOut { Retry::Transient } else { Retry::Never };
            details.http_status = waiting.status().or_else(|| last_error.as_ref().and_then(Error::http_status));
            details.retry_after = last_error.as_ref().and_then(|error| error.details().retry_after);
            if let Some((verb, url)) = tracking.progress.request() {
                details.method = Some(verb);
                details.url = Some(self.fetcher.redaction.text(&url));
            }
        })
    }
}
