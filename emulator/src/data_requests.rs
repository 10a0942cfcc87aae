//! `/__emulator/data`, `events`, `snapshot` and `clock`: the state that tests set.

use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::clock::{Clock, Setting};
use crate::data::{Data, read_document};
use crate::json_object::read_fields;
use crate::new_events::{Events, Refused};
use crate::snapshot::Snapshot;
use crate::state::State;
use crate::timestamp;
use crate::urlencoded;

pub(crate) fn answer(state: &State, parts: &Parts, name: &str, id: Option<&str>, body: &[u8]) -> Answer {
    let done = match (name, &parts.method) {
        ("clock", method) => clock(state.clock(), method, body).map_err(Refused::Request),
        ("snapshot", &Method::GET) => return Answer::json(StatusCode::OK, &state.snapshot()),
        ("snapshot", _) => restore(state, body).map_err(Refused::Record),
        (_, method) => match client(parts.uri.query().unwrap_or("")) {
            Err(message) => Err(Refused::Request(message)),
            Ok(client) => match (name, method, id) {
                ("data", ..) => Data::read_text(body)
                    .and_then(|data| state.set_data(client.as_deref(), &data))
                    .map_err(Refused::Record)
                    .map(|()| json!({})),
                (_, &Method::DELETE, Some(id)) => return remove_event(state, client.as_deref(), id),
                (_, &Method::DELETE, None) => remove_events(state, client.as_deref()).map_err(Refused::Request),
                _ => add_events(state, client.as_deref(), body, *method == Method::PUT),
            },
        },
    };
    match done {
        Ok(result) => Answer::json(StatusCode::OK, &result),
        Err(Refused::Request(message)) => Answer::error(StatusCode::BAD_REQUEST, "bad_admin_request", &message),
        Err(Refused::Record(message)) => Answer::error(StatusCode::UNPROCESSABLE_ENTITY, "invalid_data", &message),
    }
}

/// The client whose workspace is meant: `?client=ID`.
fn client(query: &str) -> Result<Option<String>, String> {
    let mut client = None;
    for (name, value) in urlencoded::parse(query).map_err(|why| format!("query: {why}"))? {
        if name != "client" {
            return Err(format!("unknown parameter {name}: use client"));
        }
        client = Some(value);
    }
    Ok(client)
}

fn restore(state: &State, body: &[u8]) -> Result<Value, String> {
    let snapshot = Snapshot::read(read_document(body)?)?;
    state.restore(&snapshot).map(|()| json!({}))
}

fn add_events(state: &State, client: Option<&str>, body: &[u8], replace: bool) -> Result<Value, Refused> {
    let events = Events::read(read_document(body).map_err(Refused::Request)?)?;
    let refused = match events {
        Events::Generated(_) => Refused::Request,
        Events::Given { .. } => Refused::Record,
    };
    let ids = state.change_events(client, |store, now| events.add(store, now, replace)).map_err(refused)?;
    Ok(json!({ "ids": ids }))
}

fn remove_events(state: &State, client: Option<&str>) -> Result<Value, String> {
    state.change_events(client, |store, _| {
        store.clear();
        Ok(json!({}))
    })
}

fn remove_event(state: &State, client: Option<&str>, id: &str) -> Answer {
    // A plus sign stands for itself in a path.
    let decoded = urlencoded::parse(&format!("id={}", id.replace('+', "%2B").replace('&', "%26")));
    let removed =
        decoded.map_err(|why| why.to_string()).and_then(|pairs| {
            let id = pairs.into_iter().next().map(|(_, id)| id).unwrap_or_default();
            state.change_events(client, |store, _| {
                if store.remove(&id) { Ok(()) } else { Err(format!("there is no event {id:?}")) }
            })
        });
    match removed {
        Ok(()) => Answer::json(StatusCode::OK, &json!({})),
        Err(message) => Answer::error(StatusCode::NOT_FOUND, "not_found", &message),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewTime {
    now: Option<String>,
    advance_ms: Option<u64>,
    real: Option<bool>,
}

fn clock(clock: &Clock, method: &Method, body: &[u8]) -> Result<Value, String> {
    if *method == Method::DELETE {
        clock.set(Setting::Offset(0))?;
    } else if *method == Method::PUT {
        let new: NewTime = read_fields(read_document(body)?, "")?;
        match (new.now, new.advance_ms, new.real) {
            (Some(now), None, None) => {
                let instant = timestamp::parse(&now)
                    .ok_or_else(|| format!("now: {now:?} is not a date of the years 0 to 9999"))?;
                clock.set(Setting::StoppedAt(instant))?;
            }
            (None, Some(millis), None) => clock.advance(millis)?,
            (None, None, Some(true)) => clock.set(Setting::Offset(0))?,
            _ => return Err(r#"expected one of "now", "advance_ms" and "real": true"#.into()),
        }
    }
    let setting = clock.setting();
    let is_stopped = matches!(setting, Setting::StoppedAt(_));
    Ok(json!({ "now": timestamp::offset_form(setting.now()), "stopped": is_stopped }))
}
