//! An answer, from which a response is built: status, headers, and a body with an optional gzip form.

use std::sync::Arc;

use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use serde::Serialize;
use serde_json::json;

use crate::payload::Payload;
use crate::rendered::Rendered;

/// Smaller bodies are not worth compressing.
const GZIP_FROM: usize = 1024;

#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: AnswerBody,
}

#[derive(Debug, Clone)]
pub(crate) enum AnswerBody {
    Empty,
    Rendered(Arc<Rendered>),
    PaddedList(u64),
}

/// Whether the body is sent compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Identity,
    /// If the body is large enough.
    GzipIfLarge,
    Gzip,
}

impl Answer {
    pub(crate) fn new(status: StatusCode, body: AnswerBody) -> Self {
        Self { status, headers: HeaderMap::new(), body }.header("content-type", "application/json; charset=utf-8")
    }

    pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Self {
        // Cannot fail: all keys are strings and no foreign `Serialize` is involved.
        let text = serde_json::to_vec(body).unwrap_or_default();
        Self::new(status, AnswerBody::Rendered(Rendered::new(text)))
    }

    pub(crate) fn rendered(body: Arc<Rendered>) -> Self {
        Self::new(StatusCode::OK, AnswerBody::Rendered(body))
    }

    /// An error in the API's format.
    pub(crate) fn error(status: StatusCode, code: &str, message: &str) -> Self {
        Self::json(status, &json!({ "code": code, "message": message }))
    }

    /// Sets a header; names and values are constants or have been validated.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) {
            self.headers.insert(name, value);
        }
        self
    }

    /// Sets a header with several values.
    pub(crate) fn headers(mut self, name: &str, values: &[String]) -> Self {
        if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
            self.headers.remove(&name);
            for value in values.iter().filter_map(|value| HeaderValue::from_str(value).ok()) {
                self.headers.append(&name, value);
            }
        }
        self
    }

    pub(crate) fn into_response(mut self, coding: Coding) -> Response<Payload> {
        let payload = match self.body {
            AnswerBody::Empty => Payload::whole(bytes::Bytes::new()),
            AnswerBody::Rendered(body) => {
                let compress = match coding {
                    Coding::Identity => false,
                    Coding::GzipIfLarge => body.len() > GZIP_FROM,
                    Coding::Gzip => true,
                };
                if compress {
                    mark_gzip(&mut self.headers);
                }
                Payload::whole(if compress { body.gzip() } else { body.plain() })
            }
            AnswerBody::PaddedList(octets) if coding == Coding::Gzip => {
                mark_gzip(&mut self.headers);
                Payload::gzip_padded_list(octets)
            }
            AnswerBody::PaddedList(octets) => Payload::padded_list(octets),
        };
        let mut response = Response::new(payload);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

/// Those of a fault are sent as they are.
fn mark_gzip(headers: &mut HeaderMap) {
    headers.entry("content-encoding").or_insert(HeaderValue::from_static("gzip"));
    headers.entry("vary").or_insert(HeaderValue::from_static("accept-encoding"));
}

/// Whether an `Accept-Encoding` header accepts gzip: by its name, or, if that is not there, as one of the others.
pub(crate) fn accepts_gzip(headers: &HeaderMap) -> bool {
    let mut others = false;
    let values = headers.get_all("accept-encoding").iter().filter_map(|value| value.to_str().ok());
    for coding in values.flat_map(|value| value.split(',')) {
        let mut parts = coding.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let mut weights = parts.filter_map(|part| part.strip_prefix(['q', 'Q'])?.strip_prefix('='));
        let is_accepted = !weights.any(|weight| weight.parse() == Ok(0.0));
        if name.eq_ignore_ascii_case("gzip") {
            return is_accepted;
        }
        others |= name == "*" && is_accepted;
    }
    others
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderMap, HeaderValue};

    #[test]
    fn gzip_is_used_only_when_accepted() {
        let accepts = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("accept-encoding", HeaderValue::from_str(text).expect("a header value"));
            super::accepts_gzip(&headers)
        };
        assert!(accepts("gzip, deflate"));
        assert!(accepts("br;q=1.0, GZIP;q=0.5"));
        assert!(accepts("*"));
        assert!(!accepts("identity"));
        assert!(!accepts("gzip;q=0, br"));
        assert!(!accepts("gzip; q=0.0"));
        // What is named is not among the others. Red when either was enough: it was accepted.
        assert!(!accepts("gzip;q=0, *"));
        assert!(!accepts("*, gzip;Q=0"));
        assert!(accepts("gzip, *;q=0"));
        assert!(accepts("*;q=0, gzip;q=0.001"));
        assert!(!accepts("br, *;q=0"));
        assert!(accepts("br;q=0, *;q=0.1"));
        assert!(!super::accepts_gzip(&HeaderMap::new()));
    }
}
