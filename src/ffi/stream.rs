//! `kal_stream`: all events page after page, and new events as they happen.

use std::ffi::{c_char, c_int};
use std::ptr;
use std::sync::Arc;

use super::call_options::{call_options, kal_call_options};
use super::events_query::{self, kal_events_query};
use super::export::{fallible, fallible_status, fallible_unit, infallible, infallible_io};
use super::kit::handles::{self, Handle, handle};
use super::kit::millis::millis;
use super::kit::status::{KAL_DONE, KAL_NOT_READY, KAL_OK, kal_status};
use super::kit::{pointer, text};
use super::types::{kal_client, kal_error, kal_result, kal_stream};
use crate::client::CallOptions;
use crate::error::{Error, ErrorKind, Result};
use crate::events::{Next, Stream};
use crate::service::Params;
use crate::service::workspace::GET_EVENTS;

handle!(kal_stream, 5, Stream);

/// Opens a stream of all events that match, page after page, each exactly once, even while new events arrive.
///
/// - `client`: the client.
/// - `query`: which events; NULL means no filter. Its `page` must be 0: the stream finds the pages by itself.
/// - `options`: NULL means the defaults. `timeout_ms` applies to each request, `cancel` to the whole stream.
/// - `stream`: receives the stream, to be freed with `kal_stream_free`; on failure none.
/// - `error`: receives the error, to be freed with `kal_error_free`, or none. May be NULL.
///
/// A stream gives every event that matches and that the server still has when its page is asked for, once. Where it
/// cannot make sure, it says so with an error that names the reason; it never ends early in silence and never gives the
/// same event for ever. A cursor that was taken after a page was dealt with loses nothing and repeats nothing.
/// `kal_stream_cursor` has the limits of a cursor.
///
/// It does no I/O: `kal_stream_next` requests one page at a time (`kal_stream_set_read_ahead`: several). The events that
/// exist at the first request come in the server's order; some of those that arrive later come too.
///
/// Once the list's order of time is known, pages are requested by date, each overlapping the events before it, so that
/// deletions, insertions and limits on page numbers lose nothing. Events with one time or without one, and lists in no
/// order, are read by page number until a whole pass adds nothing. A 400, 404, 416 or 422 for a page is no proof of the
/// end. For the overlap, a request may have a slightly larger `page_size`, at most twice the caller's; a page never has
/// more than `page_size` events.
///
/// Requests: 1,000 sorted events, 100 a page, take 12 by the first stream of a client and 11 after that, because what
/// was learnt of the server is kept in the client.
///
/// Memory: up to 120 bytes for each event remembered. Of a sorted list, these are at most about 50,000 (4 MB), however
/// long it is; of events with one time, without a time or in no order, up to 1,000,000 (70 MB).
///
/// Returns: `KAL_OK`; `KAL_NOT_FOUND` for `KAL_CACHE_ONLY`; or a common status.
///
/// Since: 0.1.0
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kal_workspace_stream_events(
    client: kal_client,
    query: *const kal_events_query,
    options: *const kal_call_options,
    stream: *mut kal_stream,
    error: *mut kal_error,
) -> kal_status {
    // SAFETY: the pointers are as the header requires.
    unsafe {
        fallible(error, stream, "stream", || {
            let client = handles::get(client)?;
            handles::insert(Arc::new(Stream::open(&client, params(query)?, call_options(options)?)?))
        })
    }
}

/// Opens a stream of events as they happen. It never ends.
///
/// - `client`: the client.
/// - `query`: which events; NULL means no filter. Its `page` must be 0 and its `before_date` NULL.
/// - `cursor`: a string of `kal_stream_cursor`, from this or another process. The stream resumes there. NULL: starts at
///   `query->after_date`, or else at the present, which is the end of the first round of requests.
/// - `options`: as for `kal_workspace_stream_events`.
/// - `stream`: receives the stream, to be freed with `kal_stream_free`; on failure none.
/// - `error`: receives the error, to be freed with `kal_error_free`, or none. May be NULL.
///
/// It does no I/O. The cursor must come from a stream with the same filters; dates and `page_size` may differ. From a
/// cursor of `kal_workspace_stream_events` it first returns the rest of those events, then the new ones.
///
/// While there are no new events it polls after 1 s, 2 s, 4 s and so on up to 30 s (`kal_stream_set_backoff`), usually
/// with one request; the first poll may take three. Each poll overlaps the last 10 seconds before the newest event,
/// inclusive, and at least the 10 newest events (half of `page_size` if that is fewer). An event that appears late with
/// a `created_at` earlier than both is missed. In the middle of a burst of more than half a page within 10 seconds, every
/// event that appears late may be missed.
///
/// Clocks are not trusted: the present is what the server has, and a wrong clock costs requests, never events. Finding
/// the present usually takes one request in a newest-first list and up to eight in an oldest-first one, however old its
/// newest event is; these ask for pages of 1,000 events, or of `page_size` if that is more.
///
/// Events without `created_at` are recognised by their ids. If the server leaves them out of queries by date, a stream
/// that follows an oldest-first list does not see them; in a newest-first list it asks without a date once it has seen
/// one.
///
/// Returns: `KAL_OK`; `KAL_INVALID_ARGUMENT` also naming `cursor` when it is not a cursor, damaged, or one of other
/// filters; `KAL_NOT_FOUND` for `KAL_CACHE_ONLY`; or a common status.
///
/// Since: 0.1.0
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
    // SAFETY: the pointers are as the header requires.
    unsafe {
        fallible(error, stream, "stream", || {
            let client = handles::get(client)?;
            let cursor = text::optional(cursor, "cursor")?;
            let stream = Stream::follow(&client, params(query)?, cursor, call_options(options)?)?;
            handles::insert(Arc::new(stream))
        })
    }
}

/// Opens a stream by its method's name, with parameters as JSON, for languages without structs:
/// `kal_stream_open(client, "workspace.stream_events", "{\"page_size\":50}", NULL, &stream, &error)`.
///
/// - `client`: the client, whose `timeout_ms` applies to each request.
/// - `method`: `"workspace.stream_events"` or `"workspace.follow_events"`: as `kal_workspace_stream_events` or
///   `kal_workspace_follow_events`.
/// - `params_json`: the parameters of `"workspace.get_events"` as a JSON object, without `page`; NULL or `""` means no
///   filter. A parameter that is `null` counts as not given.
/// - `cursor`: for `"workspace.follow_events"`, a string of `kal_stream_cursor`; NULL or `""` means none.
/// - `stream`: receives the stream, to be freed with `kal_stream_free`; on failure none.
/// - `error`: receives the error, to be freed with `kal_error_free`, or none. May be NULL.
///
/// Returns: `KAL_OK`; `KAL_UNKNOWN_METHOD`; `KAL_INVALID_ARGUMENT` naming the parameter that is unknown or of the wrong type,
/// or `cursor` for a method that takes none; or as `kal_workspace_follow_events`.
///
/// Since: 0.2.0
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kal_stream_open(
    client: kal_client,
    method: *const c_char,
    params_json: *const c_char,
    cursor: *const c_char,
    stream: *mut kal_stream,
    error: *mut kal_error,
) -> kal_status {
    // SAFETY: the pointers are as the header requires.
    unsafe {
        fallible(error, stream, "stream", || {
            let client = handles::get(client)?;
            let method = text::required(method, "method")?;
            let follows = match method {
                STREAM_EVENTS => false,
                FOLLOW_EVENTS => true,
                _ => return Err(unknown_stream(method)),
            };
            let params =
                Params::from_json(&GET_EVENTS, text::optional(params_json, "params_json")?.unwrap_or_default())?;
            let cursor = text::optional(cursor, "cursor")?.filter(|cursor| !cursor.is_empty());
            let options = CallOptions::default();
            let stream = match cursor {
                _ if follows => Stream::follow(&client, params, cursor, options)?,
                None => Stream::open(&client, params, options)?,
                Some(_) => {
                    return Err(Error::argument(
                        "cursor",
                        format_args!("{STREAM_EVENTS} takes none; {FOLLOW_EVENTS} resumes from a cursor"),
                    ));
                }
            };
            handles::insert(Arc::new(stream))
        })
    }
}

const STREAM_EVENTS: &str = "workspace.stream_events";
const FOLLOW_EVENTS: &str = "workspace.follow_events";

fn unknown_stream(method: &str) -> Error {
    let message = format!("no stream has the method {method:?}; the methods are {STREAM_EVENTS}, {FOLLOW_EVENTS}");
    Error::new(ErrorKind::UnknownMethod, message)
}

/// Returns the next page of a stream: one or more new events. Read them with `kal_result_workspace_events` or
/// `kal_result_json`.
///
/// - `stream`: the stream. Any thread may call, one at a time.
/// - `timeout_ms`: milliseconds to wait; `KAL_WAIT_FOREVER` has no limit. 0 does not wait for new events: it makes one
///   round of requests, within the time of one request, or none when a wait before the next poll is due.
/// - `result`: receives the page, to be freed with `kal_result_free`; none unless the status is `KAL_OK`.
/// - `error`: receives the error, to be freed with `kal_error_free`, or none. May be NULL.
///
/// After a failure no event is lost: the next call requests the page again, on a stream that follows after the wait
/// that is due. If the server asked for a wait (`retry_after_ms`), the stream sends no request before it is over, and
/// returns `KAL_NOT_READY` until then; another stream from the cursor does not know of it.
///
/// `KAL_BAD_RESPONSE` may mean that it cannot be known whether there are more events. The message has the reason:
///
/// - the list changes with every request, and its events are not sorted by `created_at`;
/// - the server rejects page N after a full page, and events are not sorted;
/// - the server returns the same full page for every page number, and events are not sorted;
/// - there are more than 1,000,000 events that are not sorted;
/// - the list has more events than its answers by date, and is too long to be read again: more than 50,000.
///
/// The next call tries again if the stream follows, and returns the same error if it does not.
///
/// Returns: `KAL_OK`; `KAL_DONE` at the end of the stream, and for every later call; `KAL_NOT_READY` when there is
/// nothing yet, within `timeout_ms` (a page in flight is returned by the next call); `KAL_TIMED_OUT`, always an error,
/// when a request took longer than the call options allow, or `timeout_ms` passed before a stream that starts at the
/// present has found it: it has not started, and its cursor is of no use yet; `KAL_CANCELLED` when the `cancel` of the
/// options was fired, the client was closed or the stream was freed; `KAL_INVALID_STATE` while another call waits for
/// the stream's next page; `KAL_BAD_RESPONSE` also as above; `KAL_WOULD_DEADLOCK` from a callback; another status of a
/// request; or a common status.
///
/// Since: 0.1.0
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kal_stream_next(
    stream: kal_stream,
    timeout_ms: u32,
    result: *mut kal_result,
    error: *mut kal_error,
) -> kal_status {
    // SAFETY: the pointers are as the header requires.
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
                Next::NothingYet => KAL_NOT_READY,
                Next::End => KAL_DONE,
            };
            delivery.acknowledge();
            Ok(status)
        })
    }
}

/// Returns the position of a stream as a string, after the last page that `kal_stream_next` or `kal_queue_next`
/// returned. Store it when the page has been processed; `kal_workspace_follow_events` resumes from it, in another
/// process and after any time.
///
/// - `stream`: the stream.
///
/// The cursor is one line of opaque UTF-8 with a checksum: a damaged one is refused. It has the hashes of up to 2,500
/// events (at most about 110 KB), usually of far fewer. It moves when `kal_stream_next` or `kal_queue_next` returns the
/// page, never when the page arrives, also with `kal_stream_set_read_ahead`; pages that were never picked up from a
/// queue are after it.
///
/// After a resume, "once" has limits. Of more than 2,500 events within the overlap of a poll, in one second or in no
/// order of time, some may be repeated. With more than 2,500 events in the last 10 seconds before the newest, events of
/// these seconds that appear late may be missed. Of events without `created_at`, the last 2,500 are remembered.
///
/// The cursor of a stream that starts at the present has a place once `kal_stream_next` has returned `KAL_OK` or
/// `KAL_NOT_READY`.
///
/// Returns: a string that belongs to the stream and is valid until the next `kal_stream_next`, `kal_stream_submit_next`
/// or `kal_stream_free` on it; NULL for a handle that is none, stale or of another type.
///
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn kal_stream_cursor(stream: kal_stream) -> *const c_char {
    infallible(ptr::null(), || {
        let stream = handles::get(stream).ok()?;
        // The handle table owns the stream, which keeps the text until its next page is requested.
        Some(stream.pin_cursor().cast())
    })
}

/// Sets the shortest and the longest wait between two polls of a stream that follows, from the next wait on.
///
/// - `stream`: the stream. Streams that do not follow never wait.
/// - `min_ms`: milliseconds; 0 means the default of 1,000.
/// - `max_ms`: milliseconds; 0 means the default of 30,000.
/// - `error`: receives the error, to be freed with `kal_error_free`, or none. May be NULL.
///
/// Returns: `KAL_OK`; `KAL_INVALID_ARGUMENT` when both are given and `min_ms` is greater; or a common status.
///
/// Since: 0.1.0
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

/// Sets whether a stream requests the next pages while the caller works on the one before.
///
/// - `stream`: the stream.
/// - `pages`: how many pages at most are requested at once, from the next page on. 0 means none, the default; more than 12
///   count as 12.
/// - `error`: receives the error, to be freed with `kal_error_free`, or none. May be NULL.
///
/// The request for the next page is sent as soon as a page is there, and its page is kept until the next
/// `kal_stream_next` or `kal_stream_submit_next`, which also reports its failure. The order of the events and the cursor
/// do not depend on it. Nothing is sent ahead after the last page, while a stream that follows waits for its next poll,
/// before the end of a `Retry-After`, or when `iap_token_provider` has to be called first. `timeout_ms` of the stream
/// applies to each request.
///
/// Of a list in order of time, with full pages, it requests two pages at once, then four, eight and twelve, if `pages`
/// allows that, each time when the ones before have been returned: by page number within the dates of the first of them,
/// and with a smaller `page_size`, so that they overlap. A page that does not continue the one before, because events
/// were deleted or the server numbers pages otherwise, is dropped and requested by date; so is one whose request fails.
/// So no more than twelve pages of at most `max_response_bytes` are kept, and up to eleven requests are in vain at the
/// end of the list. The overlaps take 5 % more requests with a `page_size` of 1,000, and 45 % more with 100.
///
/// Returns: `KAL_OK`; `KAL_INVALID_ARGUMENT` also naming `pages` when it is negative; or a common status.
///
/// Since: 0.2.0
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kal_stream_set_read_ahead(
    stream: kal_stream,
    pages: c_int,
    error: *mut kal_error,
) -> kal_status {
    // SAFETY: `error` is NULL or the caller's.
    unsafe {
        fallible_unit(error, || {
            let stream = handles::get(stream)?;
            let pages = usize::try_from(pages).map_err(|_| Error::argument("pages", "negative"))?;
            stream.set_read_ahead(pages);
            Ok(())
        })
    }
}

/// Frees a stream. Its results stay valid; a thread that waits in `kal_stream_next` gets `KAL_CANCELLED`.
///
/// - `stream`: the stream. None and stale handles are ignored.
///
/// Returns: nothing.
///
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn kal_stream_free(stream: kal_stream) {
    infallible_io((), || handles::take(stream).map(|stream| stream.close()));
}

/// # Safety
/// `query` is as the header requires.
unsafe fn params(query: *const kal_events_query) -> Result<Params> {
    let mut params = Params::new(&GET_EVENTS);
    // SAFETY: required of the caller.
    unsafe { events_query::fill(&mut params, query)? };
    Ok(params)
}
