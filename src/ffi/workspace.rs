//! The workspace service: its records as C structs, and one function a method.

use std::ffi::c_char;

use super::answer::typed;
use super::arguments::{events_query, ids_param};
use super::options::{kal_call_options, kal_events_query};
use super::status::kal_status;
use super::types::{kal_client, kal_error, kal_result};
use crate::service::workspace as operations;

/// `access_level`: null, absent or a word this version does not know; see `access_level_name`.
pub const KAL_ACCESS_UNKNOWN: i32 = 0;
/// `"admin"`
pub const KAL_ACCESS_ADMIN: i32 = 1;
/// `"team-member"`
pub const KAL_ACCESS_TEAM_MEMBER: i32 = 2;
/// `"guest"`
pub const KAL_ACCESS_GUEST: i32 = 3;
/// `"viewer"`
pub const KAL_ACCESS_VIEWER: i32 = 4;
/// `"deactivated"`
pub const KAL_ACCESS_DEACTIVATED: i32 = 5;

/// The workspace that the credentials belong to.
#[repr(C)]
pub struct kal_workspace {
    /// Never NULL.
    pub id: *const c_char,
    /// NULL where the API has none.
    pub workspace_name: *const c_char,
}

/// A member of the workspace.
#[repr(C)]
pub struct kal_workspace_user {
    /// Never NULL.
    pub id: *const c_char,
    /// NULL where the API has none.
    pub full_name: *const c_char,
    /// NULL where the API has none.
    pub preferred_name: *const c_char,
    /// NULL where the API has none.
    pub email: *const c_char,
    /// `KAL_ACCESS_*`
    pub access_level: i32,
    /// The server's own word; NULL where the API has none.
    pub access_level_name: *const c_char,
}

/// A group of members.
#[repr(C)]
pub struct kal_workspace_group {
    /// Never NULL.
    pub id: *const c_char,
    /// NULL where the API has none.
    pub group_name: *const c_char,
    /// NULL where the API has none.
    pub email: *const c_char,
    /// The members' ids; never NULL, no element is NULL.
    pub user_ids: *const *const c_char,
    /// The number of `user_ids`.
    pub user_ids_len: usize,
    /// The programs' ids; never NULL, no element is NULL.
    pub program_ids: *const *const c_char,
    /// The number of `program_ids`.
    pub program_ids_len: usize,
}

/// Something that happened in the workspace.
#[repr(C)]
pub struct kal_workspace_event {
    /// Never NULL.
    pub id: *const c_char,
    /// Such as `"create"`; NULL where the API has none.
    pub event_type: *const c_char,
    /// -1: absent, or no integer; a -1 from the server looks the same here, the JSON tells them apart.
    pub event_type_version: i64,
    /// As the server wrote it; NULL where the API has none.
    pub created_at: *const c_char,
    /// The same in microseconds since 1970-01-01 UTC (a time without an offset is taken as UTC); `INT64_MIN`:
    /// absent, or `created_at` is no time (RFC 3339, or Unix seconds or milliseconds), which is logged as a warning.
    pub created_at_us: i64,
    /// The acting user; NULL where the API has none.
    pub event_user_id: *const c_char,
    /// The acting user's name; NULL where the API has none.
    pub full_name: *const c_char,
    /// The acting user's preferred name; NULL where the API has none.
    pub preferred_name: *const c_char,
    /// What it happened to; NULL where the API has none.
    pub resource_id: *const c_char,
    /// Such as `"task"`; NULL where the API has none.
    pub resource_type: *const c_char,
    /// Set when the event is part of a bulk event, else NULL.
    pub parent_bulk_event_id: *const c_char,
    /// JSON object text, its shape depends on `event_type`; never NULL, `{}` where the API has none.
    pub event_attrs: *const c_char,
    /// 1, 0, or -1: absent, or no boolean.
    pub is_bot: i8,
    /// 1, 0, or -1: absent, or no boolean.
    pub is_bulk: i8,
}

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
        typed(client, &operations::GET_MEMBERS_BY_IDS, |params| ids_param(params, ids, ids_len), options, result, error)
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
        typed(client, &operations::GET_GROUPS_BY_IDS, |params| ids_param(params, ids, ids_len), options, result, error)
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
    unsafe { typed(client, &operations::GET_EVENTS, |params| events_query(params, query), options, result, error) }
}
