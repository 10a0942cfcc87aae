//! `/__emulator/...`: faults, counts and data, for tests that control the emulator over HTTP.

use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use serde_json::value::RawValue;

use crate::answer::Answer;
use crate::fault::Fault;
use crate::state::{Document, State};
use crate::timestamp;

pub(crate) const PREFIX: &str = "/__emulator/";

const MAX_NEW_EVENTS: usize = 1_000_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewEvents {
    count: Option<usize>,
    created_at: Option<String>,
    event_type: Option<String>,
    events: Option<Vec<Box<RawValue>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewData {
    workspace: Option<Box<RawValue>>,
    members: Option<Box<RawValue>>,
    groups: Option<Box<RawValue>>,
}

pub(crate) fn answer(state: &State, parts: &Parts, body: &[u8]) -> Answer {
    let name = parts.uri.path().strip_prefix(PREFIX).unwrap_or("");
    let allowed = match name {
        "counts" | "requests" => Method::GET,
        "faults" | "expire-tokens" | "revoke-refresh-tokens" | "events" | "data" | "reset" => Method::POST,
        _ => {
            return Answer::error(StatusCode::NOT_FOUND, "not_found", "unknown admin request");
        }
    };
    if parts.method != allowed {
        let message = format!("this admin request accepts only {allowed}");
        return Answer::error(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", &message)
            .header("allow", allowed.as_str());
    }
    let done = match name {
        "counts" => return Answer::json(StatusCode::OK, &state.journal().counts()),
        "requests" => return Answer::json(StatusCode::OK, &state.journal().requests()),
        "faults" => add_faults(state, body),
        "events" => append_events(state, body),
        "data" => replace_data(state, body),
        _ => {
            match name {
                "expire-tokens" => state.tokens().expire_access(),
                "revoke-refresh-tokens" => state.tokens().revoke_refresh(),
                _ => state.reset(),
            }
            Ok(json!({}))
        }
    };
    done.map_or_else(
        |message| Answer::error(StatusCode::BAD_REQUEST, "bad_admin_request", &message),
        |result| Answer::json(StatusCode::OK, &result),
    )
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|why| why.to_string())
}

/// A fault or a list of faults. Distinguished by hand, because an untagged enum of serde loses the error message.
fn read_faults(body: &[u8]) -> Result<Vec<Fault>, String> {
    if body.trim_ascii_start().starts_with(b"[") { read(body) } else { Ok(vec![read(body)?]) }
}

fn add_faults(state: &State, body: &[u8]) -> Result<serde_json::Value, String> {
    let faults = read_faults(body)?;
    for fault in &faults {
        fault.check()?;
    }
    let mut armed = state.faults();
    let count = faults.len();
    for fault in faults {
        armed.add(fault);
    }
    Ok(json!({ "added": count }))
}

fn append_events(state: &State, body: &[u8]) -> Result<serde_json::Value, String> {
    let wanted: NewEvents = read(body)?;
    if let Some(raw) = &wanted.events {
        if wanted.count.is_some() || wanted.created_at.is_some() || wanted.event_type.is_some() {
            return Err("`events` cannot be combined with other fields".into());
        }
        return Ok(json!({ "ids": state.append_raw_events(raw) }));
    }
    let count = wanted.count.ok_or("`count` or `events` is required")?;
    if count > MAX_NEW_EVENTS {
        return Err(format!("count is {count}, the maximum is {MAX_NEW_EVENTS}"));
    }
    let created_at = match wanted.created_at.as_deref() {
        Some(text) => Some(timestamp::parse(text).ok_or_else(|| format!("created_at {text:?} is not a date"))?),
        None => None,
    };
    Ok(json!({ "ids": state.append_events(count, created_at, wanted.event_type.as_deref()) }))
}

fn replace_data(state: &State, body: &[u8]) -> Result<serde_json::Value, String> {
    let new: NewData = read(body)?;
    let documents =
        [(Document::Workspace, new.workspace), (Document::Members, new.members), (Document::Groups, new.groups)];
    for (document, text) in documents {
        if let Some(text) = text {
            state.replace(document, text.get());
        }
    }
    Ok(json!({}))
}
