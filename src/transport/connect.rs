//! Connections: straight to the server, to a proxy that asks in our place, or through a tunnel that a proxy makes.

use std::error::Error as StdError;
use std::fmt;
use std::io::{self, IoSlice};
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
use super::interim::Bounded;
use super::paced::Paced;
use super::tunnel::{self, NoTunnel};
use super::waiting::{self, Step};
use super::{Redaction, resolver};
use crate::proxy::Proxy;

pub(super) type BoxError = Box<dyn StdError + Send + Sync>;
/// Bytes to and from the next host, with TLS where the URL says so.
type Bytewise = Box<dyn Io>;
/// To the server or to a proxy that asks it.
///
/// Paced above TLS too: a record of 16 KiB comes at once, however little was read of it at a time.
pub(super) type Stream = TokioIo<Bounded<Paced<Bytewise>>>;

pub(super) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// Opens connections to one server, each within a time that counts for all that it takes.
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

    /// Whether requests go to a proxy that forwards them, and so have to name the server.
    fn uses_forward_proxy(&self) -> bool {
        self.proxy.is_some() && self.server.scheme() == Some(&Scheme::HTTP)
    }

    pub(super) async fn connect(&self) -> Result<Stream, BoxError> {
        let connecting = tokio::time::timeout(self.timeout, self.without_timeout());
        let stream = connecting.await.unwrap_or_else(|_| Err(Box::new(NotInTime(self.timeout))))?;
        let answers =
            self.proxy.as_ref().filter(|_| self.uses_forward_proxy()).map_or(&self.server, |proxy| proxy.uri());
        let host = answers.authority().cloned().unwrap_or_else(|| Authority::from_static("server"));
        waiting::on(Step::Head);
        Ok(TokioIo::new(Bounded::new(Paced::new(stream), host, self.uses_forward_proxy())))
    }

    async fn without_timeout(&self) -> Result<Bytewise, BoxError> {
        let first = self.proxy.as_ref().map_or(&self.server, Proxy::uri);
        let (host, port) = place(first);
        waiting::on(Step::Lookup);
        let addresses = resolver::addresses(host, port).await?;
        waiting::on(Step::Connection);
        let mut stream: Bytewise = Box::new(Paced::new(dial(addresses, self.timeout).await?));
        if first.scheme() == Some(&Scheme::HTTPS) {
            waiting::on(Step::Tls);
            stream = self.encrypted(host, stream).await?;
        }
        let Some(proxy) = self.proxy.as_ref().filter(|_| !self.uses_forward_proxy()) else { return Ok(stream) };
        let (host, port) = place(&self.server);
        let target = Authority::try_from(format!("{host}:{port}"))?;
        waiting::on(Step::Tunnel);
        let early = tunnel::open(&mut stream, &target, proxy.authorization()).await.map_err(|why| ProxyFailed {
            proxy: proxy.to_string(),
            target,
            why: self.shown(why),
        })?;
        waiting::on(Step::Tls);
        self.encrypted(host, Box::new(Tunnelled { early, stream })).await
    }

    async fn encrypted(&self, host: &str, stream: Bytewise) -> Result<Bytewise, BoxError> {
        let name = ServerName::try_from(without_brackets(host).to_owned())?;
        Ok(Box::new(self.tls.connect(name, stream).await?))
    }

    /// A proxy may repeat its password.
    fn shown(&self, why: NoTunnel) -> NoTunnel {
        match why {
            NoTunnel::Refused { status, reason, retry_after } => {
                NoTunnel::Refused { status, reason: self.redaction.text(&reason), retry_after }
            }
            why => why,
        }
    }
}

/// The host, in brackets if it is an IPv6 address, and the port.
fn place(uri: &Uri) -> (&str, u16) {
    let default = if uri.scheme() == Some(&Scheme::HTTPS) { 443 } else { 80 };
    (uri.host().unwrap_or_default(), uri.port_u16().unwrap_or(default))
}

pub(super) fn without_brackets(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// No connection within this time.
#[derive(Debug)]
pub(super) struct NotInTime(pub(super) Duration);

impl fmt::Display for NotInTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no connection within {} ms", self.0.as_millis())
    }
}

impl StdError for NotInTime {}

/// A proxy did not make a tunnel.
#[derive(Debug)]
pub(super) struct ProxyFailed {
    proxy: String,
    target: Authority,
    pub(super) why: NoTunnel,
}

impl fmt::Display for ProxyFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { proxy, target, why } = self;
        let verb = if matches!(why, NoTunnel::Refused { .. }) { "refused to make" } else { "did not make" };
        write!(f, "the proxy {proxy} {verb} a tunnel to {target}: {why}")?;
        if matches!(why, NoTunnel::Refused { status: 407, .. }) {
            f.write_str("; give the user and the password that it wants in the proxy's URL")?;
        }
        Ok(())
    }
}

impl StdError for ProxyFailed {}

/// What came with the proxy's answer goes before what comes after it.
struct Tunnelled {
    early: Bytes,
    stream: Bytewise,
}

impl AsyncRead for Tunnelled {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.early.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, buf);
        }
        let some = self.early.len().min(buf.remaining());
        buf.put_slice(&self.early.split_to(some));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Tunnelled {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
