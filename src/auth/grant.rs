//! The two token requests, and what comes back.

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
use crate::http::{Incoming, Outgoing};
use crate::not_json;
use crate::records;
use crate::redact::{MAX_SECRET_LEN, Redaction};
use crate::retry::Tracking;

pub(super) const PATH: &str = "/auth/oauth/token";
const ANSWER_CAP: usize = 64 * 1024;

/// The body of a token request; wiped when dropped.
pub(super) struct Form(Bytes);

pub(super) fn client_credentials(id: &str, secret: &SecretString) -> Form {
    form(&[("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret.expose_secret())])
}

pub(super) fn refresh(token: &SecretString) -> Form {
    form(&[("grant_type", "refresh_token"), ("refresh_token", token.expose_secret())])
}

fn form(fields: &[(&str, &str)]) -> Form {
    // Long enough for every byte to be escaped: growing would leave copies behind.
    let room = fields.iter().map(|(name, value)| name.len() + 3 * value.len() + 2).sum();
    let mut text = Zeroizing::new(String::with_capacity(room));
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
            method: Method::POST,
            path: PATH,
            headers,
            body: Some(self.0.clone()),
            cap: ANSWER_CAP,
            tracking,
            on_body: None,
        }
    }
}

/// An answer of the token endpoint that is an error is a refusal; what the connection did, and a proxy that wants another password,
/// stay what they were.
pub(super) fn refused(error: Error) -> Error {
    if error.kind() != ErrorKind::Http || error.http_status() == Some(407) {
        return error;
    }
    error.with(|details| {
        details.kind = ErrorKind::AuthFailed;
        details.message = format!("sign-in failed: {}", details.message);
    })
}

#[derive(Deserialize)]
struct Answer {
    access_token: SecretString,
    refresh_token: SecretString,
    #[serde(deserialize_with = "seconds")]
    expires_in: u64,
}

/// Reads a 2xx answer to what was `asked` then. Its body never goes into an error: it may hold tokens.
pub(crate) fn read(
    answer: Incoming,
    redaction: &Redaction,
    generation: u64,
    asked: Moment,
) -> Result<(Token, SecretString)> {
    let request_id = answer.request_id(redaction);
    let foreign = not_json::foreign_type(&answer.headers, redaction);
    let foreign = foreign.map_or_else(String::new, |kind| format!("; its Content-Type is {kind}"));
    let body = Zeroizing::new(answer.body);
    let unusable = |why: String| {
        Error::new(ErrorKind::BadResponse, format!("the token endpoint's answer cannot be used: {why}{foreign}")).with(
            |details| {
                details.http_status = Some(answer.status);
                details.request_id.clone_from(&request_id);
                details.method = Some("POST");
                details.url = Some(PATH.into());
                details.attempts = 1;
                details.sent = true;
            },
        )
    };
    // serde would take a list for the fields in their order.
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err(unusable("it is no JSON object".into()));
    }
    let parsed: Answer = serde_json::from_slice(&body).map_err(|error| unusable(reason(&error)))?;
    for (name, token) in [("access_token", &parsed.access_token), ("refresh_token", &parsed.refresh_token)] {
        if token.expose_secret().is_empty() {
            return Err(unusable(format!("{name} is empty")));
        }
        if token.expose_secret().len() > MAX_SECRET_LEN {
            return Err(unusable(format!("{name} is longer than {MAX_SECRET_LEN} bytes")));
        }
    }
    let token = Token::new(parsed.access_token, generation, Duration::from_secs(parsed.expires_in), asked);
    if token.header().is_none() {
        return Err(unusable("access_token has characters that no header has".into()));
    }
    Ok((token, parsed.refresh_token))
}

/// serde quotes the value that it did not expect, and the value may be a token: only what says no value is let through.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if text.starts_with("missing field") {
        return text;
    }
    match error.classify() {
        serde_json::error::Category::Data => {
            format!("a field is not of its type (line {}, column {})", error.line(), error.column())
        }
        _ => "it is no JSON object".into(),
    }
}

/// As the Python client takes it: an integer, a float that is one, or a text that is one. A time that is over is 0.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<u64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Seconds {
        Whole(i64),
        Float(f64),
        Text(String),
    }
    let wrong = || serde::de::Error::custom("expires_in");
    let whole = match Seconds::deserialize(deserializer)? {
        Seconds::Whole(seconds) => seconds,
        #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and in range")]
        Seconds::Float(seconds) if seconds.fract() == 0.0 && seconds.abs() < 1e15 => seconds as i64,
        Seconds::Float(_) => return Err(wrong()),
        Seconds::Text(text) => records::int_from_text(text.as_bytes()).ok_or_else(wrong)?,
    };
    Ok(u64::try_from(whole).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &str) -> Result<(Token, SecretString)> {
        let incoming = Incoming { status: 200, headers: HeaderMap::new(), body: body.as_bytes().to_vec(), reuse: None };
        read(incoming, &Redaction::default(), 0, Moment::now())
    }

    #[test]
    fn seconds_come_in_three_forms() {
        for seconds in ["3600", "3600.0", "\"3600\"", "\" 3600 \"", "\"3600.0\""] {
            let body = format!(r#"{{"access_token":"a","refresh_token":"r","expires_in":{seconds},"more":1}}"#);
            assert!(answer(&body).is_ok(), "{seconds}");
        }
        for seconds in ["null", "3600.5", "\"x\"", "[]", "1e300"] {
            let body = format!(r#"{{"access_token":"a","refresh_token":"r","expires_in":{seconds}}}"#);
            assert_eq!(answer(&body).expect_err(seconds).kind(), ErrorKind::BadResponse);
        }
    }

    #[test]
    fn an_unusable_answer_names_the_field_and_shows_no_token() {
        let cases = [
            (r#"{"access_token":"canary-1","expires_in":1}"#, "missing field `refresh_token`"),
            (r#"{"access_token":"canary-1","refresh_token":7,"expires_in":1}"#, "a field is not of its type"),
            (
                r#"{"access_token":"canary-1","refresh_token":"canary-2","expires_in":"canary-3"}"#,
                "a field is not of its type",
            ),
            (r#"{"access_token":"canary-1\n","refresh_token":"r","expires_in":1}"#, "access_token has characters"),
            (r#"{"access_token":"","refresh_token":"r","expires_in":1}"#, "access_token is empty"),
            (r#"{"access_token":"canary-1","#, "no JSON object"),
            ("<html>canary</html>", "no JSON object"),
            ("", "no JSON object"),
            (r#"["canary-1","canary-2",3600]"#, "no JSON object"),
        ];
        for (body, expected) in cases {
            let error = answer(body).expect_err(body);
            assert!(error.to_string().contains(expected), "{error}");
            assert!(!format!("{error:?}").contains("canary"), "{error:?}");
        }
    }

    /// Red without a limit: both are taken, of whatever length.
    #[test]
    fn a_token_over_the_limit_is_refused_by_name() {
        let most = "t".repeat(MAX_SECRET_LEN);
        let of = |access: &str, refresh: &str| {
            answer(&format!(r#"{{"access_token":"{access}","refresh_token":"{refresh}","expires_in":1}}"#))
        };
        assert!(of(&most, &most).is_ok());
        let longer = format!("{most}t");
        for (access, refresh, name) in [(&longer, &most, "access_token"), (&most, &longer, "refresh_token")] {
            let error = of(access, refresh).expect_err(name);
            assert_eq!(error.kind(), ErrorKind::BadResponse);
            assert!(error.to_string().ends_with(&format!("{name} is longer than 16384 bytes")), "{error}");
        }
    }

    #[test]
    fn the_form_is_encoded_as_a_browser_does() {
        let form = client_credentials("my-client-id", &"my secret+/=&é".to_owned().into());
        let expected = "grant_type=client_credentials&client_id=my-client-id&client_secret=my+secret%2B%2F%3D%26%C3%A9";
        assert_eq!(&form.0[..], expected.as_bytes());
    }
}
