//! Counting of connections, and how they end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use crate::state::State;
use crate::surplus::Surplus;

/// Counts a connection from accept to close, unless it carries only admin requests: reading the counts must not change
/// them.
#[derive(Debug)]
pub(crate) struct Connection {
    state: Arc<State>,
    kind: Mutex<Kind>,
    ends_with_rst: AtomicBool,
    hangs: AtomicBool,
    surplus: Mutex<Option<Surplus>>,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    /// No request so far; counted. Holds the result of `connection_opened`.
    Idle(u64),
    /// Carried an API request; counted.
    Api,
    /// Carried only admin requests; not counted.
    Admin,
}

impl Connection {
    pub(crate) fn accepted(state: Arc<State>) -> Arc<Self> {
        let counted_at = state.journal().connection_opened();
        Arc::new(Self {
            state,
            kind: Mutex::new(Kind::Idle(counted_at)),
            ends_with_rst: AtomicBool::new(false),
            hangs: AtomicBool::new(false),
            surplus: Mutex::default(),
        })
    }

    /// From now on the connection ends with RST, not FIN.
    pub(crate) fn end_with_rst(&self) {
        self.ends_with_rst.store(true, Ordering::Relaxed);
    }

    pub(crate) fn ends_with_rst(&self) -> bool {
        self.ends_with_rst.load(Ordering::Relaxed)
    }

    /// Its request is never answered.
    pub(crate) fn hang(&self) {
        self.hangs.store(true, Ordering::Relaxed);
    }

    pub(crate) fn hangs(&self) -> bool {
        self.hangs.load(Ordering::Relaxed)
    }

    /// Sends this after the response that is being written.
    pub(crate) fn send_surplus(&self, surplus: Surplus) {
        *self.surplus.lock() = Some(surplus);
    }

    pub(crate) fn take_surplus(&self) -> Option<Surplus> {
        self.surplus.lock().take()
    }

    /// Updates the kind for a request that arrived.
    pub(crate) fn on_request(&self, for_admin: bool) {
        let mut kind = self.kind.lock();
        *kind = match (*kind, for_admin) {
            (Kind::Idle(counted_at), true) => {
                self.state.journal().connection_is_admin(counted_at);
                Kind::Admin
            }
            (Kind::Admin, false) => {
                self.state.journal().connection_opened();
                Kind::Api
            }
            (Kind::Idle(_), false) => Kind::Api,
            (unchanged, _) => unchanged,
        };
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let kind = self.kind.get_mut();
        if !matches!(kind, Kind::Admin) {
            self.state.journal().connection_closed();
        }
    }
}
