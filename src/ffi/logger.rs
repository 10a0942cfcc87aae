//! The library's logger: passes lines on to the host's callback.

use std::ffi::{CString, c_char, c_void};
use std::sync::{Arc, PoisonError, RwLock};

use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::client_log::LogSink;
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::{PerProcess, callback};

/// No messages.
pub const KAL_LOG_OFF: i32 = 0;
/// Defects of the library.
pub const KAL_LOG_ERROR: i32 = 1;
/// Conditions that a user should fix, such as certificates that are not verified.
pub const KAL_LOG_WARN: i32 = 2;
/// Retries, sign-ins, recoveries.
pub const KAL_LOG_INFO: i32 = 3;
/// Every request.
pub const KAL_LOG_DEBUG: i32 = 4;

/// Receives one line of the log.
///
/// - `user_data`: what was passed to `kal_set_log`, or `log_user_data` of the client's options.
/// - `level`: `KAL_LOG_ERROR` to `KAL_LOG_DEBUG`.
/// - `message`: the line without a line break at its end and without secrets; valid during the call only. A client's
///   line ends with `client=NAME host=HOST`, that of a request with ` attempt=N duration_ms=N` in addition. Later
///   versions may add fields after these.
///
/// Runs on any thread that logs, the library's own included, possibly on several at once. It must return soon, and not
/// by an exception, `pthread_exit` or `longjmp`: these end the process, or whoever removes the callback waits for ever.
/// In it, a call that would block, or that needs a token of an `iap_token_provider`, fails with `KAL_WOULD_DEADLOCK`,
/// and the library logs nothing. Not called in a child made by `fork` for what was set in its parent.
///
/// Returns: nothing.
///
/// Since: 0.1.0
pub type kal_log_callback = Option<unsafe extern "C" fn(user_data: *mut c_void, level: i32, message: *const c_char)>;

pub(super) struct Sink {
    callback: unsafe extern "C" fn(*mut c_void, i32, *const c_char),
    user_data: *mut c_void,
    level: LevelFilter,
}

// SAFETY: the header says that the callback is called on any thread, and that `user_data` must allow that.
unsafe impl Send for Sink {}
// SAFETY: as above.
unsafe impl Sync for Sink {}

impl Sink {
    /// None: there is no callback.
    pub(super) fn new(
        level: i32,
        callback: kal_log_callback,
        user_data: *mut c_void,
        name: &str,
    ) -> Result<Option<Self>> {
        let level = match level {
            KAL_LOG_OFF => LevelFilter::Off,
            KAL_LOG_ERROR => LevelFilter::Error,
            KAL_LOG_WARN => LevelFilter::Warn,
            KAL_LOG_INFO => LevelFilter::Info,
            KAL_LOG_DEBUG => LevelFilter::Debug,
            other => return Err(Error::argument(name, format_args!("{other} is not a KAL_LOG_* value"))),
        };
        Ok(callback.map(|callback| Self { callback, user_data, level }))
    }

    pub(super) fn shared(self) -> Arc<dyn LogSink> {
        Arc::new(self)
    }
}

impl LogSink for Sink {
    fn level(&self) -> LevelFilter {
        self.level
    }

    fn log(&self, level: Level, line: &str) {
        let level = match level {
            Level::Error => KAL_LOG_ERROR,
            Level::Warn => KAL_LOG_WARN,
            Level::Info => KAL_LOG_INFO,
            Level::Debug | Level::Trace => KAL_LOG_DEBUG,
        };
        let message = CString::new(line.replace('\0', " ")).unwrap_or_default();
        // SAFETY: the header says what the callback is called with.
        unsafe { (self.callback)(self.user_data, level, message.as_ptr()) };
    }
}

static SINK: PerProcess<RwLock<Option<Sink>>> = PerProcess::new();

/// Sets the callback, or none. When it returns, the former one is not running and will not be called again.
pub(super) fn set(next: Option<Sink>) -> Result<()> {
    callback::ensure_can_block()?;
    let sink =
        SINK.get().ok_or_else(|| Error::new(ErrorKind::Forked, "the log cannot be set: too many nested forks"))?;
    let mut sink = sink.write().unwrap_or_else(PoisonError::into_inner);
    let next = next.filter(|next| next.level != LevelFilter::Off);
    log::set_max_level(next.as_ref().map_or(LevelFilter::Off, Sink::level));
    *sink = next;
    Ok(())
}

/// Installs the logger. A Rust program that has a logger already keeps it.
pub(super) fn install() {
    // Fails when there is a logger already.
    let _ = log::set_logger(&HostLog);
}

struct HostLog;

impl Log for HostLog {
    /// No records of other crates: they are not checked for secrets.
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("kaleidoscope")
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) || callback::is_inside() {
            return;
        }
        let Some(sink) = SINK.get() else { return };
        // Held while the callback runs, so that `kal_set_log` can promise that the former one has returned.
        let sink = sink.read().unwrap_or_else(PoisonError::into_inner);
        let Some(sink) = sink.as_ref().filter(|sink| record.level() <= sink.level) else { return };
        let line = record.args().to_string();
        callback::run(|| sink.log(record.level(), &line));
    }

    fn flush(&self) {}
}
