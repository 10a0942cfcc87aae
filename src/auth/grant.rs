//! The two OAuth token requests (RFC 6749) and their response.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use super::Token;
use crate::clock::Moment;
use crate::error::{Error, ErrorKind, Result};
use crate::http::{Incoming, Outgoing, Purpose};
use crate::not_json;
use crate::progress::Tracking;
use crate::records;
use crate::redact::{MAX_SECRET_LEN, Redaction};

pub(super) const METHOD: &str = "POST";
pub(super) const PATH: &str = "/auth/oauth/token";
const MAX_RESPONSE_LEN: usize = 64 * 1024;

/// The body of a token request; zeroized on drop.
pub(super) struct Form(Bytes);

pub(super) fn client_credentials(id: &str, secret: &SecretString) -> Form {
    form(&[("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret.expose_secret())])
}

pub(super) fn refresh(token: &SecretString) -> Form {
    form(&[("grant_type", "refresh_token"), ("refresh_token", token.expose_secret())])
}

fn form(fields: &[(&str, &str)]) -> Form {
    // Enough for every byte to be escaped: reallocating would leave copies behind.
    let capacity = fields.iter().map(|(name, value)| name.len() + 3 * value.len() + 2).sum();
    let mut text = Zeroizing::new(String::with_capacity(capacity));
    for (name, value) in fields {
        if !text.is_empty() {
            text.push('&');
        }
        text.push_str(name);
        text.push('=');
        text.extend(url::form_urlencoded::byte_serialize(value.as_bytes()));
    }
    Form(Bytes::from_owner(Owned(text)))
}

/// Lets `Bytes` own the zeroized string.
struct Owned(Zeroizing<String>);

impl AsRef<[u8]> for Owned {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl Form {
    pub(super) fn outgoing<'a>(&self, iap: Option<HeaderValue>, tracking: &'a Tracking) -> Outgoing<'a> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        if let Some(iap) = iap {
            headers.insert(AUTHORIZATION, iap);
        }
        Outgoing {
            purpose: Purpose::SignIn,
            method: Method::POST,
            path: PATH,
            headers,
            body: Some(self.0.clone()),
            cap: MAX_RESPONSE_LEN,
            tracking,
            on_body: None,
        }
    }
}

/// Turns an error response of the token endpoint into `AuthFailed`. Connection errors, and a proxy's 407, stay what they are.
pub(super) fn into_auth_error(error: Error) -> Error {
    if error.kind() != ErrorKind::Http || error.http_status() == Some(407) {
        return error;
    }
    error.with(|details| {
        details.kind = ErrorKind::AuthFailed;
        details.message = format!("sign-in failed: {}", details.message);
    })
}

#[derive(Deserialize)]
struct TokenResponse {
    access_token: SecretString,
    refresh_token: SecretString,
    #[serde(deserialize_with = "seconds")]
    expires_in: u64,
}

/// Parses a 2xx response to a request sent at `requested_at`. The body is never part of an error: it may contain tokens.
pub(crate) fn parse_token_response(
    response: Incoming,
    redaction: &Redaction,
    generation: u64,
    requested_at: Moment,
) -> Result<(Token, SecretString)> {
    let request_id = response.request_id(redaction);
    let content_type = not_json::foreign_type(&response.headers, redaction);
    let content_type = content_type.map_or_else(String::new, |name| format!("; its Content-Type is {name}"));
    let body = Zeroizing::new(response.body);
    let unusable = |why: String| {
        Error::new(ErrorKind::BadResponse, format!("the token endpoint's answer cannot be used: {why}{content_type}"))
            .with(|details| {
                details.http_status = Some(response.status);
                details.request_id.clone_from(&request_id);
                details.method = Some(METHOD);
                details.url = Some(PATH.into());
                details.sent = true;
            })
    };
    // serde would accept an array of the fields in their order.
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err(unusable("it is not a JSON object".into()));
    }
    let parsed: TokenResponse = serde_json::from_slice(&body).map_err(|error| unusable(reason(&error)))?;
    for (name, token) in [("access_token", &parsed.access_token), ("refresh_token", &parsed.refresh_token)] {
        if token.expose_secret().is_empty() {
            return Err(unusable(format!("{name} is empty")));
        }
        if token.expose_secret().len() > MAX_SECRET_LEN {
            return Err(unusable(format!("{name} is longer than {MAX_SECRET_LEN} bytes")));
        }
    }
    let token = Token::new(parsed.access_token, generation, Duration::from_secs(parsed.expires_in), requested_at);
    if token.header().is_none() {
        return Err(unusable("access_token has characters that are not allowed in a header".into()));
    }
    Ok((token, parsed.refresh_token))
}

/// serde quotes unexpected values, which may be tokens: only messages that quote no value are used.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if text.starts_with("missing field") {
        return text;
    }
    match error.classify() {
        serde_json::error::Category::Data => {
            format!("a field has the wrong type (line {}, column {})", error.line(), error.column())
        }
        _ => "it is not a JSON object".into(),
    }
}

/// Accepts what the Python client does: an integer, a float with an integral value, or a string of either. Negative values are 0.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<u64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Seconds {
        Whole(i64),
        Float(f64),
        Text(String),
    }
    let invalid = || serde::de::Error::custom("expires_in");
    let whole = match Seconds::deserialize(deserializer)? {
        Seconds::Whole(seconds) => seconds,
        #[expect(clippy::cast_possible_truncation, reason = "checked to be integral and in range")]
        Seconds::Float(seconds) if seconds.fract() == 0.0 && seconds.abs() < 1e15 => seconds as i64,
        Seconds::Float(_) => return Err(invalid()),
        Seconds::Text(text) => records::int_from_text(text.as_bytes()).ok_or_else(invalid)?,
    };
    Ok(u64::try_from(whole).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &str) -> Result<(Token, SecretString)> {
        let incoming = Incoming { status: 200, headers: HeaderMap::new(), body: body.as_bytes().to_vec(), reuse: None };
        parse_token_response(incoming, &Redaction::default(), 0, Moment::now())
    }

    #[test]
    fn expires_in_has_three_forms() {
        for seconds in ["3600", "3600.0", "\"3600\"", "\" 3600 \"", "\"3600.0\""] {
            let body = format!(r#"{{"access_token":"a","refresh_token":"r","expires_in":{seconds},"more":1}}"#);
            assert!(parse(&body).is_ok(), "{seconds}");
        }
        for seconds in ["null", "3600.5", "\"x\"", "[]", "1e300"] {
            let body = format!(r#"{{"access_token":"a","refresh_token":"r","expires_in":{seconds}}}"#);
            assert_eq!(parse(&body).expect_err(seconds).kind(), ErrorKind::BadResponse);
        }
    }

    #[test]
    fn a_parse_error_names_the_field_and_shows_no_token() {
        let cases = [
            (r#"{"access_token":"canary-1","expires_in":1}"#, "missing field `refresh_token`"),
            (r#"{"access_token":"canary-1","refresh_token":7,"expires_in":1}"#, "a field has the wrong type"),
            (
                r#"{"access_token":"canary-1","refresh_token":"canary-2","expires_in":"canary-3"}"#,
                "a field has the wrong type",
            ),
            (r#"{"access_token":"canary-1\n","refresh_token":"r","expires_in":1}"#, "access_token has characters"),
            (r#"{"access_token":"","refresh_token":"r","expires_in":1}"#, "access_token is empty"),
            (r#"{"access_token":"canary-1","#, "not a JSON object"),
            ("<html>canary</html>", "not a JSON object"),
            ("", "not a JSON object"),
            (r#"["canary-1","canary-2",3600]"#, "not a JSON object"),
        ];
        for (body, expected) in cases {
            let error = parse(body).expect_err(body);
            assert!(error.to_string().contains(expected), "{error}");
            assert!(!format!("{error:?}").contains("canary"), "{error:?}");
        }
    }

    /// Red without a limit: tokens of any length are accepted.
    #[test]
    fn a_token_over_the_limit_is_rejected_by_name() {
        let longest = "t".repeat(MAX_SECRET_LEN);
        let of = |access: &str, refresh: &str| {
            parse(&format!(r#"{{"access_token":"{access}","refresh_token":"{refresh}","expires_in":1}}"#))
        };
        assert!(of(&longest, &longest).is_ok());
        let too_long = format!("{longest}t");
        for (access, refresh, name) in [(&too_long, &longest, "access_token"), (&longest, &too_long, "refresh_token")] {
            let error = of(access, refresh).expect_err(name);
            assert_eq!(error.kind(), ErrorKind::BadResponse);
            assert!(error.to_string().ends_with(&format!("{name} is longer than 16384 bytes")), "{error}");
        }
    }

    #[test]
    fn the_form_is_urlencoded() {
        let form = client_credentials("my-client-id", &"my secret+/=&é".to_owned().into());
        let expected = "grant_type=client_credentials&client_id=my-client-id&client_secret=my+secret%2B%2F%3D%26%C3%A9";
        assert_eq!(&form.0[..], expected.as_bytes());
    }
}
