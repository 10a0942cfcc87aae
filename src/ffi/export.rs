//! How every exported function runs: inside the guard, in a process that is set up.

use super::kit::guard;
use super::kit::handles::{self, Handle};
use super::kit::status::{KAL_OK, kal_status};
use super::setup;
use super::types::kal_error;
use crate::error::Result;
use crate::platform::DeferCancel;
use crate::runtime::callback;

/// Runs a fallible export that returns a handle through `out`.
///
/// # Safety
/// `error` and `out` are NULL or point to the caller's variables.
pub(super) unsafe fn fallible<H: Handle>(
    error: *mut kal_error,
    out: *mut H,
    out_name: &str,
    body: impl FnOnce() -> Result<H>,
) -> kal_status {
    let _cancel = DeferCancel::new();
    // SAFETY: required of the caller.
    unsafe { fallible_at_once(error, out, out_name, body) }
}

/// The same for an export without a cancellation point, where no `pthread_cancel` takes effect; or `body` defers it itself as soon as
/// there may be one.
///
/// # Safety
/// `error` and `out` are NULL or point to the caller's variables.
pub(super) unsafe fn fallible_at_once<H: Handle>(
    error: *mut kal_error,
    out: *mut H,
    out_name: &str,
    body: impl FnOnce() -> Result<H>,
) -> kal_status {
    // SAFETY: required of the caller.
    unsafe {
        guard::fallible(error, out, out_name, || {
            enter();
            body()
        })
    }
}

/// Runs a fallible export that returns its status only.
///
/// # Safety
/// `error` is NULL or points to the caller's variable.
pub(super) unsafe fn fallible_unit(error: *mut kal_error, body: impl FnOnce() -> Result<()>) -> kal_status {
    // SAFETY: required of the caller.
    unsafe { fallible_status(error, || body().map(|()| KAL_OK)) }
}

/// Runs a fallible export that may succeed in more than one way.
///
/// # Safety
/// `error` is NULL or points to the caller's variable.
pub(super) unsafe fn fallible_status(error: *mut kal_error, body: impl FnOnce() -> Result<kal_status>) -> kal_status {
    // SAFETY: required of the caller.
    unsafe {
        guard::fallible_status(error, || {
            enter();
            body()
        })
    }
}

/// Runs an export that cannot fail. It returns `otherwise` when there is no value.
pub(super) fn infallible<T>(otherwise: T, body: impl FnOnce() -> Option<T>) -> T {
    guard::infallible(otherwise, || {
        enter();
        body()
    })
}

/// The same for an export that may write to a descriptor, close one, or wait.
pub(super) fn infallible_io<T>(otherwise: T, body: impl FnOnce() -> Option<T>) -> T {
    guard::infallible_io(otherwise, || {
        enter();
        body()
    })
}

/// What comes before the body of every export.
#[inline]
fn enter() {
    setup::ensure();
    callback::forget_abandoned();
}

/// Frees a handle of an object that is memory alone; ignores one that is none, stale or of another type.
pub(super) fn release<H: Handle>(handle: H) {
    infallible((), || handles::release(handle));
}
