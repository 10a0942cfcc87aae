//! A pending call of `next`, on the I/O thread.

use std::sync::Arc;
use std::time::Instant;

use super::ack::Unacked;
use super::stream::Shared;
use crate::auth::PendingIapToken;
use crate::cancel::Fired;
use crate::runtime::oneshot::Sender;

/// The parameters and state of one call.
pub(super) struct NextCall {
    pub(super) deadline: Instant,
    /// Send one request now, and do not wait for new events.
    pub(super) no_wait: bool,
    pub(super) thread: u64,
    /// Cancels the stream.
    pub(super) cancelled: Option<Fired>,
    /// Cancels this call.
    pub(super) abandoned: Option<Fired>,
    pub(super) iap: PendingIapToken,
    /// Whether this call has waited for an answer.
    pub(super) requested: bool,
}

/// The call that waits for the stream's next result. Only one may be pending at a time.
///
/// Fields drop in this order, so that the stream is free again before the reply is sent.
pub(super) struct PendingNext {
    busy: BusyGuard,
    reply: Sender<Unacked>,
}

/// Clears [`super::stream::State::is_busy`] when dropped.
struct BusyGuard(Arc<Shared>);

impl Drop for BusyGuard {
    fn drop(&mut self) {
        self.0.lock().is_busy = false;
    }
}

impl PendingNext {
    /// Takes over a stream that was just marked as busy.
    pub(super) fn new(stream: Arc<Shared>, reply: impl FnOnce() -> Sender<Unacked>) -> Self {
        let busy = BusyGuard(stream);
        Self { busy, reply: reply() }
    }

    pub(super) async fn serve(self, call: NextCall) {
        // Boxed on the I/O thread: the host's thread may have a small stack.
        let unacked = Box::pin(self.busy.0.run(call)).await;
        let Self { busy, reply } = self;
        drop(busy);
        reply.send(unacked);
    }
}
