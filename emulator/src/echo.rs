//! `/echo`: accepts any verb and returns the request, for endpoints that the emulator does not implement.

use std::collections::BTreeMap;

use hyper::StatusCode;
use hyper::http::request::Parts;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::answer::{Answer, AnswerBody};
use crate::urlencoded;

pub(crate) const PATH: &str = "/echo";
/// The headers in the answer; none of them contains a secret.
const HEADERS: [&str; 5] = ["accept", "accept-encoding", "content-length", "content-type", "user-agent"];

#[derive(Serialize)]
struct Echo<'a> {
    verb: &'a str,
    path: &'a str,
    query: &'a [(String, String)],
    headers: BTreeMap<&'a str, &'a str>,
    body: Option<&'a RawValue>,
}

pub(crate) fn is_echo(path: &str) -> bool {
    path.strip_prefix(PATH).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

pub(crate) fn answer(parts: &Parts, body: &[u8]) -> Answer {
    let unprocessable = |message: &str| Answer::error(StatusCode::UNPROCESSABLE_ENTITY, "invalid", message);
    let query = match urlencoded::parse(parts.uri.query().unwrap_or("")) {
        Ok(query) => query,
        Err(why) => return unprocessable(&format!("query: {why}")),
    };
    let body = match body {
        // As the framework of the service does: an empty body is not valid JSON.
        b"" if parts.method != hyper::Method::GET => return unprocessable("body: empty, expected JSON"),
        b"" => None,
        body => match serde_json::from_slice(body) {
            Ok(body) => Some(body),
            Err(why) => return unprocessable(&format!("body: {why}")),
        },
    };
    let status = query.iter().find_map(|(name, value)| (name == "status").then_some(value));
    let status = status.map_or(Ok(StatusCode::OK), |status| status.parse());
    let Some(status) = status.ok().filter(|status| !status.is_informational()) else {
        return unprocessable("status: expected a number from 200 to 999");
    };
    if matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        return Answer::new(status, AnswerBody::Empty);
    }
    let header = |name| Some((name, parts.headers.get(name)?.to_str().ok()?));
    Answer::json(
        status,
        &Echo {
            verb: parts.method.as_str(),
            path: parts.uri.path(),
            query: &query,
            headers: HEADERS.into_iter().filter_map(header).collect(),
            body,
        },
    )
}
