//! An injected fault.

use std::collections::BTreeMap;
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

/// A fault: which requests it applies to, how often, and its effect.
///
/// The JSON of `POST /__emulator/faults` has the same fields.
///
/// A fault that sets `status`, `body`, `redirect` or `body_bytes` replaces the response of the API. Any other modifies
/// it: `delay_ms` delays it, `headers` adds to it, `drop` closes the connection.
///
/// ```
/// use kal_emulator::Fault;
/// let fault = Fault::on("/workspaces/members").status(503).times(2).header("Retry-After", "1");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Fault {
    /// Applies to requests whose path begins with this; `*` or `None` matches every path.
    pub path: Option<String>,
    /// Applies to requests with this method; `None` matches every method.
    pub method: Option<String>,
    /// Number of requests it applies to; 0 means until reset. Default 1.
    pub times: u64,
    /// Number of matching requests to skip first.
    pub after: u64,
    /// Status of the response.
    pub status: Option<u16>,
    /// Headers set on the response.
    pub headers: BTreeMap<String, String>,
    /// Body of the response.
    pub body: Option<String>,
    /// Body of the response: an empty JSON array padded with spaces to this many octets, sent in chunks.
    pub body_bytes: Option<u64>,
    /// Compress the body with gzip, regardless of `Accept-Encoding`.
    pub gzip: bool,
    /// Content type of the response.
    pub content_type: Option<String>,
    /// Redirects to this URL, with `status` or 302.
    pub redirect: Option<String>,
    /// Milliseconds to wait before the request is handled.
    pub delay_ms: u64,
    /// Where to close the connection.
    pub drop: Option<DropPoint>,
    /// Expire all access tokens before the request is handled.
    pub expire_tokens: bool,
}

/// When a fault closes the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DropPoint {
    /// Closes without a response; the request is not handled.
    Before,
    /// Handles the request, sends the headers, then closes.
    Headers,
    /// Handles the request, sends the headers and half of the body, then closes.
    Body,
    /// Never responds, until the client closes the connection; the request is not handled.
    Hang,
}

impl Default for Fault {
    fn default() -> Self {
        Self {
            path: None,
            method: None,
            times: 1,
            after: 0,
            status: None,
            headers: BTreeMap::new(),
            body: None,
            body_bytes: None,
            gzip: false,
            content_type: None,
            redirect: None,
            delay_ms: 0,
            drop: None,
            expire_tokens: false,
        }
    }
}

impl Fault {
    /// A fault for requests whose path begins with `path`.
    pub fn on(path: impl Into<String>) -> Self {
        Self { path: Some(path.into()), ..Self::default() }
    }

    /// A fault for every request.
    pub fn everywhere() -> Self {
        Self::default()
    }

    /// Applies only to requests with this method.
    #[must_use]
    pub fn method(self, method: impl Into<String>) -> Self {
        Self { method: Some(method.into()), ..self }
    }

    /// Applies to this many requests; 0 means until reset.
    #[must_use]
    pub fn times(self, times: u64) -> Self {
        Self { times, ..self }
    }

    /// Skips this many matching requests first.
    #[must_use]
    pub fn after(self, after: u64) -> Self {
        Self { after, ..self }
    }

    /// Responds with this status.
    #[must_use]
    pub fn status(self, status: u16) -> Self {
        Self { status: Some(status), ..self }
    }

    /// Sets a header on the response.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.insert(name.into(), value.into());
        self
    }

    /// Responds with this body.
    #[must_use]
    pub fn body(self, body: impl Into<String>) -> Self {
        Self { body: Some(body.into()), ..self }
    }

    /// Responds with an empty JSON array padded to this many octets.
    #[must_use]
    pub fn body_bytes(self, octets: u64) -> Self {
        Self { body_bytes: Some(octets), ..self }
    }

    /// Compresses the body regardless of `Accept-Encoding`.
    #[must_use]
    pub fn gzip(self) -> Self {
        Self { gzip: true, ..self }
    }

    /// Sets the content type of the response.
    #[must_use]
    pub fn content_type(self, content_type: impl Into<String>) -> Self {
        Self { content_type: Some(content_type.into()), ..self }
    }

    /// Redirects to this URL.
    #[must_use]
    pub fn redirect(self, url: impl Into<String>) -> Self {
        Self { redirect: Some(url.into()), ..self }
    }

    /// Delays the request; whole milliseconds.
    #[must_use]
    pub fn delay(self, delay: Duration) -> Self {
        Self { delay_ms: u64::try_from(delay.as_millis()).unwrap_or(u64::MAX), ..self }
    }

    /// Closes the connection at this point.
    #[must_use]
    pub fn drop_connection(self, point: DropPoint) -> Self {
        Self { drop: Some(point), ..self }
    }

    /// Expires all access tokens before the request is handled.
    #[must_use]
    pub fn expire_tokens(self) -> Self {
        Self { expire_tokens: true, ..self }
    }

    /// Whether it replaces the response of the API.
    pub(crate) fn answers(&self) -> bool {
        self.status.is_some() || self.body.is_some() || self.body_bytes.is_some() || self.redirect.is_some()
    }

    pub(crate) fn matches(&self, method: &str, path: &str) -> bool {
        let path_fits = match self.path.as_deref() {
            None | Some("*") => true,
            Some(prefix) => path.starts_with(prefix),
        };
        path_fits && self.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
    }

    /// Returns what cannot be represented in HTTP, if anything.
    pub(crate) fn check(&self) -> Result<(), String> {
        // hyper sends 1xx itself and rejects them as final responses.
        if let Some(status) = self.status {
            if status < 200 || StatusCode::from_u16(status).is_err() {
                return Err(format!("status {status} is not valid for a final response"));
            }
        }
        for (name, value) in &self.headers {
            if HeaderName::from_bytes(name.as_bytes()).is_err() || HeaderValue::from_str(value).is_err() {
                return Err(format!("header {name:?} has an invalid name or value"));
            }
        }
        for text in [&self.redirect, &self.content_type].into_iter().flatten() {
            if HeaderValue::from_str(text).is_err() {
                return Err(format!("{text:?} is not a valid header value"));
            }
        }
        Ok(())
    }
}
