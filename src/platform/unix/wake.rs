//! Wakes a task from a signal handler.

use std::io::{self, Write};
use std::os::unix::net::UnixStream;

/// A pair of sockets, to be closed by nobody: a handler may be about to write.
pub(crate) struct Wake {
    wake: UnixStream,
    woken: UnixStream,
}

impl Wake {
    pub(crate) fn new() -> io::Result<Self> {
        let (wake, woken) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        woken.set_nonblocking(true)?;
        Ok(Self { wake, woken })
    }

    /// Wakes the listener, now or when it listens. Async-signal-safe: one `write`.
    pub(crate) fn wake(&self) {
        // Fails only if the socket is full, and then the listener is awake.
        let _ = (&self.wake).write(&[0]);
    }

    /// For one task of a runtime, which closes it when it ends.
    pub(crate) fn listen(&self) -> io::Result<Listener> {
        tokio::net::UnixStream::from_std(self.woken.try_clone()?).map(Listener)
    }
}

/// What a task waits with.
pub(crate) struct Listener(tokio::net::UnixStream);

impl Listener {
    /// Returns after each [`Wake::wake`], or once after several.
    pub(crate) async fn woken(&self) -> io::Result<()> {
        self.0.readable().await?;
        let _ = self.0.try_read(&mut [0; 64]);
        Ok(())
    }
}
