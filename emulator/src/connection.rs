//! A connection as the counts see it.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::state::State;

/// Counts a connection from its acceptance to its end, unless all it carries are admin requests: a test that watches
/// the counts must not change them by looking.
#[derive(Debug)]
pub(crate) struct Connection {
    state: Arc<State>,
    standing: Mutex<Standing>,
}

#[derive(Debug, Clone, Copy)]
enum Standing {
    /// Counted, no request so far; holds what the journal gave.
    Silent(u64),
    /// Counted for good.
    Api,
    /// Taken out of the counts.
    Admin,
}

impl Connection {
    pub(crate) fn accepted(state: Arc<State>) -> Arc<Self> {
        let counted_at = state.journal().connection_opened();
        Arc::new(Self { state, standing: Mutex::new(Standing::Silent(counted_at)) })
    }

    /// A request has come on it.
    pub(crate) fn carries(&self, for_admin: bool) {
        let mut standing = self.standing.lock();
        *standing = match (*standing, for_admin) {
            (Standing::Silent(counted_at), true) => {
                self.state.journal().connection_is_admin(counted_at);
                Standing::Admin
            }
            (Standing::Admin, false) => {
                self.state.journal().connection_opened();
                Standing::Api
            }
            (Standing::Silent(_), false) => Standing::Api,
            (unchanged, _) => unchanged,
        };
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let standing = self.standing.get_mut();
        if !matches!(standing, Standing::Admin) {
            self.state.journal().connection_closed();
        }
    }
}
