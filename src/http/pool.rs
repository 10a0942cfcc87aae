//! Requests over pooled connections: hyper-util's client with the library's own connector, and reqwest's bodies.
//!
//! `reqwest::Client` does not fit: its connector layer cannot wrap the connection, so nothing could pace what a peer sends, and a
//! flood of interim responses on one connection would block all others for seconds.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Extensions, Request, Uri};
use hyper::body::Incoming;
use hyper_util::client::legacy::{Client, Error, ResponseFuture};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use reqwest::{Body, Response, ResponseBuilderExt, Url};
use tower_service::Service;

use super::connector::{BoxError, Connector, Stream};
use super::paced::MAX_READ;
use super::spare_buffer::SpareBuffer;
use crate::progress::{Step, Waiting, waiting};

/// When idle connections are closed: before proxies and load balancers do, which is after about a minute.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// The connections to one server, on one I/O thread.
pub(super) struct Pool {
    client: Client<SharedConnector, Body>,
    /// The URL that reqwest expects in the extensions of a response; it parses a placeholder for each one otherwise.
    url: Extensions,
    spare_buffer: Arc<SpareBuffer>,
}

/// Why a request got no response.
pub(super) enum SendError {
    Connect(BoxError),
    Exchange(BoxError),
}

impl Pool {
    pub(super) fn new(connector: Connector, server: Url) -> Self {
        // hyper's default limit of 100 header lines is kept: a higher one costs an allocation per response (10,500 instructions for
        // 1,000 lines).
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_timer(TokioTimer::new())
            .set_host(false)
            .http1_max_buf_size(MAX_READ)
            .http1_allow_obsolete_multiline_headers_in_responses(true)
            .build(SharedConnector(Arc::new(connector)));
        let mut url = http::Response::builder().url(server);
        let url = url.extensions_mut().map(std::mem::take).unwrap_or_default();
        Self { client, url, spare_buffer: Arc::default() }
    }

    /// The buffer of an earlier response, kept while requests are sent.
    pub(super) fn spare_buffer(&self) -> Arc<SpareBuffer> {
        SpareBuffer::keep_while_used(&self.spare_buffer, IDLE_TIMEOUT);
        Arc::clone(&self.spare_buffer)
    }

    /// Sends a request and waits for the head of the response. If a pooled connection was closed before anything was sent on it,
    /// another one is used. Calls `on_sent` once there is a connection for the request.
    pub(super) async fn send(
        &self,
        request: Request<Body>,
        waiting: &Waiting,
        on_sent: impl FnOnce(),
    ) -> Result<Response, SendError> {
        // The connector sets its own steps.
        waiting.set(Step::Head);
        let mut sending = Sending { response: self.client.request(request), waiting, on_sent: Some(on_sent) };
        let mut response = poll_fn(|cx| sending.poll(cx)).await?;
        response.extensions_mut().extend(self.url.clone());
        Ok(response.map(Body::wrap).into())
    }
}

/// A request that waits for a connection, or for the head of its response.
struct Sending<'a, F: FnOnce()> {
    response: ResponseFuture,
    waiting: &'a Waiting,
    /// None: it was called, or will not be.
    on_sent: Option<F>,
}

impl<F: FnOnce()> Sending<'_, F> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<http::Response<Incoming>, SendError>> {
        let outcome = Pin::new(&mut self.response).poll(cx).map_err(SendError::from);
        match outcome {
            Poll::Pending => self.check_step(),
            Poll::Ready(Err(SendError::Connect(_))) => self.on_sent = None,
            Poll::Ready(_) => self.set_sent(),
        }
        outcome
    }

    /// The connector sets earlier steps until it is done, unless there is a pooled connection.
    fn check_step(&mut self) {
        if self.waiting.step() == Step::Head {
            self.set_sent();
        }
    }

    fn set_sent(&mut self) {
        if let Some(on_sent) = self.on_sent.take() {
            on_sent();
        }
    }
}

/// While it waited for a new connection, the request may have got a pooled one since it was polled.
impl<F: FnOnce()> Drop for Sending<'_, F> {
    fn drop(&mut self) {
        self.check_step();
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

impl From<Error> for SendError {
    fn from(error: Error) -> Self {
        if error.is_connect() { Self::Connect(error.into()) } else { Self::Exchange(error.into()) }
    }
}

/// The connector as a service, for hyper-util's client.
#[derive(Clone)]
struct SharedConnector(Arc<Connector>);

impl Service<Uri> for SharedConnector {
    type Response = Stream;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    /// The URL is ignored: there is one server.
    fn call(&mut self, _: Uri) -> Self::Future {
        let connector = Arc::clone(&self.0);
        Box::pin(waiting::while_connecting(async move { connector.connect().await }))
    }
}
