//! One HTTP exchange: a request goes out, and its whole answer or an [`Error`] comes back. No retries, no sign-in.

mod disguises;
mod failure;
mod redaction;
mod refusal;
pub(crate) mod resolver;
mod tls;

pub(crate) use redaction::Redaction;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{CONTENT_ENCODING, HeaderMap, LOCATION, USER_AGENT};
use reqwest::{StatusCode, Url};
use tokio::sync::Semaphore;

use crate::config::Config;
use crate::error::{BODY_LIMIT, Error, ErrorKind, Result};
use crate::proxy::Proxy;
use crate::stats::Counters;
use resolver::Resolver;

/// Kept connections die in proxies and load balancers after a minute or so; ours go first.
const POOL_IDLE: Duration = Duration::from_secs(20);
/// A longer `Content-Length` is believed when the bytes arrive.
const PRESIZE_MOST: usize = 64 << 20;
/// So much of an error's body is read: what errors keep, and room to see that a secret begins before the cut.
const REFUSAL_MOST: usize = 2 * BODY_LIMIT;
/// The decoder puts a sentinel behind the text without moving it.
const PRESIZE_EXTRA: usize = 16;

/// A request as the retry loop sees it: it can be sent more than once.
pub(crate) struct Outgoing<'a> {
    pub(crate) method: Method,
    /// With its query, beginning with a slash; what errors show.
    pub(crate) path: &'a str,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Bytes>,
    pub(crate) cap: usize,
}

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
    pub(crate) request_id: Option<String>,
    pub(crate) body: Vec<u8>,
}

/// The connections of one client.
pub(crate) struct Transport {
    config: Arc<Config>,
    redaction: Arc<Redaction>,
    counters: Arc<Counters>,
    on_the_wire: Semaphore,
    /// Connections belong to the I/O thread they were opened on: another generation of it needs its own.
    http: Mutex<Option<(u64, reqwest::Client)>>,
}

impl Transport {
    pub(crate) fn new(config: Arc<Config>, redaction: Arc<Redaction>, counters: Arc<Counters>) -> Self {
        let on_the_wire = Semaphore::new(config.max_in_flight);
        Self { config, redaction, counters, on_the_wire, http: Mutex::new(None) }
    }

    /// Sends a request and reads the answer. `thread` is the generation of the I/O thread this runs on.
    pub(crate) async fn exchange(&self, request: &Outgoing<'_>, thread: u64) -> Result<Incoming> {
        // Closed never: the semaphore lives as long as the transport.
        let _turn = self.on_the_wire.acquire().await.map_err(|_| Error::internal("the transport is gone"))?;
        self.attempt(request, thread).await.map_err(|error| {
            error.with(|details| {
                details.method = Some(request.method.name());
                details.url = Some(self.redaction.text(request.path));
                if !details.message.starts_with(request.method.name()) {
                    details.message = format!(
                        "{} {}: {}",
                        request.method.name(),
                        self.redaction.text(path_only(request.path)),
                        details.message
                    );
                }
            })
        })
    }

    async fn attempt(&self, request: &Outgoing<'_>, thread: u64) -> Result<Incoming> {
        let http = self.http(thread)?;
        let url = self.url(request.path)?;
        let mut builder = match request.method {
            Method::Get => http.get(url),
            Method::Post => http.post(url),
        };
        let mut headers = request.headers.clone();
        headers.insert(USER_AGENT, self.config.user_agent.clone());
        for name in self.config.headers.keys() {
            headers.remove(name);
        }
        headers.extend(self.config.headers.clone());
        builder = builder.headers(headers);
        if let Some(body) = &request.body {
            builder = builder.body(body.clone());
        }
        self.counters.requests.add(1);
        let failed = |error: reqwest::Error| failure::classify(&error, self.config.connect_timeout);
        let mut response = builder.send().await.map_err(failed)?;
        let status = response.status();
        // Of an error's body the beginning is enough, and it must not hide the status behind the cap.
        let cap = if status.is_success() { request.cap } else { REFUSAL_MOST };
        let mut body = Vec::new();
        let sized = response.content_length().filter(|_| !response.headers().contains_key(CONTENT_ENCODING));
        if let Some(length) = sized.and_then(|length| usize::try_from(length).ok()) {
            if length > cap && status.is_success() {
                return Err(too_large(cap, status));
            }
            body.reserve_exact(length.min(cap).min(PRESIZE_MOST) + PRESIZE_EXTRA);
        }
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            let room = cap.saturating_sub(body.len());
            if chunk.len() > room && status.is_success() {
                return Err(too_large(cap, status));
            }
            if chunk.len() > room {
                body.extend_from_slice(&chunk[..room]);
                break;
            }
            body.extend_from_slice(&chunk);
        }
        self.counters.bytes_received.add(body.len() as u64);
        log::debug!(
            "{} {}: {}, {} bytes",
            request.method.name(),
            self.redaction.text(request.path),
            status.as_u16(),
            body.len()
        );
        if status.is_success() {
            return Ok(Incoming {
                status: status.as_u16(),
                request_id: refusal::request_id(response.headers(), &self.redaction),
                body,
            });
        }
        Err(if status.is_redirection() {
            self.redirected(status, response.headers())
        } else {
            refusal::describe(request, status, response.headers(), &body, &self.redaction)
        })
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
            details.sent = true;
        })
    }

    fn url(&self, path: &str) -> Result<Url> {
        let base = self.config.base_url.as_str().trim_end_matches('/');
        Url::parse(&format!("{base}{path}"))
            .map_err(|error| Error::internal(format!("the URL cannot be built: {error}")))
    }

    fn http(&self, thread: u64) -> Result<reqwest::Client> {
        let mut http = self.http.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((generation, client)) = &*http
            && *generation == thread
        {
            return Ok(client.clone());
        }
        let client = self.build()?;
        *http = Some((thread, client.clone()));
        Ok(client)
    }

    /// Everything that reqwest would decide for us is decided here.
    fn build(&self) -> Result<reqwest::Client> {
        let config = &self.config;
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::config(config)?)
            .dns_resolver(Resolver)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .http1_only()
            .connect_timeout(config.connect_timeout)
            .pool_idle_timeout(POOL_IDLE)
            .pool_max_idle_per_host(config.max_in_flight);
        builder = match &config.proxy {
            Proxy::None => builder.no_proxy(),
            Proxy::FromEnvironment => builder,
            Proxy::Url(proxy) => builder.no_proxy().proxy(reqwest::Proxy::clone(proxy)),
        };
        builder.build().map_err(|error| Error::internal(format!("the HTTP client cannot be built: {error}")))
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
