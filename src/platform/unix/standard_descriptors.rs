//! Keeps the library's descriptors out of 0, 1 and 2. A process that closed them, as daemons do, writes to its standard error all
//! the same: these writes must not end up in a request.

use std::os::fd::AsRawFd;
use std::os::unix::net::UnixDatagram;

const STANDARD_ERROR: i32 = 2;

/// While it exists, the standard descriptors that the process had closed are open, and nobody uses them.
pub(crate) struct OccupyStandard(#[expect(dead_code, reason = "held open")] Vec<UnixDatagram>);

impl OccupyStandard {
    pub(crate) fn new() -> Self {
        let mut occupied = Vec::new();
        // Fails when no descriptor is left. Then what follows fails, too, and reports it.
        while let Ok(descriptor) = UnixDatagram::unbound() {
            if descriptor.as_raw_fd() > STANDARD_ERROR {
                break;
            }
            occupied.push(descriptor);
        }
        Self(occupied)
    }
}
