//! `CONNECT`: a proxy is asked for a tunnel to the server, and either makes one or says why not.

use std::fmt;
use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{DATE, HeaderValue, RETRY_AFTER};
use http::uri::Authority;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::interim::MAX_INTERIM_BYTES;
use crate::error::Retry;
use crate::retry::retry_after;

/// The longest head of an answer.
const MAX_HEAD: usize = 64 << 10;
/// So much is read at a time.
const READ: usize = 4 << 10;
/// So many header lines fit into it.
const MAX_HEADERS: usize = MAX_HEAD / 4;

/// Why there is no tunnel.
#[derive(Debug)]
pub(super) enum NoTunnel {
    /// The proxy answered with a status that is not 2xx.
    Refused { status: u16, reason: String, retry_after: Option<Duration> },
    /// What it answered is no answer.
    BadHttp(&'static str),
    /// The connection to it broke.
    Lost(io::Error),
}

impl NoTunnel {
    /// A password that was refused is not sent again: accounts are locked for that. A proxy that cannot reach the server now may be
    /// able to later.
    pub(super) fn retry(&self) -> Retry {
        match self {
            Self::Refused { status: 502..=504, .. } | Self::Lost(_) => Retry::Transient,
            Self::Refused { .. } | Self::BadHttp(_) => Retry::Never,
        }
    }
}

impl fmt::Display for NoTunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { status, reason, .. } if reason.is_empty() => write!(f, "it answered with status {status}"),
            Self::Refused { status, reason, .. } => write!(f, "it answered with status {status} {reason}"),
            Self::BadHttp(why) => write!(f, "its answer is no HTTP: {why}"),
            Self::Lost(error) => write!(f, "the connection to it was lost: {error}"),
        }
    }
}

impl std::error::Error for NoTunnel {}

impl From<io::Error> for NoTunnel {
    fn from(error: io::Error) -> Self {
        Self::Lost(error)
    }
}

/// Asks for a tunnel to `target`. Gives what came after the answer's head: it is the tunnel's.
pub(super) async fn open(
    proxy: &mut (impl AsyncRead + AsyncWrite + Unpin),
    target: &Authority,
    authorization: Option<&HeaderValue>,
) -> Result<Bytes, NoTunnel> {
    let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n").into_bytes();
    if let Some(authorization) = authorization {
        request.extend_from_slice(b"Proxy-Authorization: ");
        request.extend_from_slice(authorization.as_bytes());
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    proxy.write_all(&request).await?;
    proxy.flush().await?;

    let mut received = BytesMut::new();
    let mut interim = 0;
    loop {
        let head = head(proxy, &mut received).await?;
        let answer = parse(&head)?;
        match answer.status {
            200..=299 => return Ok(received.freeze()),
            100..=199 if answer.status != 101 => {
                interim += head.len();
                if interim > MAX_INTERIM_BYTES {
                    return Err(NoTunnel::BadHttp("more than 64 KiB of interim (1xx) answers and no final one"));
                }
            }
            _ => {
                return Err(NoTunnel::Refused {
                    status: answer.status,
                    reason: answer.reason,
                    retry_after: answer.retry_after,
                });
            }
        }
    }
}

/// The next head, taken out of what was received.
async fn head(proxy: &mut (impl AsyncRead + Unpin), received: &mut BytesMut) -> Result<Bytes, NoTunnel> {
    let mut seen = 0;
    loop {
        if let Some(end) = end_of_head(received, seen) {
            return Ok(received.split_to(end).freeze());
        }
        if received.len() > MAX_HEAD {
            return Err(NoTunnel::BadHttp("its head is longer than 64 KiB"));
        }
        // The end may be half there.
        seen = received.len().saturating_sub(3);
        received.reserve(READ);
        if proxy.read_buf(received).await? == 0 {
            return Err(NoTunnel::Lost(io::ErrorKind::UnexpectedEof.into()));
        }
    }
}

/// Behind the first empty line, looked for from an offset on.
fn end_of_head(bytes: &[u8], from: usize) -> Option<usize> {
    memchr::memchr_iter(b'\n', &bytes[from..]).find_map(|at| match &bytes[from + at + 1..] {
        [b'\n', ..] => Some(from + at + 2),
        [b'\r', b'\n', ..] => Some(from + at + 3),
        _ => None,
    })
}

struct Answer {
    status: u16,
    reason: String,
    retry_after: Option<Duration>,
}

fn parse(head: &[u8]) -> Result<Answer, NoTunnel> {
    let mut config = httparse::ParserConfig::default();
    config
        .allow_obsolete_multiline_headers_in_responses(true)
        .allow_spaces_after_header_name_in_responses(true)
        .ignore_invalid_headers_in_responses(true);
    let mut room = 64;
    loop {
        let mut headers = vec![httparse::EMPTY_HEADER; room];
        let mut answer = httparse::Response::new(&mut headers);
        match config.parse_response(&mut answer, head) {
            Ok(httparse::Status::Complete(_)) => {
                let reason = answer.reason.unwrap_or_default().trim().to_owned();
                let value = |name: http::header::HeaderName| {
                    answer.headers.iter().find(|header| name == header.name).map(|header| header.value)
                };
                let retry_after = value(RETRY_AFTER).and_then(|wait| retry_after::parse(wait, value(DATE)));
                return Ok(Answer { status: answer.code.unwrap_or_default(), reason, retry_after });
            }
            Err(httparse::Error::TooManyHeaders) if room < MAX_HEADERS => room = MAX_HEADERS,
            Ok(httparse::Status::Partial) => return Err(NoTunnel::BadHttp("its head has no end")),
            Err(httparse::Error::Status) => return Err(NoTunnel::BadHttp("its status line has no status")),
            Err(httparse::Error::Version) => return Err(NoTunnel::BadHttp("it does not begin with HTTP/1")),
            Err(_) => return Err(NoTunnel::BadHttp("its head cannot be read")),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{DuplexStream, duplex};

    use super::*;

    /// What comes of these pieces, and what the proxy was told.
    async fn outcome(pieces: Vec<Vec<u8>>) -> (Result<Bytes, NoTunnel>, String) {
        let (mut ours, mut theirs): (DuplexStream, DuplexStream) = duplex(1 << 20);
        let proxy = tokio::spawn(async move {
            let mut told = Vec::new();
            while !told.ends_with(b"\r\n\r\n") {
                theirs.read_buf(&mut told).await.expect("a request");
            }
            for piece in pieces {
                // Whoever has heard enough goes.
                if theirs.write_all(&piece).await.is_err() {
                    break;
                }
                tokio::task::yield_now().await;
            }
            String::from_utf8(told).expect("text")
        });
        let password = HeaderValue::from_static("Basic dTpw");
        let outcome = open(&mut ours, &Authority::from_static("api.test:443"), Some(&password)).await;
        drop(ours);
        (outcome, proxy.await.expect("a proxy"))
    }

    async fn tunnel(answer: impl AsRef<[u8]>) -> Result<Bytes, NoTunnel> {
        let whole = outcome(vec![answer.as_ref().to_vec()]).await.0;
        let bytes = answer.as_ref().iter().map(|byte| vec![*byte]).collect();
        let bytewise = outcome(bytes).await.0;
        assert_eq!(whole.is_ok(), bytewise.is_ok(), "it depends on how it arrives");
        whole
    }

    #[tokio::test]
    async fn the_proxy_is_told_the_server_and_its_own_password() {
        let (opened, told) = outcome(vec![b"HTTP/1.1 200 OK\r\n\r\n".to_vec()]).await;
        assert!(opened.expect("a tunnel").is_empty());
        let expected = "CONNECT api.test:443 HTTP/1.1\r\nHost: api.test:443\r\nProxy-Authorization: Basic dTpw\r\n\r\n";
        assert_eq!(told, expected);
    }

    /// Red with hyper-util's `Tunnel`, which opens none of them but the first two: "unsuccessful", and "proxy headers too long" from
    /// 8 KiB on.
    #[tokio::test]
    async fn any_2xx_opens_the_tunnel_whatever_stands_around_it() {
        for answer in [
            "HTTP/1.1 200 OK\r\n\r\n".into(),
            "HTTP/1.0 200 Connection established\r\nVia: x\r\n\r\n".into(),
            "HTTP/1.1 201 Created\r\n\r\n".into(),
            "HTTP/1.1 204\r\n\r\n".into(),
            "HTTP/1.1 299 \r\n\r\n".into(),
            "HTTP/1.1 200 OK\n\n".into(),
            "HTTP/1.1 200 OK\r\nX: a\r\n\tb\r\n c\r\n\r\n".into(),
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n".into(),
            "HTTP/1.1 200 OK\r\nno header\r\nBad Name: x\r\n\r\n".into(),
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\n\r\n".into(),
            format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(60 << 10)),
            format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(10_000)),
        ] {
            let opened = tunnel(&answer).await;
            assert!(opened.is_ok_and(|early| early.is_empty()), "{answer:.80}");
        }
    }

    /// Red when what comes with the head is dropped.
    #[tokio::test]
    async fn what_comes_after_the_head_is_the_tunnels() {
        let (opened, _) = outcome(vec![b"HTTP/1.1 200 OK\r\n\r\n\r\nearly".to_vec()]).await;
        assert_eq!(opened.expect("a tunnel"), "\r\nearly");
        let (opened, _) = outcome(vec![b"HTTP/1.1 100 C\r\n\r\nHTTP/1.1 200 OK\r\n\r\n\x16\x03".to_vec()]).await;
        assert_eq!(opened.expect("a tunnel"), "\x16\x03");
    }

    /// Red with hyper-util's `Tunnel`: each of them is "unsuccessful", and tried again.
    #[tokio::test]
    async fn a_refusal_is_told_and_a_password_is_not_sent_again() {
        for (status, retry) in [
            (407, Retry::Never),
            (403, Retry::Never),
            (401, Retry::Never),
            (301, Retry::Never),
            (429, Retry::Never),
            (500, Retry::Never),
            (101, Retry::Never),
            (502, Retry::Transient),
            (503, Retry::Transient),
            (504, Retry::Transient),
        ] {
            let answer = format!("HTTP/1.1 {status} Not  now\r\nretry-after:\r\n  7\r\nContent-Length: 2\r\n\r\n{{}}");
            let refused = tunnel(&answer).await.expect_err("no tunnel");
            assert_eq!(refused.to_string(), format!("it answered with status {status} Not  now"));
            let wait = Duration::from_secs(7);
            assert!(
                matches!(refused, NoTunnel::Refused { retry_after: Some(time), .. } if time == wait),
                "{refused:?}"
            );
            assert_eq!(refused.retry(), retry, "{status}");
        }
        let refused = tunnel("HTTP/1.1 407\r\n\r\n").await.expect_err("no tunnel");
        assert_eq!(refused.to_string(), "it answered with status 407");
    }

    /// Red without the limits: the first two never end.
    #[tokio::test]
    async fn what_is_no_answer_ends() {
        for (answer, why) in [
            (format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(200 << 10)), "longer than 64 KiB"),
            ("HTTP/1.1 100 Continue\r\n\r\n".repeat(4000), "64 KiB of interim"),
            ("SSH-2.0-OpenSSH_9\r\n\r\n".into(), "no HTTP"),
            ("HTTP/2 200\r\n\r\n".into(), "does not begin with HTTP/1"),
            ("HTTP/1.1 2x0 OK\r\n\r\n".into(), "no status"),
            ("\r\n\r\n".into(), "no end"),
        ] {
            let refused = tunnel(&answer).await.expect_err("no tunnel");
            assert!(refused.to_string().contains(why), "{answer:.40}: {refused}");
            assert!(matches!(refused, NoTunnel::BadHttp(_)) && refused.retry() == Retry::Never);
        }
        for answer in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nX: y\r\n"] {
            let refused = tunnel(answer).await.expect_err("no tunnel");
            assert!(matches!(refused, NoTunnel::Lost(_)) && refused.retry() == Retry::Transient, "{refused}");
        }
    }
}
