//! Keeps the library's descriptors out of 0, 1 and 2. A process that closed them, as daemons do, writes to its standard error all
//! the same: these writes must not end up in a request.

use std::os::fd::AsRawFd;
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::sys::eventfd::{EfdFlags, EventFd};

use super::PerProcess;

const STANDARD_ERROR: i32 = 2;

static STATE: PerProcess<Mutex<State>> = PerProcess::new();

/// Shared by all who occupy them, so that none becomes free while one of them opens something.
#[derive(Default)]
struct State {
    users: usize,
    /// They have the numbers of standard descriptors, and nobody uses them.
    occupied: Vec<EventFd>,
}

/// While it exists, the standard descriptors that the process closed are occupied.
pub(crate) struct OccupyStandard(());

impl OccupyStandard {
    /// To be held while the library, or the C library for it, opens descriptors. None in a chain of forks that is too deep.
    pub(crate) fn new() -> Option<Self> {
        let mut state = state()?;
        state.users += 1;
        if state.users == 1 {
            // Fails when no descriptor is left. Then what follows fails, too, and reports it.
            while let Ok(descriptor) = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK) {
                if descriptor.as_raw_fd() > STANDARD_ERROR {
                    break;
                }
                state.occupied.push(descriptor);
            }
        }
        Some(Self(()))
    }
}

impl Drop for OccupyStandard {
    fn drop(&mut self) {
        let Some(mut state) = state() else { return };
        // In a child of `fork` it was counted in the parent.
        state.users = state.users.saturating_sub(1);
        if state.users == 0 {
            state.occupied.clear();
        }
    }
}

fn state() -> Option<MutexGuard<'static, State>> {
    Some(STATE.get()?.lock().unwrap_or_else(PoisonError::into_inner))
}
