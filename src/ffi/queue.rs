//! `kal_queue`: calls that do not block.

use std::ffi::{c_char, c_int, c_void};
use std::ptr;
use std::sync::Arc;
use std::time::Instant;

use super::call::params_of;
use super::call_options::{call_options, kal_call_options};
use super::completion::{Completion, Outcome, deliver_to, kal_completion};
use super::export::{fallible, fallible_status, fallible_unit, infallible_io};
use super::kit::handles;
use super::kit::millis::{millis, wait};
use super::kit::pointer::{self, write_optional};
use super::kit::status::{KAL_DONE, KAL_NOT_READY, KAL_OK, kal_status};
use super::kit::versioned::OutStruct;
use super::types::{kal_client, kal_error, kal_queue, kal_result, kal_stream};
use crate::error::Result;
use crate::queue::{Next, Queue};
use crate::runtime::callback;
use crate::service::Params;

/// Opens a queue of completions.
///
/// - `queue`: receives the queue, to be closed with `kal_queue_close`; on failure none.
/// - `error`: receives the error, to be freed with `kal_error_free`, or none. May be NULL.
///
/// Returns: `KAL_OK`; `KAL_OUT_OF_RESOURCES` when no descriptor is left; `KAL_INVALID_STATE` when no handle is left; or
/// a common status.
///
/// Since: 0.1.0
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kal_queue_open(queue: *mut kal_queue, error: *mut kal_error) -> kal_status {
    // SAFETY: the pointers are as the header requires.
    unsafe { fallible(error, queue, "queue", || handles::insert(Arc::new(Queue::open()?))) }
}

/// Returns a descriptor that is readable while `kal_queue_next` does not wait: for poll, select, epoll, kqueue and the
/// event loops of GUIs. On Windows there is none: see `kal_queue_handle`.
///
/// - `queue`: the queue, which owns the descriptor. Do not read, write or close it.
///
/// It works level-triggered and edge-triggered (`EPOLLET`). Edge-triggered, there is one event when the queue is no
/// longer empty: call `kal_queue_next` until it does not return `KAL_OK`. Remove the descriptor from the event loop
/// before `kal_queue_close`, which closes it before it returns: the number may be another file's then.
///
/// Returns: the descriptor; -1 for a handle that is none, stale or of another type, and on Windows.
///
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn kal_queue_fd(queue: kal_queue) -> c_int {
    infallible_io(-1, || handles::get(queue).ok()?.descriptor())
}

/// Returns an event of Windows that is signalled while `kal_queue_next` does not wait: a `HANDLE` for
/// `WaitForMultipleObjects`, `MsgWaitForMultipleObjectsEx`, `RegisterWaitForSingleObject` and the event loops of GUIs.
/// Elsewhere there is none: see `kal_queue_fd`.
///
/// - `queue`: the queue, which owns the event. Do not set, reset or close it.
///
/// It is reset by `kal_queue_next` alone, when the queue is empty: a wait does not reset it. End waits for it before
/// `kal_queue_close`, which closes it before it returns.
///
/// Returns: the handle; NULL for a handle that is none, stale or of another type, and on other systems.
///
/// Since: 0.2.0
#[unsafe(no_mangle)]
pub extern "C" fn kal_queue_handle(queue: kal_queue) -> *mut c_void {
    infallible_io(ptr::null_mut(), || handles::get(queue).ok()?.handle())
}

/// Starts a call and returns at once. Its completion is added to the queue, exactly once, however the call ends, unless
/// the queue is closed.
///
/// - `client`: the client.
/// - `method`: as for `kal_call`.
/// - `params_json`: as for `kal_call`.
/// - `options`: NULL means the defaults. `cancel` cancels the call.
/// - `queue`: receives the completion.
/// - `user_data`: any pointer, NULL included; returned in the completion.
/// - `error`: receives the error, to be freed with `kal_error_free`, or none. May be NULL.
///
/// Any number of calls may be submitted; `max_in_flight` requests are sent at once. A cached call completes at once. An
/// `iap_token_provider` is called here when a new token is due.
///
/// Returns: `KAL_OK` when the call was started; with any other status no completion follows. `KAL_UNKNOWN_METHOD` and
/// `KAL_INVALID_ARGUMENT` as for `kal_call`; `KAL_INVALID_STATE` after `kal_queue_shutdown`; `KAL_OUT_OF_RESOURCES` when
/// the library's thread cannot be started; with an `iap_token_provider`, `KAL_AUTH_FAILED`, `KAL_TIMED_OUT` when it took
/// all the time of the call, `KAL_INVALID_STATE` when the queue was shut down or closed meanwhile, and
/// `KAL_WOULD_DEADLOCK` from a callback; or a common status.
///
/// Since: 0.1.0
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
    // SAFETY: the pointers are as the header requires.
    unsafe { submit(client, &|| params_of(method, params_json), options, queue, user_data, error) }
}

/// Starts `kal_stream_next` and returns at once. Its completion is added to the queue, exactly once.
///
/// - `stream`: the stream.
/// - `timeout_ms`: milliseconds, as for `kal_stream_next`; with an `iap_token_provider` at most five minutes.
/// - `queue`: receives the completion, with the statuses of `kal_stream_next`.
/// - `user_data`: any pointer, NULL included; returned in the completion.
/// - `error`: receives the error, to be freed with `kal_error_free`, or none. May be NULL.
///
/// The cursor of the stream moves when `kal_queue_next` returns the page, never when it arrives, also with
/// `kal_stream_set_read_ahead`. An `iap_token_provider` is called here when a new token is due.
///
/// Returns: `KAL_OK` when it was started; with any other status no completion follows. `KAL_INVALID_STATE` while
/// another call waits for the stream's next page, and after `kal_queue_shutdown`; `KAL_OUT_OF_RESOURCES` when the
/// library's thread cannot be started; with an `iap_token_provider`, `KAL_AUTH_FAILED`, `KAL_INVALID_STATE` when the
/// queue was shut down or closed meanwhile, and `KAL_WOULD_DEADLOCK` from a callback; or a common status.
///
/// Since: 0.1.0
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
            queue.ensure_open()?;
            stream.submit_next(millis(timeout_ms), queue.ending(), || {
                let deliver = deliver_to(queue.enter()?, user_data);
                Ok(|next: Result<_>| deliver(next.map(Outcome::Next)))
            })
        })
    }
}

/// Removes the next completion from a queue.
///
/// - `queue`: the queue.
/// - `timeout_ms`: milliseconds to wait for a completion; 0 does not wait, `KAL_WAIT_FOREVER` has no limit.
/// - `completion`: filled as far as its `struct_size`, which must be set. Its result and error are the caller's to
///   free.
/// - `error`: receives the error of this function, to be freed with `kal_error_free`, or none. May be NULL.
///
/// Returns: `KAL_OK` with a completion; `KAL_NOT_READY` when there is none; `KAL_DONE` after `kal_queue_shutdown`, when
/// every call has completed and every completion was returned; `KAL_CANCELLED` when another thread closes the queue;
/// `KAL_WOULD_DEADLOCK` when asked to wait in a callback; `KAL_INVALID_STATE` when no handle is left (the completion
/// stays in the queue); or a common status.
///
/// Since: 0.1.0
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kal_queue_next(
    queue: kal_queue,
    timeout_ms: u32,
    completion: *mut kal_completion,
    error: *mut kal_error,
) -> kal_status {
    // SAFETY: the pointers are as the header requires.
    unsafe {
        next(queue, timeout_ms, error, &|picked_up| {
            OutStruct::new(completion, "completion")?.write(picked_up);
            Ok(())
        })
    }
}

/// Removes the next completion from a queue, as `kal_queue_next`, for languages without structs: each field of
/// `kal_completion` is written to a variable.
///
/// - `queue`: the queue.
/// - `timeout_ms`: milliseconds to wait for a completion; 0 does not wait, `KAL_WAIT_FOREVER` has no limit.
/// - `user_data`: receives the pointer, or integer of that size, that was passed when the call was submitted. May be NULL.
/// - `status`: receives the status of the call.
/// - `result`: receives the result of the call, to be freed with `kal_result_free`; none unless `status` is `KAL_OK`.
/// - `failure`: receives the error of the call, to be freed with `kal_error_free`; none when the call did not fail.
/// - `error`: receives the error of this function, to be freed with `kal_error_free`, or none. May be NULL.
///
/// Without a completion `user_data` is NULL, `status` 0, and both handles are none.
///
/// Returns: as `kal_queue_next`.
///
/// Since: 0.2.0
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kal_queue_next_values(
    queue: kal_queue,
    timeout_ms: u32,
    user_data: *mut *mut c_void,
    status: *mut kal_status,
    result: *mut kal_result,
    failure: *mut kal_error,
    error: *mut kal_error,
) -> kal_status {
    // SAFETY: the pointers are as the header requires.
    unsafe {
        next(queue, timeout_ms, error, &|picked_up| {
            write_optional(user_data, picked_up.user_data);
            write_optional(status, picked_up.status);
            write_optional(result, picked_up.result);
            write_optional(failure, picked_up.error);
            pointer::out(status, "status")?;
            pointer::out(result, "result")?;
            pointer::out(failure, "failure")?;
            Ok(())
        })
    }
}

/// Cancels the calls of a queue, which accepts no more: `kal_submit` and `kal_stream_submit_next` fail with
/// `KAL_INVALID_STATE`. `kal_queue_next` returns the completion of every call that was submitted, and then `KAL_DONE`.
///
/// - `queue`: the queue. A queue that was shut down and handles that are none or stale are ignored.
///
/// It does not wait. The calls complete at once, as `KAL_CANCELLED` unless they had ended before. A program gets every
/// `user_data` back exactly once:
///
/// ```c
/// kal_completion done = KAL_COMPLETION_INIT;
/// kal_queue_shutdown(queue);
/// while (kal_queue_next(queue, KAL_WAIT_FOREVER, &done, NULL) == KAL_OK) {
///     // free what done.user_data points to
///     kal_result_free(done.result);
///     kal_error_free(done.error);
/// }
/// kal_queue_close(queue);
/// ```
///
/// Returns: nothing.
///
/// Since: 0.2.0
#[unsafe(no_mangle)]
pub extern "C" fn kal_queue_shutdown(queue: kal_queue) {
    infallible_io((), || handles::get(queue).ok().map(|queue| queue.shut_down()));
}

/// Closes a queue: its calls in progress are cancelled and its completions freed. A page of a stream among them is not
/// lost: the stream returns it again. What the `user_data` of these calls point to is not returned: see
/// `kal_queue_shutdown`. The descriptor of `kal_queue_fd`, or the event of
/// `kal_queue_handle`, is closed when this returns.
///
/// - `queue`: the queue. None and stale handles are ignored.
///
/// Returns: nothing.
///
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn kal_queue_close(queue: kal_queue) {
    infallible_io((), || handles::take(queue).map(|queue| queue.close()));
}

/// Submits a call with these parameters.
///
/// # Safety
/// The pointers are as the header requires.
pub(super) unsafe fn submit(
    client: kal_client,
    params: &dyn Fn() -> Result<Params>,
    options: *const kal_call_options,
    queue: kal_queue,
    user_data: *mut c_void,
    error: *mut kal_error,
) -> kal_status {
    // SAFETY: required of the caller.
    unsafe {
        fallible_unit(error, || {
            let client = handles::get(client)?;
            let queue = handles::get(queue)?;
            let params = params()?;
            queue.ensure_open()?;
            client.submit(params, &call_options(options)?, queue.ending(), || {
                let deliver = deliver_to(queue.enter()?, user_data);
                Ok(|answer: Result<_>| deliver(answer.map(Outcome::Answer)))
            })
        })
    }
}

/// Passes the next completion to `write`, after an empty one, with which it checks the arguments.
///
/// # Safety
/// `error` is NULL or the caller's.
unsafe fn next(
    queue: kal_queue,
    timeout_ms: u32,
    error: *mut kal_error,
    write: &dyn Fn(&kal_completion) -> Result<()>,
) -> kal_status {
    // SAFETY: required of the caller.
    unsafe {
        fallible_status(error, || {
            write(&kal_completion::EMPTY)?;
            let queue = handles::get(queue)?;
            if timeout_ms > 0 {
                callback::ensure_can_block()?;
            }
            match queue.next(Instant::now() + wait(timeout_ms), Completion::to_c)? {
                Next::Completion((next, picked_up)) => {
                    next.acknowledge();
                    write(&picked_up)?;
                    Ok(KAL_OK)
                }
                Next::NothingYet => Ok(KAL_NOT_READY),
                Next::Drained => Ok(KAL_DONE),
            }
        })
    }
}
