//! One HTTP exchange: a request goes out, and its whole answer or an [`Error`] comes back. No retries, no sign-in.

mod beginnings;
mod body;
mod connect;
mod encodings;
mod failure;
mod interim;
mod paced;
mod pool;
mod redaction;
mod refusal;
pub(crate) mod resolver;
mod spare;
mod tls;

pub(crate) use redaction::{MAX_SECRET_LEN, Redaction};

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, HOST, HeaderMap, HeaderValue, LOCATION, PROXY_AUTHORIZATION, USER_AGENT,
};
use http::uri::{PathAndQuery, Scheme};
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Body as _;
use hyper_util::client::proxy::matcher::Intercept;
use tokio::sync::Semaphore;

use crate::config::Config;
use crate::error::{BODY_LIMIT, Error, ErrorKind, Result};
use crate::stats::Counters;
use body::{Body, Stop};
use connect::Connector;
use pool::Pool;
use spare::Spare;

/// So much of an error's body is read: what errors keep, and room to see that a secret begins before the cut.
const REFUSAL_MOST: usize = 2 * BODY_LIMIT;
const GZIP: &str = "gzip";

/// A request as the retry loop sees it: it can be sent more than once.
pub(crate) struct Outgoing<'a> {
    pub(crate) method: Method,
    /// With its query, beginning with a slash; what errors show.
    pub(crate) path: &'a str,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Bytes>,
    pub(crate) cap: usize,
    /// Told of the body of a 2xx answer while it arrives.
    pub(crate) arriving: Option<&'a mut Arriving<'a>>,
}

/// Sees what is there of a body so far, and how long it will be as far as that is known. It may change what is there, and break
/// when no more is wanted.
pub(crate) type Arriving<'a> = dyn FnMut(&mut [u8], usize) -> ControlFlow<()> + Send + 'a;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Post,
}

impl Method {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// A complete 2xx answer. Without `Debug`: the body of a sign-in holds tokens.
pub(crate) struct Incoming {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// Where the body's buffer is of use when it is needed no more.
    pub(crate) reuse: Option<Reuse>,
}

/// Takes a buffer.
pub(crate) type Reuse = Box<dyn Fn(Vec<u8>) + Send + Sync>;

impl Incoming {
    /// The server's name for the request, without any secret that it echoes.
    pub(crate) fn request_id(&self, redaction: &Redaction) -> Option<String> {
        refusal::request_id(&self.headers, redaction)
    }
}

/// The connections of one client.
pub(crate) struct Transport {
    config: Arc<Config>,
    redaction: Arc<Redaction>,
    counters: Arc<Counters>,
    on_the_wire: Semaphore,
    /// Connections belong to the I/O thread they were opened on: another generation of it needs its own.
    pool: Mutex<Option<(u64, Arc<Pool>)>>,
}

impl Transport {
    pub(crate) fn new(config: Arc<Config>, redaction: Arc<Redaction>, counters: Arc<Counters>) -> Self {
        let on_the_wire = Semaphore::new(config.max_in_flight);
        Self { config, redaction, counters, on_the_wire, pool: Mutex::new(None) }
    }

    /// Sends a request and reads the answer. `thread` is the generation of the I/O thread this runs on.
    pub(crate) async fn exchange(&self, request: Outgoing<'_>, thread: u64) -> Result<Incoming> {
        let (method, path) = (request.method, request.path);
        // Closed never: the semaphore lives as long as the transport.
        let _turn = self.on_the_wire.acquire().await.map_err(|_| Error::internal("the transport is gone"))?;
        self.attempt(request, thread).await.map_err(|error| {
            error.with(|details| {
                details.method = Some(method.name());
                details.url = Some(self.redaction.text(path));
                if !details.message.starts_with(method.name()) {
                    details.message =
                        format!("{} {}: {}", method.name(), self.redaction.text(path_only(path)), details.message);
                }
            })
        })
    }

    async fn attempt(&self, request: Outgoing<'_>, thread: u64) -> Result<Incoming> {
        let Outgoing { method, path, headers, body, cap, arriving } = request;
        let pool = self.pool(thread)?;
        let mut request = Request::new(Full::new(body.unwrap_or_default()));
        *request.method_mut() = match method {
            Method::Get => http::Method::GET,
            Method::Post => http::Method::POST,
        };
        *request.uri_mut() = self.target(path, pool.asks_a_proxy())?;
        *request.headers_mut() = self.headers(headers);
        self.counters.requests.add(1);
        let (response, lease) = pool.send(request).await.map_err(|failed| failure::sending(&failed))?;
        let (head, mut incoming) = response.into_parts();
        let spare = Arc::clone(&pool.spare);
        let status = head.status;
        // Of an error's body the beginning is enough, and it must not hide the status behind the cap.
        let cap = if status.is_success() { cap } else { REFUSAL_MOST };
        let gzip = head.headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding == GZIP);
        let length = incoming.size_hint().exact().and_then(|length| usize::try_from(length).ok());
        if status.is_success() && length.is_some_and(|length| length > Body::max_raw(gzip, cap)) {
            return Err(too_large(cap, status));
        }
        // The length of a gzip says nothing of the text in it.
        let length = length.filter(|_| !gzip);
        let mut body = if gzip { Body::gzip(cap) } else { Body::plain(length, cap, |room| spare.take(room)) };
        let mut arriving = arriving.filter(|_| status.is_success());
        let outcome = loop {
            let Some(frame) = incoming.frame().await else {
                lease.give_back();
                break body.end();
            };
            let Ok(chunk) = frame.map_err(|error| failure::reading(&error))?.into_data() else { continue };
            match body::take(&mut body, &chunk, arriving.as_deref_mut(), length.unwrap_or(0)).await {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => break Ok(()),
                Err(stop) => break Err(stop),
            }
        };
        match outcome {
            Ok(()) => {}
            Err(Stop::Full) if !status.is_success() => {}
            Err(Stop::Full) => return Err(too_large(cap, status)),
            Err(Stop::Corrupt(why)) => {
                return Err(Error::new(ErrorKind::BadHttp, format!("the body cannot be decompressed: {why}"))
                    .with(|details| details.sent = true));
            }
        }
        let body = body.into_bytes();
        self.counters.bytes_received.add(body.len() as u64);
        log::debug!("{} {}: {}, {} bytes", method.name(), self.redaction.text(path), status.as_u16(), body.len());
        if status.is_success() {
            let reuse = Spare::wants(&body).then(|| Box::new(move |buffer| spare.give(buffer)) as Reuse);
            return Ok(Incoming { status: status.as_u16(), headers: head.headers, body, reuse });
        }
        Err(if status.is_redirection() {
            self.redirected(status, &head.headers)
        } else {
            refusal::describe(method, path, status, &head.headers, &body, &self.redaction)
        })
    }

    /// With what every request has; what the host wants to have sent wins.
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
        // Over https the tunnel has it.
        if let Some(password) = config.proxy.as_ref().and_then(Intercept::basic_auth)
            && config.base_url.scheme() == Some(&Scheme::HTTP)
        {
            headers.entry(PROXY_AUTHORIZATION).or_insert(password.clone());
        }
        headers.entry(HOST).or_insert(config.host.clone());
        headers
    }

    fn redirected(&self, status: StatusCode, headers: &HeaderMap) -> Error {
        let target = headers.get(LOCATION).and_then(|value| value.to_str().ok());
        let message = match target {
            Some(target) => format!(
                "the server redirects to {} (HTTP {}); redirects are not followed, so that the token stays with its host",
                self.redaction.text(target),
                status.as_u16()
            ),
            None => format!("the server redirects (HTTP {}) without saying where", status.as_u16()),
        };
        Error::new(ErrorKind::BadResponse, message).with(|details| {
            details.http_status = Some(status.as_u16());
            details.request_id = refusal::request_id(headers, &self.redaction);
            details.is_of_proxy = refusal::is_of_proxy(headers);
            details.sent = true;
        })
    }

    /// What a request asks for: its path, or for a proxy that asks in our place, all of its URL.
    fn target(&self, path: &str, whole: bool) -> Result<Uri> {
        let base = self.config.base_url.path().trim_end_matches('/');
        let target = PathAndQuery::from_maybe_shared(Bytes::from([base, path].concat()))
            .map_err(|error| Error::internal(format!("the request's target cannot be built: {error}")))?;
        if !whole {
            return Ok(target.into());
        }
        let mut uri = self.config.base_url.clone().into_parts();
        uri.path_and_query = Some(target);
        Uri::from_parts(uri).map_err(|error| Error::internal(format!("the URL cannot be built: {error}")))
    }

    fn pool(&self, thread: u64) -> Result<Arc<Pool>> {
        let mut kept = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((generation, pool)) = &*kept
            && *generation == thread
        {
            return Ok(Arc::clone(pool));
        }
        let config = &self.config;
        let connector =
            Connector::new(config.base_url.clone(), config.proxy.clone(), tls::config(config)?, config.connect_timeout);
        let pool = Arc::new(Pool::new(connector));
        *kept = Some((thread, Arc::clone(&pool)));
        Ok(pool)
    }
}

fn too_large(cap: usize, status: StatusCode) -> Error {
    Error::new(ErrorKind::ResponseTooLarge, format!("the answer is longer than {cap} bytes")).with(|details| {
        details.http_status = Some(status.as_u16());
        details.sent = true;
    })
}

fn path_only(path: &str) -> &str {
    path.split_once('?').map_or(path, |(path, _)| path)
}
