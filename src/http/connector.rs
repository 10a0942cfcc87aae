//! Connections: directly to the server, to a proxy that forwards requests, or through a tunnel that a proxy opens.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::Uri;
use http::uri::{Authority, Scheme};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::TlsConnector;

use super::dial::dial;
use super::interim::{self, InterimLimited};
use super::paced::{self, Paced};
use super::resolver;
use super::stream::{Layer, Layered};
use super::tunnel::{self, TunnelError};
use crate::progress::{Step, waiting};
use crate::proxy::Proxy;
use crate::redact::Redaction;

pub(super) type BoxError = Box<dyn StdError + Send + Sync>;
/// A connection to the next host, with TLS if the URL's scheme is https.
type BoxedIo = Box<dyn Io>;
/// A connection that HTTP is sent on.
///
/// Paced above TLS too: a TLS record of 16 KiB is decrypted whole, however small the read below was.
pub(super) type Stream = TokioIo<InterimLimited<Paced<BoxedIo>>>;

pub(super) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// Opens connections to one server. The timeout covers all of it: name lookup, TCP, TLS and tunnel.
pub(super) struct Connector {
    server: Uri,
    proxy: Option<Proxy>,
    tls: TlsConnector,
    timeout: Duration,
    redaction: Arc<Redaction>,
}

impl Connector {
    pub(super) fn new(
        server: Uri,
        proxy: Option<Proxy>,
        tls: ClientConfig,
        timeout: Duration,
        redaction: Arc<Redaction>,
    ) -> Self {
        Self { server, proxy, tls: Arc::new(tls).into(), timeout, redaction }
    }

    /// Whether a proxy forwards the requests, so that they need the absolute form of the URL.
    fn uses_forward_proxy(&self) -> bool {
        self.proxy.is_some() && self.server.scheme() == Some(&Scheme::HTTP)
    }

    pub(super) async fn connect(&self) -> Result<Stream, BoxError> {
        let connecting = tokio::time::timeout(self.timeout, self.connect_without_timeout());
        let stream = connecting.await.unwrap_or_else(|_| Err(Box::new(ConnectTimeout(self.timeout))))?;
        let forward_proxy = self.proxy.as_ref().filter(|_| self.uses_forward_proxy());
        let responder = forward_proxy.map_or(&self.server, Proxy::uri);
        let host = responder.authority().cloned().unwrap_or_else(|| Authority::from_static("server"));
        waiting::set_current(Step::Head);
        Ok(TokioIo::new(interim::limited(paced::new(stream), host, self.uses_forward_proxy())))
    }

    async fn connect_without_timeout(&self) -> Result<BoxedIo, BoxError> {
        let next_hop = self.proxy.as_ref().map_or(&self.server, Proxy::uri);
        let (host, port) = host_and_port(next_hop);
        waiting::set_current(Step::Lookup);
        let addresses = resolver::addresses(host, port).await?;
        waiting::set_current(Step::Connection);
        let mut stream: BoxedIo = Box::new(paced::new(dial(addresses, self.timeout).await?));
        if next_hop.scheme() == Some(&Scheme::HTTPS) {
            waiting::set_current(Step::Tls);
            stream = self.tls_handshake(host, stream).await?;
        }
        let Some(proxy) = self.proxy.as_ref().filter(|_| !self.uses_forward_proxy()) else { return Ok(stream) };
        let (host, port) = host_and_port(&self.server);
        let target = Authority::try_from(format!("{host}:{port}"))?;
        waiting::set_current(Step::Tunnel);
        let early = tunnel::open(&mut stream, &target, proxy.authorization()).await.map_err(|cause| ProxyError {
            proxy: proxy.to_string(),
            target,
            cause: self.redact(cause),
        })?;
        waiting::set_current(Step::Tls);
        self.tls_handshake(host, Box::new(Layered { inner: stream, layer: Prefix(early) })).await
    }

    async fn tls_handshake(&self, host: &str, stream: BoxedIo) -> Result<BoxedIo, BoxError> {
        let name = ServerName::try_from(without_brackets(host).to_owned())?;
        Ok(Box::new(self.tls.connect(name, stream).await?))
    }

    /// A proxy may echo its password.
    fn redact(&self, error: TunnelError) -> TunnelError {
        match error {
            TunnelError::Refused { status, reason, retry_after } => {
                TunnelError::Refused { status, reason: self.redaction.text(&reason), retry_after }
            }
            error => error,
        }
    }
}

/// The host, in brackets if it is an IPv6 address, and the port.
fn host_and_port(uri: &Uri) -> (&str, u16) {
    let default = if uri.scheme() == Some(&Scheme::HTTPS) { 443 } else { 80 };
    (uri.host().unwrap_or_default(), uri.port_u16().unwrap_or(default))
}

pub(super) fn without_brackets(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// `connect_timeout_ms` has expired.
#[derive(Debug)]
pub(super) struct ConnectTimeout(pub(super) Duration);

impl fmt::Display for ConnectTimeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no connection within {} ms", self.0.as_millis())
    }
}

impl StdError for ConnectTimeout {}

/// A proxy has not opened a tunnel.
#[derive(Debug)]
pub(super) struct ProxyError {
    proxy: String,
    target: Authority,
    pub(super) cause: TunnelError,
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { proxy, target, cause } = self;
        let verb = if matches!(cause, TunnelError::Refused { .. }) { "refused" } else { "failed to open" };
        write!(f, "the proxy {proxy} {verb} a tunnel to {target}: {cause}")?;
        if matches!(cause, TunnelError::Refused { status: 407, .. }) {
            f.write_str("; put the user name and password that it requires into the proxy URL")?;
        }
        Ok(())
    }
}

impl StdError for ProxyError {}

/// Bytes that arrived with the proxy's response: they are read before the stream.
struct Prefix(Bytes);

impl<T: AsyncRead> Layer<T> for Prefix {
    fn poll_read(&mut self, inner: Pin<&mut T>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Self(early) = self;
        if early.is_empty() {
            return inner.poll_read(cx, buf);
        }
        let length = early.len().min(buf.remaining());
        buf.put_slice(&early.split_to(length));
        Poll::Ready(Ok(()))
    }
}
