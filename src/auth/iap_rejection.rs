//! Who refused: the identity-aware proxy in front, whose token the host gives, or the server behind it.
//!
//! Google's proxy marks its answers. Others do not, so what is not the server's own way to refuse is taken for theirs: that costs
//! one more call of the host's function, and one more try.

use serde_json::Value;

use crate::error::{BODY_LIMIT, Error};

/// An error of the API. A 401 without a mark is first taken for the API's own, and says nothing.
pub(crate) fn of_api(error: Error, iap_token: Option<u64>) -> Error {
    let is_of_proxy = match error.http_status() {
        Some(302 | 401 | 403) if error.details().from_iap => true,
        Some(403) => !body(&error).is_object(),
        _ => false,
    };
    if is_of_proxy { mark(error, iap_token) } else { error }
}

/// What refused a call even with a new token: nothing else is left.
pub(crate) fn after_recovery(error: Error, iap_token: Option<u64>) -> Error {
    if matches!(error.http_status(), Some(401 | 403)) { mark(error, iap_token) } else { of_api(error, iap_token) }
}

/// An error of the token endpoint, whose own refusals have a code (RFC 6749, 5.2).
pub(super) fn of_token_endpoint(error: Error, iap_token: Option<u64>) -> Error {
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
    // One that was cut is no JSON; no server refuses at such length.
    let body = error.details().body.as_deref().filter(|body| body.len() < BODY_LIMIT);
    body.and_then(|body| serde_json::from_slice(body).ok()).unwrap_or_default()
}
