//! `POST /auth/oauth/token`.

use std::collections::HashSet;

use hyper::StatusCode;
use hyper::http::request::Parts;
use serde_json::json;

use crate::answer::Answer;
use crate::state::{Granted, State};
use crate::tokens::RefreshError;
use crate::urlencoded;

pub(crate) const PATH: &str = "/auth/oauth/token";

/// The form, each field at most once.
struct Form(Vec<(String, String)>);

impl Form {
    fn read(parts: &Parts, body: &[u8]) -> Result<Self, Answer> {
        let content_type = parts.headers.get("content-type").and_then(|value| value.to_str().ok());
        let essence = content_type.unwrap_or("").split(';').next().unwrap_or("").trim();
        if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(invalid_request("the content type is not application/x-www-form-urlencoded"));
        }
        let text = std::str::from_utf8(body).map_err(|_| invalid_request("the form is not UTF-8"))?;
        let fields = urlencoded::parse(text).map_err(|why| invalid_request(&why.to_string()))?;
        let mut names = HashSet::new();
        for (name, _) in &fields {
            if !names.insert(name) {
                return Err(invalid_request(&format!("{name} is given more than once")));
            }
        }
        Ok(Self(fields))
    }

    fn field(&self, name: &str) -> Result<&str, Answer> {
        self.0
            .iter()
            .find(|(given, _)| given == name)
            .map(|(_, value)| value.as_str())
            .ok_or_else(|| invalid_request(&format!("{name} is missing")))
    }
}

pub(crate) fn answer(state: &State, parts: &Parts, body: &[u8]) -> Answer {
    grant(state, parts, body).unwrap_or_else(|error_response| error_response)
}

fn grant(state: &State, parts: &Parts, body: &[u8]) -> Result<Answer, Answer> {
    let form = Form::read(parts, body)?;
    match form.field("grant_type")? {
        "client_credentials" => {
            let (id, secret) = (form.field("client_id")?, form.field("client_secret")?);
            state.grant(id, secret).map(|granted| answer_with(&granted)).ok_or_else(|| {
                let message = "client id or client secret is wrong";
                error_response(StatusCode::UNAUTHORIZED, "invalid_client", message)
            })
        }
        "refresh_token" => {
            let refreshed = state.refresh(form.field("refresh_token")?);
            refreshed.map(|granted| answer_with(&granted)).map_err(|why| refresh_error(state, why))
        }
        other => {
            let message = format!("grant type {other:?} is not supported");
            Err(error_response(StatusCode::BAD_REQUEST, "unsupported_grant_type", &message))
        }
    }
}

fn refresh_error(state: &State, why: RefreshError) -> Answer {
    let message = match why {
        RefreshError::Unknown => "the refresh token is unknown",
        RefreshError::Reused => "the refresh token has already been used; all tokens of its grant are revoked",
        RefreshError::Revoked => "the refresh token is revoked",
    };
    if why == RefreshError::Reused {
        state.journal().count_reused_refresh_token();
    }
    error_response(StatusCode::BAD_REQUEST, "invalid_grant", message)
}

fn answer_with(granted: &Granted) -> Answer {
    Answer::json(
        StatusCode::OK,
        &json!({
            "access_token": granted.pair.access,
            "refresh_token": granted.pair.refresh,
            "expires_in": granted.expires_in,
            // Undocumented; clients must ignore it.
            "issued_for": { "audience": "kaleidoscope-api", "scopes": ["workspace", "events"] },
        }),
    )
    .header("cache-control", "no-store")
}

fn invalid_request(message: &str) -> Answer {
    error_response(StatusCode::BAD_REQUEST, "invalid_request", message)
}

fn error_response(status: StatusCode, error: &str, message: &str) -> Answer {
    Answer::json(status, &json!({ "error": error, "message": message }))
}
