//! One HTTP exchange: a request goes out, and its whole answer or an [`Error`] comes back. No retries, no sign-in.

mod answer;
mod beginnings;
mod body;
mod ca_bundle;
mod connect;
mod content_encoding;
mod dial;
mod encodings;
mod failure;
mod handshake;
mod interim;
mod logged;
mod paced;
mod peer;
mod pooled;
mod redaction;
mod refusal;
pub(crate) mod resolver;
mod spare;
mod tls;
mod tunnel;
mod waiting;

pub(crate) use peer::Peer;
pub(crate) use redaction::{MAX_SECRET_LEN, Redaction};
pub(crate) use waiting::{Step, Waiting};

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, HOST, HeaderMap, HeaderValue, PROXY_AUTHORIZATION, USER_AGENT};
use http::uri::{PathAndQuery, Scheme};
use http::{Method, Request, Uri};
use reqwest::{Body, Url};
use tokio::sync::Semaphore;

use crate::config::Config;
use crate::error::{Error, Result};
use crate::proxy::Proxy;
use crate::retry::Tracking;
use crate::stats::Counters;
use answer::{Head, Part};
use connect::Connector;
use content_encoding::GZIP;
use logged::Logged;
use pooled::Pooled;
use spare::Spare;

/// A request as the retry loop sees it: it can be sent more than once.
pub(crate) struct Outgoing<'a> {
    pub(crate) method: Method,
    /// With its query, beginning with a slash; what errors show.
    pub(crate) path: &'a str,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Bytes>,
    pub(crate) cap: usize,
    /// Until when, and how far it is.
    pub(crate) tracking: &'a Tracking,
    /// Told of the body of a 2xx answer while it arrives.
    pub(crate) arriving: Option<&'a mut Arriving<'a>>,
}

/// Sees what is there of a body so far, and how long it will be as far as that is known. It may change what is there, and break
/// when no more is wanted.
pub(crate) type Arriving<'a> = dyn FnMut(&mut [u8], usize) -> ControlFlow<()> + Send + 'a;

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
    peer: Peer,
    on_the_wire: Semaphore,
    /// Connections belong to the I/O thread they were opened on: another generation of it needs its own.
    pooled: Mutex<Option<(u64, Pooled)>>,
}

impl Transport {
    pub(crate) fn new(config: Arc<Config>, redaction: Arc<Redaction>, counters: Arc<Counters>) -> Self {
        let on_the_wire = Semaphore::new(config.max_in_flight);
        let peer = Peer::new(&config);
        Self { config, redaction, counters, peer, on_the_wire, pooled: Mutex::default() }
    }

    /// Whom the requests are to.
    pub(crate) fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Sends a request and reads the answer. `thread` is the generation of the I/O thread this runs on.
    pub(crate) async fn exchange(&self, request: Outgoing<'_>, thread: u64) -> Result<Incoming> {
        let Outgoing { path, tracking, .. } = request;
        let verb = verb_name(&request.method);
        let waiting = tracking.progress.waiting();
        waiting.set(Step::Turn);
        // Closed never: the semaphore lives as long as the transport.
        let _turn = self.on_the_wire.acquire().await.map_err(|_| Error::internal("the transport is gone"))?;
        let logged = Logged::begin(self, verb, path, tracking);
        let outcome = waiting::during(Arc::clone(waiting), self.attempt(request, thread)).await.map_err(|error| {
            error.with(|details| {
                details.method = Some(verb);
                details.url = Some(self.redaction.text(path));
                if !details.message.starts_with(verb) {
                    details.message = format!("{verb} {}: {}", self.redaction.text(path_only(path)), details.message);
                }
            })
        });
        logged.end(&outcome);
        outcome
    }

    async fn attempt(&self, request: Outgoing<'_>, thread: u64) -> Result<Incoming> {
        let Outgoing { method, path, headers, body, cap, arriving, tracking } = request;
        let waiting = tracking.progress.waiting();
        let pooled = self.pooled(thread)?;
        let mut request = Request::new(Body::from(body.unwrap_or_default()));
        let verb = verb_name(&method);
        *request.method_mut() = method;
        *request.uri_mut() = self.url(path)?;
        *request.headers_mut() = self.headers(headers);
        self.counters.requests.add(1);
        let sent = pooled.send(request, waiting).await;
        let mut response = sent.map_err(|failed| failure::sending(&failed, &self.peer))?;
        let head = Head::of(&mut response);
        waiting.set_body_of(head.status.as_u16());
        if !head.status.is_success() {
            let body = head.read_refusal(&mut response, tracking.deadline.remaining()).await;
            self.received(&body).await;
            return Err(refusal::describe(verb, path, &head, &body, &self.peer, &self.redaction));
        }
        let spare = pooled.spare();
        let body = head.read_whole(&mut response, cap, arriving, |room| spare.take(room), &self.peer).await?;
        self.received(&body).await;
        let body = body.bytes;
        let reuse = Spare::wants(&body).then(|| Box::new(move |buffer| spare.give(buffer)) as Reuse);
        Ok(Incoming { status: head.status.as_u16(), headers: head.headers, body, reuse })
    }

    async fn received(&self, body: &Part) {
        self.counters.bytes_received.add(body.bytes.len() as u64);
        if body.is_at_end {
            // Otherwise a request that follows at once would open another connection.
            pooled::let_pool_take_back().await;
        }
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
        if let Some(password) = config.proxy.as_ref().and_then(Proxy::authorization)
            && config.base_url.scheme() == Some(&Scheme::HTTP)
        {
            headers.entry(PROXY_AUTHORIZATION).or_insert(password.clone());
        }
        headers.entry(HOST).or_insert(config.host.clone());
        headers
    }

    fn url(&self, path: &str) -> Result<Uri> {
        let mut url = self.config.base_url.clone().into_parts();
        let base = self.config.base_url.path().trim_end_matches('/');
        let target = PathAndQuery::from_maybe_shared(Bytes::from([base, path].concat()));
        url.path_and_query = Some(target.map_err(|error| invalid_url(&error))?);
        Uri::from_parts(url).map_err(|error| invalid_url(&error))
    }

    fn pooled(&self, thread: u64) -> Result<Pooled> {
        let mut current = self.pooled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((generation, pooled)) = &*current
            && *generation == thread
        {
            return Ok(pooled.clone());
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
        let pooled = Pooled::new(connector, url);
        *current = Some((thread, pooled.clone()));
        Ok(pooled)
    }
}

fn invalid_url(error: &dyn std::error::Error) -> Error {
    Error::internal(format!("the request's URL cannot be built: {error}"))
}

fn path_only(path: &str) -> &str {
    path.split_once('?').map_or(path, |(path, _)| path)
}
