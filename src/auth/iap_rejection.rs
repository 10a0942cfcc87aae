//! Tells rejections by the identity-aware proxy, whose token the host provides, from rejections by the server behind it.
//!
//! Google's proxy marks its responses. Other proxies do not, so a response that does not look like the server's own rejection is
//! attributed to the proxy. If that is wrong, it costs one more call of the provider and one more attempt.

use serde_json::Value;

use crate::error::{BODY_LIMIT, Error};

/// For an error of the API. An unmarked 401 is not attributed: it is first taken for the API's own.
pub(crate) fn mark_api_error(error: Error, iap_token: Option<u64>) -> Error {
    let is_of_proxy = match error.http_status() {
        Some(302 | 401 | 403) if error.details().from_iap => true,
        Some(403) => !body(&error).is_object(),
        _ => false,
    };
    if is_of_proxy { mark(error, iap_token) } else { error }
}

/// For an error of the API despite a new access token: then a 401 or 403 can only be about the proxy's token.
pub(crate) fn mark_after_recovery(error: Error, iap_token: Option<u64>) -> Error {
    if matches!(error.http_status(), Some(401 | 403)) {
        mark(error, iap_token)
    } else {
        mark_api_error(error, iap_token)
    }
}

/// For an error of the token endpoint, whose own errors have a code (RFC 6749, section 5.2).
pub(super) fn mark_token_error(error: Error, iap_token: Option<u64>) -> Error {
    let is_of_proxy = match error.http_status() {
        Some(302 | 401 | 403) if error.details().from_iap => true,
        Some(401 | 403) => !body(&error)["error"].is_string(),
        _ => false,
    };
    if is_of_proxy { mark(error, iap_token) } else { error }
}

fn mark(error: Error, iap_token: Option<u64>) -> Error {
    if iap_token.is_none() { error } else { error.with(|details| details.iap_token = iap_token) }
}

fn body(error: &Error) -> Value {
    // A truncated body is not valid JSON; no server sends an error that long.
    let body = error.details().body.as_deref().filter(|body| body.len() < BODY_LIMIT);
    body.and_then(|body| serde_json::from_slice(body).ok()).unwrap_or_default()
}
