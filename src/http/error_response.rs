//! Turns an error response into an [`Error`] with the server's own error code and message, request id and `Retry-After`.

use http::StatusCode;
use http::header::{DATE, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER};
use serde_json::Value;

use super::content_encoding::Encoding;
use super::response::{ResponseBody, ResponseHead};
use super::route::Route;
use super::without_query;
use crate::error::{BODY_LIMIT, Error, ErrorKind, Retry};
use crate::redact::Redaction;
use crate::retry::retry_after;

/// The headers in which servers and reverse proxies send a request id.
const REQUEST_ID_HEADERS: [&str; 6] =
    ["x-request-id", "request-id", "x-correlation-id", "x-amzn-requestid", "x-cloud-trace-context", "cf-ray"];
/// Google's identity-aware proxy marks the responses that it generates itself.
const IAP_HEADER: &str = "x-goog-iap-generated-response";
/// The maximum length of the server's message within the error message, in characters.
const MAX_SERVER_MESSAGE: usize = 300;

pub(super) fn request_id(headers: &HeaderMap, redaction: &Redaction) -> Option<String> {
    let value = REQUEST_ID_HEADERS.iter().find_map(|name| headers.get(*name))?;
    Some(String::from_utf8_lossy(&redaction.bytes(value.as_bytes())).into_owned())
}

/// Whether the identity-aware proxy generated the response.
fn is_from_iap(headers: &HeaderMap) -> bool {
    headers.get(IAP_HEADER).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"))
}

pub(super) fn to_error(
    verb: &str,
    path: &str,
    head: &ResponseHead,
    body: &ResponseBody,
    route: &Route,
    redaction: &Redaction,
) -> Error {
    let ResponseHead { status, headers, encoding, .. } = head;
    let body = redaction.excerpt(&body.bytes, body.is_complete, BODY_LIMIT);
    let parsed = serde_json::from_slice::<Value>(&body).unwrap_or_default();
    let message = if is_redirect(*status) {
        redirect_message(*status, headers, route, redaction)
    } else if *status == StatusCode::PROXY_AUTHENTICATION_REQUIRED && route.has_proxy() {
        format!(
            "the proxy {} refused the request with status {status}; put the user name and password that it requires into the proxy \
             URL",
            route.next_hop()
        )
    } else {
        let mut message = format!("{verb} {} failed with status {status}", redaction.text(without_query(path)));
        if let Some(text) = server_message(&parsed).map(|text| redaction.text(text)) {
            message.push_str(": ");
            message.extend(text.chars().take(MAX_SERVER_MESSAGE).map(|c| if c.is_control() { ' ' } else { c }));
        }
        if let Encoding::Unknown(name) = encoding {
            if body.is_empty() {
                message.push_str("; the body cannot be decoded: its Content-Encoding is ");
                message.push_str(&redaction.text(name));
            }
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
        details.from_iap = is_from_iap(headers);
        // Redacted again without JSON's escapes, which may have hidden one more layer of encoding.
        details.code = error_code(&parsed).map(|code| redaction.text(&code));
        details.body = Some(body);
    })
}

/// The other 3xx statuses do not point to another URL.
fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn redirect_message(status: StatusCode, headers: &HeaderMap, route: &Route, redaction: &Redaction) -> String {
    match headers.get(LOCATION).map(|target| String::from_utf8_lossy(target.as_bytes())) {
        Some(target) => format!(
            "{route} redirects to {} (HTTP {}); redirects are not followed, so that the token is sent to no other host",
            redaction.text(&target),
            status.as_u16()
        ),
        None => format!("{route} redirects (HTTP {}) without a Location header", status.as_u16()),
    }
}

/// The error code: `code` in errors of the API, `error` in those of the token endpoint.
fn error_code(body: &Value) -> Option<String> {
    [&body["code"], &body["error"]["code"], &body["error"]].into_iter().find_map(|code| match code {
        Value::String(code) => Some(code.clone()),
        Value::Number(code) => Some(code.to_string()),
        _ => None,
    })
}

fn server_message(body: &Value) -> Option<&str> {
    [&body["message"], &body["error_description"], &body["error"]["message"], &body["detail"], &body["error"]]
        .into_iter()
        .find_map(Value::as_str)
        .filter(|text| !text.is_empty())
}
