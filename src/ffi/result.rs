//! `kal_result`: what a successful call gave, as JSON text and as C structs.

use std::ffi::c_char;
use std::ptr;

use super::export::{infallible, release};
use super::kit::handles::{get, handle};
use super::records::{kal_workspace, kal_workspace_event, kal_workspace_group, kal_workspace_user};
use super::types::kal_result;
use super::views::{Record, View};
use crate::answer::Answer;

handle!(kal_result, 2, Answer);

/// The JSON text of a result, NUL-terminated UTF-8; its length goes to `len` (may be NULL).
///
/// It is what the server sent, byte for byte for a whole answer and element by element for a filtered one. NULL with
/// `*len = 0` for a handle that is none, stale or no result. Valid and unchanging until the result is freed; the first
/// call makes the text, later ones give it again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kal_result_json(result: kal_result, len: *mut usize) -> *const c_char {
    let text = infallible((ptr::null(), 0), || {
        let answer = get(result).ok()?;
        Some((answer.json_with_nul().as_ptr().cast(), answer.json().len()))
    });
    // SAFETY: `len` is NULL or the caller's size_t.
    text.store(unsafe { len.as_mut() })
}

/// The workspace, or NULL when the result holds something else or the handle is none or stale.
/// Valid and unchanging until the result is freed.
#[unsafe(no_mangle)]
pub extern "C" fn kal_result_workspace(result: kal_result) -> *const kal_workspace {
    let (first, len) = records::<kal_workspace>(result);
    if len == 0 {
        return ptr::null();
    }
    // SAFETY: the view holds `len` pointers, and lives as long as the result.
    unsafe { *first }
}

/// The members: an array of pointers, its length in `len` (may be NULL).
///
/// NULL with `*len = 0` when the result holds something else or the handle is none or stale; an empty list is a non-NULL
/// pointer with `*len = 0`. Valid and unchanging until the result is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kal_result_workspace_users(
    result: kal_result,
    len: *mut usize,
) -> *const *const kal_workspace_user {
    // SAFETY: `len` is NULL or the caller's size_t.
    records(result).store(unsafe { len.as_mut() })
}

/// The groups, as `kal_result_workspace_users`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kal_result_workspace_groups(
    result: kal_result,
    len: *mut usize,
) -> *const *const kal_workspace_group {
    // SAFETY: `len` is NULL or the caller's size_t.
    records(result).store(unsafe { len.as_mut() })
}

/// The events, as `kal_result_workspace_users`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kal_result_workspace_events(
    result: kal_result,
    len: *mut usize,
) -> *const *const kal_workspace_event {
    // SAFETY: `len` is NULL or the caller's size_t.
    records(result).store(unsafe { len.as_mut() })
}

/// Frees a result and everything it gave. None and stale handles are accepted quietly.
#[unsafe(no_mangle)]
pub extern "C" fn kal_result_free(result: kal_result) {
    release(result);
}

/// A pointer and the length that goes with it.
trait Store<T> {
    /// Writes the length, if it is wanted, and gives the pointer.
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
