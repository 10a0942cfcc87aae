//! `CONNECT` (RFC 9110, 9.3.6): opens a tunnel to the server through a proxy.

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

/// The maximum size of the head of a response.
const MAX_HEAD: usize = 64 << 10;
/// The size of a read.
const READ_SIZE: usize = 4 << 10;
/// The maximum number of header lines that fit into it.
const MAX_HEADERS: usize = MAX_HEAD / 4;

/// Why a tunnel was not opened.
#[derive(Debug)]
pub(super) enum TunnelError {
    /// The proxy answered with a status that is not 2xx.
    Refused { status: u16, reason: String, retry_after: Option<Duration> },
    /// The response is not valid HTTP.
    BadHttp(&'static str),
    /// The connection to the proxy was lost.
    Io(io::Error),
}

impl TunnelError {
    /// A rejected password is not sent again, because that may lock the account. A gateway error may be temporary.
    pub(super) fn retry(&self) -> Retry {
        match self {
            Self::Refused { status: 502..=504, .. } | Self::Io(_) => Retry::Transient,
            Self::Refused { .. } | Self::BadHttp(_) => Retry::Never,
        }
    }
}

impl fmt::Display for TunnelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { status, reason, .. } if reason.is_empty() => write!(f, "status {status}"),
            Self::Refused { status, reason, .. } => write!(f, "status {status} {reason}"),
            Self::BadHttp(why) => write!(f, "its response is not valid HTTP: {why}"),
            Self::Io(error) => write!(f, "the connection to it was lost: {error}"),
        }
    }
}

impl std::error::Error for TunnelError {}

impl From<io::Error> for TunnelError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Opens a tunnel to `target`. Returns the bytes received after the head of the response: they belong to the tunnel.
pub(super) async fn open(
    proxy: &mut (impl AsyncRead + AsyncWrite + Unpin),
    target: &Authority,
    authorization: Option<&HeaderValue>,
) -> Result<Bytes, TunnelError> {
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
        let head = read_head(proxy, &mut received).await?;
        let response = parse(&head)?;
        match response.status {
            200..=299 => return Ok(received.freeze()),
            100..=199 if response.status != 101 => {
                interim += head.len();
                if interim > MAX_INTERIM_BYTES {
                    return Err(TunnelError::BadHttp(
                        "more than 64 KiB of interim (1xx) responses without a final one",
                    ));
                }
            }
            _ => {
                return Err(TunnelError::Refused {
                    status: response.status,
                    reason: response.reason,
                    retry_after: response.retry_after,
                });
            }
        }
    }
}

/// Splits the next head off the received bytes.
async fn read_head(proxy: &mut (impl AsyncRead + Unpin), received: &mut BytesMut) -> Result<Bytes, TunnelError> {
    let mut searched = 0;
    loop {
        if let Some(end) = end_of_head(received, searched) {
            return Ok(received.split_to(end).freeze());
        }
        if received.len() > MAX_HEAD {
            return Err(TunnelError::BadHttp("its headers are longer than 64 KiB"));
        }
        // The last bytes may be the beginning of the end.
        searched = received.len().saturating_sub(3);
        received.reserve(READ_SIZE);
        if proxy.read_buf(received).await? == 0 {
            return Err(TunnelError::Io(io::ErrorKind::UnexpectedEof.into()));
        }
    }
}

/// The position after the first empty line, searched from an offset on.
fn end_of_head(bytes: &[u8], from: usize) -> Option<usize> {
    memchr::memchr_iter(b'\n', &bytes[from..]).find_map(|at| match &bytes[from + at + 1..] {
        [b'\n', ..] => Some(from + at + 2),
        [b'\r', b'\n', ..] => Some(from + at + 3),
        _ => None,
    })
}

struct Response {
    status: u16,
    reason: String,
    retry_after: Option<Duration>,
}

fn parse(head: &[u8]) -> Result<Response, TunnelError> {
    let mut config = httparse::ParserConfig::default();
    config
        .allow_obsolete_multiline_headers_in_responses(true)
        .allow_spaces_after_header_name_in_responses(true)
        .ignore_invalid_headers_in_responses(true);
    let mut max_headers = 64;
    loop {
        let mut headers = vec![httparse::EMPTY_HEADER; max_headers];
        let mut response = httparse::Response::new(&mut headers);
        match config.parse_response(&mut response, head) {
            Ok(httparse::Status::Complete(_)) => {
                let reason = response.reason.unwrap_or_default().trim().to_owned();
                let value = |name: http::header::HeaderName| {
                    response.headers.iter().find(|header| name == header.name).map(|header| header.value)
                };
                let retry_after = value(RETRY_AFTER).and_then(|wait| retry_after::parse(wait, value(DATE)));
                return Ok(Response { status: response.code.unwrap_or_default(), reason, retry_after });
            }
            Err(httparse::Error::TooManyHeaders) if max_headers < MAX_HEADERS => max_headers = MAX_HEADERS,
            Ok(httparse::Status::Partial) => return Err(TunnelError::BadHttp("its headers are incomplete")),
            Err(httparse::Error::Status) => return Err(TunnelError::BadHttp("its status line has no status")),
            Err(httparse::Error::Version) => return Err(TunnelError::BadHttp("it does not begin with HTTP/1")),
            Err(_) => return Err(TunnelError::BadHttp("its headers are malformed")),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{DuplexStream, duplex};

    use super::*;

    /// Returns the outcome for a proxy that responds with these pieces, and the request that it received.
    async fn outcome(pieces: Vec<Vec<u8>>) -> (Result<Bytes, TunnelError>, String) {
        let (mut ours, mut theirs): (DuplexStream, DuplexStream) = duplex(1 << 20);
        let proxy = tokio::spawn(async move {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                theirs.read_buf(&mut request).await.expect("a request");
            }
            for piece in pieces {
                // The client closes the connection once it has seen enough.
                if theirs.write_all(&piece).await.is_err() {
                    break;
                }
                tokio::task::yield_now().await;
            }
            String::from_utf8(request).expect("text")
        });
        let password = HeaderValue::from_static("Basic dTpw");
        let outcome = open(&mut ours, &Authority::from_static("api.test:443"), Some(&password)).await;
        drop(ours);
        (outcome, proxy.await.expect("a proxy"))
    }

    async fn tunnel(response: impl AsRef<[u8]>) -> Result<Bytes, TunnelError> {
        let whole = outcome(vec![response.as_ref().to_vec()]).await.0;
        let bytes = response.as_ref().iter().map(|byte| vec![*byte]).collect();
        let bytewise = outcome(bytes).await.0;
        assert_eq!(whole.is_ok(), bytewise.is_ok(), "the outcome depends on the size of the reads");
        whole
    }

    #[tokio::test]
    async fn the_request_names_the_server_and_has_the_credentials() {
        let (opened, request) = outcome(vec![b"HTTP/1.1 200 OK\r\n\r\n".to_vec()]).await;
        assert!(opened.expect("a tunnel").is_empty());
        let expected = "CONNECT api.test:443 HTTP/1.1\r\nHost: api.test:443\r\nProxy-Authorization: Basic dTpw\r\n\r\n";
        assert_eq!(request, expected);
    }

    /// Red with hyper-util's `Tunnel`, which accepts only the first two: "unsuccessful", and "proxy headers too long" from
    /// 8 KiB on.
    #[tokio::test]
    async fn any_2xx_opens_the_tunnel() {
        for response in [
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
            let opened = tunnel(&response).await;
            assert!(opened.is_ok_and(|early| early.is_empty()), "{response:.80}");
        }
    }

    /// Red when bytes that arrive with the head are dropped.
    #[tokio::test]
    async fn bytes_after_the_head_belong_to_the_tunnel() {
        let (opened, _) = outcome(vec![b"HTTP/1.1 200 OK\r\n\r\n\r\nearly".to_vec()]).await;
        assert_eq!(opened.expect("a tunnel"), "\r\nearly");
        let (opened, _) = outcome(vec![b"HTTP/1.1 100 C\r\n\r\nHTTP/1.1 200 OK\r\n\r\n\x16\x03".to_vec()]).await;
        assert_eq!(opened.expect("a tunnel"), "\x16\x03");
    }

    /// Red with hyper-util's `Tunnel`: each status is reported as "unsuccessful", and retried.
    #[tokio::test]
    async fn a_refusal_is_reported_and_a_rejected_password_is_not_sent_again() {
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
            let response =
                format!("HTTP/1.1 {status} Not  now\r\nretry-after:\r\n  7\r\nContent-Length: 2\r\n\r\n{{}}");
            let refused = tunnel(&response).await.expect_err("no tunnel");
            assert_eq!(refused.to_string(), format!("status {status} Not  now"));
            let wait = Duration::from_secs(7);
            assert!(
                matches!(refused, TunnelError::Refused { retry_after: Some(time), .. } if time == wait),
                "{refused:?}"
            );
            assert_eq!(refused.retry(), retry, "{status}");
        }
        let refused = tunnel("HTTP/1.1 407\r\n\r\n").await.expect_err("no tunnel");
        assert_eq!(refused.to_string(), "status 407");
    }

    /// Red without the limits: the first two never end.
    #[tokio::test]
    async fn an_invalid_response_is_an_error() {
        for (response, why) in [
            (format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(200 << 10)), "longer than 64 KiB"),
            ("HTTP/1.1 100 Continue\r\n\r\n".repeat(4000), "64 KiB of interim"),
            ("SSH-2.0-OpenSSH_9\r\n\r\n".into(), "not valid HTTP"),
            ("HTTP/2 200\r\n\r\n".into(), "does not begin with HTTP/1"),
            ("HTTP/1.1 2x0 OK\r\n\r\n".into(), "no status"),
            ("\r\n\r\n".into(), "incomplete"),
        ] {
            let refused = tunnel(&response).await.expect_err("no tunnel");
            assert!(refused.to_string().contains(why), "{response:.40}: {refused}");
            assert!(matches!(refused, TunnelError::BadHttp(_)) && refused.retry() == Retry::Never);
        }
        for response in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nX: y\r\n"] {
            let refused = tunnel(response).await.expect_err("no tunnel");
            assert!(matches!(refused, TunnelError::Io(_)) && refused.retry() == Retry::Transient, "{refused}");
        }
    }
}
