//! What follows a response on its connection: the part of a body that exceeds the declared `Content-Length`, which hyper does not
//! send.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::connection::Connection;
use crate::payload::Payload;

#[derive(Debug)]
pub(crate) struct Surplus {
    next: Bytes,
    rest: Payload,
}

impl Surplus {
    pub(crate) fn new(next: Bytes, rest: Payload) -> Self {
        Self { next, rest }
    }

    /// Nothing but the end of the connection.
    pub(crate) fn end() -> Self {
        Self::new(Bytes::new(), Payload::whole(Bytes::new()).cut_at_start())
    }

    /// Ready when all of it is written.
    fn poll_write(&mut self, mut stream: Pin<&mut impl AsyncWrite>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            while !self.next.is_empty() {
                match ready!(stream.as_mut().poll_write(context, &self.next))? {
                    0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    written => drop(self.next.split_to(written)),
                }
            }
            match ready!(self.rest.poll_octets(context)) {
                Some(octets) => self.next = octets?,
                None => return Poll::Ready(Ok(())),
            }
        }
    }
}

/// A stream that writes the surplus of a response after it: hyper flushes when all of a response is written, and neither reads
/// another request nor ends the connection before that has succeeded.
#[derive(Debug)]
pub(crate) struct SurplusStream<S> {
    stream: S,
    connection: Arc<Connection>,
    surplus: Option<Surplus>,
}

impl<S: AsyncWrite + Unpin> SurplusStream<S> {
    pub(crate) fn new(stream: S, connection: Arc<Connection>) -> Self {
        Self { stream, connection, surplus: None }
    }

    fn poll_surplus(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.surplus.is_none() {
            self.surplus = self.connection.take_surplus();
        }
        if let Some(surplus) = &mut self.surplus {
            // It may end the connection, and the response arrives before that.
            ready!(Pin::new(&mut self.stream).poll_flush(context))?;
            ready!(surplus.poll_write(Pin::new(&mut self.stream), context))?;
            self.surplus = None;
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for SurplusStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for SurplusStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, octets)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_surplus(context))?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
