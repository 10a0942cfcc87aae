//! `kal_queue`: calls that do not block.

use std::ffi::{c_char, c_int, c_void};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::call::params_of;
use super::call_options::{call_options, kal_call_options};
use super::completion::{Outcome, deliver_to, kal_completion};
use super::export::{fallible, fallible_status, fallible_unit, infallible};
use super::kit::handles;
use super::kit::millis::millis;
use super::kit::status::{KAL_OK, KAL_TIMED_OUT, kal_status};
use super::kit::versioned::OutStruct;
use super::types::{kal_client, kal_error, kal_queue, kal_stream};
use crate::process::callback;
use crate::queue::Queue;

/// Opens a queue of completions. Close it with `kal_queue_close`.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kal_queue_open(queue: *mut kal_queue, error: *mut kal_error) -> kal_status {
    // SAFETY: the pointers are as the header asks of the caller.
    unsafe { fallible(error, queue, "queue", || handles::insert(Arc::new(Queue::open()?))) }
}

/// A descriptor that is readable while completions wait: for poll, select, epoll, and the loops of GUIs and Tcl.
///
/// It belongs to the queue: do not read it, write it or close it. -1 when the handle is none or stale.
#[unsafe(no_mangle)]
pub extern "C" fn kal_queue_fd(queue: kal_queue) -> c_int {
    infallible(-1, || handles::get(queue).ok().map(|queue| queue.descriptor()))
}

/// Starts a call and returns at once; its completion comes to `queue`, exactly once, whatever happens to it.
///
/// `method` and `params_json` as in `kal_call`; `user_data` comes back in the completion. When the status is not `KAL_OK`
/// nothing was started and no completion comes. Any number of calls may be submitted; `max_in_flight` of them are on the wire
/// at once. An answer that is cached completes at once. Cancel it through the options' `cancel`. With an `iap_token_provider`,
/// that is called here when a token is due: `KAL_AUTH_FAILED`, `KAL_TIMED_OUT` when it took all the time, and
/// `KAL_WOULD_DEADLOCK` within a callback.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kal_submit(
    client: kal_client,
    method: *const c_char,
    params_json: *const c_char,
    options: *const kal_call_options,
    queue: kal_queue,
    user_data: *mut c_void,
    error: *mut kal_error,
) -> kal_status {
    // SAFETY: the pointers are as the header asks of the caller.
    unsafe {
        fallible_unit(error, || {
            let client = handles::get(client)?;
            let queue = handles::get(queue)?;
            let params = params_of(method, params_json)?;
            let deliver = deliver_to(&queue, user_data);
            client
                .submit(params, &call_options(options)?, queue.closing(), |answer| deliver(answer.map(Outcome::Answer)))
        })
    }
}

/// Starts `kal_stream_next` and returns at once; its completion comes to `queue`, exactly once.
///
/// The completion's status is `KAL_OK` with a page, `KAL_DONE` at the end, `KAL_TIMED_OUT` when nothing came within
/// `timeout_ms`, or a failure. One call at a time waits for a stream's next page: `KAL_INVALID_STATE` while another does.
/// The stream's cursor moves when `kal_queue_next` gives you the page, not when it arrives. With an `iap_token_provider`, which is
/// called here when a token is due, it waits for five minutes at most. `KAL_WOULD_DEADLOCK` as for `kal_submit`.
/// When the status returned here is not `KAL_OK`, nothing was started and no completion comes.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kal_stream_submit_next(
    stream: kal_stream,
    timeout_ms: u32,
    queue: kal_queue,
    user_data: *mut c_void,
    error: *mut kal_error,
) -> kal_status {
    // SAFETY: `error` is NULL or the caller's.
    unsafe {
        fallible_unit(error, || {
            let stream = handles::get(stream)?;
            let queue = handles::get(queue)?;
            let deliver = deliver_to(&queue, user_data);
            stream.submit_next(millis(timeout_ms), queue.closing(), |next| deliver(next.map(Outcome::Next)))
        })
    }
}

/// Takes the next completion, waiting up to `timeout_ms` milliseconds for it; 0 does not wait.
///
/// `KAL_OK`: `*completion` is filled, its result and error are yours to free. `KAL_TIMED_OUT`: there is none yet (this is no
/// failure: no error is given). `KAL_CANCELLED`: another thread closed the queue. `KAL_WOULD_DEADLOCK` when asked to wait
/// within a callback. `KAL_INVALID_STATE`: there is no room for another handle; the completion stays in the queue.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kal_queue_next(
    queue: kal_queue,
    timeout_ms: u32,
    completion: *mut kal_completion,
    error: *mut kal_error,
) -> kal_status {
    // SAFETY: the pointers are as the header asks of the caller.
    unsafe {
        fallible_status(error, || {
            let out = OutStruct::new(completion, "completion")?;
            let queue = handles::get(queue)?;
            if timeout_ms > 0 {
                callback::refuse_to_block()?;
            }
            match queue.next(Instant::now() + Duration::from_millis(timeout_ms.into())) {
                Ok(Some(next)) => match next.to_c() {
                    Ok(picked_up) => {
                        next.pick_up();
                        out.write(&picked_up);
                        Ok(KAL_OK)
                    }
                    Err(error) => {
                        queue.put_back(next);
                        out.write(&kal_completion::EMPTY);
                        Err(error)
                    }
                },
                Ok(None) => {
                    out.write(&kal_completion::EMPTY);
                    Ok(KAL_TIMED_OUT)
                }
                Err(error) => {
                    out.write(&kal_completion::EMPTY);
                    Err(error)
                }
            }
        })
    }
}

/// Closes a queue: its calls that are under way are cancelled, completions that wait are freed. A stream's page among them is
/// not lost: the stream gives it again. None and stale handles are accepted quietly.
#[unsafe(no_mangle)]
pub extern "C" fn kal_queue_close(queue: kal_queue) {
    infallible((), || handles::take(queue).map(|queue| queue.close()));
}
