//! `/__emulator/...`: faults, counts and data, for tests that control the emulator over HTTP.

use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::data::read_document;
use crate::data_requests;
use crate::fault::Fault;
use crate::json_object::{read_fields, read_list};
use crate::recorded::{requests, verify};
use crate::state::State;

/// Each request is compared with all of them.
const MAX_FAULTS: usize = 10_000;

pub(crate) const PREFIX: &str = "/__emulator/";

/// The admin requests: a name, what may follow it, and their methods.
fn methods(name: &str, rest: Option<&str>) -> Option<&'static [Method]> {
    Some(match (name, rest) {
        ("counts", None) => &[Method::GET],
        ("requests", None) | ("faults", Some(_)) => &[Method::GET, Method::DELETE],
        ("events", None) => &[Method::POST, Method::PUT, Method::DELETE],
        ("events", Some(_)) => &[Method::DELETE],
        ("snapshot", None) => &[Method::GET, Method::PUT],
        ("clock", None) => &[Method::GET, Method::PUT, Method::DELETE],
        ("faults", None) => &[Method::GET, Method::POST, Method::DELETE],
        ("verify" | "expire-tokens" | "revoke-refresh-tokens" | "data" | "reset", None) => &[Method::POST],
        _ => return None,
    })
}

/// Whether it restores a snapshot, which is as large as what was saved.
pub(crate) fn is_restore(parts: &Parts) -> bool {
    parts.method == Method::PUT && parts.uri.path().strip_prefix(PREFIX) == Some("snapshot")
}

pub(crate) fn answer(state: &State, parts: &Parts, body: &[u8]) -> Answer {
    let path = parts.uri.path().strip_prefix(PREFIX).unwrap_or("");
    let (name, rest) = path.split_once('/').map_or((path, None), |(name, rest)| (name, Some(rest)));
    let Some(allowed) = methods(name, rest) else {
        return Answer::error(StatusCode::NOT_FOUND, "not_found", "unknown admin request");
    };
    if !allowed.contains(&parts.method) {
        let allowed = allowed.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
        let message = format!("this admin request accepts only {allowed}");
        return Answer::error(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", &message).header("allow", &allowed);
    }
    let done = match (name, parts.method.as_str()) {
        ("counts", _) => return Answer::json(StatusCode::OK, &state.journal().counts()),
        ("requests", "GET") => match requests(state, parts.uri.query().unwrap_or("")) {
            Ok(answer) => return answer,
            Err(message) => Err(message),
        },
        ("requests", _) => {
            state.journal().clear_requests();
            Ok(json!({}))
        }
        ("verify", _) => return verify(state, body),
        ("faults", method) => match rest {
            Some(id) => return one_fault(state, method == "DELETE", id),
            // Not by way of a `Value`, which would not keep the JSON of a fault as it was written.
            None if method == "GET" => return Answer::json(StatusCode::OK, &state.faults().list()),
            None => faults(state, method, body),
        },
        ("data" | "events" | "snapshot" | "clock", _) => return data_requests::answer(state, parts, name, rest, body),
        ("expire-tokens", _) => {
            state.tokens().expire_access();
            Ok(json!({}))
        }
        ("revoke-refresh-tokens", _) => {
            state.tokens().revoke_refresh();
            Ok(json!({}))
        }
        _ => {
            state.reset();
            Ok(json!({}))
        }
    };
    done.map_or_else(
        |message| Answer::error(StatusCode::BAD_REQUEST, "bad_admin_request", &message),
        |result| Answer::json(StatusCode::OK, &result),
    )
}

/// A fault or a list of faults.
fn read_faults(body: &[u8]) -> Result<Vec<Fault>, String> {
    let text = read_document(body)?;
    if !text.get().starts_with('[') {
        return Ok(vec![read_fault(text, "")?]);
    }
    let list = read_list(text, "the list", MAX_FAULTS)?;
    list.iter().enumerate().map(|(index, item)| read_fault(item, &format!("[{index}]"))).collect()
}

fn read_fault(text: &RawValue, at: &str) -> Result<Fault, String> {
    let fault: Fault = read_fields(text, at)?;
    let at = if at.is_empty() { String::new() } else { format!("{at}: ") };
    fault.check().map_err(|why| format!("{at}{why}"))?;
    Ok(fault)
}

fn faults(state: &State, method: &str, body: &[u8]) -> Result<Value, String> {
    if method == "POST" {
        return add_faults(state, body);
    }
    state.faults().clear();
    Ok(json!({}))
}

fn add_faults(state: &State, body: &[u8]) -> Result<Value, String> {
    let faults = read_faults(body)?;
    let mut list = state.faults();
    let active = list.active();
    if active + faults.len() > MAX_FAULTS {
        return Err(format!("{active} faults are active already, the maximum is {MAX_FAULTS}: delete some, or reset"));
    }
    let ids: Vec<_> = faults.into_iter().map(|fault| list.add(fault)).collect();
    Ok(json!({ "added": ids.len(), "ids": ids }))
}

fn one_fault(state: &State, delete: bool, id: &str) -> Answer {
    let found = id.parse().ok().and_then(|id| {
        let mut list = state.faults();
        let found = list.list().into_iter().find(|listed| listed.id == id);
        if delete {
            list.remove(id);
        }
        found
    });
    match found {
        Some(listed) => Answer::json(StatusCode::OK, &listed),
        None => Answer::error(StatusCode::NOT_FOUND, "not_found", &format!("there is no fault {id}")),
    }
}
