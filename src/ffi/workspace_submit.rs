//! The workspace service from an event loop: a typed function for each method whose parameters would be JSON in `kal_submit`.

use std::ffi::{c_char, c_void};

use super::call::filled;
use super::call_options::kal_call_options;
use super::events_query::{self, kal_events_query};
use super::kit::status::kal_status;
use super::queue::submit;
use super::types::{kal_client, kal_error, kal_queue};
use super::workspace::set_ids;
use crate::service::workspace as operations;

/// Starts `kal_workspace_get_events` and returns at once. Its completion is added to the queue, exactly once.
///
/// - `client`: the client.
/// - `query`: which events; NULL means no filter. Copied before this returns.
/// - `options`: NULL means the defaults. `cancel` cancels the call.
/// - `queue`: receives the completion, with the statuses of `kal_workspace_get_events`.
/// - `user_data`: any pointer, NULL included; returned in the completion.
/// - `error`: receives the error, to be freed with `kal_error_free`, or none. May be NULL.
///
/// Returns: as `kal_submit`.
///
/// Since: 0.2.0
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kal_workspace_submit_get_events(
    client: kal_client,
    query: *const kal_events_query,
    options: *const kal_call_options,
    queue: kal_queue,
    user_data: *mut c_void,
    error: *mut kal_error,
) -> kal_status {
    // SAFETY: the pointers are as the header requires.
    unsafe {
        let params = || filled(&operations::GET_EVENTS, |params| events_query::fill(params, query));
        submit(client, &params, options, queue, user_data, error)
    }
}

/// Starts `kal_workspace_get_members_by_ids` and returns at once. Its completion is added to the queue, exactly once.
///
/// - `client`: the client.
/// - `ids`: the ids, copied before this returns; NULL when `ids_len` is 0. Unknown ids are skipped.
/// - `ids_len`: the number of `ids`.
/// - `options`: NULL means the defaults. `cancel` cancels the call.
/// - `queue`: receives the completion, with the statuses of `kal_workspace_get_members_by_ids`.
/// - `user_data`: any pointer, NULL included; returned in the completion.
/// - `error`: receives the error, to be freed with `kal_error_free`, or none. May be NULL.
///
/// Returns: as `kal_submit`.
///
/// Since: 0.2.0
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kal_workspace_submit_get_members_by_ids(
    client: kal_client,
    ids: *const *const c_char,
    ids_len: usize,
    options: *const kal_call_options,
    queue: kal_queue,
    user_data: *mut c_void,
    error: *mut kal_error,
) -> kal_status {
    // SAFETY: the pointers are as the header requires.
    unsafe {
        let params = || filled(&operations::GET_MEMBERS_BY_IDS, |params| set_ids(params, ids, ids_len));
        submit(client, &params, options, queue, user_data, error)
    }
}

/// Starts `kal_workspace_get_groups_by_ids` and returns at once. Its completion is added to the queue, exactly once.
///
/// - `client`: the client.
/// - `ids`: the ids, copied before this returns; NULL when `ids_len` is 0. Unknown ids are skipped.
/// - `ids_len`: the number of `ids`.
/// - `options`: NULL means the defaults. `cancel` cancels the call.
/// - `queue`: receives the completion, with the statuses of `kal_workspace_get_groups_by_ids`.
/// - `user_data`: any pointer, NULL included; returned in the completion.
/// - `error`: receives the error, to be freed with `kal_error_free`, or none. May be NULL.
///
/// Returns: as `kal_submit`.
///
/// Since: 0.2.0
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kal_workspace_submit_get_groups_by_ids(
    client: kal_client,
    ids: *const *const c_char,
    ids_len: usize,
    options: *const kal_call_options,
    queue: kal_queue,
    user_data: *mut c_void,
    error: *mut kal_error,
) -> kal_status {
    // SAFETY: the pointers are as the header requires.
    unsafe {
        let params = || filled(&operations::GET_GROUPS_BY_IDS, |params| set_ids(params, ids, ids_len));
        submit(client, &params, options, queue, user_data, error)
    }
}
