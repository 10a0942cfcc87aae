//! `kal_stream`: events page after page, and what comes after them.

use std::ffi::c_char;
use std::ptr;
use std::sync::Arc;

use super::call_options::{call_options, kal_call_options};
use super::events_query::{self, kal_events_query};
use super::export::{fallible, fallible_status, fallible_unit, infallible};
use super::kit::handles::{self, Handle, handle};
use super::kit::millis::millis;
use super::kit::status::{KAL_DONE, KAL_OK, KAL_TIMED_OUT, kal_status};
use super::kit::{pointer, text};
use super::types::{kal_client, kal_error, kal_result, kal_stream};
use crate::error::Result;
use crate::events::{Next, Stream};
use crate::service::Params;
use crate::service::workspace::GET_EVENTS;

handle!(kal_stream, 5, Stream);

/// Opens a stream of every event that matches `query`, each exactly once, page after page, even while new events arrive.
///
/// No I/O: `kal_stream_next` fetches a page when it is asked for one. All events that there were at the first request come,
/// in the server's order; of those that arrive later some come too. Free the stream with `kal_stream_free`.
///
/// `query` NULL: no filter. `query->page` must be 0: the stream finds the numbers of the pages by itself; `page_size` is passed
/// on. `options->timeout_ms` is for each request, `options->cancel` for the whole stream. Memory does not grow with the number
/// of events.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kal_workspace_stream_events(
    client: kal_client,
    query: *const kal_events_query,
    options: *const kal_call_options,
    stream: *mut kal_stream,
    error: *mut kal_error,
) -> kal_status {
    // SAFETY: the pointers are as the header requires of the caller.
    unsafe {
        fallible(error, stream, "stream", || {
            let client = handles::get(client)?;
            handles::insert(Arc::new(Stream::open(&client, params(query)?, call_options(options)?)?))
        })
    }
}

/// Opens a stream of the events that match `query` as they happen. It never ends.
///
/// It begins where `cursor` was taken, a text of `kal_stream_cursor` from this or another process, with nothing lost and
/// nothing given twice. Without one (NULL) it begins at `query->after_date`, or else at the present, which is the end of the
/// first round of requests. The cursor of `kal_workspace_stream_events` does too: first come the events that it had left, then
/// the new ones. The stream that the cursor was taken from must have had the same filters, except dates and `page_size`.
///
/// While nothing new comes, it asks again after 1 s, 2 s, 4 s and so on up to 30 s (see `kal_stream_set_backoff`); a round is
/// one small request as a rule. Each round looks back over the last 10 seconds before the newest event, so an event that shows
/// up late comes too, unless its `created_at` is longer than that before one that was already given.
///
/// `query->page` must be 0 and `query->before_date` NULL; otherwise as `kal_workspace_stream_events`. A text that is no cursor,
/// or one of other filters, is `KAL_INVALID_ARGUMENT` naming `cursor`.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kal_workspace_follow_events(
    client: kal_client,
    query: *const kal_events_query,
    cursor: *const c_char,
    options: *const kal_call_options,
    stream: *mut kal_stream,
    error: *mut kal_error,
) -> kal_status {
    // SAFETY: the pointers are as the header requires of the caller.
    unsafe {
        fallible(error, stream, "stream", || {
            let client = handles::get(client)?;
            let cursor = text::optional(cursor, "cursor")?;
            let stream = Stream::follow(&client, params(query)?, cursor, call_options(options)?)?;
            handles::insert(Arc::new(stream))
        })
    }
}

/// Gives the next page of a stream: one or more events that were not given before, never none. Read them with
/// `kal_result_workspace_events` or `kal_result_json`, and free the result.
///
/// - `KAL_OK`: `*result` is the page.
/// - `KAL_DONE`: the stream has ended; so says every later call. A stream that follows never ends.
/// - `KAL_TIMED_OUT`: nothing yet after `timeout_ms` milliseconds. No error is given then; if one is, a request took longer than
///   the call options allow. A page that is on its way is not lost: the next call gets it.
/// - `KAL_CANCELLED`: `options->cancel` was fired, the client was closed, or another thread freed the stream.
/// - `KAL_INVALID_STATE`: another thread is in `kal_stream_next` with this stream, or a submitted call waits for its next page.
/// - `KAL_BAD_RESPONSE`, also when the server's pages repeat themselves and never end.
/// - Any other status: a request failed, after its retries. Nothing is lost: the next call asks again, on a stream that follows
///   after the wait that is due. Where the server asked for a wait (`retry_after_ms` of the error), the stream asks nothing before
///   that is over, hours if need be, and says `KAL_TIMED_OUT` until then; another stream from the cursor does not know of it.
///
/// `timeout_ms` 0: does not wait for news. It asks at once, for one round, takes no longer than one request may
/// (`options->timeout_ms`, or the client's), and gives `KAL_TIMED_OUT` when there is nothing new, or when it is not the time to ask.
///
/// One thread at a time; any thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kal_stream_next(
    stream: kal_stream,
    timeout_ms: u32,
    result: *mut kal_result,
    error: *mut kal_error,
) -> kal_status {
    // SAFETY: the pointers are as the header requires of the caller.
    unsafe {
        fallible_status(error, || {
            let out = pointer::out(result, "result")?;
            *out = kal_result::NONE;
            let stream = handles::get(stream)?;
            let delivery = stream.wait_next(millis(timeout_ms))?;
            let status = match delivery.next() {
                Next::Page(page) => {
                    *out = handles::insert(Arc::clone(page))?;
                    KAL_OK
                }
                Next::NothingYet => KAL_TIMED_OUT,
                Next::End => KAL_DONE,
            };
            delivery.pick_up();
            Ok(status)
        })
    }
}

/// Where the stream is, as text: behind the last page that `kal_stream_next` or `kal_queue_next` gave you. Keep it when the page
/// is dealt with, and `kal_workspace_follow_events` goes on from there, in another process, after any time. A page that nobody
/// picked up, in a queue or in one that was closed, is always after the cursor, and so are the pages after it.
///
/// It is one line of UTF-8, opaque, and mostly short; with many events of the same time it holds up to 1,000 of their ids
/// (64 KiB). Should more than that lie within the last 10 seconds before the newest event, then events of these seconds that
/// show up late may be missed. Some events may be given twice after a resume when more than 500 have one and the same time, or
/// more than 1,000 arrive in the course of one round or come on pages of which none shows two times. Nothing else is ever lost
/// or repeated. Events without `created_at` are told apart by their ids alone: the last 1,000 of them are remembered.
///
/// Of a stream that follows from the present, keep it once `kal_stream_next` has returned the first time, with `KAL_TIMED_OUT`
/// too: before that, the present is where the next process begins. NULL for none and stale handles. It belongs to the stream;
/// valid and unchanging until `kal_stream_next`, `kal_stream_submit_next` or `kal_stream_free` is called on the stream next.
/// Other calls of `kal_stream_cursor`, on any thread, leave it as it is, and so does a page that arrives.
#[unsafe(no_mangle)]
pub extern "C" fn kal_stream_cursor(stream: kal_stream) -> *const c_char {
    infallible(ptr::null(), || {
        let stream = handles::get(stream).ok()?;
        // The stream, which the table holds, keeps the text until it is asked for more.
        Some(stream.show_cursor().cast())
    })
}

/// Sets the shortest and the longest wait between two rounds of a stream that follows, in milliseconds, from the next wait on.
///
/// 0: the default, 1,000 and 30,000. `KAL_INVALID_ARGUMENT` when both are given and `min_ms` is more. Other streams do not wait.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kal_stream_set_backoff(
    stream: kal_stream,
    min_ms: u32,
    max_ms: u32,
    error: *mut kal_error,
) -> kal_status {
    // SAFETY: `error` is NULL or the caller's.
    unsafe {
        fallible_unit(error, || {
            let stream = handles::get(stream)?;
            stream.set_backoff(millis(min_ms), millis(max_ms))
        })
    }
}

/// Frees a stream. Its results stay valid; a thread that waits in `kal_stream_next` gets `KAL_CANCELLED`. None and stale
/// handles are accepted quietly.
#[unsafe(no_mangle)]
pub extern "C" fn kal_stream_free(stream: kal_stream) {
    infallible((), || handles::take(stream).map(|stream| stream.close()));
}

/// # Safety
/// `query` is as the header requires.
unsafe fn params(query: *const kal_events_query) -> Result<Params> {
    let mut params = Params::new(&GET_EVENTS);
    // SAFETY: required of the caller.
    unsafe { events_query::fill(&mut params, query)? };
    Ok(params)
}
