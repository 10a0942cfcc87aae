//! Connections: straight to the server, to a proxy that asks in our place, or through a tunnel that a proxy makes.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use http::uri::Scheme;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::client::proxy::matcher::Intercept;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tower_service::Service;

use super::resolver::Resolver;

type BoxError = Box<dyn StdError + Send + Sync>;
/// To the next hop, with TLS where its scheme says so.
type Hop = MaybeHttpsStream<TokioIo<TcpStream>>;

/// Notices a peer that went away without a word.
const KEEPALIVE: Duration = Duration::from_secs(15);
const KEEPALIVE_RETRIES: u32 = 3;
/// How long what was sent may stay unacknowledged.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);

/// Opens connections, each within a time that counts for all that it takes.
#[derive(Clone)]
pub(super) struct Connector {
    hops: HttpsConnector<HttpConnector<Resolver>>,
    tls: Arc<ClientConfig>,
    proxy: Option<Intercept>,
    timeout: Duration,
}

impl Connector {
    pub(super) fn new(tls: ClientConfig, proxy: Option<Intercept>, timeout: Duration) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(Resolver);
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(KEEPALIVE));
        tcp.set_keepalive_interval(Some(KEEPALIVE));
        tcp.set_keepalive_retries(Some(KEEPALIVE_RETRIES));
        #[cfg(target_os = "linux")]
        tcp.set_tcp_user_timeout(Some(UNACKNOWLEDGED));
        let tls = Arc::new(tls);
        Self { hops: HttpsConnector::from((tcp, Arc::clone(&tls))), tls, proxy, timeout }
    }

    async fn connect(mut self, server: Uri) -> Result<Stream, BoxError> {
        let Some(proxy) = self.proxy else {
            return Ok(Stream::Hop { hop: self.hops.call(server).await?, asks: false });
        };
        if server.scheme() != Some(&Scheme::HTTPS) {
            return Ok(Stream::Hop { hop: self.hops.call(proxy.uri().clone()).await?, asks: true });
        }
        let mut tunnel = Tunnel::new(proxy.uri().clone(), self.hops);
        if let Some(password) = proxy.basic_auth() {
            tunnel = tunnel.with_auth(password.clone());
        }
        Ok(Stream::Tunnel(Box::new(HttpsConnector::from((tunnel, self.tls)).call(server).await?)))
    }
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, server: Uri) -> Self::Future {
        let timeout = self.timeout;
        let connecting = self.clone().connect(server);
        Box::pin(async move {
            tokio::time::timeout(timeout, connecting).await.unwrap_or_else(|_| Err(Box::new(NotInTime(timeout))))
        })
    }
}

/// No connection within this time.
#[derive(Debug)]
pub(super) struct NotInTime(Duration);

impl fmt::Display for NotInTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no connection within {} ms", self.0.as_millis())
    }
}

impl StdError for NotInTime {}

/// A connection on which requests can be sent.
#[expect(clippy::large_enum_variant, reason = "there is one a connection")]
pub(super) enum Stream {
    Hop {
        hop: Hop,
        /// Whether the other side is a proxy that asks in our place.
        asks: bool,
    },
    Tunnel(Box<MaybeHttpsStream<Hop>>),
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        match self {
            Self::Hop { hop, asks } => hop.connected().proxy(*asks),
            Self::Tunnel(tunnel) => tunnel.connected(),
        }
    }
}

/// The same for both kinds.
macro_rules! either {
    ($stream:expr, $inner:ident => $what:expr) => {
        match $stream.get_mut() {
            Self::Hop { hop, .. } => {
                let $inner = Pin::new(hop);
                $what
            }
            Self::Tunnel(tunnel) => {
                let $inner = Pin::new(tunnel.as_mut());
                $what
            }
        }
    };
}

impl Read for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_read(cx, buffer))
    }
}

impl Write for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        either!(self, stream => stream.poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_shutdown(cx))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Hop { hop, .. } => hop.is_write_vectored(),
            Self::Tunnel(tunnel) => tunnel.is_write_vectored(),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        either!(self, stream => stream.poll_write_vectored(cx, bytes))
    }
}
