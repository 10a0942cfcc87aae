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
    static PANICKED_AT: Cell<Option<String>> = const { Cell::new(None) };
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
    // Looked up once: finding a thread's own cell takes a call in a shared library.
    let outcome = GUARDED.with(|guarded| {
        let before = guarded.replace(true);
        let outcome = catch_unwind(AssertUnwindSafe(body));
        guarded.set(before);
        outcome
    });
    outcome.unwrap_or_else(|panic| Err(describe(panic.as_ref())))
}

fn describe(panic: &(dyn Any + Send)) -> Error {
    let at = PANICKED_AT.try_with(Cell::take).ok().flatten().unwrap_or_else(|| "an unknown place".into());
    Error::new(ErrorKind::Panic, format!("a defect of the library, at {at}: {}", literal(panic)))
}

/// What of a panic's message can be shown: one that was put together at run time may quote anything, a secret too.
fn literal(panic: &(dyn Any + Send)) -> &'static str {
    panic.downcast_ref::<&'static str>().copied().unwrap_or("the message is not shown, because it may quote a secret")
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
                let at = info.location().map_or_else(|| "an unknown place".into(), ToString::to_string);
                log::error!("panic at {at}: {}", literal(info.payload()));
                // Not in a thread that has ended so far that it has no such cell any more.
                let _ = PANICKED_AT.try_with(|cell| cell.set(Some(at)));
            } else {
                host(info);
            }
        }));
    });
}

#[cfg(all(test, not(kal_loom)))]
mod tests {
    use super::*;

    fn told(body: impl FnOnce()) -> String {
        let outcome = catch(|| {
            body();
            Ok(())
        });
        let error = outcome.expect_err("a panic");
        assert_eq!(error.kind(), ErrorKind::Panic);
        error.to_string()
    }

    #[test]
    fn a_panic_tells_its_place_and_a_message_that_cannot_hold_a_secret() {
        let told = told(|| panic!("out of cheese"));
        assert!(told.contains("src/ffi/guard.rs:") && told.ends_with(": out of cheese"), "{told}");
    }

    /// Red when the message is shown as it is. Most panics with a message of this kind are the standard library's.
    #[test]
    fn a_panic_does_not_quote_what_it_was_about() {
        let secret = format!("é-{}", "s3cret");
        let told = told(|| assert!(secret[1..].is_empty()));
        assert!(told.contains("src/ffi/guard.rs:") && !told.contains("s3cret"), "{told}");
    }
}
