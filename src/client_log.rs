//! The log of one client: its lines go to a function of its own, or else to the log of the process.
//!
//! A line is a message, and then `client=NAME host=HOST`; that of a request goes on with `attempt=N duration_ms=N`.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use log::{Level, LevelFilter};

use crate::error::{Error, Result};
use crate::runtime::{Gate, callback};

const MAX_NAME: usize = 64;
/// The prefix by which the library's own lines are known in the log of a process.
const TARGET: &str = "kaleidoscope";

/// Receives the lines of one client. Called on any thread, possibly on several at once, and never once the client is closed.
pub trait LogSink: Send + Sync {
    /// The least severe lines to receive.
    fn level(&self) -> LevelFilter;
    /// Receives one line, without a line break at its end and without secrets.
    fn log(&self, level: Level, line: &str);
}

/// Where a client's lines go, and what they end with.
pub(crate) struct ClientLog {
    origin: String,
    sink: Option<Arc<dyn LogSink>>,
    gate: Arc<Gate>,
}

impl ClientLog {
    /// `name`: without one, the number of the client in this process. `gate`: what the sink's calls pass.
    pub(crate) fn new(name: Option<&str>, host: &str, sink: Option<Arc<dyn LogSink>>, gate: Arc<Gate>) -> Result<Self> {
        static OPENED: AtomicU64 = AtomicU64::new(0);
        let name = match name {
            Some(name) => check_name(name)?.to_owned(),
            None => (OPENED.fetch_add(1, Ordering::Relaxed) + 1).to_string(),
        };
        Ok(Self { origin: format!("client={name} host={host}"), sink, gate })
    }

    /// How a request ended. `attempt` counts those of its call from 1.
    pub(crate) fn request(&self, outcome: impl FnOnce() -> String, attempt: u32, took: Duration) {
        if self.receives(Level::Debug) {
            let took = took.as_millis();
            self.log_with(
                Level::Debug,
                format_args!("{}", outcome()),
                format_args!(" attempt={attempt} duration_ms={took}"),
            );
        }
    }

    pub(crate) fn info(&self, message: fmt::Arguments<'_>) {
        self.log(Level::Info, message);
    }

    pub(crate) fn warn(&self, message: fmt::Arguments<'_>) {
        self.log(Level::Warn, message);
    }

    /// Whether a line of this level goes anywhere.
    fn receives(&self, level: Level) -> bool {
        match &self.sink {
            Some(sink) => level <= sink.level() && !callback::is_inside(),
            None => log::log_enabled!(target: TARGET, level),
        }
    }

    fn log(&self, level: Level, message: fmt::Arguments<'_>) {
        self.log_with(level, message, format_args!(""));
    }

    fn log_with(&self, level: Level, message: fmt::Arguments<'_>, fields: fmt::Arguments<'_>) {
        if !self.receives(level) {
            return;
        }
        let origin = &self.origin;
        match &self.sink {
            Some(sink) => {
                let line = format!("{message} {origin}{fields}");
                callback::run_through(&self.gate, || sink.log(level, &line));
            }
            None => log::log!(target: TARGET, level, "{message} {origin}{fields}"),
        }
    }
}

/// One word, so that a line can be read by programs.
fn check_name(name: &str) -> Result<&str> {
    let is_word = !name.is_empty() && name.len() <= MAX_NAME && name.bytes().all(|byte| byte.is_ascii_graphic());
    if is_word {
        return Ok(name);
    }
    Err(Error::argument("name", format_args!("must be 1 to {MAX_NAME} characters of visible ASCII without spaces")))
}

#[cfg(test)]
impl ClientLog {
    /// For tests that do not read it.
    pub(crate) fn of_a_test() -> Self {
        Self { origin: "client=test host=test".to_owned(), sink: None, gate: Gate::new() }
    }
}

#[cfg(all(test, not(kal_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_word() {
        let longest = "n".repeat(MAX_NAME);
        for name in ["a", "lims-import", "LIMS/import#2", &longest] {
            assert_eq!(check_name(name).expect("good"), name);
        }
        let too_long = "n".repeat(MAX_NAME + 1);
        for name in ["", "two words", "tab\t", "line\n", "naïve", &too_long] {
            let error = check_name(name).expect_err(name);
            assert_eq!(error.to_string(), "name: must be 1 to 64 characters of visible ASCII without spaces");
        }
    }
}
