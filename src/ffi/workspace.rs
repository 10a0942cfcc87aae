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

/// The workspace of the credentials. Cached. Read it with `kal_result_workspace`.
///
/// `KAL_NOT_FOUND` also when the server answers without a body; that is not cached.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kal_workspace_get_workspace(
    client: kal_client,
    options: *const kal_call_options,
    result: *mut kal_result,
    error: *mut kal_error,
) -> kal_status {
    // SAFETY: the pointers are as the header asks of the caller.
    unsafe { typed(client, &operations::GET_WORKSPACE, |_| Ok(()), options, result, error) }
}

/// All members of the workspace, in the server's order. Cached. Read them with `kal_result_workspace_users`.
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

/// The members with these ids, taken from the cached list of all: in the server's order, each once; unknown ids are left out.
///
/// `ids` may be NULL when `ids_len` is 0. Read them with `kal_result_workspace_users`.
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

/// All groups of the workspace, in the server's order. Cached. Read them with `kal_result_workspace_groups`.
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

/// The groups with these ids, as `kal_workspace_get_members_by_ids`.
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

/// One page of events. Not cached. Read them with `kal_result_workspace_events`.
///
/// `query` NULL: no filter. An answer without a body is an empty list; a 404 is `KAL_NOT_FOUND`, like everywhere.
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
unsafe fn set_ids(params: &mut Params, ids: *const *const c_char, len: usize) -> Result<()> {
    // SAFETY: required of the caller.
    params.set("ids", Value::TextList(unsafe { text::list(ids, len, "ids")? }))
}
