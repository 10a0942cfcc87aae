//! Requests over pooled connections: hyper-util's client with the library's own connector, and reqwest's bodies.
//!
//! It is not `reqwest::Client`: that one takes a connector that returns reqwest's own type of connection alone, so nothing
//! could pace what a peer sends, and a flood of interim responses on one connection would stop all others for seconds.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Extensions, Request, Uri};
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use reqwest::{Body, Response, ResponseBuilderExt, Url};
use tower_service::Service;

use super::connect::{BoxError, Connector, Stream};
use super::paced::MAX_READ;
use super::spare::Spare;
use super::waiting::{self, Step, Waiting};

/// Proxies and load balancers close idle connections after a minute or so; the library closes its own earlier.
const IDLE: Duration = Duration::from_secs(20);

/// The connections to one server, on one I/O thread.
#[derive(Clone)]
pub(super) struct Pooled {
    client: Client<Connecting, Body>,
    /// What reqwest wants to know of a response; without it, it would parse a URL that stands for none, each time.
    url: Extensions,
    spare: Arc<Spare>,
}

/// Why there is no response.
pub(super) enum Failed {
    Connecting(BoxError),
    Sending(BoxError),
}

impl Pooled {
    pub(super) fn new(connector: Connector, server: Url) -> Self {
        // A response may have 100 header lines: for more, hyper allocates for each response (for 1,000, that is 10,500
        // instructions).
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .pool_timer(TokioTimer::new())
            .set_host(false)
            .http1_max_buf_size(MAX_READ)
            .http1_allow_obsolete_multiline_headers_in_responses(true)
            .build(Connecting(Arc::new(connector)));
        let mut url = http::Response::builder().url(server);
        let url = url.extensions_mut().map(std::mem::take).unwrap_or_default();
        Self { client, url, spare: Arc::default() }
    }

    /// The buffer of an earlier response, kept as long as there are requests.
    pub(super) fn spare(&self) -> Arc<Spare> {
        Spare::keep_while_used(&self.spare, IDLE);
        Arc::clone(&self.spare)
    }

    /// Sends a request and waits for the head of the response. A pooled connection that was closed before anything was sent on it
    /// is replaced by another.
    pub(super) async fn send(&self, request: Request<Body>, waiting: &Waiting) -> Result<Response, Failed> {
        // Whoever opens a connection says so itself.
        waiting.set(Step::Head);
        let mut response = self.client.request(request).await.map_err(Failed::from)?;
        response.extensions_mut().extend(self.url.clone());
        Ok(response.map(Body::wrap).into())
    }
}

/// Lets hyper-util return a connection to the pool whose response is complete: a task of its own does that, which is ready by now.
pub(super) async fn let_pool_take_back() {
    let mut was_polled = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut was_polled, true) {
            return Poll::Ready(());
        }
        // Goes behind the tasks that are ready. `yield_now` would poll for I/O as well.
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        if error.is_connect() { Self::Connecting(error.into()) } else { Self::Sending(error.into()) }
    }
}

/// The connector as hyper-util's client calls it.
#[derive(Clone)]
struct Connecting(Arc<Connector>);

impl Service<Uri> for Connecting {
    type Response = Stream;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    /// There is one server, whichever URL the request has.
    fn call(&mut self, _: Uri) -> Self::Future {
        let connector = Arc::clone(&self.0);
        Box::pin(waiting::while_connecting(async move { connector.connect().await }))
    }
}
