//! The workspace service: one function for each method.

use std::ffi::c_char;

use super::call::typed;
use super::call_options::kal_call_options;
use super::events_query::{self, kal_events_query};
use super::kit::status::kal_status;
use super::kit::text;
use super::types::{kal_client, kal_error, kal_result};
use crate::error::Result;
use crate::service::{Params, Value, workspace as operations};

/// Returns the workspace of the credentials. Cached. Read it with `kal_result_workspace`.
///
/// - `client`: the client.
/// - `options`: NULL means the defaults.
/// - `result`: receives the result, to be freed with `kal_result_free`; on failure none.
/// - `error`: receives the error, to be freed with `kal_error_free`, or none. May be NULL.
///
/// Returns: `KAL_OK`; `KAL_NOT_FOUND` for HTTP 404, for a response without a body (which is not cached), and for
/// `KAL_CACHE_ONLY` when nothing is cached; `KAL_WOULD_DEADLOCK` from a callback, unless cached; another status of a
/// request; or a common status.
///
/// Since: 0.1.0
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kal_workspace_get_workspace(
    client: kal_client,
    options: *const kal_call_options,
    result: *mut kal_result,
    error: *mut kal_error,
) -> kal_status {
    // SAFETY: the pointers are as the header requires.
    unsafe { typed(client, &operations::GET_WORKSPACE, |_| Ok(()), options, result, error) }
}

/// Returns all members of the workspace, in the server's order. Cached. Read them with `kal_result_workspace_users`.
///
/// - `client`: the client.
/// - `options`: NULL means the defaults.
/// - `result`: receives the result, to be freed with `kal_result_free`; on failure none.
/// - `error`: receives the error, to be freed with `kal_error_free`, or none. May be NULL.
///
/// Returns: `KAL_OK`; `KAL_NOT_FOUND` for HTTP 404, and for `KAL_CACHE_ONLY` when nothing is cached; `KAL_BAD_RESPONSE`
/// also for a response without a body; `KAL_WOULD_DEADLOCK` from a callback, unless cached; another status of a
/// request; or a common status.
///
/// Since: 0.1.0
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kal_workspace_get_members(
    client: kal_client,
    options: *const kal_call_options,
    result: *mut kal_result,
    error: *mut kal_error,
) -> kal_status {
    // SAFETY: as above.
    unsafe { typed(client, &operations::GET_MEMBERS, |_| Ok(()), options, result, error) }
}

/// Returns the members with the given ids, from the cached list of all members. Read them with
/// `kal_result_workspace_users`.
///
/// - `client`: the client.
/// - `ids`: the ids; NULL when `ids_len` is 0. Unknown ids are skipped.
/// - `ids_len`: the number of `ids`.
/// - `options`: NULL means the defaults.
/// - `result`: receives the result, to be freed with `kal_result_free`; on failure none. Its members are in the
///   server's order, each once.
/// - `error`: receives the error, to be freed with `kal_error_free`, or none. May be NULL.
///
/// Returns: as `kal_workspace_get_members`.
///
/// Since: 0.1.0
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kal_workspace_get_members_by_ids(
    client: kal_client,
    ids: *const *const c_char,
    ids_len: usize,
    options: *const kal_call_options,
    result: *mut kal_result,
    error: *mut kal_error,
) -> kal_status {
    // SAFETY: as above.
    unsafe {
        typed(client, &operations::GET_MEMBERS_BY_IDS, |params| set_ids(params, ids, ids_len), options, result, error)
    }
}

/// Returns all groups of the workspace, in the server's order. Cached. Read them with `kal_result_workspace_groups`.
///
/// - `client`: the client.
/// - `options`: NULL means the defaults.
/// - `result`: receives the result, to be freed with `kal_result_free`; on failure none.
/// - `error`: receives the error, to be freed with `kal_error_free`, or none. May be NULL.
///
/// Returns: as `kal_workspace_get_members`.
///
/// Since: 0.1.0
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kal_workspace_get_groups(
    client: kal_client,
    options: *const kal_call_options,
    result: *mut kal_result,
    error: *mut kal_error,
) -> kal_status {
    // SAFETY: as above.
    unsafe { typed(client, &operations::GET_GROUPS, |_| Ok(()), options, result, error) }
}

/// Returns the groups with the given ids, from the cached list of all groups. Read them with
/// `kal_result_workspace_groups`.
///
/// - `client`: the client.
/// - `ids`: the ids; NULL when `ids_len` is 0. Unknown ids are skipped.
/// - `ids_len`: the number of `ids`.
/// - `options`: NULL means the defaults.
/// - `result`: receives the result, to be freed with `kal_result_free`; on failure none. Its groups are in the server's
///   order, each once.
/// - `error`: receives the error, to be freed with `kal_error_free`, or none. May be NULL.
///
/// Returns: as `kal_workspace_get_members`.
///
/// Since: 0.1.0
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kal_workspace_get_groups_by_ids(
    client: kal_client,
    ids: *const *const c_char,
    ids_len: usize,
    options: *const kal_call_options,
    result: *mut kal_result,
    error: *mut kal_error,
) -> kal_status {
    // SAFETY: as above.
    unsafe {
        typed(client, &operations::GET_GROUPS_BY_IDS, |params| set_ids(params, ids, ids_len), options, result, error)
    }
}

/// Returns one page of events. Not cached. Read them with `kal_result_workspace_events`.
///
/// - `client`: the client.
/// - `query`: which events; NULL means no filter.
/// - `options`: NULL means the defaults.
/// - `result`: receives the result, to be freed with `kal_result_free`; on failure none. A response without a body is
///   an empty list.
/// - `error`: receives the error, to be freed with `kal_error_free`, or none. May be NULL.
///
/// Returns: `KAL_OK`; `KAL_NOT_FOUND` for HTTP 404, and for `KAL_CACHE_ONLY`; `KAL_WOULD_DEADLOCK` from a callback;
/// another status of a request; or a common status.
///
/// Since: 0.1.0
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kal_workspace_get_events(
    client: kal_client,
    query: *const kal_events_query,
    options: *const kal_call_options,
    result: *mut kal_result,
    error: *mut kal_error,
) -> kal_status {
    // SAFETY: as above.
    unsafe {
        typed(client, &operations::GET_EVENTS, |params| events_query::fill(params, query), options, result, error)
    }
}

/// # Safety
/// `ids` is NULL or points to `len` NUL-terminated strings.
pub(super) unsafe fn set_ids(params: &mut Params, ids: *const *const c_char, len: usize) -> Result<()> {
    // SAFETY: required of the caller.
    params.set("ids", Value::TextList(unsafe { text::list(ids, len, "ids")? }))
}
