//! `kal_result`: the result of a successful call, as JSON text and as C structs.

use std::ffi::c_char;
use std::ptr;

use super::export::{infallible, release};
use super::kit::handles::{get, handle};
use super::records::{kal_workspace, kal_workspace_event, kal_workspace_group, kal_workspace_user};
use super::types::kal_result;
use super::views::{Record, View};
use crate::answer::Answer;

handle!(kal_result, 2, Answer);

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
    text.store(unsafe { len.as_mut() })
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
    records(result).store(unsafe { len.as_mut() })
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
    records(result).store(unsafe { len.as_mut() })
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
    records(result).store(unsafe { len.as_mut() })
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

/// A pointer and the length that goes with it.
trait Store<T> {
    /// Writes the length, unless `len` is NULL, and returns the pointer.
    fn store(self, len: Option<&mut usize>) -> *const T;
}

impl<T> Store<T> for (*const T, usize) {
    fn store(self, len: Option<&mut usize>) -> *const T {
        if let Some(len) = len {
            *len = self.1;
        }
        self.0
    }
}

fn records<R: Record>(result: kal_result) -> (*const *const R, usize) {
    infallible((ptr::null(), 0), || {
        let answer = get(result).ok()?;
        // The view lives in the answer, and the answer in the handle table until the result is freed.
        View::<R>::of(&answer)
    })
}
