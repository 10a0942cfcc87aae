//! Fuzz target for the answer of the token endpoint.

use http::HeaderMap;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::auth::parse_token_response;
use crate::clock::Moment;
use crate::error::ErrorKind;
use crate::http::Incoming;
use crate::redact::Redaction;

/// The possible errors, with `#` for a number. None contains anything from the body.
const REASONS: [&str; 8] = [
    "missing field `access_token` at line # column #",
    "missing field `refresh_token` at line # column #",
    "missing field `expires_in` at line # column #",
    "a field has the wrong type (line #, column #)",
    "it is not a JSON object",
    "access_token is empty",
    "refresh_token is empty",
    "access_token has characters that are not allowed in a header",
];

/// A body results in the tokens in it or in one of a few errors. Neither the error nor the `Debug` output of the
/// tokens depends on their values. A valid body is never rejected.
///
/// Red when an array was read as the fields in order: the tokens of an array were accepted.
pub fn token(body: &[u8]) {
    let requested = Moment::now();
    let redaction = Redaction::default();
    let read = |body: &[u8]| {
        let answer = Incoming { status: 200, headers: HeaderMap::new(), body: body.to_vec(), reuse: None };
        parse_token_response(answer, &redaction, 7, requested)
    };
    let parsed = serde_json::from_slice::<Value>(body);
    let is_valid_json = parsed.is_ok();
    let value = parsed.unwrap_or_default();
    let text = |name: &str| value[name].as_str().unwrap_or_default();
    let (access, refresh) = (text("access_token"), text("refresh_token"));
    match read(body) {
        // Rejected by `Value` only in ignored fields.
        Ok(_) if !is_valid_json => {}
        Ok((token, refresh_token)) => {
            assert!(!access.is_empty() && !refresh.is_empty());
            let header = token.header().expect("checked");
            assert!(header.is_sensitive());
            assert_eq!(header.as_bytes(), format!("Bearer {access}").as_bytes());
            assert_eq!(refresh_token.expose_secret(), refresh);
            let others = json!({"access_token": "a", "refresh_token": "r", "expires_in": value["expires_in"]});
            let (other_token, other_refresh_token) = read(others.to_string().as_bytes()).expect("other tokens");
            let shown = format!("{token:?} {header:?} {refresh_token:?}");
            let other = format!("{other_token:?} {:?} {other_refresh_token:?}", other_token.header().expect("checked"));
            assert_eq!(shown, other);
        }
        Err(error) => {
            let details = error.details();
            assert_eq!(error.kind(), ErrorKind::BadResponse);
            assert_eq!((&details.body, &details.code, &details.request_id), (&None, &None, &None));
            assert_eq!(details.url.as_deref(), Some("/auth/oauth/token"));
            let message = details.message.strip_prefix("the token endpoint's answer cannot be used: ");
            let reason = message.map(without_numbers).unwrap_or_default();
            assert!(REASONS.contains(&reason.as_str()), "{}", details.message);
        }
    }
    // The same without duplicate keys, which are rejected.
    let sendable = access.bytes().all(|byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f));
    if !access.is_empty() && !refresh.is_empty() && sendable && value["expires_in"].is_i64() {
        assert!(read(value.to_string().as_bytes()).is_ok(), "{value}");
    }
}

fn without_numbers(text: &str) -> String {
    let mut pattern = String::new();
    for c in text.chars() {
        match c {
            '0'..='9' if pattern.ends_with('#') => {}
            '0'..='9' => pattern.push('#'),
            _ => pattern.push(c),
        }
    }
    pattern
}
