//! Response bodies, including truncated ones.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

/// A response body that may be truncated.
#[derive(Debug)]
pub(crate) struct Payload {
    content: Content,
    cut: Option<Cut>,
}

#[derive(Debug)]
enum Content {
    Whole(Bytes),
    /// `[`, spaces, `]`; generated while it is sent, chunked, without `Content-Length`.
    PaddedList {
        sent: u64,
        octets: u64,
    },
}

#[derive(Debug)]
struct Cut {
    left: u64,
    flushed: bool,
}

const CHUNK: usize = 16 << 10;
static SPACES: [u8; CHUNK] = [b' '; CHUNK];

impl Payload {
    pub(crate) fn whole(body: Bytes) -> Self {
        Self { content: Content::Whole(body), cut: None }
    }

    pub(crate) fn padded_list(octets: u64) -> Self {
        Self { content: Content::PaddedList { sent: 0, octets: octets.max(2) }, cut: None }
    }

    /// Truncates the body after `octets` without changing `Content-Length`.
    pub(crate) fn cut_after(mut self, octets: u64) -> Self {
        self.cut = Some(Cut { left: octets, flushed: false });
        self
    }

    /// Octets that remain without truncation.
    pub(crate) fn remaining(&self) -> u64 {
        match &self.content {
            Content::Whole(body) => body.len() as u64,
            Content::PaddedList { sent, octets } => octets - sent,
        }
    }

    fn next_piece(&mut self) -> Bytes {
        match &mut self.content {
            Content::Whole(body) => std::mem::take(body),
            Content::PaddedList { sent, octets } => {
                let left = *octets - *sent;
                let piece = if *sent == 0 {
                    Bytes::from_static(b"[")
                } else if left == 1 {
                    Bytes::from_static(b"]")
                } else {
                    let spaces = usize::try_from(left - 1).unwrap_or(usize::MAX).min(CHUNK);
                    Bytes::from_static(&SPACES[..spaces])
                };
                *sent += piece.len() as u64;
                piece
            }
        }
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(cut) = self.cut.as_mut().filter(|cut| cut.left == 0) {
            // Pending once, so that the previous data is flushed before the connection closes.
            if !std::mem::replace(&mut cut.flushed, true) {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            return Poll::Ready(Some(Err(io::Error::other("response truncated by a fault"))));
        }
        if self.remaining() == 0 {
            return Poll::Ready(None);
        }
        let mut piece = self.next_piece();
        if let Some(cut) = &mut self.cut {
            piece.truncate(usize::try_from(cut.left).unwrap_or(usize::MAX));
            cut.left -= piece.len() as u64;
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.cut.is_none() && self.remaining() == 0
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Whole(body) => SizeHint::with_exact(body.len() as u64),
            Content::PaddedList { .. } => SizeHint::default(),
        }
    }
}
