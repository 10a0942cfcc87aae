//! An injected fault.

use std::collections::BTreeMap;
use std::time::Duration;

use base64ct::{Base64, Encoding as _};
use hyper::StatusCode;
use hyper::header::{HeaderName, HeaderValue};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::given_json::GivenJson;
use crate::pattern::Pattern;

/// A fault: which requests it applies to, how often, and its effect.
///
/// The JSON of `POST /__emulator/faults` has the same fields.
///
/// A fault that sets `status`, `body`, `body_base64`, `json`, `redirect` or `body_bytes` replaces the response of the API. Any
/// other modifies it: `delay_ms` delays it, `headers` adds to it, `drop` closes the connection.
///
/// ```
/// use kal_emulator::Fault;
/// let fault = Fault::on("/workspaces/members").status(503).times(2).header("Retry-After", "1");
/// let second_page = Fault::on("/workspaces/events").query("page", "2").status(500);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of its own in the JSON")]
pub struct Fault {
    /// Applies to requests of this path and below it, by whole segments. `*` is any one segment; alone, and with `None`, every path.
    pub path: Option<String>,
    /// Applies to requests with this method; `None` matches every method.
    pub method: Option<String>,
    /// Applies to requests whose query has these parameters; names and values are decoded.
    pub query: BTreeMap<String, String>,
    /// Applies to requests with these headers.
    pub request_headers: BTreeMap<String, String>,
    /// Applies to requests whose body contains this.
    pub request_body: Option<String>,
    /// Number of requests it applies to; 0 means until reset. Default 1.
    pub times: u64,
    /// Number of matching requests to skip first.
    pub after: u64,
    /// Applies to requests with a valid access token; others get 401, which uses up none of `times`. It makes a fault an endpoint
    /// of the API.
    pub signed_in: bool,
    /// Status of the response.
    pub status: Option<u16>,
    /// Headers set on the response, each with one value or several. `Content-Length` is sent as given,
    /// and the whole body after it.
    #[serde(deserialize_with = "one_or_many")]
    pub headers: BTreeMap<String, Vec<String>>,
    /// Body of the response.
    pub body: Option<String>,
    /// Body of the response, any octets, in base64.
    pub body_base64: Option<String>,
    /// Body of the response, as JSON, sent as it is written. Null is JSON, too.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub json: Option<GivenJson>,
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
    /// Sends the body slowly.
    pub dribble: Option<Dribble>,
    /// Where to close the connection.
    pub drop: Option<DropPoint>,
    /// With `drop`: closes with a reset (RST) in place of an orderly end (FIN).
    pub rst: bool,
    /// Expire all access tokens before the request is handled.
    pub expire_tokens: bool,
}

/// A body in pieces, with a pause after each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dribble {
    /// Octets of a piece, at least 1.
    pub octets: u64,
    /// Milliseconds between two pieces.
    pub every_ms: u64,
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
    /// Never responds, until the client closes the connection or the emulator is reset; the request is not handled.
    Hang,
}

impl Default for Fault {
    fn default() -> Self {
        Self {
            path: None,
            method: None,
            query: BTreeMap::new(),
            request_headers: BTreeMap::new(),
            request_body: None,
            times: 1,
            after: 0,
            signed_in: false,
            status: None,
            headers: BTreeMap::new(),
            body: None,
            body_base64: None,
            json: None,
            body_bytes: None,
            gzip: false,
            content_type: None,
            redirect: None,
            delay_ms: 0,
            dribble: None,
            drop: None,
            rst: false,
            expire_tokens: false,
        }
    }
}

/// `{"name": "value"}` and `{"name": ["one", "another"]}`.
fn one_or_many<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, Vec<String>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a header is a string, or a list of strings")]
    enum Values {
        One(String),
        Many(Vec<String>),
    }
    let given = BTreeMap::<String, Values>::deserialize(from)?;
    let lists = given.into_iter().map(|(name, values)| match values {
        Values::One(value) => (name, vec![value]),
        Values::Many(values) => (name, values),
    });
    Ok(lists.collect())
}

/// JSON that is there is that of the answer, also if it is null.
fn given<'de, D: Deserializer<'de>>(from: D) -> Result<Option<GivenJson>, D::Error> {
    GivenJson::deserialize(from).map(Some)
}

impl Fault {
    /// A fault for requests of this path, and below it.
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

    /// Applies only to requests whose query has this parameter.
    #[must_use]
    pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.query.insert(name.into(), value.into());
        self
    }

    /// Applies only to requests with this header.
    #[must_use]
    pub fn request_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.request_headers.insert(name.into(), value.into());
        self
    }

    /// Applies only to requests whose body contains this.
    #[must_use]
    pub fn request_body(self, part: impl Into<String>) -> Self {
        Self { request_body: Some(part.into()), ..self }
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

    /// Sets a header on the response; called again with the same name, it adds a value.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.entry(name.into()).or_default().push(value.into());
        self
    }

    /// Requests without a valid access token get 401.
    #[must_use]
    pub fn signed_in(self) -> Self {
        Self { signed_in: true, ..self }
    }

    /// Responds with this JSON.
    #[must_use]
    pub fn json(self, body: Value) -> Self {
        Self { json: Some(body.into()), ..self }
    }

    /// Sends the body in pieces of so many octets, with a pause after each.
    #[must_use]
    pub fn dribble(self, octets: u64, every: Duration) -> Self {
        let every_ms = u64::try_from(every.as_millis()).unwrap_or(u64::MAX);
        Self { dribble: Some(Dribble { octets, every_ms }), ..self }
    }

    /// Closes with RST where [`drop_connection`](Self::drop_connection) says so.
    #[must_use]
    pub fn rst(self) -> Self {
        Self { rst: true, ..self }
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
        self.status.is_some() || self.bodies() > 0 || self.redirect.is_some()
    }

    fn bodies(&self) -> usize {
        let given = [self.body.is_some(), self.body_base64.is_some(), self.json.is_some(), self.body_bytes.is_some()];
        given.into_iter().filter(|given| *given).count()
    }

    /// The length that the response declares, whatever its body's is.
    pub(crate) fn content_length(&self) -> Option<u64> {
        let number = self.values_of("content-length").first();
        number.filter(|value| value.bytes().all(|digit| digit.is_ascii_digit()))?.parse().ok()
    }

    /// The values of a header that is set on the response.
    pub(crate) fn values_of(&self, header: &str) -> &[String] {
        // The last one replaces those whose names differ in case only.
        let given = self.headers.iter().rfind(|(name, _)| name.eq_ignore_ascii_case(header));
        given.map_or(&[], |(_, values)| values)
    }

    /// The octets of `body`, `body_base64` or `json`.
    pub(crate) fn body_octets(&self) -> Option<Vec<u8>> {
        let text = self.body.as_ref().map(|text| text.clone().into_bytes());
        let json = || self.json.as_ref().map(|json| json.text().as_bytes().to_vec());
        text.or_else(|| Base64::decode_vec(self.body_base64.as_ref()?).ok()).or_else(json)
    }

    pub(crate) fn pattern(&self) -> Pattern<'_> {
        Pattern {
            path: self.path.as_deref(),
            method: self.method.as_deref(),
            query: &self.query,
            headers: &self.request_headers,
            body: self.request_body.as_deref(),
        }
    }

    /// Returns what cannot be represented in HTTP, or is contradictory, if anything.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.pattern().check()?;
        // hyper sends 1xx itself and rejects them as final responses.
        if let Some(status) = self.status {
            if status < 200 || StatusCode::from_u16(status).is_err() {
                return Err(format!("status {status} is not valid for a final response"));
            }
        }
        for (name, values) in &self.headers {
            if HeaderName::from_bytes(name.as_bytes()).is_err()
                || values.is_empty()
                || values.iter().any(|value| HeaderValue::from_str(value).is_err())
            {
                return Err(format!("headers: {name:?} has an invalid name or value"));
            }
        }
        let lengths = self.headers.iter().filter(|(name, _)| is_content_length(name)).flat_map(|(_, values)| values);
        let lengths: Vec<_> = lengths.collect();
        if !lengths.is_empty() && (lengths.len() > 1 || self.content_length().is_none()) {
            return Err(format!("headers: Content-Length is {lengths:?}, it must be one number of octets"));
        }
        if !lengths.is_empty() && !self.values_of("transfer-encoding").is_empty() {
            return Err("headers: a response has Content-Length or Transfer-Encoding, not both".into());
        }
        for (name, text) in [("redirect", &self.redirect), ("content_type", &self.content_type)] {
            if text.as_ref().is_some_and(|text| HeaderValue::from_str(text).is_err()) {
                return Err(format!("{name}: {text:?} is not a valid header value"));
            }
        }
        if self.bodies() > 1 {
            return Err("only one of body, body_base64, json and body_bytes can be given".into());
        }
        if self.body_base64.as_ref().is_some_and(|text| Base64::decode_vec(text).is_err()) {
            return Err("body_base64 is not base64".into());
        }
        if self.dribble.is_some_and(|dribble| dribble.octets == 0) {
            return Err("dribble: octets must be at least 1".into());
        }
        if self.rst && self.drop.is_none() {
            return Err("rst is for a fault with drop".into());
        }
        Ok(())
    }
}

fn is_content_length(name: &str) -> bool {
    name.eq_ignore_ascii_case("content-length")
}
