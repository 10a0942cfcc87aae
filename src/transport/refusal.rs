//! An answer that is no 2xx, with everything that helps: the server's code and words, its name for the request, its wishes.

use http::StatusCode;
use http::header::{DATE, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER};
use serde_json::Value;

use super::answer::{Head, Part};
use super::content_encoding::Encoding;
use super::peer::Peer;
use super::{Redaction, path_only};
use crate::error::{BODY_LIMIT, Error, ErrorKind, Retry};
use crate::retry::retry_after;

/// Under which names servers and the proxies before them give the request's id.
const REQUEST_ID_HEADERS: [&str; 6] =
    ["x-request-id", "request-id", "x-correlation-id", "x-amzn-requestid", "x-cloud-trace-context", "cf-ray"];
/// How Google's identity-aware proxy marks what does not come from behind it.
const IAP_HEADER: &str = "x-goog-iap-generated-response";
/// How much of the server's own words goes into the message; the body has them all.
const WORDS_LIMIT: usize = 300;

pub(super) fn request_id(headers: &HeaderMap, redaction: &Redaction) -> Option<String> {
    let value = REQUEST_ID_HEADERS.iter().find_map(|name| headers.get(*name))?;
    Some(String::from_utf8_lossy(&redaction.bytes(value.as_bytes())).into_owned())
}

/// Whether the identity-aware proxy in front answered.
pub(super) fn is_of_proxy(headers: &HeaderMap) -> bool {
    headers.get(IAP_HEADER).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"))
}

pub(super) fn describe(verb: &str, path: &str, head: &Head, body: &Part, peer: &Peer, redaction: &Redaction) -> Error {
    let Head { status, headers, encoding, .. } = head;
    let body = redaction.excerpt(&body.bytes, body.is_whole, BODY_LIMIT);
    let parsed = serde_json::from_slice::<Value>(&body).unwrap_or_default();
    let message = if is_redirect(*status) {
        redirected(*status, headers, peer, redaction)
    } else if *status == StatusCode::PROXY_AUTHENTICATION_REQUIRED && peer.has_proxy() {
        format!(
            "the proxy {} refused the request: it answered with status {status}; give the user and the password that it wants in \
             the proxy's URL",
            peer.contact()
        )
    } else {
        let mut message = format!("{verb} {} failed with status {status}", redaction.text(path_only(path)));
        if let Some(words) = words(&parsed).map(|words| redaction.text(words)) {
            message.push_str(": ");
            message.extend(words.chars().take(WORDS_LIMIT).map(|c| if c.is_control() { ' ' } else { c }));
        }
        if let Encoding::Unknown(name) = encoding
            && body.is_empty()
        {
            message.push_str("; its body cannot be read: its Content-Encoding is ");
            message.push_str(&redaction.text(name));
        }
        message
    };
    let kind = match status.as_u16() {
        400..=599 => ErrorKind::Http,
        300..=399 => ErrorKind::BadResponse,
        _ => ErrorKind::BadHttp,
    };
    Error::new(kind, message).with(|details| {
        details.http_status = Some(status.as_u16());
        details.sent = true;
        details.retry = match status.as_u16() {
            429 => Retry::Throttled,
            408 | 500 | 502 | 503 | 504 => Retry::Transient,
            _ => Retry::Never,
        };
        details.retry_after = headers
            .get(RETRY_AFTER)
            .and_then(|value| retry_after::parse(value.as_bytes(), headers.get(DATE).map(HeaderValue::as_bytes)));
        details.request_id = request_id(headers, redaction);
        details.is_of_proxy = is_of_proxy(headers);
        // Once more, without JSON's escapes: they may have hidden another layer of them.
        details.code = code(&parsed).map(|code| redaction.text(&code));
        details.body = Some(body);
    })
}

/// The others of 3xx point nowhere.
fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn redirected(status: StatusCode, headers: &HeaderMap, peer: &Peer, redaction: &Redaction) -> String {
    match headers.get(LOCATION).map(|target| String::from_utf8_lossy(target.as_bytes())) {
        Some(target) => format!(
            "{peer} redirects to {} (HTTP {}); redirects are not followed, so that the token stays with its host",
            redaction.text(&target),
            status.as_u16()
        ),
        None => format!("{peer} redirects (HTTP {}) without saying where", status.as_u16()),
    }
}

/// `code`, as the API's errors have it, or `error`, as the token endpoint's have it.
fn code(body: &Value) -> Option<String> {
    [&body["code"], &body["error"]["code"], &body["error"]].into_iter().find_map(|code| match code {
        Value::String(code) => Some(code.clone()),
        Value::Number(code) => Some(code.to_string()),
        _ => None,
    })
}

fn words(body: &Value) -> Option<&str> {
    [&body["message"], &body["error_description"], &body["error"]["message"], &body["detail"], &body["error"]]
        .into_iter()
        .find_map(Value::as_str)
        .filter(|words| !words.is_empty())
}
