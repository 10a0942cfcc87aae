//! A stream with a layer on top of its reads. Writes pass through.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What a layer does with a read, and at the beginning of a write.
pub(super) trait Layer<T> {
    fn poll_read(&mut self, inner: Pin<&mut T>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>>;

    fn before_write(&mut self, _bytes: &[u8]) {}
}

pub(super) struct Layered<T, L> {
    pub(super) inner: T,
    pub(super) layer: L,
}

impl<T: AsyncRead + Unpin, L: Layer<T> + Unpin> AsyncRead for Layered<T, L> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Self { inner, layer } = &mut *self;
        layer.poll_read(Pin::new(inner), cx, buf)
    }
}

impl<T: AsyncWrite + Unpin, L: Layer<T> + Unpin> AsyncWrite for Layered<T, L> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.layer.before_write(bytes);
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.layer.before_write(bytes.first().map_or(&[], |first| first));
        Pin::new(&mut self.inner).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
