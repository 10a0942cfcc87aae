//! One log line for each request, however it ends.

use std::time::Instant;

use super::{Incoming, Transport};
use crate::error::Result;
use crate::progress::{Tracking, Waiting};

/// A request in progress. If it is dropped before `end`, the request was abandoned.
pub(super) struct RequestLog<'a> {
    transport: &'a Transport,
    waiting: &'a Waiting,
    method: &'static str,
    path: &'a str,
    attempt: u32,
    started: Instant,
    has_ended: bool,
}

impl<'a> RequestLog<'a> {
    pub(super) fn begin(transport: &'a Transport, method: &'static str, path: &'a str, tracking: &'a Tracking) -> Self {
        Self {
            transport,
            waiting: tracking.progress.waiting(),
            method,
            path,
            attempt: tracking.progress.attempts(),
            started: Instant::now(),
            has_ended: false,
        }
    }

    pub(super) fn end(mut self, outcome: &Result<Incoming>) {
        self.has_ended = true;
        match outcome {
            Ok(response) => self.log(|| format!("{}, {} bytes", response.status, response.body.len())),
            Err(error) => self.log(|| match error.http_status() {
                Some(status) => format!("{status}: {error}"),
                None => format!("no response: {error}"),
            }),
        }
    }

    fn log(&self, what: impl FnOnce() -> String) {
        let outcome = || format!("{} {}: {}", self.method, self.transport.redaction.text(self.path), what());
        self.transport.config.log.request(outcome, self.attempt, self.started.elapsed());
    }
}

impl Drop for RequestLog<'_> {
    fn drop(&mut self) {
        if !self.has_ended {
            let waited_for = || self.transport.route.describe(self.waiting.step()).unwrap_or_else(|| "nothing".into());
            self.log(|| format!("abandoned while waiting for {}", waited_for()));
        }
    }
}
