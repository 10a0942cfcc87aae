//! Sequences of C calls on live, stale, forged and zero handles and handles of another kind, against the emulator.
//!
//! A call on a handle that is not live or not of its kind returns `KAL_INVALID_HANDLE`, or the value that the header documents for
//! functions without a status. Any other call returns neither that nor a status for a defect of the library. Errors carry the
//! returned status. A submitted call completes once. Freed handles stay invalid.
//!
//! Seen red when freeing a handle leaves its object there: a call on it gave `KAL_OK`.
//!
//! The fuzz target runs it with `AddressSanitizer`; `tests/fuzz_calls.rs` replays the corpus.

mod blocking;
mod input;
mod memory;
mod submitted;

use std::collections::HashMap;

use kaleidoscope::ffi::cache::kal_client_clear_caches;
use kaleidoscope::ffi::call::kal_methods;
use kaleidoscope::ffi::cancel::{kal_cancel_close, kal_cancel_fire, kal_cancel_open};
use kaleidoscope::ffi::client::kal_client_close;
use kaleidoscope::ffi::error::{kal_error_free, kal_error_get};
use kaleidoscope::ffi::library::kal_shutdown;
use kaleidoscope::ffi::queue::{kal_queue_close, kal_queue_fd, kal_queue_open};
use kaleidoscope::ffi::result::kal_result_free;
use kaleidoscope::ffi::status::{
    KAL_FORKED, KAL_INTERNAL, KAL_INVALID_HANDLE, KAL_OK, KAL_PANIC, KAL_TIMED_OUT, kal_status, kal_status_name,
};
use kaleidoscope::ffi::stream::{kal_stream_cursor, kal_stream_free};
use kaleidoscope::ffi::types::{kal_cancel, kal_client, kal_error, kal_queue, kal_result, kal_stream};

use memory::read;

/// Maximum calls per sequence.
const CALLS: usize = 48;
/// Timeout of every call.
const TIMEOUT_MS: u32 = 20_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Client,
    Result,
    Error,
    Cancel,
    Stream,
    Queue,
}

/// Runs one sequence and frees the remaining handles.
pub(crate) fn calls(input: &[u8]) {
    let mut sequence = Sequence { input, handles: Vec::new(), live: HashMap::new(), pending: HashMap::new() };
    for _ in 0..CALLS {
        if sequence.input.is_empty() {
            break;
        }
        sequence.call();
    }
    sequence.end();
}

struct Sequence<'a> {
    input: &'a [u8],
    /// All handles ever returned.
    handles: Vec<u64>,
    live: HashMap<u64, Kind>,
    /// Outstanding completions by queue.
    pending: HashMap<u64, Vec<usize>>,
}

impl Sequence<'_> {
    fn is(&self, id: u64, kind: Kind) -> bool {
        self.live.get(&id) == Some(&kind)
    }

    fn keep(&mut self, id: u64, kind: Kind) {
        assert!(id != 0 && !self.handles.contains(&id), "{id:#x} was returned before");
        self.handles.push(id);
        self.live.insert(id, kind);
    }

    /// Checks the outcome of a call on handles that were `good` or not.
    fn settle(&mut self, status: kal_status, good: bool, error: kal_error, made: Option<(u64, Kind)>) -> bool {
        assert_eq!(status == KAL_INVALID_HANDLE, !good, "{status}");
        assert!(![KAL_PANIC, KAL_INTERNAL, KAL_FORKED].contains(&status), "{status}");
        let succeeded = status == KAL_OK;
        // KAL_DONE and KAL_NOT_READY are no failures.
        assert_eq!(error.id != 0, status >= 100, "{status}");
        if let Some((id, kind)) = made {
            assert_eq!(id != 0, succeeded, "{status}");
            if succeeded {
                self.keep(id, kind);
            }
        }
        if error.id != 0 {
            self.keep(error.id, Kind::Error);
            // SAFETY: the error is live.
            let info = unsafe { kal_error_get(error).as_ref() }.expect("an error");
            assert_eq!(info.status, status);
            assert!(read(info.message).is_some_and(|message| !message.is_empty()));
            assert!(read(kal_status_name(status)).is_some_and(|name| name.starts_with("KAL_")));
        }
        succeeded
    }

    /// Like `settle`, for calls that check their parameters before the cancel handle.
    fn settle_call(
        &mut self,
        status: kal_status,
        good: bool,
        cancel_is_good: bool,
        error: kal_error,
        made: Option<(u64, Kind)>,
    ) -> bool {
        let good = good && (cancel_is_good || status != KAL_INVALID_HANDLE);
        assert!(!good || cancel_is_good || status != KAL_OK);
        self.settle(status, good, error, made)
    }

    fn call(&mut self) {
        let mut error = kal_error { id: 0x1234_5678 };
        match self.byte() % 30 {
            0 => self.open_client(),
            1 => {
                let mut cancel = kal_cancel { id: 1 };
                // SAFETY: both are variables, here and in all calls below; texts live until the call returns.
                let status = unsafe { kal_cancel_open(&raw mut cancel, &raw mut error) };
                self.settle(status, true, error, Some((cancel.id, Kind::Cancel)));
            }
            2 => {
                let mut queue = kal_queue { id: 1 };
                // SAFETY: as above.
                let status = unsafe { kal_queue_open(&raw mut queue, &raw mut error) };
                self.settle(status, true, error, Some((queue.id, Kind::Queue)));
            }
            3..=8 => self.typed(),
            9 | 10 => self.generic_call(),
            11..=13 => self.submit(),
            14 => self.open_stream(),
            15 | 16 => self.next_of_stream(),
            17 => self.submit_next(),
            18 | 19 => self.next_of_queue(),
            20 => self.read_result(),
            21 => {
                let id = self.handle(Kind::Error);
                // SAFETY: as above.
                let info = unsafe { kal_error_get(kal_error { id }).as_ref() };
                assert_eq!(info.is_some(), self.is(id, Kind::Error));
            }
            22 => {
                let id = self.handle(Kind::Stream);
                assert_eq!(read(kal_stream_cursor(kal_stream { id })).is_some(), self.is(id, Kind::Stream));
            }
            23 => {
                let id = self.handle(Kind::Queue);
                assert_eq!(kal_queue_fd(kal_queue { id }) >= 0, self.is(id, Kind::Queue));
            }
            24 => self.stats_or_clear_caches(),
            25 => {
                let id = self.handle(Kind::Cancel);
                kal_cancel_fire(kal_cancel { id });
            }
            26..=28 => self.free(),
            _ => {
                assert!([KAL_OK, KAL_TIMED_OUT].contains(&kal_shutdown(TIMEOUT_MS)));
                assert!(read(kal_methods()).is_some_and(|list| list.starts_with('[')));
                let status = i32::from(self.byte()) * 4;
                assert!(read(kal_status_name(status)).is_some());
            }
        }
    }

    /// Frees any handle with the function for any kind.
    fn free(&mut self) {
        let kind = [Kind::Client, Kind::Result, Kind::Error, Kind::Cancel, Kind::Stream, Kind::Queue]
            [usize::from(self.byte()) % 6];
        let id = self.handle(kind);
        free(id, kind);
        if self.is(id, kind) {
            self.live.remove(&id);
            self.pending.remove(&id);
        }
    }

    /// Waits for submitted calls, frees everything, and checks that all handles are invalid.
    fn end(mut self) {
        let mut queues: Vec<_> = self.pending.keys().copied().collect();
        // In order of creation, so that an input is reproducible.
        queues.sort_unstable();
        for queue in queues {
            while !self.pending[&queue].is_empty() {
                assert!(self.complete(queue, TIMEOUT_MS), "a call did not complete");
            }
            assert!(!self.complete(queue, 0), "a call completed twice");
        }
        let handles = std::mem::take(&mut self.handles);
        for id in &handles {
            if let Some(kind) = self.live.remove(id) {
                free(*id, kind);
                free(*id, kind);
            }
        }
        for id in handles {
            let mut error = kal_error { id: 1 };
            // SAFETY: as above.
            let status = unsafe { kal_client_clear_caches(kal_client { id }, &raw mut error) };
            assert_eq!(status, KAL_INVALID_HANDLE);
            kal_error_free(error);
            assert!(kal_stream_cursor(kal_stream { id }).is_null() && kal_error_get(kal_error { id }).is_null());
            assert_eq!(kal_queue_fd(kal_queue { id }), -1);
        }
    }
}

fn free(id: u64, kind: Kind) {
    match kind {
        Kind::Client => kal_client_close(kal_client { id }),
        Kind::Result => kal_result_free(kal_result { id }),
        Kind::Error => kal_error_free(kal_error { id }),
        Kind::Cancel => kal_cancel_close(kal_cancel { id }),
        Kind::Stream => kal_stream_free(kal_stream { id }),
        Kind::Queue => kal_queue_close(kal_queue { id }),
    }
}
