//! `kal_result`: the result of a successful call, as JSON text and as C structs.

use std::ffi::c_char;
use std::ptr;

use super::export::{infallible, release};
use super::kit::handles::{get, handle};
use super::kit::pointer::with_len;
use super::records::{kal_workspace, kal_workspace_event, kal_workspace_group, kal_workspace_user};
use super::types::kal_result;
use super::views::{Record, View};
use crate::answer::Answer;
use crate::service::Shape;

handle!(kal_result, 2, Answer);

/// `kal_result_kind`: JSON without structs, which `kal_result_json` returns for every result.
pub const KAL_RESULT_JSON: i32 = 0;
/// A workspace: `kal_result_workspace`.
pub const KAL_RESULT_WORKSPACE: i32 = 1;
/// Members: `kal_result_workspace_users`.
pub const KAL_RESULT_WORKSPACE_USERS: i32 = 2;
/// Groups: `kal_result_workspace_groups`.
pub const KAL_RESULT_WORKSPACE_GROUPS: i32 = 3;
/// Events: `kal_result_workspace_events`.
pub const KAL_RESULT_WORKSPACE_EVENTS: i32 = 4;

/// Returns which structs a result has, such as that of a completed call of a queue: the function that reads them.
///
/// - `result`: the result.
///
/// Returns: a `KAL_RESULT_*` value; `KAL_RESULT_JSON` (0) for a result that has no structs, and for a handle that is none,
/// stale or of another type. A later version may return values that this one does not have.
///
/// Since: 0.2.0
#[unsafe(no_mangle)]
pub extern "C" fn kal_result_kind(result: kal_result) -> i32 {
    infallible(KAL_RESULT_JSON, || {
        Some(match get(result).ok()?.shape()? {
            Shape::Workspace => KAL_RESULT_WORKSPACE,
            Shape::Users => KAL_RESULT_WORKSPACE_USERS,
            Shape::Groups => KAL_RESULT_WORKSPACE_GROUPS,
            Shape::Events => KAL_RESULT_WORKSPACE_EVENTS,
        })
    })
}

/// Returns a result as JSON text: what the server sent, byte for byte; for a filtered list, each element byte for byte.
///
/// - `result`: the result.
/// - `len`: receives the length in bytes, without the NUL. May be NULL.
///
/// Returns: NUL-terminated UTF-8 that belongs to the result and is valid until that is freed; NULL, with `*len` 0, for
/// a handle that is none, stale or of another type. The first call makes the text, later ones return the same.
///
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kal_result_json(result: kal_result, len: *mut usize) -> *const c_char {
    let text = infallible((ptr::null(), 0), || {
        let answer = get(result).ok()?;
        Some((answer.json_with_nul().as_ptr().cast(), answer.json().len()))
    });
    // SAFETY: `len` is NULL or points to the caller's variable.
    unsafe { with_len(text, len) }
}

/// Returns the workspace in a result.
///
/// - `result`: the result.
///
/// Returns: a struct that belongs to the result and is valid until that is freed; NULL when the result has other
/// records, or the handle is none, stale or of another type.
///
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn kal_result_workspace(result: kal_result) -> *const kal_workspace {
    let (first, len) = records::<kal_workspace>(result);
    if len == 0 {
        return ptr::null();
    }
    // SAFETY: the view holds `len` pointers, and lives as long as the result.
    unsafe { *first }
}

/// Returns the members in a result.
///
/// - `result`: the result.
/// - `len`: receives the number of members. May be NULL.
///
/// Returns: an array of pointers that belongs to the result and is valid until that is freed, not NULL for an empty
/// list; NULL, with `*len` 0, when the result has other records, or the handle is none, stale or of another type.
///
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kal_result_workspace_users(
    result: kal_result,
    len: *mut usize,
) -> *const *const kal_workspace_user {
    // SAFETY: `len` is NULL or points to the caller's variable.
    unsafe { with_len(records(result), len) }
}

/// Returns the groups in a result.
///
/// - `result`: the result.
/// - `len`: receives the number of groups. May be NULL.
///
/// Returns: as `kal_result_workspace_users`.
///
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kal_result_workspace_groups(
    result: kal_result,
    len: *mut usize,
) -> *const *const kal_workspace_group {
    // SAFETY: `len` is NULL or points to the caller's variable.
    unsafe { with_len(records(result), len) }
}

/// Returns the events in a result.
///
/// - `result`: the result.
/// - `len`: receives the number of events. May be NULL.
///
/// Returns: as `kal_result_workspace_users`.
///
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kal_result_workspace_events(
    result: kal_result,
    len: *mut usize,
) -> *const *const kal_workspace_event {
    // SAFETY: `len` is NULL or points to the caller's variable.
    unsafe { with_len(records(result), len) }
}

/// Frees a result, with its text and structs.
///
/// - `result`: the result. None and stale handles are ignored.
///
/// Returns: nothing.
///
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn kal_result_free(result: kal_result) {
    release(result);
}

fn records<R: Record>(result: kal_result) -> (*const *const R, usize) {
    infallible((ptr::null(), 0), || {
        let answer = get(result).ok()?;
        // The view lives in the answer, and the answer in the handle table until the result is freed.
        View::<R>::of(&answer)
    })
}
