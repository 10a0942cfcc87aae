//! An event for the message loop of a host.

use std::ffi::{c_int, c_void};
use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr;

use windows_sys::Win32::System::Threading::{CreateEventW, ResetEvent, SetEvent};

/// An event that is signalled while it is set.
pub(crate) struct Readiness(OwnedHandle);

impl Readiness {
    pub(crate) fn new() -> io::Result<Self> {
        let (is_reset_by_hand, is_signalled) = (1, 0);
        // SAFETY: no attributes, no name.
        let event = unsafe { CreateEventW(ptr::null(), is_reset_by_hand, is_signalled, ptr::null()) };
        if event.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: it was just created, and nobody else owns it.
        Ok(Self(unsafe { OwnedHandle::from_raw_handle(event) }))
    }

    /// -1: there is a handle.
    #[allow(clippy::unused_self, reason = "other systems have one")]
    pub(crate) fn descriptor(&self) -> c_int {
        -1
    }

    /// For `WaitForMultipleObjects` and the like.
    pub(crate) fn handle(&self) -> *mut c_void {
        self.0.as_raw_handle()
    }

    pub(crate) fn set(&self, is_ready: bool) {
        let event = self.0.as_raw_handle();
        // SAFETY: the event is open as long as `self` is. Neither fails for one that is open.
        unsafe { if is_ready { SetEvent(event) } else { ResetEvent(event) } };
    }
}
