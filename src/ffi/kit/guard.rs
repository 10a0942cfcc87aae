//! What stands between an export's body and C: no panic unwinds into the caller, out parameters are always written,
//! the caller's `errno` or last error stays what it was, and its thread is not cancelled in between.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};

use super::handles::Handle;
use super::pointer;
use super::status::{self, KAL_OK, kal_status};
use crate::error::{Error, ErrorKind, Result};
use crate::platform::{DeferCancel, KeepLastError};

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
    static PANICKED_AT: Cell<Option<String>> = const { Cell::new(None) };
}

/// The handle through which the caller reads an error.
pub(in crate::ffi) trait ErrorHandle: Handle {
    /// A new handle for `error`.
    fn open(error: &Error) -> Result<Self>;
}

/// Runs a fallible export that returns a handle. On failure `*out` is none, and the error is written to `*error` unless
/// that is NULL. Does not defer `pthread_cancel`.
///
/// # Safety
/// `error` and `out` are NULL or point to the caller's variables.
pub(in crate::ffi) unsafe fn fallible<H: Handle, E: ErrorHandle>(
    error: *mut E,
    out: *mut H,
    out_name: &str,
    body: impl FnOnce() -> Result<H>,
) -> kal_status {
    // SAFETY: required of the caller.
    unsafe {
        run(error, || {
            let out = pointer::out(out, out_name)?;
            *out = H::NONE;
            *out = body()?;
            Ok(KAL_OK)
        })
    }
}

/// Runs a fallible export that may succeed in more than one way.
///
/// # Safety
/// `error` is NULL or points to the caller's variable.
pub(in crate::ffi) unsafe fn fallible_status<E: ErrorHandle>(
    error: *mut E,
    body: impl FnOnce() -> Result<kal_status>,
) -> kal_status {
    let _cancel = DeferCancel::new();
    // SAFETY: required of the caller.
    unsafe { run(error, body) }
}

/// # Safety
/// `error` is NULL or points to the caller's variable.
unsafe fn run<E: ErrorHandle>(error: *mut E, body: impl FnOnce() -> Result<kal_status>) -> kal_status {
    let _last_error = KeepLastError::new();
    // SAFETY: required of the caller.
    let mut error = unsafe { error.as_mut() };
    if let Some(error) = error.as_deref_mut() {
        *error = E::NONE;
    }
    let failure = match catch(body) {
        Ok(status) => return status,
        Err(failure) => failure,
    };
    if let Some(error) = error {
        // When no handle is left for the error, the status is still returned.
        *error = catch(|| E::open(&failure)).unwrap_or(E::NONE);
    }
    status::of(&failure)
}

/// Runs an export that cannot fail and does no I/O: without a cancellation point, no `pthread_cancel` takes effect in it. It
/// returns `otherwise` when there is no value.
pub(in crate::ffi) fn infallible<T>(otherwise: T, body: impl FnOnce() -> Option<T>) -> T {
    let _last_error = KeepLastError::new();
    match catch(|| Ok(body())) {
        Ok(Some(value)) => value,
        Ok(None) | Err(_) => otherwise,
    }
}

/// Runs an export that cannot fail, but may write to a descriptor, close one, or wait.
pub(in crate::ffi) fn infallible_io<T>(otherwise: T, body: impl FnOnce() -> Option<T>) -> T {
    let _cancel = DeferCancel::new();
    infallible(otherwise, body)
}

/// Runs `body` and turns a panic into an error.
pub(in crate::ffi) fn catch<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
    // Looked up once: access to a thread-local costs a call in a shared library.
    let outcome = GUARDED.with(|guarded| {
        let before = guarded.replace(true);
        let outcome = catch_unwind(AssertUnwindSafe(body));
        guarded.set(before);
        outcome
    });
    outcome.unwrap_or_else(|panic| Err(describe(panic.as_ref())))
}

/// Whether this thread is inside an export.
pub(in crate::ffi) fn is_active() -> bool {
    GUARDED.get()
}

/// For the panic hook: logs the panic and records its location for the error of the export.
pub(in crate::ffi) fn record_panic(info: &PanicHookInfo<'_>) {
    let location = info.location().map_or_else(|| UNKNOWN_LOCATION.into(), ToString::to_string);
    log::error!("panic at {location}: {}", literal(info.payload()));
    // Fails in a thread whose thread-local storage is already destroyed.
    let _ = PANICKED_AT.try_with(|cell| cell.set(Some(location)));
}

const UNKNOWN_LOCATION: &str = "an unknown location";

fn describe(panic: &(dyn Any + Send)) -> Error {
    let location = PANICKED_AT.try_with(Cell::take).ok().flatten().unwrap_or_else(|| UNKNOWN_LOCATION.into());
    Error::new(
        ErrorKind::Panic,
        format!("a panic in the library, at {location}: {}; please report it as a defect", literal(panic)),
    )
}

/// The part of a panic's message that may be shown: a message formatted at run time may quote a secret.
fn literal(panic: &(dyn Any + Send)) -> &'static str {
    panic.downcast_ref::<&'static str>().copied().unwrap_or("the message is not shown, because it may quote a secret")
}
