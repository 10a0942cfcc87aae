//! `kal_status`: what every fallible function returns.

use std::ffi::c_char;

use crate::error::{Error, ErrorKind};

/// The outcome of a call. It is an integer and never a C enum, so that a later version may add statuses.
///
/// 0 is success; 1-99 are not failures; 100-199 mean a wrong call, for which nothing was sent; 200-299 are transport
/// failures; 300-399 are failures to sign in; 400-599 are the HTTP status of the API's response; 600-699 mean a
/// response that cannot be used; 900-999 are defects of this library. Numbers are never reused or renumbered.
pub type kal_status = i32;

/// Success.
pub const KAL_OK: i32 = 0;
/// Not a failure: the stream has ended, or a queue that was shut down is empty.
pub const KAL_DONE: i32 = 1;
/// Not a failure, and never with an error: nothing is available yet (`kal_stream_next`, `kal_queue_next`).
pub const KAL_NOT_READY: i32 = 2;

/// An argument is invalid; the message names it.
pub const KAL_INVALID_ARGUMENT: i32 = 100;
/// The handle is none, stale (freed), forged, of another type or of another copy of the library.
pub const KAL_INVALID_HANDLE: i32 = 101;
/// A string argument is not valid UTF-8; the message names it.
pub const KAL_INVALID_UTF8: i32 = 102;
/// The object is not in a state for the call, or no handle is left.
pub const KAL_INVALID_STATE: i32 = 103;
/// Neither the options nor the environment have credentials.
pub const KAL_NO_CREDENTIALS: i32 = 104;
/// A blocking call was made from a callback of the library.
pub const KAL_WOULD_DEADLOCK: i32 = 105;
/// The handle was made in the parent process, before `fork()`; or forks are nested more than 31 deep.
pub const KAL_FORKED: i32 = 106;
/// No method has the name passed to `kal_call` or `kal_submit`.
pub const KAL_UNKNOWN_METHOD: i32 = 107;

/// The host name could not be resolved.
pub const KAL_RESOLVE_FAILED: i32 = 200;
/// No connection to the server or the proxy could be opened. When the proxy refused the tunnel, `http_status` is the
/// status of its response; a 407 (its user and password are wrong) is the status 407 itself.
pub const KAL_CONNECT_FAILED: i32 = 201;
/// TLS failed: the certificate is not trusted, expired or of another host, or the handshake failed.
pub const KAL_TLS_FAILED: i32 = 202;
/// The call ran out of time.
pub const KAL_TIMED_OUT: i32 = 203;
/// The call was cancelled, or its client, stream or queue was closed, or the library was shut down.
pub const KAL_CANCELLED: i32 = 204;
/// The connection was lost before the response was complete.
pub const KAL_CONNECTION_LOST: i32 = 205;
/// The response is larger than `max_response_bytes`, its records need more than twice as much memory, or one record is
/// larger than 8 MiB.
pub const KAL_RESPONSE_TOO_LARGE: i32 = 206;
/// The response is not valid HTTP.
pub const KAL_BAD_HTTP: i32 = 207;
/// The process or the system is out of descriptors (`EMFILE`, `ENFILE`), memory for sockets or threads. Nothing was
/// sent, and the call may succeed once some are free.
pub const KAL_OUT_OF_RESOURCES: i32 = 208;

/// The token endpoint refused to sign in (see `http_status` and `body`), or `iap_token_provider` failed.
pub const KAL_AUTH_FAILED: i32 = 300;

/// HTTP 400.
pub const KAL_BAD_REQUEST: i32 = 400;
/// HTTP 401, also after signing in again.
pub const KAL_UNAUTHORIZED: i32 = 401;
/// HTTP 403.
pub const KAL_FORBIDDEN: i32 = 403;
/// HTTP 404; also a workspace response without a body, and `KAL_CACHE_ONLY` when nothing is cached.
pub const KAL_NOT_FOUND: i32 = 404;
/// HTTP 405.
pub const KAL_METHOD_NOT_ALLOWED: i32 = 405;
/// HTTP 408.
pub const KAL_REQUEST_TIMEOUT: i32 = 408;
/// HTTP 409.
pub const KAL_CONFLICT: i32 = 409;
/// HTTP 410.
pub const KAL_GONE: i32 = 410;
/// HTTP 413.
pub const KAL_CONTENT_TOO_LARGE: i32 = 413;
/// HTTP 422.
pub const KAL_UNPROCESSABLE: i32 = 422;
/// HTTP 429; `retry_after_ms` is the wait that the server asked for, if it did.
pub const KAL_RATE_LIMITED: i32 = 429;
/// HTTP 500.
pub const KAL_SERVER_ERROR: i32 = 500;
/// HTTP 501.
pub const KAL_NOT_IMPLEMENTED: i32 = 501;
/// HTTP 502.
pub const KAL_BAD_GATEWAY: i32 = 502;
/// HTTP 503.
pub const KAL_SERVICE_UNAVAILABLE: i32 = 503;
/// HTTP 504.
pub const KAL_GATEWAY_TIMEOUT: i32 = 504;

/// The response is not what the method needs: not JSON, JSON of another type, also in a field of a record, no body, a
/// `Content-Encoding` other than gzip, a 3xx status, or a redirect (never followed, because it would carry the token to
/// another host; the message has its target). Also a stream whose pages repeat without end.
pub const KAL_BAD_RESPONSE: i32 = 600;

/// A defect of this library: please report it with the message.
pub const KAL_INTERNAL: i32 = 900;
/// A panic in this library, caught before it could unwind into the caller: please report it with the message.
pub const KAL_PANIC: i32 = 901;

/// Returns the name of a status.
///
/// - `status`: any number.
///
/// Returns: a static string such as `"KAL_NOT_FOUND"`, never NULL. A status without a name of its own is
/// `"KAL_HTTP_4XX"` (400 to 499), `"KAL_HTTP_5XX"` (500 to 599) or `"KAL_UNKNOWN_STATUS"`.
///
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn kal_status_name(status: kal_status) -> *const c_char {
    #[expect(clippy::match_overlapping_arm, reason = "the ranges are for what has no name of its own")]
    let name = match status {
        KAL_OK => c"KAL_OK",
        KAL_DONE => c"KAL_DONE",
        KAL_NOT_READY => c"KAL_NOT_READY",
        KAL_INVALID_ARGUMENT => c"KAL_INVALID_ARGUMENT",
        KAL_INVALID_HANDLE => c"KAL_INVALID_HANDLE",
        KAL_INVALID_UTF8 => c"KAL_INVALID_UTF8",
        KAL_INVALID_STATE => c"KAL_INVALID_STATE",
        KAL_NO_CREDENTIALS => c"KAL_NO_CREDENTIALS",
        KAL_WOULD_DEADLOCK => c"KAL_WOULD_DEADLOCK",
        KAL_FORKED => c"KAL_FORKED",
        KAL_UNKNOWN_METHOD => c"KAL_UNKNOWN_METHOD",
        KAL_RESOLVE_FAILED => c"KAL_RESOLVE_FAILED",
        KAL_CONNECT_FAILED => c"KAL_CONNECT_FAILED",
        KAL_TLS_FAILED => c"KAL_TLS_FAILED",
        KAL_TIMED_OUT => c"KAL_TIMED_OUT",
        KAL_CANCELLED => c"KAL_CANCELLED",
        KAL_CONNECTION_LOST => c"KAL_CONNECTION_LOST",
        KAL_RESPONSE_TOO_LARGE => c"KAL_RESPONSE_TOO_LARGE",
        KAL_BAD_HTTP => c"KAL_BAD_HTTP",
        KAL_OUT_OF_RESOURCES => c"KAL_OUT_OF_RESOURCES",
        KAL_AUTH_FAILED => c"KAL_AUTH_FAILED",
        KAL_BAD_REQUEST => c"KAL_BAD_REQUEST",
        KAL_UNAUTHORIZED => c"KAL_UNAUTHORIZED",
        KAL_FORBIDDEN => c"KAL_FORBIDDEN",
        KAL_NOT_FOUND => c"KAL_NOT_FOUND",
        KAL_METHOD_NOT_ALLOWED => c"KAL_METHOD_NOT_ALLOWED",
        KAL_REQUEST_TIMEOUT => c"KAL_REQUEST_TIMEOUT",
        KAL_CONFLICT => c"KAL_CONFLICT",
        KAL_GONE => c"KAL_GONE",
        KAL_CONTENT_TOO_LARGE => c"KAL_CONTENT_TOO_LARGE",
        KAL_UNPROCESSABLE => c"KAL_UNPROCESSABLE",
        KAL_RATE_LIMITED => c"KAL_RATE_LIMITED",
        KAL_SERVER_ERROR => c"KAL_SERVER_ERROR",
        KAL_NOT_IMPLEMENTED => c"KAL_NOT_IMPLEMENTED",
        KAL_BAD_GATEWAY => c"KAL_BAD_GATEWAY",
        KAL_SERVICE_UNAVAILABLE => c"KAL_SERVICE_UNAVAILABLE",
        KAL_GATEWAY_TIMEOUT => c"KAL_GATEWAY_TIMEOUT",
        KAL_BAD_RESPONSE => c"KAL_BAD_RESPONSE",
        KAL_INTERNAL => c"KAL_INTERNAL",
        KAL_PANIC => c"KAL_PANIC",
        400..=499 => c"KAL_HTTP_4XX",
        500..=599 => c"KAL_HTTP_5XX",
        _ => c"KAL_UNKNOWN_STATUS",
    };
    name.as_ptr()
}

/// The status a failure of the client has at the boundary.
pub(in crate::ffi) fn of(error: &Error) -> kal_status {
    match error.kind() {
        ErrorKind::InvalidArgument => KAL_INVALID_ARGUMENT,
        ErrorKind::InvalidUtf8 => KAL_INVALID_UTF8,
        ErrorKind::InvalidHandle => KAL_INVALID_HANDLE,
        ErrorKind::InvalidState => KAL_INVALID_STATE,
        ErrorKind::NoCredentials => KAL_NO_CREDENTIALS,
        ErrorKind::WouldDeadlock => KAL_WOULD_DEADLOCK,
        ErrorKind::Forked => KAL_FORKED,
        ErrorKind::UnknownMethod => KAL_UNKNOWN_METHOD,
        ErrorKind::ResolveFailed => KAL_RESOLVE_FAILED,
        ErrorKind::ConnectFailed => KAL_CONNECT_FAILED,
        ErrorKind::TlsFailed => KAL_TLS_FAILED,
        ErrorKind::TimedOut => KAL_TIMED_OUT,
        ErrorKind::Cancelled => KAL_CANCELLED,
        ErrorKind::ConnectionLost => KAL_CONNECTION_LOST,
        ErrorKind::ResponseTooLarge => KAL_RESPONSE_TOO_LARGE,
        ErrorKind::BadHttp => KAL_BAD_HTTP,
        ErrorKind::OutOfResources => KAL_OUT_OF_RESOURCES,
        ErrorKind::AuthFailed => KAL_AUTH_FAILED,
        ErrorKind::NotFound => KAL_NOT_FOUND,
        ErrorKind::Http => error.http_status().map_or(KAL_BAD_HTTP, kal_status::from),
        ErrorKind::BadResponse => KAL_BAD_RESPONSE,
        ErrorKind::Internal => KAL_INTERNAL,
        ErrorKind::Panic => KAL_PANIC,
    }
}
