//! One line of the log for each request, however it ends.

use std::time::Instant;

use super::waiting::Waiting;
use super::{Incoming, Transport};
use crate::error::Result;
use crate::retry::Tracking;

/// A request that is under way. Dropped without an end, it was given up.
pub(super) struct Logged<'a> {
    transport: &'a Transport,
    waiting: &'a Waiting,
    method: &'static str,
    path: &'a str,
    attempt: u32,
    begun: Instant,
    is_over: bool,
}

impl<'a> Logged<'a> {
    pub(super) fn begin(transport: &'a Transport, method: &'static str, path: &'a str, tracking: &'a Tracking) -> Self {
        Self {
            transport,
            waiting: tracking.progress.waiting(),
            method,
            path,
            attempt: tracking.progress.attempts(),
            begun: Instant::now(),
            is_over: false,
        }
    }

    pub(super) fn end(mut self, outcome: &Result<Incoming>) {
        self.is_over = true;
        match outcome {
            Ok(answer) => self.say(|| format!("{}, {} bytes", answer.status, answer.body.len())),
            Err(error) => self.say(|| match error.http_status() {
                Some(status) => format!("{status}: {error}"),
                None => format!("no answer: {error}"),
            }),
        }
    }

    fn say(&self, what: impl FnOnce() -> String) {
        log::debug!(
            "{} {}: {} (attempt {}, {} ms)",
            self.method,
            self.transport.redaction.text(self.path),
            what(),
            self.attempt,
            self.begun.elapsed().as_millis()
        );
    }
}

impl Drop for Logged<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            let waited = || self.waiting.step().words(&self.transport.peer).unwrap_or_else(|| "nothing".into());
            self.say(|| format!("given up, waiting for {}", waited()));
        }
    }
}
