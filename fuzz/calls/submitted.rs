//! Submitted calls and streams.

use std::ffi::{CString, c_void};

use kaleidoscope::ffi::completion::kal_completion;
use kaleidoscope::ffi::queue::{kal_queue_next, kal_stream_submit_next, kal_submit};
use kaleidoscope::ffi::status::KAL_OK;
use kaleidoscope::ffi::stream::{
    kal_stream_cursor, kal_stream_next, kal_stream_set_backoff, kal_workspace_follow_events,
    kal_workspace_stream_events,
};
use kaleidoscope::ffi::types::{kal_client, kal_error, kal_queue, kal_result, kal_stream};

use super::blocking::METHODS;
use super::memory::{pointer, pointer_to, read};
use super::{Kind, Sequence};

impl Sequence<'_> {
    pub(super) fn submit(&mut self) {
        let id = self.handle(Kind::Client);
        let queue = self.handle(Kind::Queue);
        let method = METHODS[usize::from(self.byte()) % METHODS.len()];
        let params = self.text();
        let (options, cancel_is_good) = self.options();
        let number = self.next_number(queue);
        let mut error = kal_error { id: 1 };
        // SAFETY: as above; `user_data` is never dereferenced.
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

    pub(super) fn next_number(&self, queue: u64) -> usize {
        self.pending.get(&queue).and_then(|numbers| numbers.iter().max()).map_or(1, |last| last + 1)
    }

    pub(super) fn open_stream(&mut self) {
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

    pub(super) fn next_of_stream(&mut self) {
        let id = self.handle(Kind::Stream);
        let choice = self.byte();
        let stream = kal_stream { id };
        let mut error = kal_error { id: 1 };
        if choice % 4 == 0 {
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

    pub(super) fn submit_next(&mut self) {
        let id = self.handle(Kind::Stream);
        let queue = self.handle(Kind::Queue);
        let timeout = u32::from(self.byte() / 64);
        let number = self.next_number(queue);
        let mut error = kal_error { id: 1 };
        // SAFETY: as above; `user_data` is never dereferenced.
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

    pub(super) fn next_of_queue(&mut self) {
        let id = self.handle(Kind::Queue);
        let timeout = u32::from(self.byte() / 64);
        self.complete(id, timeout);
    }

    /// Takes a completion and returns whether there was one.
    pub(super) fn complete(&mut self, id: u64, timeout_ms: u32) -> bool {
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
        let pending = self.pending.get_mut(&id).expect("a call was submitted");
        let place =
            pending.iter().position(|submitted| *submitted == number).expect("the call has not completed before");
        pending.swap_remove(place);
        let made =
            (completion.result.id != 0 || completion.status == KAL_OK).then_some((completion.result.id, Kind::Result));
        self.settle(completion.status, true, completion.error, made);
        true
    }
}
