//! What a process needs before the library runs in it: the child's side of `fork`, a quiet panic hook, the logger.

use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};

use super::kit::guard;
use super::logger;
use crate::environment;
use crate::platform::{self, DeferCancel};
use crate::runtime::{self, Once};

/// Sets the process up, once.
#[inline]
pub(super) fn ensure() {
    static ONCE: Once = Once::new();
    static BEGUN: AtomicBool = AtomicBool::new(false);
    ONCE.call(|| {
        extern "C" fn in_the_child() {
            runtime::forked();
        }
        // Not every export defers it, and what follows calls dlopen.
        let _cancel = DeferCancel::new();
        // In a child that was counted, the handler is registered already.
        if runtime::epoch() == 0 {
            if let Err(error) = platform::on_fork(in_the_child) {
                log::warn!("fork is not detected: {error}");
            }
            if let Err(error) = platform::deny_unmapping() {
                log::warn!("the library may be unmapped while its thread runs: {error}");
            }
        }
        // In a child, a thread of the parent may have been inside what follows and hold its locks: it is skipped.
        if BEGUN.swap(true, Ordering::Relaxed) {
            return;
        }
        if platform::has_raised_privileges() {
            environment::ignore();
        }
        logger::install();
        let host = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            // Panics of the library are caught and become a status; the others belong to a host that is written in
            // Rust.
            if guard::is_active() || runtime::io_thread::is_current() {
                guard::record_panic(info);
            } else {
                host(info);
            }
        }));
    });
}

#[cfg(all(test, not(kal_loom)))]
mod tests {
    use super::super::kit::guard::catch;
    use super::*;
    use crate::error::ErrorKind;

    fn message(body: impl FnOnce()) -> String {
        let outcome = catch(|| {
            ensure();
            body();
            Ok(())
        });
        let error = outcome.expect_err("a panic");
        assert_eq!(error.kind(), ErrorKind::Panic);
        error.to_string()
    }

    #[test]
    fn the_error_of_a_panic_has_its_location_and_a_literal_message() {
        let message = message(|| panic!("out of cheese"));
        assert!(message.contains("src/ffi/setup.rs:") && message.contains(": out of cheese;"), "{message}");
    }

    /// Red when the message is shown as it is. Most panics with a message of this kind are the standard library's.
    #[test]
    fn a_panic_does_not_quote_what_it_was_about() {
        let secret = format!("é-{}", "s3cret");
        let message = message(|| assert!(secret[1..].is_empty()));
        assert!(message.contains("src/ffi/setup.rs:") && !message.contains("s3cret"), "{message}");
    }
}
