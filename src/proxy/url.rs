//! A proxy's URL, read as curl reads it: from the environment and from the options alike.

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
use crate::transport::MAX_SECRET_LEN;

/// Schemes that proxies have elsewhere. Only these are named in a refusal: what else is there may be a part of a password.
const KNOWN_SCHEMES: [&str; 8] = ["socks", "socks4", "socks4a", "socks5", "socks5h", "ftp", "quic", "ws"];
const MAX_SCHEME_LEN: usize = 40;
/// What a host name does not have, by curl's rule. The URL parser has rules of its own besides.
const NOT_IN_A_HOST: &[u8] = b" \r\n\t/:#?!@{}[]\\$'\"^`*<>=;,()&+";

/// The proxy, and the secrets in its URL; or why it is none, without quoting it.
pub(super) fn parse(url: &[u8]) -> Result<(Proxy, Vec<SecretString>), String> {
    if url.iter().any(|byte| *byte <= b' ' || *byte == 0x7f) {
        return Err(
            "it has a space, a line break or another control character; within a password they are written as %20, \
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
            let told = known.map_or_else(String::new, |known| format!(", not {known}"));
            return Err(format!("its scheme must be http or https{told}"));
        }
    };
    let end = rest.iter().position(|byte| b"/?#".contains(byte)).unwrap_or(rest.len());
    let (authority, behind) = rest.split_at(end);
    let (login, place) = match split_at(authority, b'@') {
        Some((login, place)) => (Some(login), place),
        None => (None, authority),
    };
    if place.contains(&b'@') {
        return Err("it has more than one @; within a user name or password it is written as %40".into());
    }
    let (host, port) = place_of(place, scheme.is_some(), if tls { 443 } else { 80 }).map_err(|why| {
        let cut_short = login.is_none() && behind.contains(&b'@');
        let hint = if cut_short { "; within a password / is written as %2F, ? as %3F and # as %23" } else { "" };
        format!("{why}{hint}")
    })?;
    let (authorization, secrets) = login.map(credentials).transpose()?.unzip();
    let uri = uri(tls, &host, port).ok_or("its host is no host name")?;
    Ok((Proxy { uri, host, port, authorization }, secrets.unwrap_or_default()))
}

/// What is before a colon and a slash. One to three slashes may be there.
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

/// The host and the port.
fn place_of(place: &[u8], has_scheme: bool, default_port: u16) -> Result<(Host, u16), &'static str> {
    let end = if place.starts_with(b"[") {
        memchr::memchr(b']', place).ok_or("its host has no ] at the end")? + 1
    } else {
        memchr::memchr(b':', place).unwrap_or(place.len())
    };
    let (host, port) = place.split_at(end);
    if host.is_empty() {
        return Err("it has no host: http://host:port is expected");
    }
    let is_name = !host.starts_with(b"[");
    if is_name && host.iter().any(|byte| NOT_IN_A_HOST.contains(byte)) {
        return Err("its host is no host name");
    }
    let host =
        std::str::from_utf8(host).ok().and_then(|host| Host::parse(host).ok()).ok_or("its host is no host name")?;
    let port = match port {
        b"" => default_port,
        b":" if has_scheme => default_port,
        [b':', digits @ ..] if digits.iter().all(u8::is_ascii_digit) => std::str::from_utf8(digits)
            .ok()
            .and_then(|digits| u16::from_str(digits).ok())
            .filter(|port| *port != 0)
            .ok_or("its port is no number from 1 to 65535")?,
        _ => return Err("its port is no number from 1 to 65535"),
    };
    Ok((host, port))
}

/// The header that a proxy is told its user and password in, and what of it must not be shown.
fn credentials(login: &[u8]) -> Result<(HeaderValue, Vec<SecretString>), String> {
    let (user, password) = split_at(login, b':').unwrap_or((login, b""));
    let [user, password] = [user, password].map(|part| percent_decode(part).collect::<Vec<u8>>());
    if user.iter().chain(&password).any(|byte| *byte < b' ') {
        return Err("its user name or password has a control character".into());
    }
    if user.len() > MAX_SECRET_LEN || password.len() > MAX_SECRET_LEN {
        return Err(format!("its user name or password is longer than {MAX_SECRET_LEN} bytes"));
    }
    let basic = STANDARD.encode([&user[..], b":", &password].concat());
    let mut header = HeaderValue::from_str(&format!("Basic {basic}")).map_err(|_| "its password cannot be sent")?;
    header.set_sensitive(true);
    // A user without a password is a key.
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
