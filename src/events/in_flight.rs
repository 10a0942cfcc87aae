//! A request in flight, on a task of its own: it outlives the call that sent it.

use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use crate::answer::Answer;
use crate::client::{Client, TimeLimit};
use crate::error::Result;
use crate::runtime::oneshot::Sender;
use crate::service::Params;

/// Aborts the request when dropped.
pub(super) struct InFlight {
    pub(super) answer: oneshot::Receiver<Result<Arc<Answer>>>,
    task: AbortHandle,
}

impl InFlight {
    /// Sends the request.
    pub(super) fn send(client: Client, params: Params, limit: TimeLimit, thread: u64) -> Self {
        let (sender, answer) = oneshot::channel();
        // Sending fails if the receiver was dropped, and then nobody needs the answer.
        let reply = Sender::from_fn(move |answer| drop(sender.send(answer)));
        let task = tokio::spawn(async move { reply.send(client.request(&params, limit, thread).await) });
        Self { answer, task: task.abort_handle() }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.task.abort();
    }
}
