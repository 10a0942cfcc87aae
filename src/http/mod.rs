//! One HTTP exchange: sends a request and returns its complete response, or an [`Error`]. No retries, no sign-in.
//!
//! In imports, `http::` is the crate of that name, and this module is always `crate::http`.

mod body;
mod ca_bundle;
mod client_identity;
mod connector;
mod content_encoding;
mod dial;
mod environment_roots;
mod error_response;
mod failure;
mod gzip;
mod interim;
mod lazy_roots;
mod paced;
mod pem_file;
mod pool;
mod request_log;
mod resolver;
mod response;
mod root_files;
mod route;
mod spare_buffer;
mod stream;
#[cfg(all(unix, not(target_vendor = "apple")))]
mod system_roots;
mod tls;
mod tls_error;
mod tunnel;
mod upload;

pub(crate) use route::Route;

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, HOST, HeaderMap, HeaderValue, PROXY_AUTHORIZATION, USER_AGENT};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Method, Request, Uri};
use reqwest::Url;
use tokio::sync::Semaphore;

use crate::config::Config;
use crate::error::{Error, Result};
use crate::progress::{Step, Tracking, waiting};
use crate::proxy::Proxy;
use crate::redact::Redaction;
use crate::stats::Counters;
use connector::Connector;
use content_encoding::GZIP;
use pool::Pool;
use request_log::RequestLog;
use response::{ResponseBody, ResponseHead};
use spare_buffer::SpareBuffer;

/// Stands for the server in the URLs that hyper gets. It looks for a connection by the authority, and hashes that byte by byte; all
/// connections lead to one server. A proxy for plain http receives the whole URL, and so the real authority.
const ANY_AUTHORITY: &str = "-";

/// What a request is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Call,
    /// Calls wait for it, so it does not wait for them: it needs no slot among `max_in_flight` requests.
    SignIn,
}

/// A request that can be sent more than once.
pub(crate) struct Outgoing<'a> {
    pub(crate) purpose: Purpose,
    pub(crate) method: Method,
    /// The path, which begins with a slash, and the query. Shown in errors.
    pub(crate) path: &'a str,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Bytes>,
    /// The maximum length of the response body.
    pub(crate) cap: usize,
    /// Its deadline and progress.
    pub(crate) tracking: &'a Tracking,
    /// Called with the body of a 2xx response while it arrives.
    pub(crate) on_body: Option<&'a mut OnBody<'a>>,
}

/// Called with the body received so far, and with the length of the complete body, or 0 if that is unknown. May modify the bytes in
/// place, and breaks to stop reading.
pub(crate) type OnBody<'a> = dyn FnMut(&mut [u8], usize) -> ControlFlow<()> + Send + 'a;

/// A verb as text that lasts.
pub(crate) fn verb_name(verb: &Method) -> &'static str {
    match *verb {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "OTHER",
    }
}

/// A complete 2xx response. Without `Debug`: the body of a token response contains tokens.
pub(crate) struct Incoming {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// Takes the buffer of the body back for reuse.
    pub(crate) reuse: Option<Reuse>,
}

pub(crate) type Reuse = Box<dyn Fn(Vec<u8>) + Send + Sync>;

impl Incoming {
    /// The server's request id, redacted.
    pub(crate) fn request_id(&self, redaction: &Redaction) -> Option<String> {
        error_response::request_id(&self.headers, redaction)
    }
}

/// The connections of one client.
pub(crate) struct Transport {
    config: Arc<Config>,
    redaction: Arc<Redaction>,
    counters: Arc<Counters>,
    route: Route,
    in_flight: Semaphore,
    /// Connections belong to the I/O thread that opened them: each generation of that thread has its own pool.
    pool: Mutex<Option<(u64, Arc<Pool>)>>,
}

impl Transport {
    pub(crate) fn new(config: Arc<Config>, redaction: Arc<Redaction>, counters: Arc<Counters>) -> Self {
        let in_flight = Semaphore::new(config.max_in_flight);
        let route = Route::new(&config);
        Self { config, redaction, counters, route, in_flight, pool: Mutex::default() }
    }

    pub(crate) fn route(&self) -> &Route {
        &self.route
    }

    /// Sends a request and reads the response. `thread` is the generation of the I/O thread that this runs on.
    pub(crate) async fn exchange(&self, request: Outgoing<'_>, thread: u64) -> Result<Incoming> {
        let Outgoing { purpose, path, tracking, .. } = request;
        let verb = verb_name(&request.method);
        let waiting = tracking.progress.waiting();
        let _slot = match purpose {
            Purpose::Call => {
                waiting.set(Step::Slot);
                // The semaphore is never closed.
                Some(self.in_flight.acquire().await.map_err(|_| Error::internal("the transport is gone"))?)
            }
            Purpose::SignIn => None,
        };
        tracking.progress.count_attempt();
        let log = RequestLog::begin(self, verb, path, tracking);
        let outcome = waiting::during(Arc::clone(waiting), self.attempt(request, thread)).await.map_err(|error| {
            error.with(|details| {
                details.attempts = tracking.progress.attempts();
                details.method = Some(verb);
                details.url = Some(self.redaction.text(path));
                if !details.message.starts_with(verb) {
                    details.message =
                        format!("{verb} {}: {}", self.redaction.text(without_query(path)), details.message);
                }
            })
        });
        log.end(&outcome);
        outcome
    }

    async fn attempt(&self, request: Outgoing<'_>, thread: u64) -> Result<Incoming> {
        let Outgoing { purpose, method, path, headers, body, cap, on_body, tracking } = request;
        let waiting = tracking.progress.waiting();
        let pool = self.pool(thread)?;
        // Until the end of this attempt.
        let (body, _upload) = upload::upload(body.unwrap_or_default());
        let mut request = Request::new(body);
        let verb = verb_name(&method);
        *request.method_mut() = method;
        *request.uri_mut() = self.url(path)?;
        *request.headers_mut() = self.headers(headers);
        let count = || self.counters.count_request(purpose == Purpose::SignIn, tracking.progress.take_retry());
        let sent = pool.send(request, waiting, count).await;
        let mut response = sent.map_err(|error| failure::send_error(&error, &self.route))?;
        let head = ResponseHead::take_from(&mut response);
        waiting.set_body_of(head.status.as_u16());
        let received = &self.counters.bytes_received;
        if !head.status.is_success() {
            let body = head.read_error_body(&mut response, tracking.deadline.remaining(), received).await;
            Self::release_connection(&body).await;
            return Err(error_response::to_error(verb, path, &head, &body, &self.route, &self.redaction));
        }
        let spare = pool.spare_buffer();
        let take_spare = |capacity| spare.take(capacity);
        let body = head.read_body(&mut response, cap, on_body, take_spare, received, &self.route).await?;
        Self::release_connection(&body).await;
        let body = spare.fit(body.bytes);
        let reuse = SpareBuffer::is_worth_keeping(&body).then(|| Box::new(move |buffer| spare.put(buffer)) as Reuse);
        Ok(Incoming { status: head.status.as_u16(), headers: head.headers, body, reuse })
    }

    async fn release_connection(body: &ResponseBody) {
        if body.is_at_end {
            // Otherwise a request that follows at once would open another connection.
            pool::let_pool_take_back().await;
        }
    }

    /// Adds the headers of every request; those that the application has configured take precedence.
    fn headers(&self, mut headers: HeaderMap) -> HeaderMap {
        let config = &self.config;
        headers.insert(USER_AGENT, config.user_agent.clone());
        for name in config.headers.keys() {
            headers.remove(name);
        }
        for (name, value) in &config.headers {
            headers.append(name, value.clone());
        }
        headers.entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
        headers.entry(ACCEPT_ENCODING).or_insert(HeaderValue::from_static(GZIP));
        // For https, it is sent when the tunnel is opened.
        if let Some(authorization) = config.proxy.as_ref().and_then(Proxy::authorization) {
            if config.base_url.scheme() == Some(&Scheme::HTTP) {
                headers.entry(PROXY_AUTHORIZATION).or_insert(authorization.clone());
            }
        }
        headers.entry(HOST).or_insert(config.host.clone());
        headers
    }

    fn url(&self, path: &str) -> Result<Uri> {
        let mut url = self.config.base_url.clone().into_parts();
        if self.config.proxy.is_none() {
            url.authority = Some(Authority::from_static(ANY_AUTHORITY));
        }
        let base = self.config.base_url.path().trim_end_matches('/');
        let target = PathAndQuery::from_maybe_shared(Bytes::from([base, path].concat()));
        url.path_and_query = Some(target.map_err(|error| invalid_url(&error))?);
        Uri::from_parts(url).map_err(|error| invalid_url(&error))
    }

    /// Returns the pool of this generation of the I/O thread.
    fn pool(&self, thread: u64) -> Result<Arc<Pool>> {
        let mut current = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((generation, pool)) = &*current {
            if *generation == thread {
                return Ok(Arc::clone(pool));
            }
        }
        let config = &self.config;
        let connector = Connector::new(
            config.base_url.clone(),
            config.proxy.clone(),
            tls::config(config)?,
            config.connect_timeout,
            Arc::clone(&self.redaction),
        );
        let url = Url::parse(&config.base_url.to_string()).map_err(|error| invalid_url(&error))?;
        let pool = Arc::new(Pool::new(connector, url));
        *current = Some((thread, Arc::clone(&pool)));
        Ok(pool)
    }
}

fn invalid_url(error: &dyn std::error::Error) -> Error {
    Error::internal(format!("cannot build the URL of the request: {error}"))
}

/// The path of a request.
pub(crate) fn without_query(path: &str) -> &str {
    path.split_once('?').map_or(path, |(path, _)| path)
}
