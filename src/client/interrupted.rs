//! The errors of a call that timed out or was cancelled: what it waited for, and how far its request got.

use std::sync::Arc;
use std::time::Duration;

use super::Inner;
use crate::error::{Error, ErrorKind, Retry};
use crate::http::without_query;
use crate::progress::{Progress, Snapshot, Step, Tracking};
use crate::service::Operation;

/// The message of a timeout. `what` failed.
pub(super) fn timed_out(what: &str, timeout: Duration, waited_for: &str) -> String {
    format!("{what}: timed out after {} ms waiting for {waited_for}", timeout.as_millis())
}

impl Inner {
    /// The error of a call that timed out on the I/O thread.
    pub(super) fn timed_out(&self, operation: &Operation, timeout: Duration, tracking: &Tracking) -> Error {
        let subject = self.describe_request(operation, tracking);
        let message = timed_out(&subject, timeout, &self.describe_wait(tracking));
        self.interrupted(ErrorKind::TimedOut, message, &subject, tracking)
    }

    /// The error of a call that was cancelled. `reason` says by what.
    pub(super) fn cancelled(&self, reason: &str, operation: &Operation, tracking: &Tracking) -> Error {
        self.interrupted(ErrorKind::Cancelled, reason.to_owned(), &self.describe_request(operation, tracking), tracking)
    }

    /// Verb and path of the request, or the name of the operation before there is one.
    fn describe_request(&self, operation: &Operation, tracking: &Tracking) -> String {
        let Some((verb, url)) = tracking.progress.request() else { return operation.name.to_owned() };
        format!("{verb} {}", self.fetcher.redaction.text(without_query(&url)))
    }

    /// What the request waits for; while it waits for a token, also what the token request waits for.
    fn describe_wait(&self, tracking: &Tracking) -> String {
        let describe = |progress: &Progress| self.fetcher.transport.route().describe(progress.waiting().step());
        let Some(wait) = describe(&tracking.progress) else { return "the token of iap_token_provider".into() };
        let current = tracking.progress.current();
        // Before its first poll, the sign-in has sent no request.
        match describe(&current).filter(|_| current.waiting().step() != Step::Token) {
            Some(sign_in) if !Arc::ptr_eq(&current, &tracking.progress) => format!("{wait}: {sign_in}"),
            _ => wait,
        }
    }

    /// `subject` names the request of the call. The details are those of the request in progress, which may be the sign-in's.
    fn interrupted(&self, kind: ErrorKind, message: String, subject: &str, tracking: &Tracking) -> Error {
        let own = &tracking.progress;
        let current = own.current();
        let is_own = Arc::ptr_eq(&current, own);
        let Snapshot { attempts, last_error } = current.snapshot();
        let earlier = if is_own { None } else { own.snapshot().last_error };
        let message = match kind {
            ErrorKind::Cancelled if !is_own => format!("{message} while {subject} waited for a token"),
            ErrorKind::Cancelled if last_error.is_some() => message,
            ErrorKind::Cancelled if attempts == 0 => format!("{message} before a request was sent"),
            ErrorKind::Cancelled => format!("{message} before the response arrived"),
            _ => message,
        };
        let message = match (&last_error, earlier) {
            (Some(error), _) => format!("{message} (attempt {attempts}; last error: {error})"),
            (None, Some(error)) => format!("{message} (last error: {error})"),
            (None, None) => message,
        };
        Error::new(kind, message).with(|details| {
            details.attempts = attempts;
            // There is another attempt only if the last one may be repeated, so only the current one counts.
            details.sent = own.attempts() > 0 && matches!(own.waiting().step(), Step::Head | Step::Body);
            details.retry = if kind == ErrorKind::TimedOut { Retry::Transient } else { Retry::Never };
            details.http_status =
                current.waiting().status().or_else(|| last_error.as_ref().and_then(Error::http_status));
            details.retry_after = last_error.as_ref().and_then(|error| error.details().retry_after);
            if let Some((verb, url)) = current.request().filter(|_| attempts > 0) {
                details.method = Some(verb);
                details.url = Some(self.fetcher.redaction.text(&url));
            }
        })
    }
}
