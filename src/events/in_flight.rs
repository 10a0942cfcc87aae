//! A request in flight, on a task of its own: it outlives the call that sent it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use super::request::Request;
use crate::answer::Answer;
use crate::cancel::{Fired, unless};
use crate::client::{Client, TimeLimit};
use crate::error::Result;
use crate::runtime::oneshot::Sender;
use crate::service::Params;

/// Aborts the request when dropped.
pub(super) struct InFlight {
    pub(super) answer: oneshot::Receiver<Result<Arc<Answer>>>,
    /// The request, if it is for a page ahead of the next one.
    pub(super) ahead: Option<Request>,
    task: AbortHandle,
    abandoned: Arc<Mutex<Option<Fired>>>,
}

impl InFlight {
    /// Sends the request. `cancelled` are those of the stream.
    pub(super) fn send(
        client: Client,
        params: Params,
        limit: TimeLimit,
        cancelled: [Option<Fired>; 2],
        thread: u64,
    ) -> Self {
        let (sender, answer) = oneshot::channel();
        // Sending fails if the receiver was dropped, and then nobody needs the answer.
        let reply = Sender::from_fn(move |answer| drop(sender.send(answer)));
        let abandoned = Arc::<Mutex<Option<Fired>>>::default();
        let is_abandoned = {
            let abandoned = Arc::clone(&abandoned);
            move || lock(&abandoned).as_ref().is_some_and(Fired::is_fired)
        };
        let task = tokio::spawn(async move {
            let request = client.request(&params, limit, cancelled, thread);
            // On `None`, the call that waits is cancelled too, and drops this.
            if let Some(answer) = unless(is_abandoned, request).await {
                reply.send(answer);
            }
        });
        Self { answer, ahead: None, task: task.abort_handle(), abandoned }
    }

    /// Sets what cancels the call that waits for the answer, and with it the request.
    pub(super) fn set_abandoned(&self, by: Option<Fired>) {
        *lock(&self.abandoned) = by;
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(abandoned: &Mutex<Option<Fired>>) -> MutexGuard<'_, Option<Fired>> {
    abandoned.lock().unwrap_or_else(PoisonError::into_inner)
}
