//! Parses a proxy URL as curl does, from the environment and from the options alike.

use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use http::header::HeaderValue;
use http::uri::{Authority, PathAndQuery, Scheme};
use percent_encoding::percent_decode;
use secrecy::SecretString;
use url::Host;

use super::Proxy;
use crate::redact::MAX_SECRET_LEN;

/// Proxy schemes of other programs. Only these are quoted in an error: any other text may be part of a password.
const KNOWN_SCHEMES: [&str; 8] = ["socks", "socks4", "socks4a", "socks5", "socks5h", "ftp", "quic", "ws"];
const MAX_SCHEME_LEN: usize = 40;
/// Characters that curl rejects in a host name. The URL parser has its own rules in addition.
const INVALID_IN_HOST: &[u8] = b" \r\n\t/:#?!@{}[]\\$'\"^`*<>=;,()&+";

/// Returns the proxy and the secrets in its URL, or why it is invalid, without quoting it.
pub(super) fn parse(url: &[u8]) -> Result<(Proxy, Vec<SecretString>), String> {
    if url.iter().any(|byte| *byte <= b' ' || *byte == 0x7f) {
        return Err(
            "it contains a space, a line break or another control character; within a password, write them as %20, \
                    %0A and so on"
                .into(),
        );
    }
    let (scheme, rest) = split_scheme(url)?;
    let tls = match scheme {
        None => false,
        Some(scheme) if scheme.eq_ignore_ascii_case(b"http") => false,
        Some(scheme) if scheme.eq_ignore_ascii_case(b"https") => true,
        Some(scheme) => {
            let known = KNOWN_SCHEMES.iter().find(|known| scheme.eq_ignore_ascii_case(known.as_bytes()));
            let hint = known.map_or_else(String::new, |known| format!(", not {known}"));
            return Err(format!("its scheme must be http or https{hint}"));
        }
    };
    let end = rest.iter().position(|byte| b"/?#".contains(byte)).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    let (login, host_port) = match split_at(authority, b'@') {
        Some((login, host_port)) => (Some(login), host_port),
        None => (None, authority),
    };
    if host_port.contains(&b'@') {
        return Err("it contains more than one @; within a user name or password, write it as %40".into());
    }
    let (host, port) = split_port(host_port, scheme.is_some(), if tls { 443 } else { 80 }).map_err(|why| {
        let cut_short = login.is_none() && rest.contains(&b'@');
        let hint = if cut_short { "; within a password, write / as %2F, ? as %3F and # as %23" } else { "" };
        format!("{why}{hint}")
    })?;
    let (authorization, secrets) = login.map(credentials).transpose()?.unzip();
    let uri = uri(tls, &host, port).ok_or("its host is not a valid host name")?;
    Ok((Proxy { uri, host, port, authorization }, secrets.unwrap_or_default()))
}

/// Splits off the scheme, which is followed by a colon and one to three slashes.
fn split_scheme(url: &[u8]) -> Result<(Option<&[u8]>, &[u8]), String> {
    let is_in_scheme = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    let len = url.iter().take_while(|byte| is_in_scheme(byte)).count();
    let slashes = url[len..].strip_prefix(b":").map_or(0, |rest| rest.iter().take_while(|byte| **byte == b'/').count());
    match slashes {
        _ if !(1..=MAX_SCHEME_LEN).contains(&len) => Ok((None, url)),
        0 => Ok((None, url)),
        1..=3 => Ok((Some(&url[..len]), &url[len + 1 + slashes..])),
        _ => Err("it has too many slashes: http://host:port is expected".into()),
    }
}

fn split_at(text: &[u8], byte: u8) -> Option<(&[u8], &[u8])> {
    let at = memchr::memchr(byte, text)?;
    Some((&text[..at], &text[at + 1..]))
}

/// Parses `host:port`.
fn split_port(host_port: &[u8], has_scheme: bool, default_port: u16) -> Result<(Host, u16), &'static str> {
    let end = if host_port.starts_with(b"[") {
        memchr::memchr(b']', host_port).ok_or("its host has no ] at the end")? + 1
    } else {
        memchr::memchr(b':', host_port).unwrap_or(host_port.len())
    };
    let (host, port) = host_port.split_at(end);
    if host.is_empty() {
        return Err("it has no host: http://host:port is expected");
    }
    let is_name = !host.starts_with(b"[");
    if is_name && host.iter().any(|byte| INVALID_IN_HOST.contains(byte)) {
        return Err("its host is not a valid host name");
    }
    let host = std::str::from_utf8(host)
        .ok()
        .and_then(|host| Host::parse(host).ok())
        .ok_or("its host is not a valid host name")?;
    let port = match port {
        b"" => default_port,
        b":" if has_scheme => default_port,
        [b':', digits @ ..] if digits.iter().all(u8::is_ascii_digit) => std::str::from_utf8(digits)
            .ok()
            .and_then(|digits| u16::from_str(digits).ok())
            .filter(|port| *port != 0)
            .ok_or("its port is not a number from 1 to 65535")?,
        _ => return Err("its port is not a number from 1 to 65535"),
    };
    Ok((host, port))
}

/// Returns the value of `Proxy-Authorization`, and the secrets in it.
fn credentials(login: &[u8]) -> Result<(HeaderValue, Vec<SecretString>), String> {
    let (user, password) = split_at(login, b':').unwrap_or((login, b""));
    let [user, password] = [user, password].map(|part| percent_decode(part).collect::<Vec<u8>>());
    if user.iter().chain(&password).any(|byte| *byte < b' ') {
        return Err("its user name or password contains a control character".into());
    }
    if user.len() > MAX_SECRET_LEN || password.len() > MAX_SECRET_LEN {
        return Err(format!("its user name or password is longer than {MAX_SECRET_LEN} bytes"));
    }
    let basic = STANDARD.encode([&user[..], b":", &password].concat());
    let mut header = HeaderValue::from_str(&format!("Basic {basic}"))
        .map_err(|_| "its user name or password is not a valid header value")?;
    header.set_sensitive(true);
    // A user name without a password is an API key.
    let secret = if password.is_empty() { user } else { password };
    let secrets = [String::from_utf8_lossy(&secret).into_owned(), basic];
    Ok((header, secrets.into_iter().filter(|secret| !secret.is_empty()).map(SecretString::from).collect()))
}

fn uri(tls: bool, host: &Host, port: u16) -> Option<Uri> {
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(if tls { Scheme::HTTPS } else { Scheme::HTTP });
    parts.authority = Some(Authority::from_str(&format!("{host}:{port}")).ok()?);
    parts.path_and_query = Some(PathAndQuery::from_static("/"));
    Uri::from_parts(parts).ok()
}
