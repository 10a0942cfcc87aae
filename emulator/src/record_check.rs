//! Whether records are such as the API returns: the types of their fields, their ids, and the members that groups name.

use std::collections::HashSet;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::config::{MAX_EVENTS, MAX_GROUPS, MAX_MEMBERS};
use crate::json_object::{Object, expected, join, read_list, read_open_object};
use crate::timestamp;

/// The type of a field. All but `Id` may be missing; `Texts` and `Attributes` may not be null.
#[derive(Clone, Copy)]
enum Kind {
    Id,
    Text,
    Texts,
    Flag,
    Integer,
    Date,
    Attributes,
}

type Fields = &'static [(&'static str, Kind)];

// Fields that are not listed are unknown to clients and may have any value.
const WORKSPACE: Fields = &[("id", Kind::Id), ("workspace_name", Kind::Text)];
const MEMBER: Fields = &[
    ("id", Kind::Id),
    ("full_name", Kind::Text),
    ("preferred_name", Kind::Text),
    ("access_level", Kind::Text),
    ("email", Kind::Text),
];
const GROUP: Fields = &[
    ("id", Kind::Id),
    ("group_name", Kind::Text),
    ("user_ids", Kind::Texts),
    ("program_ids", Kind::Texts),
    ("email", Kind::Text),
];
const EVENT: Fields = &[
    ("id", Kind::Id),
    ("full_name", Kind::Text),
    ("preferred_name", Kind::Text),
    ("is_bot", Kind::Flag),
    ("event_attrs", Kind::Attributes),
    ("created_at", Kind::Date),
    ("resource_id", Kind::Text),
    ("resource_type", Kind::Text),
    ("event_type", Kind::Text),
    ("event_type_version", Kind::Integer),
    ("event_user_id", Kind::Text),
    ("parent_bulk_event_id", Kind::Text),
    ("is_bulk", Kind::Flag),
];

pub(crate) fn check_workspace(text: &RawValue, at: &str) -> Result<(), String> {
    check_record(text, at, WORKSPACE).map(drop)
}

/// Checks a list of members and returns their ids.
pub(crate) fn check_members(text: &RawValue, at: &str) -> Result<HashSet<String>, String> {
    check_list(&read_list(text, at, MAX_MEMBERS)?, at, MEMBER)
}

/// Checks a list of groups, apart from the members that they name.
pub(crate) fn check_groups(text: &RawValue, at: &str) -> Result<(), String> {
    check_list(&read_list(text, at, MAX_GROUPS)?, at, GROUP).map(drop)
}

/// Checks a list of events and returns their ids.
pub(crate) fn check_events(text: &RawValue, at: &str) -> Result<HashSet<String>, String> {
    check_list(&read_list(text, at, MAX_EVENTS)?, at, EVENT)
}

/// Whether the members that groups name are there. The groups have been checked.
pub(crate) fn check_user_ids(groups: &RawValue, at: &str, members: &HashSet<String>) -> Result<(), String> {
    for (index, group) in read_list(groups, at, MAX_GROUPS)?.into_iter().enumerate() {
        let at = format!("{at}[{index}]");
        let Object(fields) = read_open_object(group, &at)?;
        let Some((_, users)) = fields.into_iter().find(|(name, _)| name == "user_ids") else {
            continue;
        };
        for (index, id) in read::<Vec<String>>(users).unwrap_or_default().iter().enumerate() {
            if !members.contains(id) {
                return Err(format!("{at}.user_ids[{index}]: no member has the id {id:?}"));
            }
        }
    }
    Ok(())
}

fn check_list(records: &[&RawValue], at: &str, fields: Fields) -> Result<HashSet<String>, String> {
    let mut ids = HashSet::with_capacity(records.len());
    for (index, record) in records.iter().enumerate() {
        let at = format!("{at}[{index}]");
        let id = check_record(record, &at, fields)?;
        if let Some(id) = ids.replace(id) {
            return Err(format!("{at}.id: {id:?} is the id of another one before it"));
        }
    }
    Ok(ids)
}

/// Returns the id.
fn check_record(record: &RawValue, at: &str, fields: Fields) -> Result<String, String> {
    let Object(given) = read_open_object(record, at)?;
    let mut id = None;
    for (name, value) in given {
        match fields.iter().find(|(known, _)| *known == name) {
            Some((_, Kind::Id)) => {
                let text = read::<String>(value).filter(|id| !id.is_empty());
                id = Some(text.ok_or_else(|| expected(&join(at, "id"), "a string that is not empty", value))?);
            }
            Some((_, kind)) => check_field(*kind, value).map_err(|what| expected(&join(at, &name), what, value))?,
            None => {}
        }
    }
    id.ok_or_else(|| format!("{at}: id is missing"))
}

/// Returns what is expected of a field that does not have it.
fn check_field(kind: Kind, value: &RawValue) -> Result<(), &'static str> {
    let fits = |fits: bool, what| if fits { Ok(()) } else { Err(what) };
    match kind {
        Kind::Texts => fits(read::<Vec<String>>(value).is_some(), "a list of strings"),
        Kind::Attributes => fits(value.get().starts_with('{'), "an object"),
        _ if value.get() == "null" => Ok(()),
        Kind::Id | Kind::Text => fits(read::<String>(value).is_some(), "a string or null"),
        Kind::Flag => fits(read::<bool>(value).is_some(), "a boolean or null"),
        Kind::Integer => fits(read::<i64>(value).is_some(), "an integer or null"),
        Kind::Date => {
            let instant = read::<String>(value).and_then(|text| timestamp::parse(&text));
            fits(instant.is_some(), "a date such as 2026-01-02T03:04:05Z, or null")
        }
    }
}

fn read<T: DeserializeOwned>(value: &RawValue) -> Option<T> {
    serde_json::from_str(value.get()).ok()
}
