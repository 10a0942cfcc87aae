//! Classifies failed exchanges: finds the error kind in the chain of sources, and names the route in the message.

use std::error::Error as StdError;
use std::io::{self, ErrorKind::InvalidData, ErrorKind::InvalidInput, ErrorKind::UnexpectedEof};

use super::connector::{ConnectTimeout, ProxyError};
use super::dial::AllFailed;
use super::interim::TooManyInterim;
use super::pool::SendError;
use super::resolver::LookupFailed;
use super::route::Route;
use super::tls_error;
use super::tunnel::TunnelError;
use crate::error::{Error, ErrorKind, Retry};
use crate::progress::{Step, waiting};

/// A request could not be sent, or no response arrived.
pub(super) fn send_error(error: &SendError, route: &Route) -> Error {
    match error {
        SendError::Connect(error) => connect_error(error.as_ref(), route),
        SendError::Exchange(error) => exchange_error(error.as_ref(), route, "before the response"),
    }
}

/// A response ended early.
pub(super) fn read_error(error: &reqwest::Error, route: &Route) -> Error {
    exchange_error(error, route, "while reading the response")
}

fn connect_error(error: &(dyn StdError + 'static), route: &Route) -> Error {
    let causes = causes(error);
    if let Some(proxy) = find::<ProxyError>(&causes) {
        return proxy_error(proxy);
    }
    let step = waiting::current();
    let (kind, retry, why) = if let Some(lookup) = find::<LookupFailed>(&causes) {
        if lookup.is_exhaustion() {
            let why = format!("the host name {} cannot be looked up: {}", route.next_hop_host(), reason(lookup.io()));
            (ErrorKind::OutOfResources, Retry::Transient, why)
        } else {
            let why = format!("the host name {} was not found: {}", route.next_hop_host(), reason(lookup.io()));
            (ErrorKind::ResolveFailed, Retry::Transient, why)
        }
    } else if let Some(failed) = find::<AllFailed>(&causes).filter(|failed| failed.is_exhaustion()) {
        (ErrorKind::OutOfResources, Retry::Transient, failed.to_string())
    } else if let Some(error) = find::<rustls::Error>(&causes).and_then(tls_error::not_of_tls) {
        (error.kind(), error.details().retry, error.to_string())
    } else if let Some(tls) = find::<rustls::Error>(&causes) {
        // Retrying does not make a certificate valid.
        (ErrorKind::TlsFailed, Retry::Never, tls_message(tls))
    } else if let Some(ConnectTimeout(limit)) = find(&causes) {
        let waited = route.describe(step).map_or_else(String::new, |what| format!(", waiting for {what}"));
        let why = format!("no connection within {} ms (connect_timeout_ms){waited}", limit.as_millis());
        (ErrorKind::ConnectFailed, Retry::Transient, why)
    } else {
        let mut io_errors = causes.iter().filter_map(|cause| cause.downcast_ref::<io::Error>());
        let why = if step == Step::Tls && io_errors.any(|io| io.kind() == UnexpectedEof) {
            "the connection was closed during the TLS handshake".to_owned()
        } else {
            innermost(&causes)
        };
        (ErrorKind::ConnectFailed, Retry::Transient, why)
    };
    error_of(kind, retry, false, format!("cannot connect to {route}: {why}"))
}

fn exchange_error(error: &(dyn StdError + 'static), route: &Route, when: &str) -> Error {
    let causes = causes(error);
    let lost = |why: String| {
        let message = format!("the connection to {route} was lost {when}: {why}");
        (ErrorKind::ConnectionLost, Retry::Transient, message)
    };
    let (kind, retry, message) = if let Some(tls) = find::<rustls::Error>(&causes) {
        let message = format!("the connection to {route} failed {when}: {}", tls_message(tls));
        (ErrorKind::TlsFailed, Retry::Never, message)
    } else if let Some(too_many) = find::<TooManyInterim>(&causes) {
        (ErrorKind::BadHttp, Retry::Never, too_many.to_string())
    } else if let Some(hyper) = find::<hyper::Error>(&causes) {
        // An invalid head is hyper's own parse error; an invalid chunk is an I/O error that did not come from a system call.
        let malformed = || find::<io::Error>(&causes).is_some_and(|io| matches!(io.kind(), InvalidData | InvalidInput));
        // Only the text distinguishes it from hyper's other parse errors.
        if hyper.is_parse() && innermost(&causes) == "message head is too large" {
            let message =
                format!("the response from {route} has more than 100 header lines, or more than 400 KiB of headers");
            (ErrorKind::BadHttp, Retry::Never, message)
        } else if hyper.is_parse() || hyper.is_user() || malformed() {
            let message = format!("the response from {route} is not valid HTTP: {}", innermost(&causes));
            (ErrorKind::BadHttp, Retry::Never, message)
        } else {
            lost(innermost(&causes))
        }
    } else {
        lost(innermost(&causes))
    };
    error_of(kind, retry, true, message)
}

fn error_of(kind: ErrorKind, retry: Retry, sent: bool, message: String) -> Error {
    Error::new(kind, message).with(|details| {
        details.retry = retry;
        details.sent = sent;
    })
}

/// A 407 is an HTTP error whether it refuses a tunnel or a forwarded request. Any other status that refuses a tunnel is a failed
/// connection: it is the proxy's, and must not be mistaken for the server's.
fn proxy_error(error: &ProxyError) -> Error {
    let (kind, http_status, retry_after) = match &error.cause {
        TunnelError::Refused { status: 407, retry_after, .. } => (ErrorKind::Http, Some(407), *retry_after),
        TunnelError::Refused { status, retry_after, .. } => (ErrorKind::ConnectFailed, Some(*status), *retry_after),
        TunnelError::BadHttp(_) => (ErrorKind::BadHttp, None, None),
        TunnelError::Io(_) => (ErrorKind::ConnectFailed, None, None),
    };
    Error::new(kind, error.to_string()).with(|details| {
        details.retry = error.cause.retry();
        (details.http_status, details.retry_after) = (http_status, retry_after);
    })
}

fn tls_message(error: &rustls::Error) -> String {
    format!("TLS failed: {}", tls_error::explain(error))
}

/// The error and its sources, outermost first. `io::Error::source` skips the error that it wraps.
fn causes<'a>(error: &'a (dyn StdError + 'static)) -> Vec<&'a (dyn StdError + 'static)> {
    let mut causes = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        causes.push(error);
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    causes
}

fn find<'a, T: StdError + 'static>(causes: &[&'a (dyn StdError + 'static)]) -> Option<&'a T> {
    causes.iter().find_map(|cause| cause.downcast_ref())
}

fn innermost(causes: &[&(dyn StdError + 'static)]) -> String {
    let Some(last) = causes.last() else { return String::new() };
    last.downcast_ref().map_or_else(|| last.to_string(), reason)
}

/// The text of a system error, for the middle of a sentence.
pub(super) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let text = text.strip_prefix("failed to lookup address information: ").unwrap_or(text);
    // The texts of Windows are sentences.
    let text = text.strip_suffix('.').unwrap_or(text);
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(first), Some(second)) if second.is_lowercase() => {
            first.to_lowercase().chain(text.chars().skip(1)).collect()
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Red without the last step: "connection refused." in the middle of a sentence.
    #[test]
    fn the_text_of_a_system_error_fits_in_a_sentence() {
        for (text, expected) in [
            ("Connection refused (os error 111)", "connection refused"),
            ("Connection refused. (os error 10061)", "connection refused"),
            ("failed to lookup address information: Name or service not known", "name or service not known"),
            ("TLS is broken", "TLS is broken"),
        ] {
            assert_eq!(reason(&io::Error::other(text)), expected);
        }
    }
}
