//! A limit on interim (1xx) responses: hyper skips any number of them.
//!
//! The bytes after each request are scanned up to the status line of the final response.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::uri::Authority;
use hyper_util::client::legacy::connect::{Connected, Connection};
use tokio::io::{AsyncRead, ReadBuf};

use super::stream::{Layer, Layered};

/// The maximum number of bytes of interim responses to one request; well-behaved servers send a few hundred.
pub(super) const MAX_INTERIM_BYTES: usize = 64 << 10;
/// The beginning of a status line, up to the first digit of the status. The zero stands for any digit.
const INTERIM_STATUS_LINE: &[u8] = b"HTTP/1.0 1";

/// A connection on which too many interim responses are an error.
pub(super) type InterimLimited<T> = Layered<T, InterimLimit>;

pub(super) struct InterimLimit {
    /// Named in the error.
    host: Authority,
    /// Requests on this connection have the absolute form of the URL.
    is_to_forward_proxy: bool,
    scan: Scan,
}

pub(super) fn limited<T>(inner: T, host: Authority, is_to_forward_proxy: bool) -> InterimLimited<T> {
    Layered { inner, layer: InterimLimit { host, is_to_forward_proxy, scan: Scan::default() } }
}

impl<T> Connection for InterimLimited<T> {
    fn connected(&self) -> Connected {
        Connected::new().proxy(self.layer.is_to_forward_proxy)
    }
}

/// The beginnings of the requests that the library sends.
const VERBS: [&[u8]; 5] = [b"GET ", b"POST ", b"PUT ", b"PATCH ", b"DELETE "];

/// A scanner for interim responses.
#[derive(Default)]
struct Scan {
    state: State,
    interim_bytes: usize,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    /// This many bytes of an interim response's status line have matched.
    StatusLine(usize),
    /// Within a line of an interim response.
    Line,
    /// At the beginning of a line.
    NewLine,
    /// The final response has begun, or no request was sent yet.
    #[default]
    Final,
}

impl Scan {
    /// A request is sent.
    fn begin(&mut self) {
        *self = Self { state: State::StatusLine(0), interim_bytes: 0 };
    }

    /// Scans received bytes. Returns whether the interim responses are within the limit.
    fn take(&mut self, bytes: &[u8]) -> bool {
        for byte in bytes {
            self.state = match (self.state, *byte) {
                (State::Final, _) => return true,
                (State::StatusLine(0), b'\r' | b'\n') => {
                    self.interim_bytes += 1;
                    State::StatusLine(0)
                }
                (State::StatusLine(matched), byte) => match INTERIM_STATUS_LINE[matched] {
                    b'0' if !byte.is_ascii_digit() => State::Final,
                    expected if expected != b'0' && expected != byte => State::Final,
                    _ if matched + 1 == INTERIM_STATUS_LINE.len() => {
                        self.interim_bytes += INTERIM_STATUS_LINE.len();
                        State::Line
                    }
                    _ => State::StatusLine(matched + 1),
                },
                (line, byte) => {
                    self.interim_bytes += 1;
                    match (line, byte) {
                        (State::NewLine, b'\n') => State::StatusLine(0),
                        (State::Line, b'\n') | (State::NewLine, b'\r') => State::NewLine,
                        _ => State::Line,
                    }
                }
            };
        }
        self.interim_bytes <= MAX_INTERIM_BYTES
    }
}

impl<T: AsyncRead> Layer<T> for InterimLimit {
    fn poll_read(&mut self, inner: Pin<&mut T>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let outcome = inner.poll_read(cx, buf);
        if matches!(outcome, Poll::Ready(Ok(()))) && !self.scan.take(&buf.filled()[before..]) {
            let error = TooManyInterim(self.host.clone());
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, error)));
        }
        outcome
    }

    fn before_write(&mut self, bytes: &[u8]) {
        // Not the rest of a request: its response may have begun, and what comes next is its body.
        if is_request_line(bytes) {
            self.scan.begin();
        }
    }
}

fn is_request_line(bytes: &[u8]) -> bool {
    let line = memchr::memchr(b'\r', bytes).map_or(&[][..], |end| &bytes[..end]);
    VERBS.iter().any(|verb| line.starts_with(verb)) && line.ends_with(b" HTTP/1.1")
}

/// The limit is exceeded.
#[derive(Debug)]
pub(super) struct TooManyInterim(Authority);

impl fmt::Display for TooManyInterim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(host) = self;
        // A user name and password may precede it.
        let host = host.as_str().rsplit('@').next().unwrap_or_default();
        write!(
            f,
            "{host} sent more than {} KiB of interim (1xx) responses without a final one",
            MAX_INTERIM_BYTES >> 10
        )
    }
}

impl std::error::Error for TooManyInterim {}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_within_limit(pieces: &[&[u8]], size: usize) -> bool {
        let mut scan = Scan::default();
        scan.begin();
        pieces.concat().chunks(size).all(|chunk| scan.take(chunk))
    }

    /// Red when nothing is counted, and red when the status line of the final response does not end the count.
    #[test]
    fn interim_responses_are_counted_up_to_the_final_one() {
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
                assert!(!is_within_limit(&[&many], size), "{}", String::from_utf8_lossy(one));
                let few = one.repeat(MAX_INTERIM_BYTES / one.len());
                let body = vec![b'\n'; 2 * MAX_INTERIM_BYTES];
                assert!(is_within_limit(&[&few, b"HTTP/1.1 200 OK\r\n\r\n", &body, &many], size));
            }
        }
    }

    /// Red when anything but an interim status line counts as one.
    #[test]
    fn final_responses_are_not_limited() {
        let rest = b"HTTP/1.1 100 Continue\r\n\r\n".repeat(MAX_INTERIM_BYTES);
        for first in
            ["HTTP/1.1 200 OK\r\n", "HTTP/2 100\r\n", "HTTP/1.x 100\r\n", "not HTTP", "HTTP/1.1 ", "HTTP/1.1\t1"]
        {
            assert!(is_within_limit(&[first.as_bytes(), &rest], 1000), "{first}");
        }
        assert!(Scan::default().take(&rest), "no request was sent");
    }

    /// Red when every write starts a request: the body of an early response counts as interim responses, and a flood of these is
    /// never too long.
    #[test]
    fn the_rest_of_a_request_does_not_restart_the_count() {
        let limit = || InterimLimit {
            host: Authority::from_static("server"),
            is_to_forward_proxy: false,
            scan: Scan::default(),
        };
        let head = b"POST /a HTTP/1.1\r\nHost: server\r\n\r\n";
        let mut early = limit();
        Layer::<&[u8]>::before_write(&mut early, head);
        assert!(early.scan.take(b"HTTP/1.1 200 OK\r\n\r\n"));
        Layer::<&[u8]>::before_write(&mut early, b"{\"rest\":1}");
        assert!(early.scan.take(&vec![b'\n'; 2 * MAX_INTERIM_BYTES]));
        let mut flooded = limit();
        Layer::<&[u8]>::before_write(&mut flooded, head);
        let mut is_within_limit = true;
        for _ in 0..MAX_INTERIM_BYTES / 16 {
            Layer::<&[u8]>::before_write(&mut flooded, b"POST \r not a request");
            is_within_limit &= flooded.scan.take(b"HTTP/1.1 102 P\r\n\r\n");
        }
        assert!(!is_within_limit);
    }

    /// Red when a request does not restart the count.
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
