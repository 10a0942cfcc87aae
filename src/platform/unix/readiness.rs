//! A descriptor for the event loop of a host.

use std::ffi::{c_int, c_void};
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::ptr;

/// A descriptor that is readable while it is set.
pub(crate) struct Readiness(Descriptor);

impl Readiness {
    pub(crate) fn new() -> io::Result<Self> {
        Descriptor::new().map(Self)
    }

    /// For `poll` and the like.
    pub(crate) fn descriptor(&self) -> c_int {
        self.0.as_fd().as_raw_fd()
    }

    /// NULL: there is a descriptor.
    #[allow(clippy::unused_self, reason = "other systems have one")]
    pub(crate) fn handle(&self) -> *mut c_void {
        ptr::null_mut()
    }

    /// To be called with true and false in turn.
    pub(crate) fn set(&self, is_ready: bool) {
        // One count or byte at most is in it: neither fails nor blocks.
        let _ = if is_ready { self.0.fill() } else { self.0.drain() };
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
use event::Descriptor;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
use pair::Descriptor;

#[cfg(any(target_os = "linux", target_os = "android"))]
mod event {
    use std::os::fd::{AsFd, BorrowedFd};

    use nix::sys::eventfd::{EfdFlags, EventFd};

    use super::io;

    pub(super) struct Descriptor(EventFd);

    impl Descriptor {
        pub(super) fn new() -> io::Result<Self> {
            Ok(Self(EventFd::from_value_and_flags(0, EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?))
        }

        pub(super) fn fill(&self) -> io::Result<()> {
            self.0.write(1)?;
            Ok(())
        }

        pub(super) fn drain(&self) -> io::Result<()> {
            self.0.read()?;
            Ok(())
        }
    }

    impl AsFd for Descriptor {
        fn as_fd(&self) -> BorrowedFd<'_> {
            self.0.as_fd()
        }
    }
}

/// Tested on Linux as well.
#[cfg(any(test, not(any(target_os = "linux", target_os = "android"))))]
#[cfg_attr(any(target_os = "linux", target_os = "android"), allow(dead_code, reason = "only the test uses it"))]
mod pair {
    use std::io::{Read, Write};
    use std::os::fd::{AsFd, BorrowedFd};
    use std::os::unix::net::UnixStream;

    use super::io;

    pub(super) struct Descriptor {
        read: UnixStream,
        write: UnixStream,
    }

    impl Descriptor {
        pub(super) fn new() -> io::Result<Self> {
            let (read, write) = UnixStream::pair()?;
            read.set_nonblocking(true)?;
            write.set_nonblocking(true)?;
            Ok(Self { read, write })
        }

        pub(super) fn fill(&self) -> io::Result<()> {
            (&self.write).write_all(&[0])
        }

        pub(super) fn drain(&self) -> io::Result<()> {
            (&self.read).read_exact(&mut [0])
        }
    }

    impl AsFd for Descriptor {
        fn as_fd(&self) -> BorrowedFd<'_> {
            self.read.as_fd()
        }
    }
}

#[cfg(test)]
impl Readiness {
    /// Whether a host's `poll` would return.
    pub(crate) fn is_set(&self) -> bool {
        tests::is_readable(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

    use super::*;

    pub(super) fn is_readable(descriptor: &impl AsFd) -> bool {
        poll(&mut [PollFd::new(descriptor.as_fd(), PollFlags::POLLIN)], PollTimeout::ZERO).expect("poll") == 1
    }

    /// Red when `drain` reads nothing.
    #[test]
    fn each_kind_of_descriptor_is_readable_while_it_is_filled() {
        let (event, pair) = (event::Descriptor::new().expect("a descriptor"), pair::Descriptor::new().expect("two"));
        for _ in 0..2 {
            assert!(!is_readable(&event) && !is_readable(&pair));
            event.fill().expect("no count");
            pair.fill().expect("room");
            assert!(is_readable(&event) && is_readable(&pair));
            event.drain().expect("a count");
            pair.drain().expect("a byte");
        }
    }
}
