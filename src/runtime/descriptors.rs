//! Occupies the standard descriptors that the process closed, for as long as any thread needs it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::PerProcess;
use crate::platform;

static STATE: PerProcess<Mutex<State>> = PerProcess::new();

/// Shared by all who occupy them, so that none becomes free while one of them opens something.
#[derive(Default)]
struct State {
    users: usize,
    occupied: Option<platform::OccupyStandard>,
}

/// While it exists, the standard descriptors that the process closed are occupied.
pub(crate) struct OccupyStandard(());

impl OccupyStandard {
    /// To be held while the library, or the C library for it, opens descriptors. None in a chain of forks that is too deep.
    pub(crate) fn new() -> Option<Self> {
        let mut state = state()?;
        state.users += 1;
        if state.users == 1 {
            state.occupied = Some(platform::OccupyStandard::new());
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
            state.occupied = None;
        }
    }
}

fn state() -> Option<MutexGuard<'static, State>> {
    Some(STATE.get()?.lock().unwrap_or_else(PoisonError::into_inner))
}
