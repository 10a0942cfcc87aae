//! Data that replaces generated data: one workspace or several, read from JSON and checked.

use std::io;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::config::MAX_EVENTS;
use crate::json_object::{Object, expected, join, read_fields, read_list, read_object};
use crate::record_check::{check_events, check_groups, check_members, check_user_ids, check_workspace};
use crate::snapshot::{self, Snapshot};

const MAX_WORKSPACES: usize = 1000;
const PARTS: [&str; 6] = ["workspace", "clients", "members", "groups", "events", "unchecked"];

/// Records to serve: one workspace or several, each with its clients. The README of the emulator describes the JSON.
///
/// ```
/// use kal_emulator::{Config, Data, Emulator};
///
/// let data = Data::parse(br#"{"workspace": {"id": "w"}, "members": [{"id": "m", "email": null}]}"#)?;
/// let emulator = Emulator::start(Config { data: Some(data), ..Config::default() })?;
///
/// let why = Data::parse(br#"{"members": [{"id": "m", "email": 7}]}"#).expect_err("a number is no email");
/// assert_eq!(why.to_string(), "members[0].email: expected a string or null, found the number 7");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Data(pub(crate) Contents);

#[derive(Debug, Clone)]
pub(crate) enum Contents {
    /// Parts of one workspace.
    One(Box<Parts>),
    /// All workspaces.
    All(Vec<Parts>),
    Snapshot(Box<Snapshot>),
}

/// The parts of a workspace that are given.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parts {
    pub(crate) clients: Option<Vec<ApiClient>>,
    pub(crate) workspace: Option<Box<RawValue>>,
    pub(crate) members: Option<Box<RawValue>>,
    pub(crate) groups: Option<Box<RawValue>>,
    pub(crate) events: Option<Vec<Box<RawValue>>>,
    /// Any JSON is allowed.
    pub(crate) unchecked: bool,
}

/// Credentials that the token endpoint accepts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApiClient {
    pub(crate) id: String,
    pub(crate) secret: String,
    /// Lifetime of its access tokens in seconds, if it is not that of the options.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires_in: Option<u64>,
}

impl Data {
    /// Reads JSON. A byte order mark before it is ignored.
    ///
    /// # Errors
    ///
    /// `InvalidData`, with the place of what is not valid, such as `members[3].email`.
    pub fn parse(text: &[u8]) -> io::Result<Self> {
        Self::read_text(text).map_err(invalid)
    }

    /// The same from a [`Value`].
    ///
    /// # Errors
    ///
    /// As for [`parse`](Self::parse).
    pub fn from_json(value: &Value) -> io::Result<Self> {
        Self::parse(value.to_string().as_bytes())
    }

    pub(crate) fn read_text(text: &[u8]) -> Result<Self, String> {
        let document = read_document(text)?;
        if snapshot::is_snapshot(document) {
            return Ok(Self(Contents::Snapshot(Box::new(Snapshot::read(document)?))));
        }
        let keys = read_object(document, "", &[&["workspaces"], &PARTS[..]].concat())?;
        let Some((_, list)) = keys.0.iter().find(|(name, _)| name == "workspaces") else {
            return Ok(Self(Contents::One(Box::new(Parts::read(keys, "", false)?))));
        };
        let mut unchecked = false;
        for (name, value) in &keys.0 {
            match name.as_str() {
                "workspaces" => {}
                "unchecked" => unchecked = read_flag(value)?,
                _ => return Err(format!("{name} belongs into an item of workspaces when there is such a list")),
            }
        }
        let list = read_list(list, "workspaces", MAX_WORKSPACES)?;
        if list.is_empty() {
            return Err("workspaces is empty, expected at least one".into());
        }
        let read = |(index, item): (usize, &&RawValue)| {
            let at = format!("workspaces[{index}]");
            let parts = Parts::read(read_object(item, &at, &PARTS[..5])?, &at, unchecked)?;
            parts.check_complete(&at)?;
            Ok(parts)
        };
        let all = list.iter().enumerate().map(read).collect::<Result<_, String>>()?;
        Ok(Self(Contents::All(all)))
    }
}

pub(crate) fn invalid(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

/// The JSON in the body of a request or in a file.
pub(crate) fn read_document(text: &[u8]) -> Result<&RawValue, String> {
    // Windows' editors write it.
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    if text.trim_ascii().is_empty() {
        return Err("it is empty, expected a JSON object".into());
    }
    serde_json::from_slice(text).map_err(|why| format!("not valid JSON: {why}"))
}

fn read_flag(value: &RawValue) -> Result<bool, String> {
    serde_json::from_str(value.get()).map_err(|_| expected("unchecked", "true or false", value))
}

impl Parts {
    fn read(keys: Object<'_>, at: &str, unchecked: bool) -> Result<Self, String> {
        let mut parts = Self { unchecked, ..Self::default() };
        let (mut members, mut events) = (None, None);
        for (name, value) in keys.0 {
            let owned = Some(value.to_owned());
            match name.as_str() {
                "clients" => parts.clients = Some(read_clients(value, &join(at, "clients"))?),
                "workspace" => parts.workspace = owned,
                "members" => parts.members = owned,
                "groups" => parts.groups = owned,
                "events" => events = Some(value),
                _ => parts.unchecked = read_flag(value)?,
            }
        }
        if let Some(events) = events {
            let at = join(at, "events");
            if !parts.unchecked {
                check_events(events, &at)?;
            }
            parts.events = Some(read_list(events, &at, MAX_EVENTS)?.into_iter().map(ToOwned::to_owned).collect());
        }
        if parts.unchecked {
            return Ok(parts);
        }
        if let Some(workspace) = &parts.workspace {
            check_workspace(workspace, &join(at, "workspace"))?;
        }
        if let Some(list) = &parts.members {
            members = Some(check_members(list, &join(at, "members"))?);
        }
        if let Some(groups) = &parts.groups {
            let at = join(at, "groups");
            check_groups(groups, &at)?;
            if let Some(members) = members {
                check_user_ids(groups, &at, &members)?;
            }
        }
        Ok(parts)
    }

    /// Whether they are a whole workspace, of which only lists may be missing, since these may be empty.
    pub(crate) fn check_complete(&self, at: &str) -> Result<(), String> {
        if self.workspace.is_none() {
            return Err(format!("{} is missing", join(at, "workspace")));
        }
        match (&self.groups, &self.members) {
            (Some(groups), None) if !self.unchecked => check_user_ids(groups, &join(at, "groups"), &[].into()),
            _ => Ok(()),
        }
    }
}

fn read_clients(text: &RawValue, at: &str) -> Result<Vec<ApiClient>, String> {
    let list = read_list(text, at, MAX_WORKSPACES)?;
    if list.is_empty() {
        return Err(format!("{at} is empty, expected at least one"));
    }
    let read = |(index, item): (usize, &&RawValue)| {
        let at = format!("{at}[{index}]");
        let client: ApiClient = read_fields(item, &at)?;
        if client.id.is_empty() { Err(format!("{at}.id is empty")) } else { Ok(client) }
    };
    list.iter().enumerate().map(read).collect()
}
