//! The routes of the API, and authorization.

use std::sync::Arc;

use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use serde_json::json;

use crate::answer::Answer;
use crate::state::State;
use crate::workspace::Document;
use crate::{echo, token_endpoint};

enum Route {
    Token,
    Document(Document),
    Events,
    Echo,
}

fn route(path: &str) -> Option<Route> {
    Some(match path {
        token_endpoint::PATH => Route::Token,
        "/workspaces/active" => Route::Document(Document::Workspace),
        "/workspaces/members" => Route::Document(Document::Members),
        "/workspaces/groups" => Route::Document(Document::Groups),
        "/workspaces/events" => Route::Events,
        path if echo::is_echo(path) => Route::Echo,
        _ => return None,
    })
}

pub(crate) fn answer(state: &State, parts: &Parts, body: &[u8]) -> Answer {
    // The proxy is in front of the service, so it is checked before the path.
    if let Some(refusal) = refusal_of_proxy(state, parts) {
        return refusal;
    }
    let path = parts.uri.path();
    let Some(route) = route(path) else {
        return not_here(parts.method.as_str(), path);
    };
    let allowed = if matches!(route, Route::Token) { Method::POST } else { Method::GET };
    if parts.method != allowed && !matches!(route, Route::Echo) {
        let message = format!("{path} accepts only {allowed}");
        return Answer::error(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", &message)
            .header("allow", allowed.as_str());
    }
    if matches!(route, Route::Token) {
        return token_endpoint::answer(state, parts, body);
    }
    let Some(client) = client_of(state, parts) else {
        return unauthorized();
    };
    // A client that is removed meanwhile has no workspace.
    match route {
        Route::Document(document) => state.document(&client, document).map_or_else(unauthorized, Answer::rendered),
        Route::Echo => echo::answer(parts, body),
        _ => match state.events(&client, parts.uri.query().unwrap_or("")) {
            Some(Ok(page)) => Answer::rendered(page),
            Some(Err(error_response)) => error_response,
            None => unauthorized(),
        },
    }
}

/// The answer to a request that reaches no endpoint: the proxy refuses it, or it has no valid access token.
pub(crate) fn refusal(state: &State, parts: &Parts) -> Option<Answer> {
    refusal_of_proxy(state, parts).or_else(|| client_of(state, parts).is_none().then(unauthorized))
}

fn refusal_of_proxy(state: &State, parts: &Parts) -> Option<Answer> {
    let wanted = state.config.iap_token.as_deref()?;
    if bearer(parts, "authorization") == Some(wanted) {
        return None;
    }
    let message = "the request has no valid token for the Identity-Aware Proxy";
    let answer = Answer::error(StatusCode::UNAUTHORIZED, "iap_required", message);
    Some(answer.header("x-goog-iap-generated-response", "true"))
}

/// The client that the request's access token is valid for.
fn client_of(state: &State, parts: &Parts) -> Option<Arc<str>> {
    bearer(parts, "x-kal-authorization").and_then(|token| state.client_of(token))
}

fn unauthorized() -> Answer {
    let message = "the access token is missing, unknown, expired or revoked";
    Answer::error(StatusCode::UNAUTHORIZED, "unauthorized", message)
}

/// The platform's other services, by the first segment of their paths.
const NOT_EMULATED: [&str; 17] = [
    "activities",
    "activity_definitions",
    "activity_labels",
    "dashboards",
    "data_fields",
    "entity_slices",
    "files",
    "imports",
    "key_fields",
    "operations",
    "programs",
    "properties",
    "property_fields",
    "push",
    "record_view_templates",
    "record_views",
    "records",
];

fn not_here(method: &str, path: &str) -> Answer {
    let service = path.split('/').nth(1).unwrap_or("");
    if !NOT_EMULATED.contains(&service) {
        return Answer::error(StatusCode::NOT_FOUND, "not_found", &format!("{path} does not exist"));
    }
    let message = format!(
        "{method} {path} is not emulated; script its answer: POST /__emulator/faults {}",
        json!({ "path": path, "method": method, "times": 0, "signed_in": true, "json": [] })
    );
    Answer::error(StatusCode::NOT_IMPLEMENTED, "not_emulated", &message)
}

fn bearer<'a>(parts: &'a Parts, header: &str) -> Option<&'a str> {
    parts.headers.get(header)?.to_str().ok()?.strip_prefix("Bearer ")
}
