//! What a failed exchange was: the kind is found in the chain of causes.

use std::error::Error as StdError;
use std::io::{self, ErrorKind::InvalidData, ErrorKind::InvalidInput};

use super::connect::{NotInTime, ProxyFailed};
use super::interim::TooManyInterim;
use super::pool::Failed;
use super::resolver::LookupFailed;
use super::tunnel::NoTunnel;
use crate::error::{Error, ErrorKind, Retry};

/// What kept a request from being sent or its answer from coming.
pub(super) fn sending(failed: &Failed) -> Error {
    match failed {
        Failed::Connecting(error) => classify(error.as_ref(), false, "no connection"),
        Failed::Sending(error) => classify(error, true, "the request cannot be made"),
    }
}

/// What cut an answer short.
pub(super) fn reading(error: &hyper::Error) -> Error {
    classify(error, true, "the answer cannot be read")
}

fn classify(error: &(dyn StdError + 'static), sent: bool, otherwise: &str) -> Error {
    let causes = causes(error);
    if let Some(proxy) = find::<ProxyFailed>(&causes) {
        return no_tunnel(proxy);
    }
    let (kind, retry, message) = if let Some(lookup) = find::<LookupFailed>(&causes) {
        (ErrorKind::ResolveFailed, Retry::Transient, format!("the host's name was not found: {lookup}"))
    } else if let Some(tls) = find::<rustls::Error>(&causes) {
        // A certificate does not become good by asking again.
        (ErrorKind::TlsFailed, Retry::Never, format!("TLS failed: {tls}"))
    } else if !sent {
        let reason = match find::<NotInTime>(&causes) {
            Some(late) => late.to_string(),
            None => format!("no connection: {}", innermost(&causes)),
        };
        (ErrorKind::ConnectFailed, Retry::Transient, reason)
    } else if let Some(endless) = find::<TooManyInterim>(&causes) {
        (ErrorKind::BadHttp, Retry::Never, endless.to_string())
    } else if let Some(hyper) = find::<hyper::Error>(&causes) {
        // The header is a parse error of hyper's own, a chunk that is none is an I/O error that no system call gave.
        let malformed = || find::<io::Error>(&causes).is_some_and(|io| matches!(io.kind(), InvalidData | InvalidInput));
        if hyper.is_parse() || hyper.is_user() || malformed() {
            (ErrorKind::BadHttp, Retry::Never, format!("this is no HTTP: {}", innermost(&causes)))
        } else {
            (ErrorKind::ConnectionLost, Retry::Transient, format!("the connection was lost: {}", innermost(&causes)))
        }
    } else if let Some(io) = find::<io::Error>(&causes) {
        (ErrorKind::ConnectionLost, Retry::Transient, format!("the connection was lost: {io}"))
    } else {
        (ErrorKind::BadHttp, Retry::Never, format!("{otherwise}: {}", innermost(&causes)))
    };
    Error::new(kind, message).with(|details| {
        details.retry = retry;
        details.sent = sent;
    })
}

/// A 407 is one whether a proxy was asked for a tunnel or for an answer. Any other refusal is the proxy's own: that it has the
/// number of one of the server's must not make it look like one.
fn no_tunnel(proxy: &ProxyFailed) -> Error {
    let (kind, http_status, retry_after) = match &proxy.why {
        NoTunnel::Refused { status: 407, retry_after, .. } => (ErrorKind::Http, Some(407), *retry_after),
        NoTunnel::Refused { status, retry_after, .. } => (ErrorKind::ConnectFailed, Some(*status), *retry_after),
        NoTunnel::BadHttp(_) => (ErrorKind::BadHttp, None, None),
        NoTunnel::Lost(_) => (ErrorKind::ConnectFailed, None, None),
    };
    Error::new(kind, proxy.to_string()).with(|details| {
        details.retry = proxy.why.retry();
        (details.http_status, details.retry_after) = (http_status, retry_after);
    })
}

/// The error and what caused it, outermost first. An `io::Error` hides the error it was made of from `source`.
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
    causes.last().map_or_else(String::new, ToString::to_string)
}
