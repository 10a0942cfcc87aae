//! Response bodies, including truncated ones. A body that a fault asks for is made while it is sent, piece by piece,
//! however long it is.

use std::io::{self, Write as _};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

use crate::connection::Connection;
use crate::fault::Dribble;
use crate::surplus::Surplus;

/// A response body that may be truncated, or exceed the length that its header declares.
#[derive(Debug)]
pub(crate) struct Payload {
    content: Content,
    cut: Option<Cut>,
    has_length: bool,
    slow: Option<Slow>,
    declared: Option<Declared>,
}

/// What is left of the length in the header. hyper sends no more than that; the connection sends the rest.
#[derive(Debug)]
struct Declared {
    left: u64,
    connection: Arc<Connection>,
}

/// A piece that is sent in smaller ones.
#[derive(Debug)]
struct Slow {
    dribble: Dribble,
    rest: Bytes,
    pause: Option<Pin<Box<Sleep>>>,
}

#[derive(Debug)]
enum Content {
    Whole(Bytes),
    /// Chunked, without `Content-Length`.
    PaddedList(PaddedList),
    /// The same, compressed. None: its end was sent.
    Gzip(PaddedList, Option<Box<GzEncoder<Vec<u8>>>>),
}

/// `[`, spaces, `]`.
#[derive(Debug)]
struct PaddedList {
    sent: u64,
    octets: u64,
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
        Self::new(Content::Whole(body))
    }

    pub(crate) fn padded_list(octets: u64) -> Self {
        Self::new(Content::PaddedList(PaddedList::new(octets)))
    }

    pub(crate) fn gzip_padded_list(octets: u64) -> Self {
        let encoder = Box::new(GzEncoder::new(Vec::new(), Compression::fast()));
        Self::new(Content::Gzip(PaddedList::new(octets), Some(encoder)))
    }

    fn new(content: Content) -> Self {
        Self { content, cut: None, has_length: true, slow: None, declared: None }
    }

    /// Sends the whole body after a header that declares this length. A longer body goes on after it; a shorter one ends the
    /// connection.
    pub(crate) fn declare(self, length: u64, connection: &Arc<Connection>) -> Self {
        let mut payload = self.without_length();
        if payload.is_sent() && length > 0 {
            // Of an empty body hyper would correct the header.
            payload = payload.cut_at_start();
        }
        payload.declared = Some(Declared { left: length, connection: Arc::clone(connection) });
        if length == 0 {
            // hyper does not ask for a body of this length.
            payload.within_declared(Bytes::new());
        }
        payload
    }

    /// Leaves the length to a header of the response.
    pub(crate) fn without_length(mut self) -> Self {
        self.has_length = false;
        self
    }

    /// Sends the body in small pieces, with a pause after each.
    pub(crate) fn dribble(mut self, dribble: Dribble) -> Self {
        self.slow = Some(Slow { dribble, rest: Bytes::new(), pause: None });
        self
    }

    /// Truncates the body before its first octet without changing `Content-Length`.
    pub(crate) fn cut_at_start(mut self) -> Self {
        self.cut = Some(Cut { left: 0, flushed: false });
        self
    }

    /// Truncates the body in its middle without changing `Content-Length`.
    pub(crate) fn cut_in_half(mut self) -> Self {
        let left = match &mut self.content {
            Content::Whole(body) => body.len() as u64 / 2,
            Content::PaddedList(list) => list.octets / 2,
            // How long the compressed body is, is known at its end: what it is made of is cut instead.
            Content::Gzip(list, _) => {
                list.octets = (list.octets / 2).max(1);
                u64::MAX
            }
        };
        self.cut = Some(Cut { left, flushed: false });
        self
    }

    pub(crate) fn is_sent(&self) -> bool {
        match &self.content {
            Content::Whole(body) => body.is_empty(),
            Content::PaddedList(list) => list.is_sent(),
            Content::Gzip(_, encoder) => encoder.is_none(),
        }
    }

    /// Empty: there is nothing yet.
    fn next_piece(&mut self) -> Bytes {
        match &mut self.content {
            Content::Whole(body) => std::mem::take(body),
            Content::PaddedList(list) => Bytes::from_static(list.next_piece()),
            Content::Gzip(list, encoder) => compress_piece(list, encoder, self.cut.as_mut()).into(),
        }
    }
}

/// Compresses a bounded part of the list, so that other tasks of the thread have their turn.
fn compress_piece(
    list: &mut PaddedList,
    encoder: &mut Option<Box<GzEncoder<Vec<u8>>>>,
    cut: Option<&mut Cut>,
) -> Vec<u8> {
    const PIECES: usize = 16;
    let Some(mut compressing) = encoder.take() else {
        return Vec::new();
    };
    for _ in 0..PIECES {
        if list.is_sent() {
            // Writing to a Vec cannot fail.
            let Some(cut) = cut else {
                return compressing.finish().unwrap_or_default();
            };
            // A truncated body has no end.
            let _ = compressing.flush();
            cut.left = 0;
            return std::mem::take(compressing.get_mut());
        }
        let _ = compressing.write_all(list.next_piece());
    }
    let piece = std::mem::take(compressing.get_mut());
    *encoder = Some(compressing);
    piece
}

impl PaddedList {
    fn new(octets: u64) -> Self {
        Self { sent: 0, octets: octets.max(2) }
    }

    fn is_sent(&self) -> bool {
        self.sent == self.octets
    }

    fn next_piece(&mut self) -> &'static [u8] {
        let left = self.octets - self.sent;
        let piece: &[u8] = if self.sent == 0 {
            b"["
        } else if left == 1 {
            b"]"
        } else {
            let spaces = usize::try_from(left - 1).unwrap_or(usize::MAX).min(CHUNK);
            SPACES.get(..spaces).unwrap_or_default()
        };
        self.sent += piece.len() as u64;
        piece
    }
}

impl Payload {
    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if let Some(cut) = self.cut.as_mut().filter(|cut| cut.left == 0) {
            // Pending once, so that the previous data is flushed before the connection closes.
            if !std::mem::replace(&mut cut.flushed, true) {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            return Poll::Ready(Some(Err(io::Error::other("response truncated by a fault"))));
        }
        if self.is_sent() {
            return Poll::Ready(None);
        }
        let mut piece = self.next_piece();
        if piece.is_empty() {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if let Some(cut) = &mut self.cut {
            piece.truncate(usize::try_from(cut.left).unwrap_or(usize::MAX));
            cut.left -= piece.len() as u64;
        }
        Poll::Ready(Some(Ok(piece)))
    }
}

impl Slow {
    /// Ready when the pause is over.
    fn poll_pause(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if let Some(pause) = &mut self.pause {
            std::task::ready!(pause.as_mut().poll(context));
            self.pause = None;
        }
        Poll::Ready(())
    }

    /// The next small piece; the pause begins.
    fn next(&mut self) -> Bytes {
        let octets = usize::try_from(self.dribble.octets).unwrap_or(usize::MAX).min(self.rest.len());
        self.pause = Some(Box::pin(tokio::time::sleep(Duration::from_millis(self.dribble.every_ms))));
        self.rest.split_to(octets)
    }
}

impl Payload {
    /// The next octets of the body, beyond the declared length too.
    pub(crate) fn poll_octets(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if let Some(slow) = &mut self.slow {
            std::task::ready!(slow.poll_pause(context));
            if !slow.rest.is_empty() {
                return Poll::Ready(Some(Ok(slow.next())));
            }
        }
        let piece = std::task::ready!(self.poll_piece(context));
        Poll::Ready(piece.map(|piece| {
            piece.map(|piece| match &mut self.slow {
                Some(slow) => {
                    slow.rest = piece;
                    slow.next()
                }
                None => piece,
            })
        }))
    }

    /// Those of the octets that are within the declared length. At its end, the connection gets everything else.
    fn within_declared(&mut self, mut octets: Bytes) -> Bytes {
        let Some(declared) = &mut self.declared else {
            return octets;
        };
        let left = usize::try_from(declared.left).unwrap_or(usize::MAX);
        if octets.len() < left {
            declared.left -= octets.len() as u64;
            return octets;
        }
        let within = octets.split_to(left);
        if let Some(Declared { connection, .. }) = self.declared.take() {
            let rest = std::mem::replace(self, Self::whole(Bytes::new()).without_length());
            connection.send_surplus(Surplus::new(octets, rest));
        }
        within
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let octets = std::task::ready!(self.poll_octets(context));
        Poll::Ready(octets.map(|octets| octets.map(|octets| Frame::data(self.within_declared(octets)))))
    }

    fn is_end_stream(&self) -> bool {
        self.cut.is_none() && self.is_sent() && self.slow.as_ref().is_none_or(|slow| slow.rest.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Whole(body) if self.has_length && self.slow.is_none() => SizeHint::with_exact(body.len() as u64),
            Content::Whole(_) | Content::PaddedList(_) | Content::Gzip(..) => SizeHint::default(),
        }
    }
}
