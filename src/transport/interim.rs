//! Interim answers (1xx) end: a peer that sends nothing else is stopped.
//!
//! hyper skips them without counting. Here is seen what comes after each request, up to the status line of the answer itself;
//! from there on it is hyper's.

use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use http::uri::Authority;
use hyper_util::client::legacy::connect::{Connected, Connection};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// So many bytes of interim answers are taken for one request; a server that means well sends some hundreds.
pub(super) const MAX_INTERIM_BYTES: usize = 64 << 10;
/// Up to and with the first digit of the status. The zero stands for any digit.
const INTERIM: &[u8] = b"HTTP/1.0 1";

/// A connection that ends with an error when there are too many interim answers on it.
pub(super) struct Bounded<T> {
    inner: T,
    /// Whom the error names.
    host: Authority,
    /// Requests on it name the whole URL.
    is_to_forward_proxy: bool,
    scan: Scan,
}

impl<T> Bounded<T> {
    pub(super) fn new(inner: T, host: Authority, is_to_forward_proxy: bool) -> Self {
        Self { inner, host, is_to_forward_proxy, scan: Scan::default() }
    }
}

impl<T> Connection for Bounded<T> {
    fn connected(&self) -> Connected {
        Connected::new().proxy(self.is_to_forward_proxy)
    }
}

/// What comes after a request, up to its answer.
#[derive(Default)]
struct Scan {
    at: At,
    interim: usize,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum At {
    /// So far into what would be an interim answer's status line.
    StatusLine(usize),
    /// Within a line of an interim answer.
    Line,
    /// At the beginning of one.
    NewLine,
    /// The answer itself has begun; or nothing was asked yet.
    #[default]
    Answer,
}

impl Scan {
    fn begin(&mut self) {
        *self = Self { at: At::StatusLine(0), interim: 0 };
    }

    /// Whether this may still be taken.
    fn take(&mut self, bytes: &[u8]) -> bool {
        for byte in bytes {
            self.at = match (self.at, *byte) {
                (At::Answer, _) => return true,
                (At::StatusLine(0), b'\r' | b'\n') => {
                    self.interim += 1;
                    At::StatusLine(0)
                }
                (At::StatusLine(so_far), byte) => match INTERIM[so_far] {
                    b'0' if !byte.is_ascii_digit() => At::Answer,
                    expected if expected != b'0' && expected != byte => At::Answer,
                    _ if so_far + 1 == INTERIM.len() => {
                        self.interim += INTERIM.len();
                        At::Line
                    }
                    _ => At::StatusLine(so_far + 1),
                },
                (line, byte) => {
                    self.interim += 1;
                    match (line, byte) {
                        (At::NewLine, b'\n') => At::StatusLine(0),
                        (At::Line, b'\n') | (At::NewLine, b'\r') => At::NewLine,
                        _ => At::Line,
                    }
                }
            };
        }
        self.interim <= MAX_INTERIM_BYTES
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Bounded<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let outcome = Pin::new(&mut self.inner).poll_read(cx, buf);
        if matches!(outcome, Poll::Ready(Ok(()))) && !self.scan.take(&buf.filled()[before..]) {
            let endless = TooManyInterim(self.host.clone());
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, endless)));
        }
        outcome
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Bounded<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        // A request, or more of one.
        self.scan.begin();
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.scan.begin();
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

/// Interim answers, and more of them than anybody needs.
#[derive(Debug)]
pub(super) struct TooManyInterim(Authority);

impl fmt::Display for TooManyInterim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(host) = self;
        // It may have a user and a password before it.
        let host = host.as_str().rsplit('@').next().unwrap_or_default();
        write!(f, "{host} sent more than {} KiB of interim (1xx) answers and no final one", MAX_INTERIM_BYTES >> 10)
    }
}

impl std::error::Error for TooManyInterim {}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(pieces: &[&[u8]], size: usize) -> bool {
        let mut scan = Scan::default();
        scan.begin();
        pieces.concat().chunks(size).all(|chunk| scan.take(chunk))
    }

    /// Red when nothing counts, and red when an answer's status line does not end the count.
    #[test]
    fn interim_answers_are_counted_up_to_the_answer() {
        let interim: [&[u8]; 5] = [
            b"HTTP/1.1 100 Continue\r\n\r\n",
            b"HTTP/1.0 199\n\n",
            b"\r\n\r\nHTTP/1.1 103 Early\r\nLink: </a>\r\nX: HTTP/1.1 200 OK\r\n\r\n",
            b"HTTP/1.1 102 P\r\nX: 1\n\r\n",
            b"HTTP/1.1 100 \r\n\r\n\n\n",
        ];
        for one in interim {
            for size in [1, 3, 7, 4096] {
                let many = one.repeat(MAX_INTERIM_BYTES / one.len() + 1);
                assert!(!takes(&[&many], size), "{}", String::from_utf8_lossy(one));
                let few = one.repeat(MAX_INTERIM_BYTES / one.len());
                let body = vec![b'\n'; 2 * MAX_INTERIM_BYTES];
                assert!(takes(&[&few, b"HTTP/1.1 200 OK\r\n\r\n", &body, &many], size));
            }
        }
    }

    /// Red when anything but an interim status line counts as one.
    #[test]
    fn answers_of_any_length_are_none_of_its_business() {
        let rest = b"HTTP/1.1 100 Continue\r\n\r\n".repeat(MAX_INTERIM_BYTES);
        for first in
            ["HTTP/1.1 200 OK\r\n", "HTTP/2 100\r\n", "HTTP/1.x 100\r\n", "no HTTP", "HTTP/1.1 ", "HTTP/1.1\t1"]
        {
            assert!(takes(&[first.as_bytes(), &rest], 1000), "{first}");
        }
        assert!(Scan::default().take(&rest), "nothing was asked");
    }

    /// Red when a request does not begin the count anew.
    #[test]
    fn each_request_has_its_own_count() {
        let half = b"HTTP/1.1 102 P\r\n\r\n".repeat(MAX_INTERIM_BYTES / 36);
        let mut scan = Scan::default();
        for _ in 0..10 {
            scan.begin();
            assert!(scan.take(&half) && scan.take(b"HTTP/1.1 200 OK\r\n"));
        }
    }
}
