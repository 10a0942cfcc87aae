//! What a failed exchange was: the kind is found in the chain of causes, and told with whom it was and what for.

use std::error::Error as StdError;
use std::io::{self, ErrorKind::InvalidData, ErrorKind::InvalidInput, ErrorKind::UnexpectedEof};

use super::connect::{NotInTime, ProxyFailed};
use super::handshake;
use super::interim::TooManyInterim;
use super::peer::Peer;
use super::pooled::Failed;
use super::resolver::LookupFailed;
use super::tunnel::NoTunnel;
use super::waiting::{self, Step};
use crate::error::{Error, ErrorKind, Retry};

/// What kept a request from being sent or its answer from coming.
pub(super) fn sending(failed: &Failed, peer: &Peer) -> Error {
    match failed {
        Failed::Connecting(error) => connecting(error.as_ref(), peer),
        Failed::Sending(error) => exchanging(error.as_ref(), peer, "before its answer"),
    }
}

/// What cut an answer short.
pub(super) fn reading(error: &reqwest::Error, peer: &Peer) -> Error {
    exchanging(error, peer, "within its answer")
}

fn connecting(error: &(dyn StdError + 'static), peer: &Peer) -> Error {
    let causes = causes(error);
    if let Some(proxy) = find::<ProxyFailed>(&causes) {
        return no_tunnel(proxy);
    }
    let step = waiting::current();
    let (kind, retry, why) = if let Some(lookup) = find::<LookupFailed>(&causes) {
        let why = format!("the host name {} was not found: {}", peer.contact_host(), reason(lookup.io()));
        (ErrorKind::ResolveFailed, Retry::Transient, why)
    } else if let Some(tls) = find::<rustls::Error>(&causes) {
        // A certificate does not become good by asking again.
        (ErrorKind::TlsFailed, Retry::Never, tls_failed(tls))
    } else if let Some(NotInTime(limit)) = find(&causes) {
        let waited = step.words(peer).map_or_else(String::new, |what| format!(", waiting for {what}"));
        let why = format!("no connection within {} ms (connect_timeout_ms){waited}", limit.as_millis());
        (ErrorKind::ConnectFailed, Retry::Transient, why)
    } else {
        let mut systems = causes.iter().filter_map(|cause| cause.downcast_ref::<io::Error>());
        let why = if step == Step::Tls && systems.any(|io| io.kind() == UnexpectedEof) {
            "the connection was closed during the TLS handshake".to_owned()
        } else {
            innermost(&causes)
        };
        (ErrorKind::ConnectFailed, Retry::Transient, why)
    };
    describe(kind, retry, false, format!("cannot connect to {peer}: {why}"))
}

fn exchanging(error: &(dyn StdError + 'static), peer: &Peer, when: &str) -> Error {
    let causes = causes(error);
    let lost = |why: String| {
        let message = format!("the connection to {peer} was lost {when}: {why}");
        (ErrorKind::ConnectionLost, Retry::Transient, message)
    };
    let (kind, retry, message) = if let Some(tls) = find::<rustls::Error>(&causes) {
        let message = format!("the connection to {peer} failed {when}: {}", tls_failed(tls));
        (ErrorKind::TlsFailed, Retry::Never, message)
    } else if let Some(endless) = find::<TooManyInterim>(&causes) {
        (ErrorKind::BadHttp, Retry::Never, endless.to_string())
    } else if let Some(hyper) = find::<hyper::Error>(&causes) {
        // The header is a parse error of hyper's own, a chunk that is none is an I/O error that no system call gave.
        let malformed = || find::<io::Error>(&causes).is_some_and(|io| matches!(io.kind(), InvalidData | InvalidInput));
        // hyper tells it apart from other parse errors by its text alone.
        if hyper.is_parse() && innermost(&causes) == "message head is too large" {
            let message =
                format!("the answer of {peer} has more than 100 header lines, or a head of more than 400 KiB");
            (ErrorKind::BadHttp, Retry::Never, message)
        } else if hyper.is_parse() || hyper.is_user() || malformed() {
            let message = format!("the answer of {peer} is no HTTP: {}", innermost(&causes));
            (ErrorKind::BadHttp, Retry::Never, message)
        } else {
            lost(innermost(&causes))
        }
    } else {
        lost(innermost(&causes))
    };
    describe(kind, retry, true, message)
}

fn describe(kind: ErrorKind, retry: Retry, sent: bool, message: String) -> Error {
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

fn tls_failed(error: &rustls::Error) -> String {
    format!("TLS failed: {}", handshake::words(error))
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
    let Some(last) = causes.last() else { return String::new() };
    last.downcast_ref().map_or_else(|| last.to_string(), reason)
}

/// An error of the system as the system calls it, in the middle of a sentence.
pub(super) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let text = text.strip_prefix("failed to lookup address information: ").unwrap_or(text);
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(first), Some(second)) if second.is_lowercase() => {
            first.to_lowercase().chain(text.chars().skip(1)).collect()
        }
        _ => text.to_owned(),
    }
}
