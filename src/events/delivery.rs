//! A result on its way to the host.

use std::sync::Arc;

use super::ack::Unacked;
use super::stream::{Next, Shared};

/// A result of a stream. Acknowledging it moves the cursor; a page that is dropped instead is delivered again.
pub(crate) struct Delivery {
    unacked: Option<Unacked>,
    stream: Arc<Shared>,
}

impl Delivery {
    pub(super) fn new(unacked: Unacked, stream: Arc<Shared>) -> Self {
        Self { unacked: Some(unacked), stream }
    }

    /// The result.
    pub(crate) fn next(&self) -> &Next {
        self.unacked.as_ref().map_or(&Next::NothingYet, |unacked| &unacked.next)
    }

    /// The host has received the result.
    pub(crate) fn acknowledge(mut self) -> Next {
        self.unacked.take().map_or(Next::NothingYet, |unacked| self.stream.lock().acks.acknowledge(unacked))
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        if let Some(unacked) = self.unacked.take() {
            self.stream.lock().acks.requeue(unacked);
            self.stream.requeued.notify_waiters();
        }
    }
}
