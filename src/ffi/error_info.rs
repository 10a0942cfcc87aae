//! What a `kal_error` stands for: everything known about a failure, as C reads it.

use std::ffi::c_char;
use std::fmt::Write;
use std::ptr;
use std::sync::{Arc, OnceLock};

use serde_json::Value;

use super::kit::guard::ErrorHandle;
use super::kit::handles::{self, handle};
use super::kit::status::{self, kal_status};
use super::types::kal_error;
use crate::error::{Error, Result};

/// The details of a failed call. All strings belong to the error.
///
/// `attempts`, `method`, `url` and the fields of the response are those of the request that failed, or that was in
/// progress when the call timed out or was cancelled. That is the token request while the call has no token; `message`
/// then names the call's own request as well. Calls that share a request report the same one.
///
/// May grow at its end: use it through the pointer, and do not depend on its size.
#[repr(C)]
pub struct kal_error_info {
    /// The status that the call returned.
    pub status: kal_status,
    /// The status of the response, if its head was received, even if its body was not; else 0.
    pub http_status: i32,
    /// The number of attempts of that request, those that got no connection included; 1 without a retry, 0 if none was
    /// made.
    pub attempts: i32,
    /// Whether the same call may succeed later. False for a write (`kal_request`) that may have been carried out.
    pub retryable: bool,
    /// The wait that the server asked for (`Retry-After`), in milliseconds, at most 136 years; -1 if it did not. A date
    /// is relative to the `Date` of the response, or else to the present.
    pub retry_after_ms: i64,
    /// One English sentence without secrets. Never NULL.
    pub message: *const c_char,
    /// The HTTP method, such as `"GET"`; NULL if no attempt was made.
    pub method: *const c_char,
    /// Path and query, secrets redacted; NULL if no attempt was made.
    pub url: *const c_char,
    /// The server's own error code, if the body has one; else NULL.
    pub code: *const c_char,
    /// The request id from the response headers, if any; else NULL.
    pub request_id: *const c_char,
    /// The response body, NUL-terminated, up to 64 KiB; NULL if there was none. The client's secrets are redacted, and
    /// so are their beginnings from 8 bytes on. The body of an error is read for at most a second.
    pub body: *const c_char,
    /// The length of `body` in bytes, without the NUL.
    pub body_len: usize,
}

/// An error as C reads it.
pub(super) struct ErrorText {
    pub(super) info: kal_error_info,
    /// What `info` points to.
    _texts: Vec<Box<[u8]>>,
    error: Error,
    /// Made when it is first read.
    json: OnceLock<Box<[u8]>>,
}

// SAFETY: `info` is never written after it was made, and what it points to is in `_texts` and does not move.
unsafe impl Send for ErrorText {}
// SAFETY: as above.
unsafe impl Sync for ErrorText {}

impl ErrorText {
    fn new(error: &Error) -> Self {
        let details = error.details();
        let mut texts = Vec::new();
        let mut store = |text: Option<&[u8]>| {
            let Some(text) = text else { return ptr::null() };
            let text = nul_terminated(text);
            let pointer = text.as_ptr().cast::<c_char>();
            texts.push(text);
            pointer
        };
        let message = store(Some(details.message.as_bytes()));
        let method = store(details.method.map(str::as_bytes));
        let url = store(details.url.as_ref().map(String::as_bytes));
        let code = store(details.code.as_ref().map(String::as_bytes));
        let request_id = store(details.request_id.as_ref().map(String::as_bytes));
        let body = store(details.body.as_deref());
        let info = kal_error_info {
            status: status::of(error),
            http_status: details.http_status.map_or(0, i32::from),
            attempts: i32::try_from(details.attempts).unwrap_or(i32::MAX),
            retryable: error.is_retryable(),
            retry_after_ms: details.retry_after.map_or(-1, |wait| i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)),
            message,
            method,
            url,
            code,
            request_id,
            body,
            body_len: details.body.as_ref().map_or(0, Vec::len),
        };
        Self { info, _texts: texts, error: error.clone(), json: OnceLock::new() }
    }

    /// The details as JSON text, with a terminating NUL.
    pub(super) fn json_with_nul(&self) -> &[u8] {
        self.json.get_or_init(|| self.to_json())
    }

    #[cold]
    fn to_json(&self) -> Box<[u8]> {
        // By name, so that a field that is added does not compile before it is in the JSON, too.
        let kal_error_info {
            status,
            http_status,
            attempts,
            retryable,
            retry_after_ms,
            message: _,
            method: _,
            url: _,
            code: _,
            request_id: _,
            body: _,
            body_len,
        } = self.info;
        let details = self.error.details();
        let mut json = format!(
            r#"{{"status":{status},"http_status":{http_status},"attempts":{attempts},"retryable":{retryable},"retry_after_ms":{retry_after_ms}"#
        );
        let body = details.body.as_deref().map(String::from_utf8_lossy);
        for (name, text) in [
            ("message", Some(details.message.as_str())),
            ("method", details.method),
            ("url", details.url.as_deref()),
            ("code", details.code.as_deref()),
            ("request_id", details.request_id.as_deref()),
            ("body", body.as_deref()),
        ] {
            // Writing to a string does not fail.
            let _ = write!(json, ",\"{name}\":{}", text.map_or(Value::Null, Value::from));
        }
        let _ = write!(json, ",\"body_len\":{body_len}}}");
        nul_terminated(json.as_bytes())
    }
}

fn nul_terminated(text: &[u8]) -> Box<[u8]> {
    let mut bytes = Vec::with_capacity(text.len() + 1);
    bytes.extend_from_slice(text);
    bytes.push(0);
    bytes.into_boxed_slice()
}

handle!(kal_error, 3, ErrorText);

impl ErrorHandle for kal_error {
    fn open(error: &Error) -> Result<Self> {
        handles::insert(Arc::new(ErrorText::new(error)))
    }
}

#[cfg(all(test, not(kal_loom)))]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    /// Red with the body copied as it is: the text is not UTF-8.
    #[test]
    fn json_of_an_error_is_utf8_whatever_the_body_is() {
        let error =
            Error::new(ErrorKind::BadResponse, "a \"b\"").with(|details| details.body = Some(b"caf\xe9\0\n".to_vec()));
        let text = ErrorText::new(&error);
        let json = std::str::from_utf8(text.json_with_nul()).expect("UTF-8");
        assert!(json.contains(r#""message":"a \"b\"""#), "{json}");
        assert!(json.ends_with("\"body\":\"caf\u{FFFD}\\u0000\\n\",\"body_len\":6}\0"), "{json}");
    }
}
