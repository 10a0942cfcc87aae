//! Sequences of C calls, on handles that are live, stale, forged, none and of another kind, against the emulator.
//!
//! A call on a handle that is not live and of its kind gives `KAL_INVALID_HANDLE`, or what the header says for functions without
//! a status, and every other call gives anything else but a defect of the library. Errors say what the status said. A call that
//! was submitted completes once. What was freed stays so.
//!
//! The fuzzer includes it as a program with `AddressSanitizer`; `tests/fuzz_calls.rs` replays the inputs that were kept.

use std::collections::HashMap;
use std::ffi::{CStr, CString, c_char, c_void};
use std::ptr::null;
use std::sync::OnceLock;

use kal_emulator::{Config, Emulator};
use kaleidoscope::ffi::cancel::{kal_cancel_close, kal_cancel_fire, kal_cancel_open};
use kaleidoscope::ffi::client::{
    kal_client_clear_caches, kal_client_close, kal_client_open, kal_client_stats, kal_stats,
};
use kaleidoscope::ffi::door::{kal_call, kal_methods};
use kaleidoscope::ffi::errors::{kal_error_free, kal_error_get};
use kaleidoscope::ffi::library::kal_shutdown;
use kaleidoscope::ffi::options::{kal_call_options, kal_client_options, kal_events_query};
use kaleidoscope::ffi::queue::{
    kal_completion, kal_queue_close, kal_queue_fd, kal_queue_next, kal_queue_open, kal_stream_submit_next, kal_submit,
};
use kaleidoscope::ffi::result::{
    kal_result_free, kal_result_json, kal_result_workspace, kal_result_workspace_events, kal_result_workspace_groups,
    kal_result_workspace_users,
};
use kaleidoscope::ffi::status::{
    KAL_FORKED, KAL_INTERNAL, KAL_INVALID_HANDLE, KAL_OK, KAL_PANIC, KAL_TIMED_OUT, kal_status, kal_status_name,
};
use kaleidoscope::ffi::stream::{
    kal_stream_cursor, kal_stream_free, kal_stream_next, kal_stream_set_backoff, kal_workspace_follow_events,
    kal_workspace_stream_events,
};
use kaleidoscope::ffi::types::{kal_cancel, kal_client, kal_error, kal_queue, kal_result, kal_stream};
use kaleidoscope::ffi::workspace::{
    kal_workspace_get_events, kal_workspace_get_groups, kal_workspace_get_groups_by_ids, kal_workspace_get_members,
    kal_workspace_get_members_by_ids, kal_workspace_get_workspace,
};

/// So many calls a sequence: what it does in a second, another does as well.
const CALLS: usize = 48;
/// No call waits longer for anything.
const PATIENCE_MS: u32 = 20_000;
const METHODS: [&CStr; 8] = [
    c"workspace.get_workspace",
    c"workspace.get_members",
    c"workspace.get_members_by_ids",
    c"workspace.get_groups",
    c"workspace.get_groups_by_ids",
    c"workspace.get_events",
    c"workspace.get_everything",
    c"",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Client,
    Result,
    Error,
    Cancel,
    Stream,
    Queue,
}

/// Runs one sequence and frees what it left.
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
    /// All that were ever given out, and none.
    handles: Vec<u64>,
    live: HashMap<u64, Kind>,
    /// Completions that are still to come, by queue.
    pending: HashMap<u64, Vec<usize>>,
}

impl Sequence<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.input.split_first() else { return 0 };
        self.input = rest;
        *first
    }

    /// A text up to a NUL, or none.
    fn text(&mut self) -> Option<CString> {
        let length = usize::from(self.byte());
        if length == 0xff {
            return None;
        }
        let (text, rest) = self.input.split_at(length.min(self.input.len()));
        self.input = rest;
        CString::new(text.split(|byte| *byte == 0).next().unwrap_or_default()).ok()
    }

    /// A handle of any sort. Most are of the kind that is wanted, or else little would come of it.
    fn handle(&mut self, wanted: Kind) -> u64 {
        let choice = usize::from(self.byte());
        let right: Vec<u64> = self.handles.iter().copied().filter(|id| self.live.get(id) == Some(&wanted)).collect();
        match (choice % 8, self.handles.len()) {
            (0..5, _) if !right.is_empty() => right[choice / 8 % right.len()],
            (_, 0) => u64::from(self.byte()),
            (5 | 6, len) => self.handles[choice / 8 % len],
            (7, len) => {
                let forgery = (0..8).fold(0, |bits, _| bits << 8 | u64::from(self.byte()));
                self.handles[choice / 8 % len] ^ forgery
            }
            _ => 0,
        }
    }

    fn is(&self, id: u64, kind: Kind) -> bool {
        self.live.get(&id) == Some(&kind)
    }

    fn keep(&mut self, id: u64, kind: Kind) {
        assert!(id != 0 && !self.handles.contains(&id), "{id:#x} was given out before");
        self.handles.push(id);
        self.live.insert(id, kind);
    }

    /// What a call came to, made on handles that were `good` or not.
    fn settle(&mut self, status: kal_status, good: bool, error: kal_error, made: Option<(u64, Kind)>) -> bool {
        assert_eq!(status == KAL_INVALID_HANDLE, !good, "{status}");
        assert!(![KAL_PANIC, KAL_INTERNAL, KAL_FORKED].contains(&status), "{status}");
        let succeeded = status == KAL_OK;
        if let Some((id, kind)) = made {
            assert_eq!(id != 0, succeeded, "{status}");
            if succeeded {
                self.keep(id, kind);
            }
        }
        if error.id != 0 {
            assert!(!succeeded);
            self.keep(error.id, Kind::Error);
            // SAFETY: the error is live.
            let info = unsafe { kal_error_get(error).as_ref() }.expect("an error");
            assert_eq!(info.status, status);
            assert!(read(info.message).is_some_and(|message| !message.is_empty()));
            assert!(read(kal_status_name(status)).is_some_and(|name| name.starts_with("KAL_")));
        }
        succeeded
    }

    fn call(&mut self) {
        let mut error = kal_error { id: 0x1234_5678 };
        match self.byte() % 30 {
            0 => self.open_client(),
            1 => {
                let mut cancel = kal_cancel { id: 1 };
                // SAFETY: both are variables, here and in all calls below; texts live until the call is over.
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
            9 | 10 => self.door(),
            11..=13 => self.submit(),
            14 => self.open_stream(),
            15 | 16 => self.next_of_stream(),
            17 => self.submit_next(),
            18 | 19 => self.next_of_queue(),
            20 => self.look_at_result(),
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
            24 => self.figures(),
            25 => {
                let id = self.handle(Kind::Cancel);
                kal_cancel_fire(kal_cancel { id });
            }
            26..=28 => self.free(),
            _ => {
                assert!([KAL_OK, KAL_TIMED_OUT].contains(&kal_shutdown(PATIENCE_MS)));
                assert!(read(kal_methods()).is_some_and(|list| list.starts_with('[')));
                let status = i32::from(self.byte()) * 4;
                assert!(read(kal_status_name(status)).is_some());
            }
        }
    }

    fn open_client(&mut self) {
        static EMULATOR: OnceLock<(Emulator, CString)> = OnceLock::new();
        let (_, url) = EMULATOR.get_or_init(|| {
            let emulator = Emulator::start(Config { events: 60, ..Config::default() }).expect("the emulator starts");
            let url = CString::new(emulator.url()).expect("a URL");
            (emulator, url)
        });
        let (given_url, user_agent) = match self.byte() % 8 {
            // Nobody listens there.
            0 => (Some(c"http://127.0.0.1:9".to_owned()), None),
            1 => (self.text(), None),
            2 => (Some(url.clone()), self.text()),
            _ => (Some(url.clone()), None),
        };
        let options = kal_client_options {
            client_id: c"demo-client".as_ptr(),
            client_secret: c"demo-secret".as_ptr(),
            base_url: given_url.as_ref().map_or(c"http://127.0.0.1:9".as_ptr(), |url| url.as_ptr()),
            user_agent: pointer(user_agent.as_ref()),
            connect_timeout_ms: 100,
            timeout_ms: PATIENCE_MS,
            max_attempts: 1,
            // SAFETY: zeros are valid in every field.
            ..unsafe { std::mem::zeroed() }
        };
        let options = kal_client_options { struct_size: size_of::<kal_client_options>(), ..options };
        // Nothing of a fuzzer's choice is ever asked for another host's name.
        let elsewhere = given_url.as_deref().is_some_and(|given| given != &**url && given != c"http://127.0.0.1:9");
        let (mut client, mut error) = (kal_client { id: 1 }, kal_error { id: 1 });
        // SAFETY: as above.
        let status = unsafe { kal_client_open(&raw const options, &raw mut client, &raw mut error) };
        if self.settle(status, true, error, Some((client.id, Kind::Client))) && elsewhere {
            kal_client_close(client);
            self.live.remove(&client.id);
        }
    }

    /// Options, and whether they name a live cancel or none.
    fn options(&mut self) -> (Option<kal_call_options>, bool) {
        let choice = self.byte();
        if choice % 4 < 2 {
            return (None, true);
        }
        let cancel = if choice % 4 == 3 { self.handle(Kind::Cancel) } else { 0 };
        let options = kal_call_options {
            struct_size: if choice == 0xff { 1 } else { size_of::<kal_call_options>() },
            timeout_ms: if choice & 0x80 == 0 { PATIENCE_MS } else { u32::from(choice & 0x7f) },
            cache: i32::from(choice >> 2 & 3),
            cancel: kal_cancel { id: cancel },
        };
        // What is wrong otherwise is found before the handle is looked at.
        let good = cancel == 0 || self.is(cancel, Kind::Cancel) || choice == 0xff || options.cache > 2;
        (Some(options), good)
    }

    fn query(&mut self) -> (kal_events_query, Option<CString>) {
        let choice = self.byte();
        let text = if choice.is_multiple_of(4) { self.text() } else { None };
        // SAFETY: zeros are valid in every field.
        let mut query: kal_events_query = unsafe { std::mem::zeroed() };
        query.struct_size = size_of::<kal_events_query>();
        query.page_size = i32::from(choice >> 2 & 0x1f);
        match choice >> 6 {
            1 => query.resource_type = pointer(text.as_ref()),
            2 => query.after_date = pointer(text.as_ref()),
            3 => query.page = 1,
            _ => {}
        }
        (query, text)
    }

    fn typed(&mut self) {
        let choice = self.byte();
        let id = self.handle(Kind::Client);
        let (query, _text) = self.query();
        let (options, cancel_is_good) = self.options();
        let client = kal_client { id };
        let options = pointer_to(options.as_ref());
        let some_id = self.text();
        let ids = [pointer(some_id.as_ref())];
        let (mut result, mut error) = (kal_result { id: 1 }, kal_error { id: 1 });
        let (out, problem) = (&raw mut result, &raw mut error);
        // SAFETY: as above.
        let status = unsafe {
            match choice % 6 {
                0 => kal_workspace_get_workspace(client, options, out, problem),
                1 => kal_workspace_get_members(client, options, out, problem),
                2 => kal_workspace_get_groups(client, options, out, problem),
                3 => kal_workspace_get_members_by_ids(client, ids.as_ptr(), 1, options, out, problem),
                4 => kal_workspace_get_groups_by_ids(client, ids.as_ptr(), 1, options, out, problem),
                _ => kal_workspace_get_events(client, &raw const query, options, out, problem),
            }
        };
        self.settle_call(status, self.is(id, Kind::Client), cancel_is_good, error, Some((result.id, Kind::Result)));
    }

    /// The parameters are looked at before the cancel is.
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

    fn door(&mut self) {
        let id = self.handle(Kind::Client);
        let method = METHODS[usize::from(self.byte()) % METHODS.len()];
        let params = self.text();
        let (options, cancel_is_good) = self.options();
        let (mut result, mut error) = (kal_result { id: 1 }, kal_error { id: 1 });
        // SAFETY: as above.
        let status = unsafe {
            kal_call(
                kal_client { id },
                method.as_ptr(),
                pointer(params.as_ref()),
                pointer_to(options.as_ref()),
                &raw mut result,
                &raw mut error,
            )
        };
        self.settle_call(status, self.is(id, Kind::Client), cancel_is_good, error, Some((result.id, Kind::Result)));
    }

    fn submit(&mut self) {
        let id = self.handle(Kind::Client);
        let queue = self.handle(Kind::Queue);
        let method = METHODS[usize::from(self.byte()) % METHODS.len()];
        let params = self.text();
        let (options, cancel_is_good) = self.options();
        let number = self.next_number(queue);
        let mut error = kal_error { id: 1 };
        // SAFETY: as above; `user_data` is never looked into.
        let status = unsafe {
            kal_submit(
                kal_client { id },
                method.as_ptr(),
                pointer(params.as_ref()),
                pointer_to(options.as_ref()),
                kal_queue { id: queue },
                number as *mut c_void,
                &raw mut error,
            )
        };
        let good = self.is(id, Kind::Client) && self.is(queue, Kind::Queue);
        if self.settle_call(status, good, cancel_is_good, error, None) {
            self.pending.entry(queue).or_default().push(number);
        }
    }

    fn next_number(&self, queue: u64) -> usize {
        self.pending.get(&queue).and_then(|numbers| numbers.iter().max()).map_or(1, |last| last + 1)
    }

    fn open_stream(&mut self) {
        let id = self.handle(Kind::Client);
        let choice = self.byte();
        let (query, _text) = self.query();
        let (options, cancel_is_good) = self.options();
        let options = pointer_to(options.as_ref());
        let cursor = match choice % 4 {
            0 => self.text(),
            1 => {
                let other = kal_stream { id: self.handle(Kind::Stream) };
                read(kal_stream_cursor(other)).and_then(|text| CString::new(text).ok())
            }
            _ => None,
        };
        let (mut stream, mut error) = (kal_stream { id: 1 }, kal_error { id: 1 });
        let (out, problem) = (&raw mut stream, &raw mut error);
        // SAFETY: as above.
        let status = unsafe {
            if choice % 8 < 5 {
                kal_workspace_follow_events(
                    kal_client { id },
                    &raw const query,
                    pointer(cursor.as_ref()),
                    options,
                    out,
                    problem,
                )
            } else {
                kal_workspace_stream_events(kal_client { id }, &raw const query, options, out, problem)
            }
        };
        self.settle_call(status, self.is(id, Kind::Client), cancel_is_good, error, Some((stream.id, Kind::Stream)));
    }

    fn next_of_stream(&mut self) {
        let id = self.handle(Kind::Stream);
        let choice = self.byte();
        let stream = kal_stream { id };
        let mut error = kal_error { id: 1 };
        if choice.is_multiple_of(4) {
            // SAFETY: as above.
            let status = unsafe { kal_stream_set_backoff(stream, 1, u32::from(choice / 4), &raw mut error) };
            self.settle(status, self.is(id, Kind::Stream), error, None);
            return;
        }
        let mut result = kal_result { id: 1 };
        // SAFETY: as above.
        let status = unsafe { kal_stream_next(stream, u32::from(choice / 64), &raw mut result, &raw mut error) };
        self.settle(status, self.is(id, Kind::Stream), error, Some((result.id, Kind::Result)));
    }

    fn submit_next(&mut self) {
        let id = self.handle(Kind::Stream);
        let queue = self.handle(Kind::Queue);
        let timeout = u32::from(self.byte() / 64);
        let number = self.next_number(queue);
        let mut error = kal_error { id: 1 };
        // SAFETY: as above; `user_data` is never looked into.
        let status = unsafe {
            kal_stream_submit_next(
                kal_stream { id },
                timeout,
                kal_queue { id: queue },
                number as *mut c_void,
                &raw mut error,
            )
        };
        let good = self.is(id, Kind::Stream) && self.is(queue, Kind::Queue);
        if self.settle(status, good, error, None) {
            self.pending.entry(queue).or_default().push(number);
        }
    }

    fn next_of_queue(&mut self) {
        let id = self.handle(Kind::Queue);
        let timeout = u32::from(self.byte() / 64);
        self.complete(id, timeout);
    }

    /// Takes a completion; says whether there was one.
    fn complete(&mut self, id: u64, timeout_ms: u32) -> bool {
        // SAFETY: zeros are valid in every field.
        let mut completion: kal_completion = unsafe { std::mem::zeroed() };
        completion.struct_size = size_of::<kal_completion>();
        let mut error = kal_error { id: 1 };
        // SAFETY: as above.
        let status = unsafe { kal_queue_next(kal_queue { id }, timeout_ms, &raw mut completion, &raw mut error) };
        if !self.settle(status, self.is(id, Kind::Queue), error, None) {
            return false;
        }
        let number = completion.user_data as usize;
        let pending = self.pending.get_mut(&id).expect("something was submitted");
        let place = pending.iter().position(|submitted| *submitted == number).expect("it did not complete before");
        pending.swap_remove(place);
        let made =
            (completion.result.id != 0 || completion.status == KAL_OK).then_some((completion.result.id, Kind::Result));
        self.settle(completion.status, true, completion.error, made);
        true
    }

    fn look_at_result(&mut self) {
        let id = self.handle(Kind::Result);
        let result = kal_result { id };
        let mut len = usize::MAX;
        // SAFETY: as above; what they give lives as long as the result.
        let json = unsafe { kal_result_json(result, &raw mut len) };
        assert_eq!(read(json).map(str::len), self.is(id, Kind::Result).then_some(len));
        // SAFETY: as above.
        if let Some(workspace) = unsafe { kal_result_workspace(result).as_ref() } {
            assert!(self.is(id, Kind::Result) && read(workspace.id).is_some());
        }
        // SAFETY: as above; the first field of each of these structs is the id.
        let ids = unsafe {
            let users = kal_result_workspace_users(result, &raw mut len);
            let users = elements(users, len).iter().map(|user| (**user).id).collect::<Vec<_>>();
            let groups = kal_result_workspace_groups(result, &raw mut len);
            let groups = elements(groups, len).iter().map(|group| (**group).id).collect::<Vec<_>>();
            let events = kal_result_workspace_events(result, &raw mut len);
            let events = elements(events, len).iter().map(|event| (**event).id).collect::<Vec<_>>();
            [users, groups, events].concat()
        };
        assert!(ids.is_empty() || self.is(id, Kind::Result));
        assert!(ids.into_iter().all(|id| read(id).is_some()));
    }

    fn figures(&mut self) {
        let id = self.handle(Kind::Client);
        let client = kal_client { id };
        let mut error = kal_error { id: 1 };
        // SAFETY: as above; integers may be zero.
        let status = unsafe {
            if self.byte().is_multiple_of(2) {
                kal_client_clear_caches(client, &raw mut error)
            } else {
                let mut stats: kal_stats = std::mem::zeroed();
                stats.struct_size = size_of::<kal_stats>();
                kal_client_stats(client, &raw mut stats, &raw mut error)
            }
        };
        self.settle(status, self.is(id, Kind::Client), error, None);
    }

    /// Frees any handle with the function of any kind.
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

    /// Waits for what was submitted, frees everything, and sees that it is gone.
    fn end(mut self) {
        let mut queues: Vec<_> = self.pending.keys().copied().collect();
        // In the order in which they were made, so that an input does the same each time.
        queues.sort_unstable();
        for queue in queues {
            while !self.pending[&queue].is_empty() {
                assert!(self.complete(queue, PATIENCE_MS), "a call did not complete");
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

fn pointer(text: Option<&CString>) -> *const c_char {
    text.map_or(null(), |text| text.as_ptr())
}

fn pointer_to<T>(value: Option<&T>) -> *const T {
    value.map_or(null(), std::ptr::from_ref)
}

/// A text of the library, read to its end.
fn read<'a>(text: *const c_char) -> Option<&'a str> {
    // SAFETY: the header says that it is a text, and it is looked at before anything is freed.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_str().expect("UTF-8"))
}

/// # Safety
/// `first` is NULL or has `len` elements.
unsafe fn elements<'a, T>(first: *const *const T, len: usize) -> &'a [*const T] {
    if first.is_null() {
        assert_eq!(len, 0);
        return &[];
    }
    // SAFETY: asked of the caller.
    unsafe { std::slice::from_raw_parts(first, len) }
}
