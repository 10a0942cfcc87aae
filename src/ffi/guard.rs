//! What stands between an export's body and C: no panic unwinds into the caller, out parameters are always written.

use std::any::Any;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

use super::errors::ErrorText;
use super::handles::{self, Handle};
use super::status::{self, KAL_OK, kal_status};
use super::types::kal_error;
use crate::error::{Error, ErrorKind, Result};
use crate::process::{self, Once};

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Runs a fallible export that gives a handle. On failure `*out` is none, and the error, if it is wanted, goes to `*error`.
///
/// # Safety
/// `error` and `out` are NULL or point to the caller's variables.
pub(super) unsafe fn fallible<H: Handle>(
    error: *mut kal_error,
    out: *mut H,
    out_name: &str,
    body: impl FnOnce() -> Result<H>,
) -> kal_status {
    // SAFETY: asked of the caller.
    let out = unsafe { out.as_mut() };
    // SAFETY: asked of the caller.
    unsafe {
        fallible_unit(error, || {
            let out = out.ok_or_else(|| null(out_name))?;
            *out = H::NONE;
            *out = body()?;
            Ok(())
        })
    }
}

/// Runs a fallible export that gives nothing but its status.
///
/// # Safety
/// `error` is NULL or points to the caller's variable.
pub(super) unsafe fn fallible_unit(error: *mut kal_error, body: impl FnOnce() -> Result<()>) -> kal_status {
    // SAFETY: asked of the caller.
    unsafe { fallible_status(error, || body().map(|()| KAL_OK)) }
}

/// Runs a fallible export that has more than one way to succeed.
///
/// # Safety
/// `error` is NULL or points to the caller's variable.
pub(super) unsafe fn fallible_status(error: *mut kal_error, body: impl FnOnce() -> Result<kal_status>) -> kal_status {
    // SAFETY: asked of the caller.
    let mut error = unsafe { error.as_mut() };
    if let Some(error) = error.as_deref_mut() {
        *error = kal_error::NONE;
    }
    let failure = match catch(body) {
        Ok(status) => return status,
        Err(failure) => failure,
    };
    let status = status::of(&failure);
    if let Some(error) = error {
        // Without room for an error the status still says what happened.
        *error = catch(|| handles::insert(ErrorText::new(&failure).into())).unwrap_or(kal_error::NONE);
    }
    status
}

/// Runs an export that cannot fail; where there is nothing to give, it gives `otherwise`.
pub(super) fn infallible<T>(otherwise: T, body: impl FnOnce() -> Option<T>) -> T {
    match catch(|| Ok(body())) {
        Ok(Some(value)) => value,
        Ok(None) | Err(_) => otherwise,
    }
}

/// A pointer that must not be NULL.
pub(super) fn null(argument: &str) -> Error {
    Error::argument(argument, "NULL is not allowed here")
}

fn catch<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
    prepare();
    let before = GUARDED.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(body));
    GUARDED.set(before);
    outcome.unwrap_or_else(|panic| Err(describe(panic.as_ref())))
}

fn describe(panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Error::new(ErrorKind::Panic, format!("a defect of the library: {}", text.unwrap_or("no message")))
}

/// What has to be set up once, before anything else happens: the child's side of `fork`, a quiet panic hook, the log.
fn prepare() {
    static ONCE: Once = Once::new();
    static BEGUN: AtomicBool = AtomicBool::new(false);
    ONCE.call(|| {
        extern "C" fn in_the_child() {
            process::forked();
        }
        // A child that was counted was told by the handler, so it is there.
        if process::epoch() == 0 {
            // SAFETY: the handler adds one to an atomic number, which is all that a child may do at that point. It stays
            // mapped, because the library is linked with `nodelete`.
            let registered = unsafe { libc::pthread_atfork(None, None, Some(in_the_child)) };
            if registered != 0 {
                log::warn!("fork cannot be noticed: pthread_atfork failed with {registered}");
            }
        }
        // In a child, a thread that is not there may have been at what follows, and hold its locks: it goes without.
        if BEGUN.swap(true, Ordering::Relaxed) {
            return;
        }
        super::log::install();
        let host = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            // Ours are caught and become a status; a host's own panics, where it is in Rust too, are the host's business.
            if GUARDED.get() || process::io_thread::is_current() {
                log::error!("panic: {info}");
            } else {
                host(info);
            }
        }));
    });
}
