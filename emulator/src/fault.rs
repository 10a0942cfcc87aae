//! One thing that goes wrong on purpose.

use std::collections::BTreeMap;
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

/// A fault: which requests it takes, how often, and what happens to them.
///
/// The JSON taken by `POST /__emulator/faults` has these very fields.
///
/// A fault that sets `status`, `body`, `redirect` or `body_bytes` answers in place of the API. Any other is answered
/// by the API as usual, after the delay, with the extra headers, or cut off as `drop` says.
///
/// ```
/// use kal_emulator::Fault;
/// let fault = Fault::on("/workspaces/members").status(503).times(2).header("Retry-After", "1");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Fault {
    /// Takes requests whose path begins with this; `*` or none takes every path.
    pub path: Option<String>,
    /// Takes requests of this method; none takes every method.
    pub method: Option<String>,
    /// How many requests it takes before it is spent; 0 means until reset. Default 1.
    pub times: u64,
    /// How many matching requests it lets pass first.
    pub after: u64,
    /// Status of the answer.
    pub status: Option<u16>,
    /// Headers set on the answer.
    pub headers: BTreeMap<String, String>,
    /// Body of the answer.
    pub body: Option<String>,
    /// Body of the answer: an empty JSON list padded with spaces to this many octets, sent in chunks.
    pub body_bytes: Option<u64>,
    /// Send the body gzip-compressed, whatever the request accepts.
    pub gzip: bool,
    /// Content type of the answer.
    pub content_type: Option<String>,
    /// Redirects there, with 302 unless `status` says otherwise.
    pub redirect: Option<String>,
    /// Milliseconds to wait before the request is handled.
    pub delay_ms: u64,
    /// Where to close the connection.
    pub drop: Option<DropPoint>,
    /// Expire all access tokens before the request is handled.
    pub expire_tokens: bool,
}

/// Where a fault ends the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DropPoint {
    /// Closes before anything is answered; the request is not handled.
    Before,
    /// Handles the request, sends the header, then closes.
    Headers,
    /// Handles the request, sends the header and half of the body, then closes.
    Body,
    /// Never answers, until the client goes away; the request is not handled.
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

    /// Takes only requests of this method.
    #[must_use]
    pub fn method(self, method: impl Into<String>) -> Self {
        Self { method: Some(method.into()), ..self }
    }

    /// Takes this many requests; 0 means until reset.
    #[must_use]
    pub fn times(self, times: u64) -> Self {
        Self { times, ..self }
    }

    /// Lets this many matching requests pass first.
    #[must_use]
    pub fn after(self, after: u64) -> Self {
        Self { after, ..self }
    }

    /// Answers with this status.
    #[must_use]
    pub fn status(self, status: u16) -> Self {
        Self { status: Some(status), ..self }
    }

    /// Sets a header on the answer.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.insert(name.into(), value.into());
        self
    }

    /// Answers with this body.
    #[must_use]
    pub fn body(self, body: impl Into<String>) -> Self {
        Self { body: Some(body.into()), ..self }
    }

    /// Answers with an empty JSON list padded to this many octets.
    #[must_use]
    pub fn body_bytes(self, octets: u64) -> Self {
        Self { body_bytes: Some(octets), ..self }
    }

    /// Compresses the body whatever the request accepts.
    #[must_use]
    pub fn gzip(self) -> Self {
        Self { gzip: true, ..self }
    }

    /// Sets the content type of the answer.
    #[must_use]
    pub fn content_type(self, content_type: impl Into<String>) -> Self {
        Self { content_type: Some(content_type.into()), ..self }
    }

    /// Redirects to this URL.
    #[must_use]
    pub fn redirect(self, url: impl Into<String>) -> Self {
        Self { redirect: Some(url.into()), ..self }
    }

    /// Waits before the request is handled; whole milliseconds.
    #[must_use]
    pub fn delay(self, delay: Duration) -> Self {
        Self { delay_ms: u64::try_from(delay.as_millis()).unwrap_or(u64::MAX), ..self }
    }

    /// Ends the connection at this point.
    #[must_use]
    pub fn drop_connection(self, point: DropPoint) -> Self {
        Self { drop: Some(point), ..self }
    }

    /// Expires all access tokens before the request is handled.
    #[must_use]
    pub fn expire_tokens(self) -> Self {
        Self { expire_tokens: true, ..self }
    }

    /// Whether it answers in place of the API.
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

    /// Says what in it HTTP cannot carry, if anything.
    pub(crate) fn check(&self) -> Result<(), String> {
        // hyper sends 1xx itself and refuses them as final answers.
        if let Some(status) = self.status
            && (status < 200 || StatusCode::from_u16(status).is_err())
        {
            return Err(format!("status {status} is not one of a final answer"));
        }
        for (name, value) in &self.headers {
            if HeaderName::from_bytes(name.as_bytes()).is_err() || HeaderValue::from_str(value).is_err() {
                return Err(format!("header {name:?} has a name or value that HTTP does not allow"));
            }
        }
        for text in [&self.redirect, &self.content_type].into_iter().flatten() {
            if HeaderValue::from_str(text).is_err() {
                return Err(format!("{text:?} cannot be a header value"));
            }
        }
        Ok(())
    }
}
