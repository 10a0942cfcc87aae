//! The body of a request, which ends with its call: a write that the caller has given up must not be carried out later.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

/// The maximum length of a frame: how much may still be sent once the call has ended, besides what the system has buffered.
const MAX_FRAME: usize = 64 << 10;

/// A body that is sent in frames while its [`Upload`] exists. Without it the rest is an error, which closes the connection, so that
/// the server never receives a complete request.
struct Frames {
    rest: Bytes,
    has_ended: Arc<AtomicBool>,
}

/// Ends the body when dropped.
pub(super) struct Upload(Option<Arc<AtomicBool>>);

/// Creates a body. One that fits into a frame is sent as a whole.
pub(super) fn upload(body: Bytes) -> (reqwest::Body, Upload) {
    if body.len() <= MAX_FRAME {
        return (body.into(), Upload(None));
    }
    let has_ended = Arc::<AtomicBool>::default();
    let frames = Frames { rest: body, has_ended: Arc::clone(&has_ended) };
    (reqwest::Body::wrap(frames), Upload(Some(has_ended)))
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Some(has_ended) = &self.0 {
            has_ended.store(true, Ordering::Relaxed);
        }
    }
}

impl Body for Frames {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        if self.has_ended.load(Ordering::Relaxed) {
            self.rest = Bytes::new();
            return Poll::Ready(Some(Err(io::Error::other("the call ended before its request was sent"))));
        }
        let length = self.rest.len().min(MAX_FRAME);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}
