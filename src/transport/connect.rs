//! Connections: straight to the server, to a proxy that asks in our place, or through a tunnel that a proxy makes.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use http::uri::{Authority, Scheme};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::Intercept;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tower_service::Service;

use super::interim::Bounded;
use super::paced::{Paced, PacedConnector};
use super::resolver::Resolver;
use super::waiting::{self, Step};

pub(super) type BoxError = Box<dyn StdError + Send + Sync>;
/// To the server or to a proxy, with TLS where the URL says so.
type Hop = MaybeHttpsStream<TokioIo<Paced<TcpStream>>>;
/// To the server, with TLS of its own where that goes through a proxy's tunnel.
///
/// Paced above TLS too: a record of 16 KiB comes at once, however little was read of it at a time.
pub(super) type Stream = TokioIo<Bounded<Paced<TokioIo<Box<MaybeHttpsStream<Hop>>>>>>;

/// Notices a peer that went away without a word.
const KEEPALIVE: Duration = Duration::from_secs(15);
const KEEPALIVE_RETRIES: u32 = 3;
/// How long what was sent may stay unacknowledged.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);

/// Opens connections to one server, each within a time that counts for all that it takes.
pub(super) struct Connector {
    server: Uri,
    proxy: Option<Intercept>,
    hops: HttpsConnector<PacedConnector>,
    tls: Arc<ClientConfig>,
    timeout: Duration,
}

impl Connector {
    pub(super) fn new(server: Uri, proxy: Option<Intercept>, tls: ClientConfig, timeout: Duration) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(Resolver);
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(KEEPALIVE));
        tcp.set_keepalive_interval(Some(KEEPALIVE));
        tcp.set_keepalive_retries(Some(KEEPALIVE_RETRIES));
        #[cfg(target_os = "linux")]
        tcp.set_tcp_user_timeout(Some(UNACKNOWLEDGED));
        let tls = Arc::new(tls);
        let is_tunnelled = proxy.is_some() && server.scheme() == Some(&Scheme::HTTPS);
        let next = if is_tunnelled { Step::Tunnel } else { Step::Tls };
        Self {
            server,
            proxy,
            hops: HttpsConnector::from((PacedConnector { tcp, next }, Arc::clone(&tls))),
            tls,
            timeout,
        }
    }

    /// Whether the other side is a proxy that asks the server in our place, and so has to be told which one.
    pub(super) fn asks_a_proxy(&self) -> bool {
        self.proxy.is_some() && self.server.scheme() == Some(&Scheme::HTTP)
    }

    pub(super) async fn connect(&self) -> Result<Stream, BoxError> {
        let connecting = tokio::time::timeout(self.timeout, self.without_timeout());
        let stream = connecting.await.unwrap_or_else(|_| Err(Box::new(NotInTime(self.timeout))))?;
        let answers = self.proxy.as_ref().filter(|_| self.asks_a_proxy()).map_or(&self.server, |proxy| proxy.uri());
        let host = answers.authority().cloned().unwrap_or_else(|| Authority::from_static("server"));
        Ok(TokioIo::new(Bounded::new(Paced::new(TokioIo::new(stream)), host)))
    }

    async fn without_timeout(&self) -> Result<Box<MaybeHttpsStream<Hop>>, BoxError> {
        let mut hops = self.hops.clone();
        let server = self.server.clone();
        match &self.proxy {
            None => Ok(Box::new(MaybeHttpsStream::Http(hops.call(server).await?))),
            Some(proxy) if self.asks_a_proxy() => {
                Ok(Box::new(MaybeHttpsStream::Http(hops.call(proxy.uri().clone()).await?)))
            }
            Some(proxy) => {
                let mut tunnel = Tunnel::new(proxy.uri().clone(), hops);
                if let Some(password) = proxy.basic_auth() {
                    tunnel = tunnel.with_auth(password.clone());
                }
                let mut through = HttpsConnector::from((Tunnelled(tunnel), Arc::clone(&self.tls)));
                Ok(Box::new(through.call(server).await?))
            }
        }
    }
}

/// A proxy's tunnel, after which comes TLS.
struct Tunnelled(Tunnel<HttpsConnector<PacedConnector>>);

impl Service<Uri> for Tunnelled {
    type Response = Hop;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Hop, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let connecting = self.0.call(to);
        Box::pin(async move {
            let tunnel = connecting.await?;
            waiting::on(Step::Tls);
            Ok(tunnel)
        })
    }
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
