//! A pending call of `next`, on the I/O thread.

use std::sync::Arc;
use std::time::Instant;

use super::ack::Unacked;
use super::claim::Claim;
use super::stream::Shared;
use crate::auth::PendingIapToken;
use crate::cancel::Fired;
use crate::error::{Error, ErrorKind};
use crate::runtime::oneshot::Sender;

/// The parameters and state of one call.
pub(super) struct NextCall {
    pub(super) claim: Claim,
    pub(super) deadline: Instant,
    /// Send one request now, and do not wait for new events.
    pub(super) no_wait: bool,
    pub(super) thread: u64,
    /// Cancels this call. Its stream has others.
    pub(super) abandoned: Option<Fired>,
    pub(super) iap: PendingIapToken,
    /// Whether this call has waited for an answer.
    pub(super) requested: bool,
}

/// Why a call has no result.
pub(super) enum Stop {
    Failed(Error),
    /// Its claim has ended. It must leave the stream as it is.
    LostClaim,
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// The call that waits for the stream's next result.
///
/// Fields drop in this order: a caller whose claim has ended by itself waits for the reply.
pub(super) struct PendingNext {
    claimed: ClaimGuard,
    reply: Sender<Unacked>,
}

/// Ends the claim when dropped, if the call still has it.
struct ClaimGuard(Arc<Shared>, Claim);

impl Drop for ClaimGuard {
    fn drop(&mut self) {
        self.0.lock().end(self.1);
    }
}

impl PendingNext {
    /// A call that has just got this claim.
    pub(super) fn new(stream: Arc<Shared>, claim: Claim, reply: impl FnOnce() -> Sender<Unacked>) -> Self {
        let claimed = ClaimGuard(stream, claim);
        Self { claimed, reply: reply() }
    }

    pub(super) async fn serve(self, call: NextCall) {
        // Boxed on the I/O thread: the host's thread may have a small stack.
        let result = match Box::pin(self.claimed.0.run(call)).await {
            Ok(unacked) => Ok(unacked),
            Err(Stop::Failed(error)) => Err(error),
            // What cancels the call was seen first by the call that has taken over; or the caller does not wait any more, and
            // nobody reads this.
            Err(Stop::LostClaim) => Err(Error::new(ErrorKind::Cancelled, "the call was cancelled")),
        };
        let Self { claimed, reply } = self;
        drop(claimed);
        reply.send(result);
    }
}
